//! What a rule sees and what it may ask for.
//!
//! [`Rows`] is the part of a store that rules read: the rows that one transaction loaded for them.

use std::{collections::BTreeMap, rc::Rc};

use crate::error::{Error, Result};
use crate::model::{
    Millis,
    attachment::Attachment,
    event::ProcessEvent,
    grant::HandleGrant,
    key::{ProcessId, ScopeId, SessionId},
    lease::LeaseSlot,
    process::{ProcessRecord, TypeCount},
    retention::Outdated,
    stream::{Chunks, Stream},
};
use crate::unordered::Map;

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
    /// Replaces the count of one event type of a process that does not lie in the process's own row.
    Count(ProcessId, TypeCount),
    /// Creates or replaces the body of an attachment.
    Attachment(ProcessId, Rc<Attachment>),
    /// Removes the body of the attachment of a name.
    Detach(ProcessId, String),
    /// Marks the wake of one event as delivered.
    AckWake(ProcessId, u64),
    /// Replaces the lease slot of a process.
    Lease(ProcessId, LeaseSlot),
    /// Creates or replaces a grant.
    Grant(HandleGrant),
    /// Removes a grant.
    Revoke(ScopeId, ProcessId),
    /// Creates or replaces the row of a stream.
    Stream(Stream),
    /// Inserts a row of chunks.
    Chunks(Chunks),
    /// Removes the chunks of a stream.
    DropChunks(ProcessId, String),
    /// Removes a process with its events, replay keys, acks, streams, attachments and grants. Its lease slot stays,
    /// emptied, so that fencing tokens go on rising.
    Prune(ProcessId),
}

impl Write {
    /// The process whose row it changes, with the record that it leaves there: none where it removes the process.
    pub fn changed(&self) -> Option<(&ProcessId, Option<&Rc<ProcessRecord>>)> {
        match self {
            Write::Process(record) => Some((record.id(), Some(record))),
            Write::Prune(id) => Some((id, None)),
            Write::Event { .. }
            | Write::Count(..)
            | Write::AckWake(..)
            | Write::Lease(..)
            | Write::Grant(_)
            | Write::Revoke(..)
            | Write::Stream(_)
            | Write::Chunks(_)
            | Write::DropChunks(..)
            | Write::Attachment(..)
            | Write::Detach(..) => None,
        }
    }
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

/// The rows that rules read. They are few: what one transaction loaded.
#[derive(Clone, Default)]
pub struct Rows {
    by_process: BTreeMap<ProcessId, ProcessRows>,
    /// Whether more processes have ended than are here of those that a rule asked for.
    more_retained: bool,
}

/// The rows of one process.
#[derive(Clone, Default)]
struct ProcessRows {
    record: Option<Rc<ProcessRecord>>,
    /// Why the process cannot be read.
    unreadable: Option<Error>,
    /// The concurrency key of a process that cannot be read.
    key: Option<String>,
    /// The events that were appended under a replay key.
    replays: Map<String, Rc<ProcessEvent>>,
    /// The counts of event types that do not lie in the process's own row.
    counts: Map<String, u64>,
    lease: LeaseSlot,
    /// The streams that a rule asked for, by name.
    streams: Vec<Stream>,
    /// Its events, where a rule asked for them.
    log: Vec<Rc<ProcessEvent>>,
    /// Its attachments, where a rule asked for them.
    attachments: Vec<Rc<Attachment>>,
    /// In (session, scope) order.
    grants: Vec<HandleGrant>,
}

impl ProcessRows {
    /// The place of the grant to a scope; or where it would be.
    fn place(&self, session: &SessionId, scope: &ScopeId) -> std::result::Result<usize, usize> {
        self.grants.binary_search_by(|grant| (&grant.session_id, &grant.scope_id).cmp(&(session, scope)))
    }
}

impl Rows {
    fn of(&mut self, id: &ProcessId) -> &mut ProcessRows {
        self.by_process.entry(id.clone()).or_default()
    }

