//! Random steps of two tabs, against a naive model of the contract: every answer, every tick,
//! everything that can be read in the end.

use std::{collections::BTreeMap, rc::Rc};

use longwait::{
    Result,
    model::{
        event::{AppendResult, ProcessEvent},
        grant::HandleGrant,
        lease::{LeaseClaim, LeaseOwner, ProcessLease},
        process::ProcessRecord,
    },
    store::{EventRange, Live},
};
use serde_json::{Value, json};

use crate::support::{AsJson, Place, START, World, after, ids, made, scope, sequences};

pub mod model;
pub mod steps;

use model::{Model, life, scope_id};
use steps::{IDS, LeaseRef, SCOPES, Step, Tampered, What, registration};

/// Does the steps on a fresh place and on the model. Gives the first difference.
pub async fn compare(place: Rc<dyn Place>, steps: &[Step]) -> std::result::Result<(), String> {
    let mut tabs = Tabs::open(place.clone()).await;
    let mut model = Model::new(START);
    let mut outcome = Ok(());
    for (number, step) in steps.iter().enumerate() {
        let (real, expected) = (tabs.perform(step).await, model.perform(step));
        let heard = tabs.heard(step.tab);
        let differs = real != expected || heard != (model.ticked.clone(), model.shown.clone());
        if differs {
            let told = (&model.ticked, &model.shown);
            outcome = Err(format!(
                "step {number}, {step:?}:\n answered {real}\n expected {expected}\n told {heard:?}\n expected {told:?}"
            ));
            break;
        }
    }
    if outcome.is_ok() {
        outcome = tabs.differs_from(&model).await;
    }
    tabs.close();
    place.remove().await;
    outcome
}

/// Two tabs over one place, and what they got from it.
struct Tabs {
    tabs: [World; 2],
    /// How many events each tab's sink was shown so far.
    shown: [usize; 2],
    acquired: Vec<ProcessLease>,
    /// What a reader of the change feed knows, and where it is.
    mirror: BTreeMap<String, Value>,
    cursor: u64,
    wakes: BTreeMap<(String, String), String>,
}

impl Tabs {
    async fn open(place: Rc<dyn Place>) -> Self {
        let first = World::new(place).await;
        let second = first.another().await;
        Self {
            tabs: [first, second],
            shown: [0; 2],
            acquired: Vec::new(),
            mirror: BTreeMap::new(),
            cursor: 0,
            wakes: BTreeMap::new(),
        }
    }

    fn close(self) {
        for tab in self.tabs {
            tab.registry.close();
        }
    }

    /// What a tab was ticked and shown by its last step.
    fn heard(&mut self, tab: usize) -> (Vec<String>, Vec<(String, u64)>) {
        let shown = self.tabs[tab].sink.shown();
        let earlier = std::mem::replace(&mut self.shown[tab], shown.len());
        (self.tabs[tab].ticked(), shown[earlier..].to_vec())
    }

    async fn perform(&mut self, step: &Step) -> Value {
        match self.reply(&self.tabs[step.tab].registry.clone(), step).await {
            Ok(reply) => reply,
            Err(fault) => json!({"error": fault.code().as_str()}),
        }
    }

    async fn reply(&mut self, registry: &longwait::ProcessRegistry, step: &Step) -> Result<Value> {
        let world = &self.tabs[step.tab];
        Ok(match &step.what {
            What::Register { id, variant } => record(&world.register(registration(id, *variant)).await?),
            What::Append { id, event_type, payload, key, target, lease } => {
                let mut request = json!({"eventType": event_type, "payload": payload});
                if let Some(key) = key {
                    request["replayKey"] = json!(key);
                }
                if let Some(target) = target {
                    request["wakeTargetScope"] = scope(target).json();
                }
                if let Some(lease) = lease {
                    request["lease"] = self.lease(*lease).json();
                }
                let appended = world.append(id, request).await?;
                self.appended(appended)
            }
            What::Complete { id, output } => record(&world.complete(id, output.clone()).await?),
            What::CompleteLeased { lease, output } => {
                record(&world.complete_leased(&self.lease(*lease), output.clone()).await?)
            }
            What::Cancel { id, reason } => {
                let appended = registry.request_cancel(&(*id).into(), *reason).await?;
                self.appended(appended)
            }
            What::Wait { id, number } => {
                let wait = json!({
                    "kind": "signal", "name": "n", "eventType": "note", "key": "k", "ordinal": number, "sinceMs": 0
                });
                record(&registry.set_wait(&(*id).into(), made(wait)).await?)
            }
            What::ClearWait { id } => record(&registry.clear_wait(&(*id).into()).await?),
            What::Refer { id, number } => {
                let external_ref = json!({"backend": "b", "id": "i", "metadata": number});
                record(&registry.set_external_ref(&(*id).into(), made(external_ref)).await?)
            }
            What::Ack { id, sequence } => registry.ack_wake(&(*id).into(), *sequence).await?.json(),
            What::Grant { scope: to, id, label } => {
                let descriptor = made(json!({"label": label.to_string()}));
                grant(&registry.grant(scope(to), &(*id).into(), descriptor).await?)
            }
            What::Revoke { scope: from, id } => registry.revoke(scope(from), &(*id).into()).await?.json(),
            What::Transfer { from, to, ids } => {
                let ids = ids.iter().map(|id| (*id).into()).collect();
                registry.transfer(scope(from), scope(to), ids).await?.json()
            }
            What::DeleteSession { session } => registry.delete_session(&(*session).into()).await?.json(),
            What::Claim { id, owner, ttl } => {
                let claim = registry.claim(&(*id).into(), one(*owner), *ttl).await?;
                self.claimed(claim)
            }
            What::Reclaim { lease, owner, ttl } => {
                let claim = registry.reclaim(self.lease(*lease), one(*owner), *ttl).await?;
                self.claimed(claim)
            }
            What::Renew { lease, ttl } => {
                let renewed = registry.renew(self.lease(*lease), *ttl).await?;
                self.shown(&renewed)
            }
            What::Release { lease } => {
                let lease = self.lease(*lease);
                registry.release(&lease.process_id, lease.lease_token).await?.json()
            }
            What::Kill { owner } => {
                world.killed.kill(life(*owner));
                Value::Null
            }
            What::Prune { age } => {
                let cutoff = longwait::host::Clock::now(&world.clock) - age;
                registry.prune(cutoff).await?.json()
            }
            What::Advance { span } => {
                world.clock.advance(*span);
                Value::Null
            }
            What::Follow { limit } => {
                self.follow(Some(*limit)).await;
                Value::Null
            }
        })
    }

