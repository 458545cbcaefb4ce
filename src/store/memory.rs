//! Rows in memory: gone with the page, and the model of what the other stores do.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures::future::{FutureExt, LocalBoxFuture, ready};

use super::{Changes, Durability, EventPage, EventRange, GrantsOf, Reads, Rule, Store};
use crate::{
    domain::{
        event::ProcessEvent,
        filter::{ListIndex, ListQuery},
        grant::{HandleEntry, HandleGrant},
        key::{Key, ProcessId, ScopeId},
        lease::ProcessLease,
        process::ProcessRecord,
        snapshot::{Rows, Snapshot, Write},
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

/// The rows that rules read, and the orders that only reads need.
#[derive(Default)]
struct Tables {
    rows: Rows,
    logs: BTreeMap<ProcessId, Log>,
    lists: BTreeMap<Vec<Key>, BTreeSet<ProcessId>>,
    changes: BTreeMap<u64, ProcessId>,
    change_of: BTreeMap<ProcessId, u64>,
    last_change: u64,
}

/// One event log. Sequences are dense, so an event's place is its sequence less one.
#[derive(Default)]
struct Log {
    events: Vec<Rc<ProcessEvent>>,
    by_type: BTreeMap<String, Vec<u64>>,
    unacked: BTreeSet<u64>,
}

impl MemoryStore {
    /// An empty store on the host's time.
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock, tables: Rc::new(RefCell::new(Some(Tables::default()))) }
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

    fn transact(&self, _: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<()>> {
        let now = self.clock.now();
        self.answer(|tables| {
            let writes = rule(&Snapshot { now, rows: &tables.rows })?;
            writes.iter().for_each(|write| tables.apply(write));
            Ok(())
        })
    }

    fn process(&self, id: &ProcessId) -> LocalBoxFuture<'static, Result<Option<ProcessRecord>>> {
        self.answer(|tables| Ok(tables.rows.process(id).cloned()))
    }

    fn processes(&self, query: ListQuery) -> LocalBoxFuture<'static, Result<Vec<ProcessRecord>>> {
        self.answer(|tables| Ok(tables.list(&query)))
    }

    fn changes(&self, after: u64, limit: Option<usize>) -> LocalBoxFuture<'static, Result<Changes>> {
        self.answer(|tables| Ok(tables.changes(after, limit)))
    }

    fn events(&self, id: &ProcessId, range: EventRange) -> LocalBoxFuture<'static, Result<Option<EventPage>>> {
        self.answer(|tables| {
            let Some(record) = tables.rows.process(id).cloned() else { return Ok(None) };
            let events = tables.logs.get(id).map(|log| log.range(&range)).unwrap_or_default();
            Ok(Some(EventPage { record, events }))
        })
    }

    fn count_events(
        &self,
        id: &ProcessId,
        event_type: &str,
        up_to: u64,
    ) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        self.answer(|tables| {
            if tables.rows.process(id).is_none() {
                return Ok(None);
            }
            let of_type = tables.logs.get(id).and_then(|log| log.by_type.get(event_type));
            let count = of_type.map_or(0, |places| places.partition_point(|sequence| *sequence <= up_to));
            Ok(Some(count as u64))
        })
    }

    fn lease(&self, id: &ProcessId) -> LocalBoxFuture<'static, Result<Option<ProcessLease>>> {
        self.answer(|tables| Ok(tables.rows.lease(id).held))
    }

    fn grants(&self, of: GrantsOf) -> LocalBoxFuture<'static, Result<Vec<HandleEntry>>> {
        self.answer(|tables| Ok(tables.grants(&of)))
    }

    fn grant(&self, scope: &ScopeId, id: &ProcessId) -> LocalBoxFuture<'static, Result<Option<HandleGrant>>> {
        self.answer(|tables| Ok(tables.rows.grant(scope, id).cloned()))
    }

    fn close(&self) {
        self.tables.take();
    }
}

