//! What a rule sees and what it may ask for.
//!
//! [`Rows`] is the part of a store that rules read: whole in memory, or just the rows that one
//! transaction loaded. Both are the same type, so a rule cannot tell the stores apart.

use std::rc::Rc;

use super::{
    Millis,
    event::ProcessEvent,
    grant::{HandleGrant, SessionScope},
    key::{Part, ProcessId, ScopeId, SessionId, key},
    lease::LeaseSlot,
    process::ProcessRecord,
    table::{Row, Table},
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
pub struct Rows(Table);

// What the first part of a key says about the rest of it and about its row.
/// id → process
const PROCESS: u64 = 0;
/// process, replay key → event
const REPLAY: u64 = 1;
/// process → lease slot
const LEASE: u64 = 2;
/// scope, process → grant
const GRANT: u64 = 3;
/// process, session, scope → grant
const GRANT_OF_PROCESS: u64 = 4;
/// session, process: where the process's wakes go to the session
const WAKE_TARGET: u64 = 5;
/// time, process: where the process has ended, last updated at that time
const RETAINED: u64 = 6;
/// process → why it cannot be read
const UNREADABLE: u64 = 7;

impl Rows {
    /// One process.
    pub fn process(&self, id: &ProcessId) -> Option<&ProcessRecord> {
        self.shared_process(id).map(Rc::as_ref)
    }

    /// The same, for whoever keeps it.
    pub fn shared_process(&self, id: &ProcessId) -> Option<&Rc<ProcessRecord>> {
        self.0.get(&key![PROCESS, id])?.process()
    }

    /// Every process after an id, in id order.
    pub fn processes(&self, after: Option<&ProcessId>) -> impl Iterator<Item = &ProcessRecord> {
        // Nothing lies between the id's own key and the same key with a part added.
        let first = after.map_or_else(|| key![PROCESS], |after| key![PROCESS, after, 0]);
        self.0.between(first, key![PROCESS, Part::End]).filter_map(|(_, row)| row.process().map(Rc::as_ref))
    }

    /// The event that was appended to a process under a replay key.
    pub fn replay(&self, id: &ProcessId, replay_key: &str) -> Option<&Rc<ProcessEvent>> {
        self.0.get(&key![REPLAY, id, replay_key])?.event()
    }

    /// The lease slot of a process; empty where it was never leased.
    pub fn lease(&self, id: &ProcessId) -> LeaseSlot {
        self.0.get(&key![LEASE, id]).and_then(Row::lease).cloned().unwrap_or_default()
    }

    /// One grant.
    pub fn grant(&self, scope: &ScopeId, id: &ProcessId) -> Option<&HandleGrant> {
        self.0.get(&key![GRANT, scope, id])?.grant()
    }

    /// The grants of one scope, in process id order.
    pub fn grants_of_scope(&self, scope: &ScopeId) -> Vec<&HandleGrant> {
        self.0.under(key![GRANT, scope]).grants()
    }

    /// The grants of one session, all frames, in (scope, process id) order.
    pub fn grants_of_session(&self, session: &SessionId) -> Vec<&HandleGrant> {
        let mut grants = Vec::new();
        for (first, end) in &SessionScope::id_ranges(session) {
            grants.append(&mut self.0.between(key![GRANT, first], key![GRANT, end]).grants());
        }
        grants
    }

    /// The grants of one process, in (session, scope) order.
    pub fn grants_of_process(&self, id: &ProcessId) -> Vec<&HandleGrant> {
        self.0.under(key![GRANT_OF_PROCESS, id]).grants()
    }

    /// The processes whose wakes go to one session, in id order.
    pub fn waking_session(&self, session: &SessionId) -> Vec<ProcessId> {
        self.0.under(key![WAKE_TARGET, session]).ids()
    }

    /// The ended processes last updated strictly before `cutoff`, oldest first; at most `limit`.
    pub fn retained_before(&self, cutoff: Millis, limit: usize) -> Vec<ProcessId> {
        let mut ids = Vec::new();
        for (_, row) in self.0.between(key![RETAINED], key![RETAINED, cutoff]).take(limit) {
            ids.extend(row.id().cloned());
        }
        ids
    }

    /// Puts one row, as loaded from a store or as decided by a rule.
    pub fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => self.put_process(record),
            Write::Event { event, .. } => self.put_replay(event),
            Write::AckWake(..) => {}
            Write::Lease(id, slot) => {
                self.0.put(key![LEASE, id], Row::Lease(slot.clone()));
            }
            Write::Grant(grant) => self.put_grant(grant),
            Write::Revoke(scope, id) => self.remove_grant(scope, id),
            Write::Prune(id) => self.prune(id),
        }
    }

    /// Notes that the id of a process that is not there was pruned, which a version before 0.2 did not count in the lease slot.
    pub fn note_pruned(&mut self, id: &ProcessId) {
        let slot = self.lease(id);
        let lives = Some(slot.lives.unwrap_or(1));
        self.0.put(key![LEASE, id], Row::Lease(LeaseSlot { lives, ..slot }));
    }

    /// Notes that a process is there and cannot be read, and why.
    pub fn note_unreadable(&mut self, id: &ProcessId, fault: Error) {
        self.0.put(key![UNREADABLE, id], Row::Other(Rc::new(fault)));
    }

    /// Why a process cannot be read that is there.
    pub fn unreadable(&self, id: &ProcessId) -> Option<&Error> {
        match self.0.get(&key![UNREADABLE, id])? {
            Row::Other(fault) => fault.downcast_ref(),
            Row::Process(_)
            | Row::Event(_)
            | Row::Lease(_)
            | Row::Grant(_)
            | Row::Id(_)
            | Row::Number(_)
            | Row::Mark => None,
        }
    }

    /// How many of the processes that a rule asked for are there and cannot be read.
    pub fn unreadable_count(&self) -> usize {
        self.0.under(key![UNREADABLE]).count()
    }

    /// Puts an event under its replay key, where it has one.
    pub fn put_replay(&mut self, event: &Rc<ProcessEvent>) {
        if let Some(replay_key) = &event.replay_key {
            self.0.put(key![REPLAY, &event.process_id, replay_key.as_str()], Row::Event(event.clone()));
        }
    }

    fn put_process(&mut self, record: &Rc<ProcessRecord>) {
        self.forget_orders(record.id());
        for order in orders(record) {
            self.0.put(order, Row::Id(record.id().clone()));
        }
        self.0.put(key![PROCESS, record.id()], Row::Process(record.clone()));
    }

    fn forget_orders(&mut self, id: &ProcessId) {
        let stale = self.process(id).map(orders).unwrap_or_default();
        for order in stale {
            self.0.remove(&order);
        }
    }

    fn put_grant(&mut self, grant: &HandleGrant) {
        let HandleGrant { scope_id, session_id, process_id, .. } = grant;
        let row = Row::Grant(Rc::new(grant.clone()));
        self.0.put(key![GRANT_OF_PROCESS, process_id, session_id, scope_id], row.clone());
        self.0.put(key![GRANT, scope_id, process_id], row);
    }

    fn remove_grant(&mut self, scope: &ScopeId, id: &ProcessId) {
        let removed = self.0.remove(&key![GRANT, scope, id]);
        if let Some(grant) = removed.as_ref().and_then(Row::grant) {
            self.0.remove(&key![GRANT_OF_PROCESS, id, &grant.session_id, scope]);
        }
    }

    fn prune(&mut self, id: &ProcessId) {
        self.forget_orders(id);
        self.0.remove(&key![PROCESS, id]);
        self.0.clear(key![REPLAY, id]);
        let mut scopes = Vec::new();
        for grant in self.grants_of_process(id) {
            scopes.push(grant.scope_id.clone());
        }
        scopes.iter().for_each(|scope| self.remove_grant(scope, id));
        let left = self.lease(id).pruned();
        self.0.put(key![LEASE, id], Row::Lease(left));
    }
}

/// Where else a process row is found.
fn orders(record: &ProcessRecord) -> Vec<Vec<Part>> {
    let mut orders = Vec::new();
    if let Some(scope) = &record.wake_target {
        orders.push(key![WAKE_TARGET, &scope.session_id, record.id()]);
    }
    if record.is_terminal() {
        orders.push(key![RETAINED, record.updated_at_ms, record.id()]);
    }
    orders
}
