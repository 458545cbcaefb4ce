//! The contract's rules in the simplest words: lists that are searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::steps::{IDS, LeaseRef, SCOPES, Step, Tampered, What};

/// Everything that a registry should hold.
#[derive(Default)]
pub struct Model {
    pub now: u64,
    processes: BTreeMap<String, Process>,
    /// Every id that was ever changed, in the order of the last change.
    changed: Vec<String>,
    grants: BTreeMap<(String, String), u64>,
    fences: BTreeMap<String, u64>,
    /// How often each id was pruned.
    pruned: BTreeMap<String, u64>,
    leases: BTreeMap<String, Lease>,
    /// Every lease that was acquired, in order; its place is its token.
    acquired: Vec<Lease>,
    dead: BTreeSet<usize>,
    /// Ids that the last step ticked.
    pub ticked: Vec<String>,
    /// Events that the last step showed to the sink.
    pub shown: Vec<(String, u64)>,
}

#[derive(Clone)]
struct Process {
    variant: usize,
    created: u64,
    updated: u64,
    end: Option<Value>,
    wait: Option<u64>,
    external_ref: Option<u64>,
    target: Option<&'static str>,
    log: Vec<Event>,
    acked: BTreeSet<u64>,
}

#[derive(Clone)]
struct Event {
    event_type: String,
    payload: Value,
    key: Option<String>,
    terminal: Option<Value>,
    wake: Option<(String, String)>,
    at: u64,
}

#[derive(Clone, PartialEq)]
struct Lease {
    id: String,
    owner: usize,
    life: String,
    token: String,
    fence: u64,
    claimed: u64,
    expires: u64,
}

type Reply = Result<Value, &'static str>;

struct Append<'a> {
    event_type: &'a str,
    payload: &'a Value,
    key: Option<&'a str>,
    target: Option<&'static str>,
    lease: Option<Lease>,
    /// Rather than a completion or a cancel request by its own method.
    by_caller: bool,
}

impl Model {
    pub fn new(now: u64) -> Self {
        Self { now, ..Self::default() }
    }

    /// Does a step, and says what the registry should answer.
    pub fn perform(&mut self, step: &Step) -> Value {
        self.ticked.clear();
        self.shown.clear();
        match self.reply(&step.what) {
            Ok(reply) => reply,
            Err(code) => json!({"error": code}),
        }
    }

    fn reply(&mut self, what: &What) -> Reply {
        match what {
            What::Register { id, variant } => self.register(id, *variant),
            What::Append { id, event_type, payload, key, target, lease } => {
                let lease = lease.map(|lease| self.lease(lease));
                let append = Append { event_type, payload, key: *key, target: *target, lease, by_caller: true };
                self.shown_append(id, append)
            }
            What::Cancel { id, reason } => {
                let key = format!("cancel {reason:?}");
                let payload = json!({"reason": reason});
                let event_type = "process.cancel_requested";
                let (key, payload) = (Some(key.as_str()), &payload);
                let append = Append { event_type, payload, key, target: None, lease: None, by_caller: false };
                self.shown_append(id, append)
            }
            What::Complete { id, output } => self.complete(id, output, None),
            What::CompleteLeased { lease, output } => {
                let lease = self.lease(*lease);
                let id = lease.id.clone();
                let token = lease.token.clone();
                let record = self.complete(&id, output, Some(lease))?;
                self.release(&id, &token);
                Ok(record)
            }
            What::Wait { id, number } => {
                if self.known(id)?.end.is_some() {
                    return Err("already_terminal");
                }
                self.change(id, |process| process.wait = Some(*number));
                self.record(id)
            }
            What::ClearWait { id } => {
                if self.known(id)?.wait.is_some() {
                    self.change(id, |process| process.wait = None);
                }
                self.record(id)
            }
            What::Refer { id, number } => match self.known(id)?.external_ref {
                None => {
                    self.change(id, |process| process.external_ref = Some(*number));
                    self.record(id)
                }
                Some(stored) if stored == *number => self.record(id),
                Some(_) => Err("external_ref_conflict"),
            },
            What::Ack { id, sequence } => {
                self.known(id)?;
                let process = self.processes.get_mut(*id).unwrap();
                if *sequence <= process.log.len() as u64 {
                    process.acked.insert(*sequence);
                }
                Ok(Value::Null)
            }
            What::Grant { scope, id, label } => {
                self.known(id)?;
                self.grants.insert(((*scope).into(), (*id).into()), *label);
                Ok(self.grant(scope, id))
            }
            What::Revoke { scope, id } => {
                self.grants.remove(&((*scope).into(), (*id).into()));
                Ok(Value::Null)
            }
            What::Transfer { from, to, ids } => {
                if ids.iter().any(|id| !self.grants.contains_key(&((*from).into(), (*id).into()))) {
                    return Err("not_granted");
                }
                for id in ids {
                    let label = self.grants.remove(&((*from).into(), (*id).into())).unwrap();
                    self.grants.insert(((*to).into(), (*id).into()), label);
                }
                Ok(Value::Null)
            }
            What::DeleteSession { session } => Ok(self.delete_session(session)),
            What::Claim { id, owner, ttl } => self.claim(id, *owner, *ttl),
            What::Reclaim { lease, owner, ttl } => {
                let observed = self.lease(*lease);
                self.may_lease(&observed.id, *ttl)?;
                let holder = self.live(&observed.id);
                let proven = self.dead.contains(&observed.owner) && observed.life == life(observed.owner);
                if holder.is_some_and(|holder| same(&holder, &observed) && proven && holder.owner != 2) {
                    return Ok(self.acquire(&observed.id, *owner, *ttl));
                }
                self.claim(&observed.id, *owner, *ttl)
            }
            What::Renew { lease, ttl } => {
                let lease = self.lease(*lease);
                if *ttl == 0 {
                    return Err("invalid_argument");
                }
                self.require(&lease.id, &lease)?;
                let held = self.leases.get_mut(&lease.id).unwrap();
                held.expires = self.now + ttl;
                Ok(shown(held))
            }
            What::Release { lease } => {
                let lease = self.lease(*lease);
                self.release(&lease.id, &lease.token);
                Ok(Value::Null)
            }
            What::Kill { owner } => {
                self.dead.insert(*owner);
                Ok(Value::Null)
            }
            What::Prune { age } => Ok(self.prune(self.now - age)),
            What::Advance { span } => {
                self.now += span;
                Ok(Value::Null)
            }
            What::Follow { .. } => Ok(Value::Null),
        }
    }

