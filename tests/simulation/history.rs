//! What was committed, acknowledged and waited for, and what must be true of it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use longwait::{
    Code, Error,
    domain::{event::ProcessEvent, lease::ProcessLease, process::ProcessAwaitOutput, snapshot::Write},
};

pub type Log = Rc<RefCell<History>>;

#[derive(Default)]
pub struct History {
    pub lives: BTreeMap<String, Life>,
    /// Since when an id has been unknown, again or ever.
    unknown_since: BTreeMap<String, u64>,
    /// What each lease was given: fence by process, and who got it.
    fences: BTreeMap<String, u64>,
    holders: BTreeMap<(String, u64), String>,
    held: BTreeMap<String, ProcessLease>,
    committed: BTreeSet<u64>,
    outputs: BTreeMap<String, Vec<ProcessAwaitOutput>>,
    pub dead: BTreeSet<String>,
    pub tally: Tally,
}

/// One life of an id: from its registration until it is pruned.
#[derive(Default)]
pub struct Life {
    born: u64,
    pub events: Vec<(Rc<ProcessEvent>, u64)>,
    ended: Option<u64>,
}

/// How often what happened: a simulation in which something never does proves nothing of it.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| *self.0.entry(what).or_default() += times);
    }

    pub fn assert_all_happened(&self) {
        for what in [
            "append",
            "end",
            "prune",
            "acquire",
            "reclaim from the dead",
            "takeover of the expired",
            "fenced write",
            "fenced write refused",
            "wait resolved",
            "wait unknown",
            "wait failed",
            "freeze",
            "kill",
            "jump",
        ] {
            assert!(self.0.get(what).is_some_and(|times| *times >= 20), "hardly ever: {what}; {self:?}");
        }
    }
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub enum Until {
    Ended,
    Event(&'static str, u64),
}

impl History {
    /// Notes down a commit, and checks what must be true of it.
    pub fn committed(&mut self, now: u64, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Process(record) => {
                    let id = record.id().to_string();
                    let life = self.lives.entry(id.clone()).or_insert_with(|| Life { born: now, ..Life::default() });
                    if let (Some(terminal), None) = (record.terminal(), life.ended) {
                        life.ended = Some(now);
                        self.outputs.entry(id.clone()).or_default().push(terminal.await_output.clone());
                        self.tally.count("end");
                    }
                    self.unknown_since.remove(&id);
                }
                Write::Event { event, .. } => self.appended(now, event),
                Write::Lease(id, slot) => self.leased(now, id, slot.last_fence, slot.held.as_ref()),
                Write::Prune(id) => {
                    let life = self.lives.remove(id.as_str()).expect("pruned what was not there");
                    assert!(life.ended.is_some(), "pruned a running process");
                    self.unknown_since.insert(id.to_string(), now);
                    self.held.remove(id.as_str());
                    self.tally.count("prune");
                }
                Write::AckWake(..) | Write::Grant(_) | Write::Revoke(..) => {}
            }
        }
    }

    fn appended(&mut self, now: u64, event: &Rc<ProcessEvent>) {
        let id = event.process_id.as_str();
        let life = self.lives.get_mut(id).expect("an event of an unknown process");
        assert_eq!(event.sequence, life.events.len() as u64 + 1, "sequences of {id} are not dense");
        let number = number_of(event);
        assert!(
            !life.events.iter().any(|(earlier, _)| number_of(earlier) == number),
            "append {number:?} was done twice"
        );
        life.events.push((event.clone(), now));
        self.committed.extend(number);
        self.tally.count("append");
        let Some(fence) = fence_of(event) else { return };
        self.tally.count("fenced write");
        assert_eq!(
            self.fences.get(id),
            Some(&fence),
            "{id} took a write of fence {fence} after a higher one was given"
        );
        let held = self.held.get(id).expect("a fenced write of {id} without a lease");
        assert!(held.fencing_token == fence && held.expires_at_ms > now, "{id} took a write of a lease that has ended");
    }

    fn leased(&mut self, now: u64, id: &str, last_fence: u64, held: Option<&ProcessLease>) {
        let highest = self.fences.get(id).copied().unwrap_or_default();
        let before = self.held.get(id).cloned();
        match held {
            Some(lease) if before.as_ref().is_none_or(|before| before.lease_token != lease.lease_token) => {
                assert!(lease.fencing_token > highest, "the fence of {id} did not rise above {highest}");
                if let Some(before) = before {
                    let dead = self.dead.contains(&before.owner.incarnation_id);
                    let expired = before.expires_at_ms <= now;
                    assert!(expired || dead, "{id} was taken from a living holder");
                    self.tally.count(if expired { "takeover of the expired" } else { "reclaim from the dead" });
                }
                let holder = lease.owner.incarnation_id.clone();
                let earlier = self.holders.insert((id.to_owned(), lease.fencing_token), holder);
                assert_eq!(earlier, None, "two runners under one fence of {id}");
                self.tally.count("acquire");
            }
            Some(lease) => assert_eq!(lease.fencing_token, highest, "a fence of {id} changed under its lease"),
            None => {}
        }
        assert!(last_fence >= highest, "the fence of {id} fell");
        self.fences.insert(id.to_owned(), last_fence);
        match held {
            Some(lease) => self.held.insert(id.to_owned(), lease.clone()),
            None => self.held.remove(id),
        };
    }

    /// An append was acknowledged.
    pub fn acknowledged(&self, event: &ProcessEvent) {
        let number = number_of(event).unwrap();
        assert!(self.committed.contains(&number), "append {number} was acknowledged and never committed");
    }

    /// Since when what a wait waits for has been so.
    pub fn holds_since(&self, id: &str, until: &Until, start: u64) -> Option<u64> {
        let Some(life) = self.lives.get(id) else { return Some(*self.unknown_since.get(id).unwrap_or(&start)) };
        match until {
            Until::Ended => life.ended,
            Until::Event(event_type, after) => {
                let fits =
                    |(event, _): &&(Rc<ProcessEvent>, u64)| event.event_type == *event_type && event.sequence > *after;
                life.events.iter().find(fits).map(|(_, at)| *at)
            }
        }
    }

    /// A wait ended in this way.
    pub fn resolved(&mut self, id: &str, start: u64, outcome: Result<Found, Error>) {
        match outcome {
            Ok(Found::Output(output)) => {
                assert!(self.outputs.get(id).is_some_and(|outputs| outputs.contains(&output)), "{id} never ended so");
                self.tally.count("wait resolved");
            }
            Ok(Found::Event(event)) => {
                let number = number_of(&event);
                assert!(number.is_none_or(|number| self.committed.contains(&number)), "no such event of {id}");
                self.tally.count("wait resolved");
            }
            Err(fault) if fault.code() == Code::UnknownProcess => {
                let since = self.lives.get(id).map(|life| life.born);
                assert!(since.is_none_or(|born| born >= start), "{id} was known all the time");
                self.tally.count("wait unknown");
            }
            Err(fault) => {
                assert_eq!(fault.code(), Code::StorageFailed);
                self.tally.count("wait failed");
            }
        }
    }
}

/// What a wait found.
pub enum Found {
    Output(ProcessAwaitOutput),
    Event(Rc<ProcessEvent>),
}

/// The number that every append of a simulation carries.
fn number_of(event: &ProcessEvent) -> Option<u64> {
    field(event, "number")
}

/// The fence that a fenced write says it is of.
fn fence_of(event: &ProcessEvent) -> Option<u64> {
    field(event, "fence")
}

fn field(event: &ProcessEvent, name: &str) -> Option<u64> {
    let payload = serde_json::Value::from(&event.payload);
    let inside = payload["awaitOutput"].get("value").unwrap_or(&payload);
    inside.get(name)?.as_f64().map(|number| number as u64)
}