    /// The lease that the model means too.
    fn lease(&self, at: LeaseRef) -> ProcessLease {
        let nobodys = json!({
            "processId": "a", "owner": one(0).json(), "leaseToken": "nobody's", "fencingToken": 1,
            "claimedAtMs": 0, "expiresAtMs": 9_007_199_254_740_991_u64,
        });
        let found = self.acquired.get(at.index % (self.acquired.len() + 1)).cloned();
        let lease = found.unwrap_or_else(|| made(nobodys));
        match at.tampered {
            None => lease,
            Some(Tampered::Fence) => ProcessLease { fencing_token: lease.fencing_token + 1, ..lease },
            Some(Tampered::Token) => ProcessLease { lease_token: "tampered".into(), ..lease },
            Some(Tampered::LivenessLock) => {
                let owner = LeaseOwner { incarnation_id: "tampered".into(), ..lease.owner };
                ProcessLease { owner, ..lease }
            }
        }
    }

    fn claimed(&mut self, claim: LeaseClaim) -> Value {
        match claim {
            LeaseClaim::Acquired { lease } => {
                if !self.acquired.iter().any(|known| known.lease_token == lease.lease_token) {
                    self.acquired.push(lease.clone());
                }
                json!({"outcome": "acquired", "lease": self.shown(&lease)})
            }
            LeaseClaim::Busy { holder } => json!({"outcome": "busy", "holder": self.shown(&holder)}),
        }
    }

    /// A lease whose token is told by when it was acquired.
    fn shown(&self, lease: &ProcessLease) -> Value {
        let place = self.acquired.iter().position(|known| known.lease_token == lease.lease_token);
        json!({
            "processId": lease.process_id.json(),
            "life": lease.owner.incarnation_id,
            "token": place.map(|place| format!("token {place}")),
            "fencingToken": lease.fencing_token,
            "claimedAtMs": lease.claimed_at_ms,
            "expiresAtMs": lease.expires_at_ms,
        })
    }

    fn appended(&mut self, appended: AppendResult) -> Value {
        let mut reply = json!({"event": event(&appended.event), "replayed": appended.replayed});
        if let Some(delivery) = &appended.wake_delivery {
            let (scope, dedupe_key) = (delivery.target_scope_id.to_string(), delivery.dedupe_key.clone());
            reply["delivery"] = json!({"scope": scope, "dedupeKey": dedupe_key, "input": delivery.input});
            // One id for each target and dedupe key, and never the same for two.
            let id = delivery.wake_id.clone();
            let known = self.wakes.entry((scope, dedupe_key)).or_insert(id.clone());
            if *known != id || self.wakes.values().filter(|known| **known == id).count() != 1 {
                reply["delivery"]["wakeId"] = json!(id);
            }
        }
        reply
    }

    async fn follow(&mut self, limit: Option<u64>) {
        let changes = self.tabs[0].changes(self.cursor, limit).await;
        for changed in &changes.records {
            self.mirror.insert(changed.id().to_string(), record(changed));
        }
        for id in &changes.removed {
            self.mirror.remove(&**id);
        }
        self.cursor = changes.cursor.number;
    }