    // ── Processes ──────────────────────────────────────────────────────────

    fn known(&self, id: &str) -> Result<&Process, &'static str> {
        self.processes.get(id).ok_or("unknown_process")
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Process)) {
        let process = self.processes.get_mut(id).unwrap();
        change(process);
        process.updated = self.now;
        self.touch(id);
    }

    fn touch(&mut self, id: &str) {
        self.changed.retain(|changed| changed != id);
        self.changed.push(id.into());
        self.ticked.push(id.into());
    }

    fn register(&mut self, id: &str, variant: usize) -> Reply {
        match self.processes.get(id) {
            Some(stored) if stored.variant != variant => return Err("registration_conflict"),
            Some(_) => {}
            None => {
                let process = Process {
                    variant,
                    created: self.now,
                    updated: self.now,
                    end: None,
                    wait: None,
                    external_ref: None,
                    target: [None, Some("s"), Some("t/g")][variant],
                    log: Vec::new(),
                    acked: BTreeSet::new(),
                };
                self.processes.insert(id.into(), process);
                self.touch(id);
            }
        }
        self.record(id)
    }

    /// The record as [`super::record`] shows it.
    fn record(&self, id: &str) -> Reply {
        let process = self.known(id)?;
        let running = json!({"state": "running"});
        Ok(json!({
            "id": id,
            "variant": process.variant,
            "createdAtMs": process.created,
            "updatedAtMs": process.updated,
            "status": process.end.clone().unwrap_or(running),
            "wait": process.wait,
            "externalRef": process.external_ref,
            "wakeTarget": process.target.map(scope_id),
        }))
    }

    fn prune(&mut self, cutoff: u64) -> Value {
        let old = |process: &&Process| process.end.is_some() && process.updated < cutoff;
        let mut pruned: Vec<_> =
            self.processes.iter().filter(|(_, process)| old(process)).map(|(id, p)| (p.updated, id.clone())).collect();
        pruned.sort();
        let mut events = 0;
        for (_, id) in &pruned {
            events += self.processes.remove(id).unwrap().log.len();
            self.grants.retain(|(_, granted), _| granted != id);
            self.leases.remove(id);
            *self.pruned.entry(id.clone()).or_default() += 1;
            self.touch(id);
        }
        self.ticked.sort();
        json!({"prunedProcesses": pruned.len(), "prunedEvents": events})
    }

    // ── Log ────────────────────────────────────────────────────────────────

    fn shown_append(&mut self, id: &str, append: Append) -> Reply {
        let (reply, replayed) = self.append(id, append)?;
        if !replayed {
            self.shown.push((id.into(), reply["event"]["sequence"].as_u64().unwrap()));
        }
        Ok(reply)
    }

    fn append(&mut self, id: &str, append: Append) -> Result<(Value, bool), &'static str> {
        let process = self.known(id)?;
        if append.event_type == "process.step" {
            return Err("invalid_argument");
        }
        let key = append.key.filter(|key| !key.is_empty());
        let place = key.and_then(|key| process.log.iter().position(|event| event.key.as_deref() == Some(key)));
        if let Some(place) = place {
            let stored = &process.log[place];
            if stored.event_type == append.event_type && stored.payload == *append.payload {
                return Ok((self.appended(id, place, append.target, true), true));
            }
        }
        if append.by_caller && !may_take(id, append.event_type, key.unwrap_or_default()) {
            return Err("invalid_argument");
        }
        if place.is_some() {
            return Err("replay_conflict");
        }
        if let Some(lease) = &append.lease {
            self.require(id, lease)?;
        }
        let event_type = append.event_type;
        let core = event_type.starts_with("process.");
        let ends = ENDS.contains(&event_type);
        if event_type == "nonsense" {
            return Err("undeclared_event_type");
        }
        if key.is_none() && (ends || event_type == "process.cancel_requested") {
            return Err("missing_replay_key");
        }
        if append.key == Some("") {
            return Err("invalid_argument");
        }
        if event_type == "typed" && !append.payload.is_number() {
            return Err("invalid_payload");
        }
        let terminal = match event_type {
            "done" => Some(json!({"state": "completed", "awaitOutput": {"type": "success", "value": append.payload}})),
            "fail" => {
                let why = append.payload.get("why").ok_or("invalid_payload")?;
                Some(json!({"state": "failed", "awaitOutput": {
                    "type": "failure", "class": "execution", "code": "process_failed", "message": why, "raw": why,
                }}))
            }
            _ if ends && core => {
                let output = append.payload.get("awaitOutput").ok_or("invalid_payload")?;
                Some(json!({"state": event_type.trim_start_matches("process."), "awaitOutput": output}))
            }
            _ => None,
        };
        if terminal.is_some() && process.end.is_some() {
            return Err("already_terminal");
        }
        let sequence = process.log.len() + 1;
        let quiet = [json!(null), json!("")].contains(append.payload);
        let text = append.payload.as_str().map_or_else(|| append.payload.to_string(), str::to_owned);
        let wake = match event_type {
            "ring" if !quiet => Some((text, "once".to_owned())),
            "chime" => Some((
                "hello".to_owned(),
                match self.pruned.get(id) {
                    None => format!("{id}:{sequence}"),
                    Some(lives) => format!("{id}@{}:{sequence}", lives + 1),
                },
            )),
            _ => None,
        };
        let event = Event {
            event_type: event_type.into(),
            payload: append.payload.clone(),
            key: key.map(str::to_owned),
            terminal: terminal.clone(),
            wake,
            at: self.now,
        };
        self.change(id, |process| {
            process.log.push(event);
            if terminal.is_some() {
                process.end = terminal;
                process.wait = None;
            }
        });
        Ok((self.appended(id, sequence - 1, append.target, false), false))
    }

    fn appended(&self, id: &str, place: usize, target: Option<&'static str>, replayed: bool) -> Value {
        let process = &self.processes[id];
        let mut reply = json!({"event": self.event(id, place), "replayed": replayed});
        if let (Some((input, dedupe)), Some(target)) = (&process.log[place].wake, target.or(process.target)) {
            reply["delivery"] = json!({"scope": scope_id(target), "dedupeKey": dedupe, "input": input});
        }
        reply
    }

    fn event(&self, id: &str, place: usize) -> Value {
        let event = &self.processes[id].log[place];
        json!({
            "sequence": place + 1,
            "eventType": event.event_type,
            "payload": event.payload,
            "terminal": event.terminal,
            "wake": event.wake.as_ref().map(|(input, dedupe)| json!({"input": input, "dedupeKey": dedupe})),
            "occurredAtMs": event.at,
        })
    }

    fn complete(&mut self, id: &str, output: &Value, lease: Option<Lease>) -> Reply {
        let state = match output["type"].as_str().unwrap() {
            "success" => "completed",
            "failure" => "failed",
            _ => "cancelled",
        };
        let event_type = format!("process.{state}");
        let payload = json!({"awaitOutput": output});
        let key = format!("process:{id}:terminal:{event_type}");
        let (event_type, payload, key) = (event_type.as_str(), &payload, Some(key.as_str()));
        let append = Append { event_type, payload, key, target: None, lease, by_caller: false };
        self.append(id, append)?;
        self.record(id)
    }

    // ── Handles ────────────────────────────────────────────────────────────

    fn grant(&self, scope: &str, id: &str) -> Value {
        let label = self.grants[&(scope.into(), id.into())];
        let session = scope.split('/').next();
        json!({"scopeId": scope_id(scope), "sessionId": session, "processId": id, "label": label.to_string()})
    }

    fn delete_session(&mut self, session: &str) -> Value {
        let of_session = |scope: &str| scope.split('/').next() == Some(session);
        let revoked: Vec<_> = self.grants.keys().filter(|(scope, _)| of_session(scope)).cloned().collect();
        self.grants.retain(|(scope, _), _| !of_session(scope));
        let ids: BTreeSet<_> = revoked.iter().map(|(_, id)| id.clone()).collect();
        let live = ids.into_iter().filter(|id| self.processes[id].end.is_none());
        let (preserved, orphaned): (Vec<_>, Vec<_>) =
            live.partition(|id| self.grants.keys().any(|(_, granted)| granted == id));
        for id in IDS {
            if self.processes.get(id).is_some_and(|process| process.target.is_some_and(of_session)) {
                self.change(id, |process| process.target = None);
            }
        }
        json!({
            "sessionId": session, "revokedHandleCount": revoked.len(), "deletedWakeCount": 0,
            "orphanedProcessIds": orphaned, "preservedProcessIds": preserved,
        })
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    fn lease(&self, at: LeaseRef) -> Lease {
        let nobodys = Lease {
            id: "a".into(),
            owner: 0,
            life: life(0),
            token: "nobody's".into(),
            fence: 1,
            claimed: 0,
            expires: u64::MAX,
        };
        let mut lease = self.acquired.get(at.index % (self.acquired.len() + 1)).cloned().unwrap_or(nobodys);
        match at.tampered {
            None => {}
            Some(Tampered::Fence) => lease.fence += 1,
            Some(Tampered::Token) => lease.token = "tampered".into(),
            Some(Tampered::LivenessLock) => lease.life = "tampered".into(),
        }
        lease
    }

    fn live(&self, id: &str) -> Option<Lease> {
        self.leases.get(id).filter(|lease| lease.expires > self.now).cloned()
    }

    fn require(&self, id: &str, lease: &Lease) -> Result<(), &'static str> {
        let held = self.live(id).is_some_and(|held| same(&held, lease));
        if held && lease.id == id { Ok(()) } else { Err("lease_lost") }
    }

    fn may_lease(&self, id: &str, ttl: u64) -> Result<(), &'static str> {
        if ttl == 0 {
            return Err("invalid_argument");
        }
        if self.known(id)?.end.is_some() { Err("already_terminal") } else { Ok(()) }
    }

    fn claim(&mut self, id: &str, owner: usize, ttl: u64) -> Reply {
        self.may_lease(id, ttl)?;
        match self.live(id) {
            Some(holder) if holder.owner != owner => Ok(json!({"outcome": "busy", "holder": shown(&holder)})),
            Some(_) => {
                let lease = self.leases.get_mut(id).unwrap();
                lease.expires = self.now + ttl;
                Ok(json!({"outcome": "acquired", "lease": shown(lease)}))
            }
            None => Ok(self.acquire(id, owner, ttl)),
        }
    }

    fn acquire(&mut self, id: &str, owner: usize, ttl: u64) -> Value {
        let fence = self.fences.entry(id.into()).or_default();
        *fence += 1;
        let lease = Lease {
            id: id.into(),
            owner,
            life: life(owner),
            token: format!("token {}", self.acquired.len()),
            fence: *fence,
            claimed: self.now,
            expires: self.now + ttl,
        };
        self.acquired.push(lease.clone());
        self.leases.insert(id.into(), lease.clone());
        json!({"outcome": "acquired", "lease": shown(&lease)})
    }

    fn release(&mut self, id: &str, token: &str) {
        if self.leases.get(id).is_some_and(|held| held.token == token) {
            self.leases.remove(id);
        }
    }

    // ── Everything ─────────────────────────────────────────────────────────

    /// The records, by id.
    pub fn records(&self) -> BTreeMap<String, Value> {
        self.processes.keys().map(|id| (id.clone(), self.record(id).unwrap())).collect()
    }

    /// Everything that can be read, as [`super::Tabs::picture`] reads it.
    pub fn picture(&self) -> Value {
        let of_processes: Vec<_> = IDS.iter().map(|id| self.picture_of(id)).collect();
        let of_scopes: Vec<_> = SCOPES
            .iter()
            .map(|scope| {
                let granted = |live: bool| -> Vec<_> {
                    let fits = |id: &&str| {
                        self.grants.contains_key(&((*scope).into(), (**id).into()))
                            && (!live || self.processes[*id].end.is_none())
                    };
                    IDS.iter().copied().filter(fits).collect()
                };
                json!([granted(false), granted(true)])
            })
            .collect();
        let (live, removed): (Vec<_>, Vec<_>) = self.changed.iter().partition(|id| self.processes.contains_key(*id));
        json!({
            "processes": of_processes,
            "scopes": of_scopes,
            "lists": self.lists(),
            "feed": {"records": live, "removed": removed},
        })
    }

    fn picture_of(&self, id: &str) -> Value {
        let lease = self.leases.get(id).map(shown);
        let Ok(process) = self.known(id) else { return json!({"lease": lease}) };
        let log: Vec<_> = (0..process.log.len()).map(|place| self.event(id, place)).collect();
        let of_type = |name: &str| -> Vec<_> {
            (1..)
                .zip(&process.log)
                .filter(|(_, event)| event.event_type == name)
                .map(|(sequence, _)| sequence)
                .collect()
        };
        let unacked: Vec<u64> = (1..)
            .zip(&process.log)
            .filter(|(sequence, event)| event.wake.is_some() && !process.acked.contains(sequence))
            .map(|(sequence, _)| sequence)
            .collect();
        let up_to_3 = |name: &str| of_type(name).iter().filter(|sequence| **sequence <= 3u64).count();
        let mut grants: Vec<_> = self.grants.keys().filter(|(_, granted)| granted == id).collect();
        grants.sort_by_key(|(scope, _)| (scope.split('/').next(), scope_id(scope)));
        json!({
            "record": self.record(id).unwrap(),
            "recent": log.iter().rev().take(2).rev().collect::<Vec<_>>(),
            "log": log,
            "notes": of_type("note"),
            "counts": [up_to_3("note"), up_to_3("ring")],
            "unacked": unacked,
            "lease": lease,
            "grants": grants.iter().map(|(scope, id)| self.grant(scope, id)).collect::<Vec<_>>(),
        })
    }

    fn lists(&self) -> Vec<Vec<&str>> {
        let mut lists = Vec::new();
        for filter in super::filters() {
            let fits = |process: &Process| {
                let state = process.end.as_ref().map_or("running", |end| end["state"].as_str().unwrap());
                let status = filter["status"].as_str().unwrap_or("running");
                let waiting = filter["waiting"].as_bool();
                (status == "any" || status == state)
                    && waiting.is_none_or(|waiting| waiting == process.wait.is_some())
                    && filter["kind"].as_str().is_none_or(|kind| (kind == "k") == (process.variant == 2))
                    && (filter["definition"].is_null() || process.variant == 2)
            };
            let ids = self.processes.iter().filter(|(_, process)| fits(process)).map(|(id, _)| id.as_str());
            lists.push(ids.collect());
        }
        lists
    }
}

const ENDS: [&str; 5] = ["done", "fail", "process.completed", "process.failed", "process.cancelled"];

/// Whether a caller may append an event of that type under that key.
fn may_take(id: &str, event_type: &str, key: &str) -> bool {
    match (id, key) {
        (_, "step:k") => false,
        ("a", "process:a:terminal:process.cancelled") => event_type == "process.cancelled",
        (_, "process:a:terminal:process.cancelled") => {
            event_type == "process.cancel_requested" || ENDS.contains(&event_type)
        }
        _ => true,
    }
}

fn same(held: &Lease, other: &Lease) -> bool {
    held.owner == other.owner && held.life == other.life && held.token == other.token && held.fence == other.fence
}

fn shown(lease: &Lease) -> Value {
    json!({
        "processId": lease.id,
        "life": lease.life,
        "token": lease.token,
        "fencingToken": lease.fence,
        "claimedAtMs": lease.claimed,
        "expiresAtMs": lease.expires,
    })
}

/// The one life of an owner.
pub fn life(owner: usize) -> String {
    format!("life {owner}")
}

/// The id of a scope.
pub fn scope_id(scope: &str) -> String {
    format!("session:{}", scope.replace('/', "/frame:"))
}