    /// One process.
    pub fn process(&self, id: &ProcessId) -> Option<&ProcessRecord> {
        self.shared_process(id).map(Rc::as_ref)
    }

    /// Like [`process`](Self::process), but returns the shared `Rc`.
    pub fn shared_process(&self, id: &ProcessId) -> Option<&Rc<ProcessRecord>> {
        self.by_process.get(id)?.record.as_ref()
    }

    /// The event that was appended to a process under a replay key.
    pub fn replay(&self, id: &ProcessId, replay_key: &str) -> Option<&Rc<ProcessEvent>> {
        self.by_process.get(id)?.replays.get(replay_key)
    }

    /// The events of a process, where a rule asked for them.
    pub fn log(&self, id: &ProcessId) -> &[Rc<ProcessEvent>] {
        self.by_process.get(id).map_or(&[], |rows| &rows.log)
    }

    /// The attachments of a process, where a rule asked for them.
    pub fn attachments(&self, id: &ProcessId) -> &[Rc<Attachment>] {
        self.by_process.get(id).map_or(&[], |rows| &rows.attachments)
    }

    /// How many events of a type a process has, where that does not lie in its own row.
    pub fn count(&self, id: &ProcessId, event_type: &str) -> Option<u64> {
        self.by_process.get(id)?.counts.get(event_type).copied()
    }

    /// The lease slot of a process; empty where it was never leased.
    pub fn lease(&self, id: &ProcessId) -> LeaseSlot {
        self.by_process.get(id).map(|rows| rows.lease.clone()).unwrap_or_default()
    }

    /// One stream of a process.
    pub fn stream(&self, id: &ProcessId, name: &str) -> Option<&Stream> {
        self.streams(id).iter().find(|stream| stream.name == name)
    }

    /// The streams of a process, where a rule asked for them.
    pub fn streams(&self, id: &ProcessId) -> &[Stream] {
        self.by_process.get(id).map_or(&[], |rows| &rows.streams)
    }

    /// One grant.
    pub fn grant(&self, scope: &ScopeId, id: &ProcessId) -> Option<&HandleGrant> {
        self.grants_of_process(id).iter().find(|grant| grant.scope_id == *scope)
    }

    /// The grants of one session, all frames, in (process id, scope) order.
    pub fn grants_of_session(&self, session: &SessionId) -> Vec<&HandleGrant> {
        let all = self.by_process.values().flat_map(|rows| &rows.grants);
        all.filter(|grant| grant.session_id == *session).collect()
    }

    /// The grants of one process, in (session, scope) order.
    pub fn grants_of_process(&self, id: &ProcessId) -> &[HandleGrant] {
        self.by_process.get(id).map_or(&[], |rows| &rows.grants)
    }

    /// The processes whose wakes go to one session, in id order.
    pub fn waking_session(&self, session: &SessionId) -> Vec<ProcessId> {
        let wakes =
            |record: &&Rc<ProcessRecord>| record.wake_target.as_ref().is_some_and(|scope| scope.session_id == *session);
        self.records().filter(wakes).map(|record| record.id().clone()).collect()
    }

    /// The ended processes that are outdated, oldest first; at most `limit`.
    pub fn outdated(&self, outdated: &Outdated, now: Millis, limit: usize) -> Vec<ProcessId> {
        let is_outdated = |record: &&Rc<ProcessRecord>| {
            let cutoff = record.terminal().and_then(|terminal| outdated.cutoff(terminal.state, now));
            cutoff.is_some_and(|cutoff| record.updated_at_ms < cutoff)
        };
        let mut ended: Vec<_> = self.records().filter(is_outdated).collect();
        ended.sort_unstable_by(|one, other| (one.updated_at_ms, one.id()).cmp(&(other.updated_at_ms, other.id())));
        ended.into_iter().take(limit).map(|record| record.id().clone()).collect()
    }