    /// Compares everything that can be read in either tab.
    async fn differs_from(&mut self, model: &Model) -> std::result::Result<(), String> {
        let expected = model.picture();
        for tab in &self.tabs {
            let picture = self.picture(tab).await;
            if picture != expected {
                return Err(format!("in the end:\n there is {picture}\n expected {expected}"));
            }
        }
        self.follow(None).await;
        match self.mirror == model.records() {
            true => Ok(()),
            false => Err(format!("the feed gave {:?}\n expected {:?}", self.mirror, model.records())),
        }
    }

    async fn picture(&self, world: &World) -> Value {
        let (mut processes, mut scopes, mut lists) = (Vec::new(), Vec::new(), Vec::new());
        for id in IDS {
            processes.push(self.picture_of(world, id).await);
        }
        for name in SCOPES {
            scopes.push([world.granted(name, Live::Any).await, world.granted(name, Live::Only).await]);
        }
        for filter in filters() {
            let listed = world.list(filter.clone()).await;
            assert_eq!(world.registry.count(&made(filter)).await.unwrap(), listed.len() as u64, "a list and its count");
            lists.push(listed);
        }
        let changes = world.changes(0, None).await;
        let feed = json!({"records": ids(&changes.records), "removed": changes.removed.json()});
        json!({"processes": processes, "scopes": scopes, "lists": lists, "feed": feed})
    }

    async fn picture_of(&self, world: &World, name: &str) -> Value {
        let id = name.into();
        let lease = world.registry.lease(&id).await.unwrap().map(|lease| self.shown(&lease));
        let Some(found) = world.registry.process(&id).await.unwrap() else { return json!({"lease": lease}) };
        let events = async |range| -> Vec<Value> {
            world.events(name, range).await.unwrap().iter().map(|found| event(found)).collect()
        };
        let notes = EventRange::After { after: 0, limit: None, types: Some(vec!["note".into()]) };
        let count = async |name| world.registry.count_events(&id, name, 3).await.unwrap();
        let grants = world.registry.grants_of_process(&id).await.unwrap();
        json!({
            "record": record(&found),
            "recent": events(EventRange::Last(2)).await,
            "log": events(after(0)).await,
            "notes": sequences(&world.events(name, notes).await.unwrap()),
            "counts": [count("note").await, count("ring").await],
            "unacked": world.unacked(name).await,
            "lease": lease,
            "grants": grants.iter().map(grant).collect::<Vec<_>>(),
        })
    }
}

/// An owner, as the model counts them.
fn one(owner: usize) -> LeaseOwner {
    let kind =
        if owner == 2 { json!({"kind": "opaque"}) } else { json!({"kind": "web_lock", "lockName": life(owner)}) };
    made(json!({"ownerId": "o", "incarnationId": life(owner), "liveness": kind}))
}

fn record(record: &ProcessRecord) -> Value {
    let record = record.json();
    let absent = &Value::Null;
    let target = &record["wakeTarget"];
    let name = match (target["sessionId"].as_str(), target["agentFrameId"].as_str()) {
        (Some(session), Some(frame)) => Some(format!("{session}/{frame}")),
        (session, _) => session.map(str::to_owned),
    };
    json!({
        "id": record["id"],
        "variant": record["envRef"].as_str().map(|variant| variant.parse::<usize>().unwrap()),
        "createdAtMs": record["createdAtMs"],
        "updatedAtMs": record["updatedAtMs"],
        "status": record["status"],
        "wait": record["wait"].get("ordinal").unwrap_or(absent),
        "externalRef": record["externalRef"].get("metadata").unwrap_or(absent),
        "wakeTarget": name.map(|name| scope_id(&name)),
    })
}

fn event(event: &ProcessEvent) -> Value {
    let event = event.json();
    json!({
        "sequence": event["sequence"],
        "eventType": event["eventType"],
        "payload": event["payload"],
        "terminal": event["semantics"]["terminal"],
        "wake": event["semantics"]["wake"],
        "occurredAtMs": event["occurredAtMs"],
    })
}

fn grant(grant: &HandleGrant) -> Value {
    let grant = grant.json();
    json!({
        "scopeId": grant["scopeId"],
        "sessionId": grant["sessionId"],
        "processId": grant["processId"],
        "label": grant["descriptor"]["label"],
    })
}

/// Every kind of filter, alone and together.
pub fn filters() -> Vec<Value> {
    let mut filters = Vec::new();
    for status in [json!(null), json!("completed"), json!("failed"), json!("cancelled"), json!("any")] {
        for waiting in [json!(null), json!(true), json!(false)] {
            for (kind, definition) in [
                (json!(null), json!(null)),
                (json!("k"), json!(null)),
                (json!("external"), json!(null)),
                (json!(null), json!({"v": 7})),
                (json!("k"), json!({"v": 7})),
            ] {
                let mut filter = json!({"status": status, "waiting": waiting, "kind": kind, "definition": definition});
                filter.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                filters.push(filter);
            }
        }
    }
    filters
}
