//! What a rule sees and what it may ask for.
//!
//! [`Rows`] is the part of a store that rules read: the rows that one transaction loaded for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Millis,
    event::ProcessEvent,
    grant::{HandleGrant, SessionScope},
    key::{ProcessId, ScopeId, SessionId},
    lease::LeaseSlot,
    process::ProcessRecord,
};
use crate::error::{Error, Result};

/// Rows as they were at one moment.
pub struct Snapshot<'a> {
    /// The store's own time; rules never ask a clock.
    pub now: Millis,
    /// The rows that the rule asked for, and perhaps more.
    pub rows: &'a Rows,
}

/// What a rule decided: an answer for the caller, and the rows to write with it.
#[derive(Debug)]
pub struct Decision<T> {
    /// The answer, given once the writes are durable.
    pub reply: T,
    /// Written together or not at all, in this order.
    pub writes: Vec<Write>,
}

/// One row to write.
#[derive(Clone, Debug)]
pub enum Write {
    /// Creates or replaces a process row; it takes the next number of the change sequence.
    Process(Rc<ProcessRecord>),
    /// Inserts an event. `ordinal` counts the events of its type in this process, from 1.
    Event {
        /// The event, with its final sequence.
        event: Rc<ProcessEvent>,
        /// Its place among the events of its type.
        ordinal: u64,
    },
    /// Marks the wake of one event as delivered.
    AckWake(ProcessId, u64),
    /// Replaces the lease slot of a process.
    Lease(ProcessId, LeaseSlot),
    /// Creates or replaces a grant.
    Grant(HandleGrant),
    /// Removes a grant.
    Revoke(ScopeId, ProcessId),
    /// Removes a process with its events, replay keys, acks and grants. Its lease slot stays,
    /// emptied, so that fencing tokens go on rising.
    Prune(ProcessId),
}

impl<T> Decision<T> {
    /// An answer that writes nothing.
    pub fn reply(reply: T) -> Self {
        Self { reply, writes: Vec::new() }
    }

    /// Adds a write.
    #[must_use]
    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Changes the answer and keeps the writes.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Decision<U> {
        Decision { reply: change(self.reply), writes: self.writes }
    }
}

impl Snapshot<'_> {
    /// The process, or [`Code::UnknownProcess`](crate::Code::UnknownProcess).
    pub fn known(&self, id: &ProcessId) -> Result<&ProcessRecord> {
        self.rows.process(id).ok_or_else(|| Error::unknown_process(id))
    }
}

/// The rows that rules read, with the few orders they read them in.
#[derive(Default)]
pub struct Rows {
    processes: BTreeMap<ProcessId, Rc<ProcessRecord>>,
    /// The ended processes, by the time they were last updated.
    ended: BTreeSet<(Millis, ProcessId)>,
    /// The processes whose wakes go to a session.
    waking: BTreeSet<(SessionId, ProcessId)>,
    /// Why a process cannot be read.
    unreadable: BTreeMap<ProcessId, Error>,
    /// The events of a process that were appended under a replay key.
    replays: BTreeMap<ProcessId, BTreeMap<String, Rc<ProcessEvent>>>,
    leases: BTreeMap<ProcessId, LeaseSlot>,
    grants: BTreeMap<(ScopeId, ProcessId), Rc<HandleGrant>>,
    /// An index of `grants` by process.
    grants_of: BTreeMap<ProcessId, BTreeMap<(SessionId, ScopeId), Rc<HandleGrant>>>,
}

impl Rows {
    /// One process.
    pub fn process(&self, id: &ProcessId) -> Option<&ProcessRecord> {
        self.shared_process(id).map(Rc::as_ref)
    }

    /// Like [`process`](Self::process), but returns the shared `Rc`.
    pub fn shared_process(&self, id: &ProcessId) -> Option<&Rc<ProcessRecord>> {
        self.processes.get(id)
    }

    /// The event that was appended to a process under a replay key.
    pub fn replay(&self, id: &ProcessId, replay_key: &str) -> Option<&Rc<ProcessEvent>> {
        self.replays.get(id)?.get(replay_key)
    }

    /// The lease slot of a process; empty where it was never leased.
    pub fn lease(&self, id: &ProcessId) -> LeaseSlot {
        self.leases.get(id).cloned().unwrap_or_default()
    }

    /// One grant.
    pub fn grant(&self, scope: &ScopeId, id: &ProcessId) -> Option<&HandleGrant> {
        self.grants.get(&(scope.clone(), id.clone())).map(Rc::as_ref)
    }