    /// The processes that were loaded, perhaps more than a rule asked for.
    pub fn records(&self) -> impl Iterator<Item = &Rc<ProcessRecord>> {
        self.by_process.values().filter_map(|rows| rows.record.as_ref())
    }

    /// Puts one row, as loaded from a store or as decided by a rule.
    pub fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => self.of(record.id()).record = Some(record.clone()),
            Write::Event { event, .. } => self.put_replay(event),
            Write::Count(id, TypeCount { event_type, count }) => {
                self.of(id).counts.insert(event_type.clone(), *count);
            }
            Write::AckWake(..)
            | Write::Attachment(..)
            | Write::Detach(..)
            | Write::Chunks(_)
            | Write::DropChunks(..) => {}
            Write::Stream(stream) => {
                let streams = &mut self.of(&stream.process_id).streams;
                streams.retain(|known| known.name != stream.name);
                streams.push(stream.clone());
            }
            Write::Lease(id, slot) => self.of(id).lease = slot.clone(),
            Write::Grant(grant) => self.put_grant(grant),
            Write::Revoke(scope, id) => self.of(id).grants.retain(|grant| grant.scope_id != *scope),
            Write::Prune(id) => {
                let lease = self.lease(id).pruned();
                self.by_process.insert(id.clone(), ProcessRows { lease, ..ProcessRows::default() });
            }
        }
    }

    /// Notes that the id of a process that is not there was pruned, which a version before 0.2 did not count in the lease slot.
    pub fn note_pruned(&mut self, id: &ProcessId) {
        self.of(id).lease.lives.get_or_insert(1);
    }

    /// Notes that the ended processes which a rule asked for are not all here.
    pub fn note_more_retained(&mut self) {
        self.more_retained = true;
    }

    /// Whether the ended processes which a rule asked for are not all here.
    pub fn has_more_retained(&self) -> bool {
        self.more_retained
    }

    /// Notes that a process is there and cannot be read, and why.
    pub fn note_unreadable(&mut self, id: &ProcessId, fault: Error) {
        self.of(id).unreadable = Some(fault);
    }

    /// Why a process cannot be read that is there.
    pub fn unreadable(&self, id: &ProcessId) -> Option<&Error> {
        self.by_process.get(id)?.unreadable.as_ref()
    }

    /// Notes the concurrency key of a process that cannot be read.
    pub fn note_key(&mut self, id: &ProcessId, key: String) {
        self.of(id).key = Some(key);
    }

    /// The concurrency key of a process that cannot be read, as far as that is known.
    pub fn key_of_unreadable(&self, id: &ProcessId) -> Option<&str> {
        self.by_process.get(id)?.key.as_deref()
    }

    /// How many of the processes that a rule asked for are there and cannot be read.
    pub fn unreadable_count(&self) -> usize {
        self.by_process.values().filter(|rows| rows.unreadable.is_some()).count()
    }

    /// Puts the events of a process.
    pub fn put_log(&mut self, id: &ProcessId, log: Vec<Rc<ProcessEvent>>) {
        self.of(id).log = log;
    }

    /// Puts the attachments of a process.
    pub fn put_attachments(&mut self, id: &ProcessId, attachments: Vec<Rc<Attachment>>) {
        self.of(id).attachments = attachments;
    }

    /// Puts an event under its replay key, where it has one.
    pub fn put_replay(&mut self, event: &Rc<ProcessEvent>) {
        if let Some(replay_key) = &event.replay_key {
            self.of(&event.process_id).replays.insert(replay_key.clone(), event.clone());
        }
    }

    fn put_grant(&mut self, grant: &HandleGrant) {
        let rows = self.of(&grant.process_id);
        let place = rows.place(&grant.session_id, &grant.scope_id);
        if let Ok(place) = place {
            rows.grants.remove(place);
        }
        rows.grants.insert(place.unwrap_or_else(|place| place), grant.clone());
    }
}
