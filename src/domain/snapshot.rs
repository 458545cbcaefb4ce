//! What a rule sees and what it may ask for.
//!
//! [`Rows`] is the part of a store that rules read: whole in memory, or just the rows that one
//! transaction loaded. Both are the same type, so a rule cannot tell the stores apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    rc::Rc,
};

use super::{
    Millis,
    event::ProcessEvent,
    grant::{HandleGrant, SessionScope},
    key::{Key, ProcessId, ScopeId, SessionId},
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
    Process(ProcessRecord),
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
        self.rows.processes.get(id).ok_or_else(|| Error::unknown_process(id))
    }
}

/// The rows that rules read, with the few orders they read them in.
#[derive(Default)]
pub struct Rows {
    processes: BTreeMap<ProcessId, ProcessRecord>,
    replays: BTreeMap<(ProcessId, Key), Rc<ProcessEvent>>,
    leases: BTreeMap<ProcessId, LeaseSlot>,
    grants: BTreeMap<(ScopeId, ProcessId), HandleGrant>,
    scopes_of_process: BTreeSet<(ProcessId, ScopeId)>,
    wake_targets: BTreeSet<(SessionId, ProcessId)>,
    retained: BTreeSet<(Millis, ProcessId)>,
}

impl Rows {
    /// One process.
    pub fn process(&self, id: &ProcessId) -> Option<&ProcessRecord> {
        self.processes.get(id)
    }

    /// Every process, in id order.
    pub fn processes(&self) -> impl Iterator<Item = &ProcessRecord> {
        self.processes.values()
    }

    /// The event that was appended to a process under a replay key.
    pub fn replay(&self, id: &ProcessId, replay_key: &str) -> Option<&Rc<ProcessEvent>> {
        self.replays.get(&(id.clone(), replay_key.into()))
    }

    /// The lease slot of a process; empty where it was never leased.
    pub fn lease(&self, id: &ProcessId) -> LeaseSlot {
        self.leases.get(id).cloned().unwrap_or_default()
    }

    /// One grant.
    pub fn grant(&self, scope: &ScopeId, id: &ProcessId) -> Option<&HandleGrant> {
        self.grants.get(&(scope.clone(), id.clone()))
    }

    /// The grants of one scope, in process id order.
    pub fn grants_of_scope(&self, scope: &ScopeId) -> impl Iterator<Item = &HandleGrant> {
        let from = (scope.clone(), Key::from(""));
        self.grants.range(from..).take_while(move |((at, _), _)| at == scope).map(|(_, grant)| grant)
    }

    /// The grants of one session, all frames, in (scope, process id) order.
    pub fn grants_of_session(&self, session: &SessionId) -> impl Iterator<Item = &HandleGrant> {
        let scopes = SessionScope::id_ranges(session);
        scopes.into_iter().flat_map(|(first, end)| {
            let range = (Bound::Included((first, Key::from(""))), Bound::Excluded((end, Key::from(""))));
            self.grants.range(range).map(|(_, grant)| grant)
        })
    }

    /// The grants of one process, in scope order.
    pub fn grants_of_process<'a>(&'a self, id: &'a ProcessId) -> impl Iterator<Item = &'a HandleGrant> {
        second_of(&self.scopes_of_process, id).filter_map(move |scope| self.grants.get(&(scope.clone(), id.clone())))
    }

    /// The processes whose wakes go to one session, in id order.
    pub fn waking_session<'a>(&'a self, session: &'a SessionId) -> impl Iterator<Item = &'a ProcessRecord> {
        second_of(&self.wake_targets, session).filter_map(|id| self.processes.get(id))
    }

    /// The terminal processes last updated strictly before `cutoff`, oldest first.
    pub fn retained_before(&self, cutoff: Millis) -> impl Iterator<Item = &ProcessRecord> {
        let cutoff = (cutoff, Key::from(""));
        self.retained.range(..cutoff).filter_map(|(_, id)| self.processes.get(id))
    }

    /// Puts one row, as loaded from a store or as decided by a rule.
    pub fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => self.put_process(record.clone()),
            Write::Event { event, .. } => self.put_replay(event),
            Write::AckWake(..) => {}
            Write::Lease(id, slot) => {
                self.leases.insert(id.clone(), slot.clone());
            }
            Write::Grant(grant) => self.put_grant(grant.clone()),
            Write::Revoke(scope, id) => self.remove_grant(scope, id),
            Write::Prune(id) => self.prune(id),
        }
    }

    /// Puts an event under its replay key, where it has one.
    pub fn put_replay(&mut self, event: &Rc<ProcessEvent>) {
        if let Some(key) = &event.replay_key {
            self.replays.insert((event.process_id.clone(), key.as_str().into()), event.clone());
        }
    }

    fn put_process(&mut self, record: ProcessRecord) {
        self.forget_orders(record.id());
        let id = record.id().clone();
        if let Some(scope) = &record.wake_target {
            self.wake_targets.insert((scope.session_id.clone(), id.clone()));
        }
        if record.is_terminal() {
            self.retained.insert((record.updated_at_ms, id.clone()));
        }
        self.processes.insert(id, record);
    }

    fn forget_orders(&mut self, id: &ProcessId) {
        let Some(old) = self.processes.get(id) else { return };
        if let Some(scope) = &old.wake_target {
            self.wake_targets.remove(&(scope.session_id.clone(), id.clone()));
        }
        if old.is_terminal() {
            self.retained.remove(&(old.updated_at_ms, id.clone()));
        }
    }

    fn put_grant(&mut self, grant: HandleGrant) {
        let key = (grant.scope_id.clone(), grant.process_id.clone());
        self.scopes_of_process.insert((key.1.clone(), key.0.clone()));
        self.grants.insert(key, grant);
    }

    fn remove_grant(&mut self, scope: &ScopeId, id: &ProcessId) {
        self.scopes_of_process.remove(&(id.clone(), scope.clone()));
        self.grants.remove(&(scope.clone(), id.clone()));
    }

    fn prune(&mut self, id: &ProcessId) {
        self.forget_orders(id);
        self.processes.remove(id);
        let scopes: Vec<_> = second_of(&self.scopes_of_process, id).cloned().collect();
        for scope in scopes {
            self.remove_grant(&scope, id);
        }
        let first = (id.clone(), Key::from(""));
        let keys: Vec<_> =
            self.replays.range(first..).map(|(key, _)| key).take_while(|(of, _)| of == id).cloned().collect();
        for key in keys {
            self.replays.remove(&key);
        }
        if let Some(slot) = self.leases.get_mut(id) {
            slot.held = None;
        }
    }
}

fn second_of<'a>(pairs: &'a BTreeSet<(Key, Key)>, first: &'a Key) -> impl Iterator<Item = &'a Key> {
    pairs.range((first.clone(), Key::from(""))..).take_while(move |(at, _)| at == first).map(|(_, second)| second)
}
