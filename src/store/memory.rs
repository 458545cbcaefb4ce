//! Rows in memory: gone with the page, and the model of what the other stores do.

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture, ready};

use super::{
    Answer, Answers, Changes, Durability, EventPage, EventRange, MANY_TYPES, MOST_CHANGED, Point, Query, Reads, Rule,
    Store,
};
use crate::{
    domain::{
        event::ProcessEvent,
        filter::ListQuery,
        grant::{HandleEntry, HandleGrant},
        key::{Part, ProcessId, key, longer},
        process::ProcessRecord,
        snapshot::{Rows, Snapshot, Write},
        table::{Row, Table},
    },
    error::{Code, Error, Result},
    host::Clock,
};

/// A store in memory.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Rc<dyn Clock>,
    tables: Rc<RefCell<Option<Tables>>>,
}

/// The rows that rules read, and those that only reads need.
#[derive(Default)]
struct Tables {
    rows: Rows,
    more: Table,
    last_change: u64,
    identity: u128,
}

// What the first part of a key in `more` says about the rest of it and about its row.
/// process, sequence → event
const EVENT: u64 = 0;
/// process, type, sequence → its place among the events of its type
const BY_TYPE: u64 = 1;
/// process, sequence: where the event has a wake that is not acknowledged
const WAKE: u64 = 2;
/// number → process
const CHANGE: u64 = 3;
/// process → number
const CHANGE_OF: u64 = 4;

impl MemoryStore {
    /// An empty store on the host's time.
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock, tables: Rc::new(RefCell::new(Some(Tables::default()))) }
    }

    /// Tells it from all others, by what no other one has been told by.
    pub fn identified_by(self, identity: u128) -> Self {
        if let Some(tables) = &mut *self.tables.borrow_mut() {
            tables.identity = identity;
        }
        self
    }

    /// Answers at once: nothing here waits.
    fn answer<T: 'static>(&self, read: impl FnOnce(&mut Tables) -> Result<T>) -> LocalBoxFuture<'static, Result<T>> {
        let answer = match self.tables.borrow_mut().as_mut() {
            Some(tables) => read(tables),
            None => Err(Error::new(Code::Closed, "the registry is closed")),
        };
        ready(answer).boxed_local()
    }
}

impl Store for MemoryStore {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transact(&self, _: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        let now = self.clock.now();
        self.answer(|tables| {
            let writes = rule(&Snapshot { now, rows: &tables.rows })?;
            writes.iter().for_each(|write| tables.apply(write));
            Ok(Some(tables.last_change))
        })
    }

    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>> {
        self.answer(|tables| {
            let mut answers = Answers::new();
            for query in &queries {
                answers.push(Ok(tables.read(query)));
            }
            Ok(answers)
        })
    }

    fn close(&self) {
        self.tables.take();
    }
}

impl Tables {
    fn read(&self, query: &Query) -> Answer {
        match query {
            Query::Process(id) => Answer::Process(self.rows.process(id).cloned()),
            Query::Processes(query) => Answer::Processes(self.list(query)),
            Query::Changes(after, limit) => Answer::Changes(self.changes(*after, Query::size(*limit))),
            Query::ChangedIds(after) => {
                let end = Point { database: self.identity, number: self.last_change };
                Answer::ChangedIds(self.changed_ids(*after), end)
            }
            Query::Events(id, range) => Answer::Events(
                self.rows
                    .process(id)
                    .map(|record| EventPage { record: record.clone(), events: self.events(record, range) }),
            ),
            Query::Count(id, event_type, up_to) => {
                Answer::Count(self.rows.process(id).map(|_| self.count(id, event_type, *up_to)))
            }
            Query::Lease(id) => Answer::Lease(self.rows.lease(id).held),
            Query::GrantsOfScope(scope, list) => {
                let mut entries = self.with_records(self.rows.grants_of_scope(scope));
                entries.retain(|entry| list.holds(&entry.record));
                Answer::GrantsOfScope(entries)
            }
            Query::GrantsOfProcess(id) => Answer::GrantsOfProcess(
                self.rows.process(id).map(|_| self.with_records(self.rows.grants_of_process(id))),
            ),
            Query::IsGranted(scope, id) => Answer::IsGranted(self.rows.grant(scope, id).is_some()),
            Query::Viewed(scope, query) => match query.process_id().and_then(|id| self.rows.grant(scope, id)) {
                Some(_) => self.read(query),
                None => query.nothing(),
            },
        }
    }