    /// The grants of one session, all frames, in (scope, process id) order.
    pub fn grants_of_session(&self, session: &SessionId) -> Vec<&HandleGrant> {
        // No id is empty, so a scope with an empty one comes before all grants of the scope.
        let before = |scope: ScopeId| (scope, ProcessId::from(""));
        let ranges = SessionScope::id_ranges(session).map(|(first, end)| before(first)..before(end));
        ranges.into_iter().flat_map(|range| self.grants.range(range)).map(|(_, grant)| &**grant).collect()
    }

    /// The grants of one process, in (session, scope) order.
    pub fn grants_of_process(&self, id: &ProcessId) -> Vec<&HandleGrant> {
        self.grants_of.get(id).into_iter().flat_map(BTreeMap::values).map(Rc::as_ref).collect()
    }

    /// The processes whose wakes go to one session, in id order.
    pub fn waking_session(&self, session: &SessionId) -> Vec<ProcessId> {
        let first = (session.clone(), ProcessId::from(""));
        let of_session = self.waking.range(first..).take_while(|(other, _)| other == session);
        of_session.map(|(_, id)| id.clone()).collect()
    }

    /// The ended processes last updated strictly before `cutoff`, oldest first; at most `limit`.
    pub fn retained_before(&self, cutoff: Millis, limit: usize) -> Vec<ProcessId> {
        let ended = self.ended.iter().take_while(|(updated, _)| *updated < cutoff);
        ended.take(limit).map(|(_, id)| id.clone()).collect()
    }

    /// Puts one row, as loaded from a store or as decided by a rule.
    pub fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => self.put_process(record),
            Write::Event { event, .. } => self.put_replay(event),
            Write::AckWake(..) => {}
            Write::Lease(id, slot) => {
                self.leases.insert(id.clone(), slot.clone());
            }
            Write::Grant(grant) => self.put_grant(grant),
            Write::Revoke(scope, id) => self.remove_grant(scope, id),
            Write::Prune(id) => self.prune(id),
        }
    }

    /// Notes that the id of a process that is not there was pruned, which a version before 0.2 did not count in the lease slot.
    pub fn note_pruned(&mut self, id: &ProcessId) {
        let slot = self.leases.entry(id.clone()).or_default();
        slot.lives = Some(slot.lives.unwrap_or(1));
    }

    /// Notes that a process is there and cannot be read, and why.
    pub fn note_unreadable(&mut self, id: &ProcessId, fault: Error) {
        self.unreadable.insert(id.clone(), fault);
    }

    /// Why a process cannot be read that is there.
    pub fn unreadable(&self, id: &ProcessId) -> Option<&Error> {
        self.unreadable.get(id)
    }

    /// How many of the processes that a rule asked for are there and cannot be read.
    pub fn unreadable_count(&self) -> usize {
        self.unreadable.len()
    }

    /// Puts an event under its replay key, where it has one.
    pub fn put_replay(&mut self, event: &Rc<ProcessEvent>) {
        if let Some(replay_key) = &event.replay_key {
            self.replays.entry(event.process_id.clone()).or_default().insert(replay_key.clone(), event.clone());
        }
    }

    fn put_process(&mut self, record: &Rc<ProcessRecord>) {
        self.remove_process(record.id());
        if let Some(scope) = &record.wake_target {
            self.waking.insert((scope.session_id.clone(), record.id().clone()));
        }
        if record.is_terminal() {
            self.ended.insert((record.updated_at_ms, record.id().clone()));
        }
        self.processes.insert(record.id().clone(), record.clone());
    }

    fn remove_process(&mut self, id: &ProcessId) {
        let Some(record) = self.processes.remove(id) else { return };
        if let Some(scope) = &record.wake_target {
            self.waking.remove(&(scope.session_id.clone(), id.clone()));
        }
        self.ended.remove(&(record.updated_at_ms, id.clone()));
    }

    fn put_grant(&mut self, grant: &HandleGrant) {
        let HandleGrant { scope_id, session_id, process_id, .. } = grant;
        let grant = Rc::new(grant.clone());
        let of_process = self.grants_of.entry(process_id.clone()).or_default();
        of_process.insert((session_id.clone(), scope_id.clone()), grant.clone());
        self.grants.insert((scope_id.clone(), process_id.clone()), grant);
    }

    fn remove_grant(&mut self, scope: &ScopeId, id: &ProcessId) {
        let Some(grant) = self.grants.remove(&(scope.clone(), id.clone())) else { return };
        if let Some(of_process) = self.grants_of.get_mut(id) {
            of_process.remove(&(grant.session_id.clone(), scope.clone()));
        }
    }

    fn prune(&mut self, id: &ProcessId) {
        self.remove_process(id);
        self.replays.remove(id);
        for (_, scope) in self.grants_of.remove(id).unwrap_or_default().into_keys() {
            self.grants.remove(&(scope, id.clone()));
        }
        let left = self.lease(id).pruned();
        self.leases.insert(id.clone(), left);
    }
}