impl Tables {
    fn apply(&mut self, write: &Write) {
        match write {
            Write::Process(record) => {
                self.unlist(record.id());
                for key in list_keys(record) {
                    self.lists.entry(key).or_default().insert(record.id().clone());
                }
                self.changed(record.id());
            }
            Write::Event { event, .. } => self.logs.entry(event.process_id.clone()).or_default().insert(event),
            Write::AckWake(id, sequence) => {
                if let Some(log) = self.logs.get_mut(id) {
                    log.unacked.remove(sequence);
                }
            }
            Write::Prune(id) => {
                self.unlist(id);
                self.logs.remove(id);
                self.changed(id);
            }
            Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) => {}
        }
        self.rows.apply(write);
    }

    /// Takes a process out of the lists that its stored row stands in.
    fn unlist(&mut self, id: &ProcessId) {
        let Some(stored) = self.rows.process(id) else { return };
        for key in list_keys(stored) {
            if let Some(list) = self.lists.get_mut(&key) {
                list.remove(id);
            }
        }
    }

    fn changed(&mut self, id: &ProcessId) {
        self.last_change += 1;
        if let Some(earlier) = self.change_of.insert(id.clone(), self.last_change) {
            self.changes.remove(&earlier);
        }
        self.changes.insert(self.last_change, id.clone());
    }

    fn list(&self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = query.page.limit();
        let mut ids = BTreeSet::new();
        for lane in &query.lanes {
            let Some(list) = self.lists.get(&list_key(&query.index, lane.as_str())) else { continue };
            match &query.page.cursor {
                Some(cursor) => ids.extend(list.range(cursor.clone()..).filter(|id| *id != cursor).take(limit)),
                None => ids.extend(list.iter().take(limit)),
            }
        }
        ids.into_iter().take(limit).filter_map(|id| self.rows.process(id).cloned()).collect()
    }

    fn changes(&self, after: u64, limit: Option<usize>) -> Changes {
        let mut changes = Changes { cursor: after, ..Changes::default() };
        let later = self.changes.range(after.saturating_add(1)..);
        for (number, id) in later.take(limit.unwrap_or(usize::MAX)) {
            changes.cursor = *number;
            match self.rows.process(id) {
                Some(record) => changes.records.push(record.clone()),
                None => changes.removed.push(id.clone()),
            }
        }
        changes
    }

    fn grants(&self, of: &GrantsOf) -> Vec<HandleEntry> {
        let with_record = |grant: &HandleGrant| {
            let record = self.rows.process(&grant.process_id)?.clone();
            Some(HandleEntry { grant: grant.clone(), record })
        };
        match of {
            GrantsOf::Scope(scope) => self.rows.grants_of_scope(scope).filter_map(with_record).collect(),
            GrantsOf::Process(id) => {
                let mut entries: Vec<_> = self.rows.grants_of_process(id).filter_map(with_record).collect();
                entries.sort_by(|a, b| a.grant.session_id.cmp(&b.grant.session_id));
                entries
            }
        }
    }
}

fn list_keys(record: &ProcessRecord) -> impl Iterator<Item = Vec<Key>> {
    let lane = record.lane().as_str();
    ListIndex::entries(record).into_iter().map(move |index| list_key(&index, lane))
}

/// The variants of [`ListIndex`] have prefixes of different kinds, so a marker keeps them apart.
fn list_key(index: &ListIndex, lane: &str) -> Vec<Key> {
    let marker = match index {
        ListIndex::Lane => "lane",
        ListIndex::Kind(_) => "kind",
        ListIndex::Definition(_) => "definition",
        ListIndex::DefinitionAndKind(..) => "both",
    };
    let ends = [Key::from(marker), Key::from(lane)];
    ends.into_iter().chain(index.prefix().into_iter().cloned()).collect()
}

impl Log {
    fn insert(&mut self, event: &Rc<ProcessEvent>) {
        self.by_type.entry(event.event_type.clone()).or_default().push(event.sequence);
        if event.semantics.wake.is_some() {
            self.unacked.insert(event.sequence);
        }
        self.events.push(event.clone());
    }

    fn range(&self, range: &EventRange) -> Vec<Rc<ProcessEvent>> {
        let at = |sequence: &u64| self.events.get(*sequence as usize - 1).cloned();
        match range {
            EventRange::After { after, limit, types: None } => {
                let later = self.events.iter().skip(*after as usize);
                later.take(limit.unwrap_or(usize::MAX)).cloned().collect()
            }
            EventRange::After { after, limit, types: Some(types) } => {
                let limit = limit.unwrap_or(usize::MAX);
                let sequences: BTreeSet<u64> =
                    types.iter().flat_map(|event_type| self.later_of_type(event_type, *after).take(limit)).collect();
                sequences.iter().take(limit).filter_map(at).collect()
            }
            EventRange::Last(count) => {
                self.events.iter().skip(self.events.len().saturating_sub(*count)).cloned().collect()
            }
            EventRange::Unacked(after) => self.unacked.range(after.saturating_add(1)..).filter_map(at).collect(),
        }
    }

    fn later_of_type(&self, event_type: &str, after: u64) -> impl Iterator<Item = u64> {
        let places = self.by_type.get(event_type).map(Vec::as_slice).unwrap_or_default();
        let first = places.partition_point(|sequence| *sequence <= after);
        places.iter().skip(first).copied()
    }
}