    fn count(&self, id: &ProcessId, event_type: &String, up_to: u64) -> u64 {
        let end = key![BY_TYPE, id, event_type, up_to.saturating_add(1)];
        let last = self.more.last_between(&key![BY_TYPE, id, event_type], &end);
        last.and_then(Row::number).unwrap_or_default()
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => self.changed(record.id()),
            Write::Event { event, ordinal } => {
                let (id, sequence) = (&event.process_id, event.sequence);
                self.more.put(key![EVENT, id, sequence], Row::Event(event.clone()));
                self.more.put(key![BY_TYPE, id, &event.event_type, sequence], Row::Number(*ordinal));
                if event.semantics.wake.is_some() {
                    self.more.put(key![WAKE, id, sequence], Row::Mark);
                }
            }
            Write::AckWake(id, sequence) => {
                self.more.remove(&key![WAKE, id, *sequence]);
            }
            Write::Prune(id) => {
                for of_log in [EVENT, BY_TYPE, WAKE] {
                    self.more.clear(key![of_log, id]);
                }
                self.changed(id);
            }
            Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) => {}
        }
        self.rows.apply(write);
    }

    fn changed(&mut self, id: &ProcessId) {
        self.last_change += 1;
        let earlier = self.more.put(key![CHANGE_OF, id], Row::Number(self.last_change));
        if let Some(Row::Number(earlier)) = earlier {
            self.more.remove(&key![CHANGE, earlier]);
        }
        self.more.put(key![CHANGE, self.last_change], Row::Id(id.clone()));
    }

    /// Looks at every process, which is nothing beside what it takes to show those that are listed.
    fn list(&self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = Query::size(query.page.limit);
        let mut listed = Vec::new();
        for record in self.rows.processes(query.page.cursor.as_ref()) {
            if listed.len() == limit {
                break;
            }
            if query.holds(record) {
                listed.push(record.clone());
            }
        }
        listed
    }

    fn changes(&self, after: Option<Point>, limit: usize) -> Changes {
        let mut changes = Changes::after(after, self.identity);
        let first = key![CHANGE, changes.cursor.number.saturating_add(1)];
        let later = self.more.between(first, key![CHANGE, Part::End]);
        for (key, row) in later.take(limit) {
            let ([_, Part::Number(number)], Some(id)) = (key.as_slice(), row.id()) else { continue };
            changes.cursor.number = *number;
            match self.rows.process(id) {
                Some(record) => changes.records.push(record.clone()),
                None => changes.removed.push(id.clone()),
            }
        }
        changes
    }

    fn changed_ids(&self, after: Option<Point>) -> Option<Vec<ProcessId>> {
        let Point { database, number: after } = after?;
        if database != self.identity || after > self.last_change {
            return None;
        }
        let later = self.more.between(key![CHANGE, after.saturating_add(1)], key![CHANGE, Part::End]);
        let ids = later.ids();
        (ids.len() <= MOST_CHANGED).then_some(ids)
    }

    fn events(&self, record: &ProcessRecord, range: &EventRange) -> Vec<Rc<ProcessEvent>> {
        let id = record.id();
        match range {
            EventRange::After { after, limit, types: None } => self.log(key![EVENT, id], id, *after, *limit),
            EventRange::After { after, limit, types: Some(types) } => {
                let mut merged = Table::default();
                let among = (types.len() > MANY_TYPES).then(|| record.log.types_among(types));
                for event_type in among.as_ref().unwrap_or(types) {
                    for event in self.log(key![BY_TYPE, id, event_type], id, *after, *limit) {
                        merged.put(key![event.sequence], Row::Event(event));
                    }
                }
                let mut events = Vec::new();
                for (_, row) in merged.all() {
                    if let (Some(event), true) = (row.event(), events.len() < Query::size(*limit)) {
                        events.push(event.clone());
                    }
                }
                events
            }
            EventRange::Last(count) => {
                let after = record.log.last_sequence.saturating_sub(*count);
                self.log(key![EVENT, id], id, after, None)
            }
            EventRange::Unacked(after) => self.log(key![WAKE, id], id, *after, None),
        }
    }

    /// The events whose sequences stand under a prefix, after a sequence.
    fn log(&self, prefix: Vec<Part>, id: &ProcessId, after: u64, limit: Option<u64>) -> Vec<Rc<ProcessEvent>> {
        let first = longer(&prefix, Part::Number(after.saturating_add(1)));
        let mut events = Vec::new();
        for (key, _) in self.more.between(first, longer(&prefix, Part::End)) {
            if events.len() == Query::size(limit) {
                break;
            }
            if let Some(Part::Number(sequence)) = key.last()
                && let Some(Row::Event(event)) = self.more.get(&key![EVENT, id, *sequence])
            {
                events.push(event.clone());
            }
        }
        events
    }

    fn with_records(&self, grants: Vec<&HandleGrant>) -> Vec<HandleEntry> {
        let mut entries = Vec::new();
        for grant in grants {
            if let Some(record) = self.rows.process(&grant.process_id) {
                entries.push(HandleEntry { grant: grant.clone(), record: record.clone() });
            }
        }
        entries
    }
}
