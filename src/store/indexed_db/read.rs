//! What to read for a rule or a question, as functions that run until nothing is missing; see [`Fetched`].
//!
//! While something is missing, they go on with less than there is, and what they found is thrown away. So is it
//! after a fault, which is noted: code that cannot stop half-way needs no way out of every step.

use std::rc::Rc;

use super::{
    Shared,
    codec::{
        CommitRow, LeaseRow, ProcessRow, WakeRow, change_of, decode, id_of, is_pruned, mark_of, ordinal_of, sequence_of,
    },
    requests::{COMMITS, EVENTS, Fetched, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, index, list, table},
};
use crate::{
    domain::{
        event::ProcessEvent,
        filter::ListQuery,
        grant::{HandleEntry, HandleGrant, SessionScope},
        json::{FromJson, ToJson},
        key::{Part, ProcessId, ScopeId, key, longer},
        lease::LeaseSlot,
        process::{ProcessRecord, Registered},
        snapshot::{Rows, Write},
        table::{Row, Table, sorted},
        value::Json,
    },
    error::{Code, Error, Result},
    store::{Answer, Answers, Changes, EventPage, EventRange, MANY_TYPES, MOST_CHANGED, Query, Reads},
};

/// The rows that rules are shown, and the last number of the change sequence.
pub struct Loaded {
    pub rows: Rows,
    pub last_change: u64,
}

impl Loaded {
    /// What a write registers: the half that never changes of a process that is not there yet.
    pub fn registers<'a>(&self, write: &'a Write) -> Option<&'a Rc<Registered>> {
        let Write::Process(record) = write else { return None };
        self.rows.process(record.id()).is_none().then_some(&record.registered)
    }
}

/// One run of reading.
pub struct Reader<'a> {
    pub shared: &'a Shared,
    /// The connection that is read over; see [`Shared::registered`].
    pub generation: u64,
    pub fetched: &'a mut Fetched,
    /// The first fault of what is being answered.
    pub fault: Option<Error>,
}

impl Reader<'_> {
    // ── For rules ──────────────────────────────────────────────────────────

    /// The number of the last change. Once it is here, it tells whether the processes that are kept are up to date.
    pub fn checked_last_change(&mut self) -> u64 {
        let last = self.last_change();
        if !self.fetched.pending() {
            self.shared.kept(self.generation).changed_up_to(last);
        }
        last
    }

    /// Adds everything that a rule needs to see.
    pub fn loaded(&mut self, mut loaded: Loaded, reads: &Reads) -> Loaded {
        let mut rows = match reads {
            Reads::Process(id, replay_key) => self.log_of(&mut loaded, id, replay_key.as_deref()),
            Reads::Leased(id, replay_key) => {
                self.slots(&mut loaded, std::slice::from_ref(id));
                self.log_of(&mut loaded, id, replay_key.as_deref())
            }
            Reads::Leases(ids) => {
                self.slots(&mut loaded, ids);
                Vec::new()
            }
            Reads::Viewed(scope, id, replay_key) => {
                let grant = self.fetched.ask(table(GRANTS).get(key![scope, id]));
                self.put_grants(&mut loaded, vec![grant]);
                self.log_of(&mut loaded, id, replay_key.as_deref())
            }
            Reads::Granted(scope, ids) => {
                for id in ids {
                    let grant = self.fetched.ask(table(GRANTS).get(key![scope, id]));
                    self.put_grants(&mut loaded, vec![grant]);
                }
                self.unknown(&mut loaded, ids)
            }
            Reads::Session(session) => {
                let mut granted = Vec::new();
                for (first, end) in SessionScope::id_ranges(session) {
                    let scopes = table(GRANTS).all(key![&first].to_json(), key![&end].to_json(), None);
                    granted.extend(self.fetched.rows(scopes));
                }
                let waking = self.fetched.rows(index(PROCESSES, "byWakeSession").only(session));
                let granted: Vec<HandleGrant> = self.decode_all(granted);
                let ids = sorted(&processes_of(&granted));
                self.grants_of(&mut loaded, &ids);
                let mut found = self.unknown(&mut loaded, &ids);
                found.extend(waking);
                found
            }
            Reads::Retained(cutoff, limit) => {
                let oldest = index(PROCESSES, "byRetention").all(Json::Null, cutoff.to_json(), Some(*limit as u64));
                let found = self.fetched.rows(oldest);
                let mut ids = Vec::new();
                found.iter().for_each(|row| ids.push(id_of(row)));
                self.slots(&mut loaded, &ids);
                self.grants_of(&mut loaded, &ids);
                found
            }
        };
        if let (Reads::Leased(id, _), true) = (reads, rows.iter().any(is_pruned)) {
            loaded.rows.note_pruned(id);
        }
        // Decoding is most of the work.
        rows.retain(|row| loaded.rows.process(&id_of(row)).is_none());
        for record in self.records(rows) {
            loaded.rows.apply(&Write::Process(Rc::new(record)));
        }
        loaded
    }

    fn log_of(&mut self, loaded: &mut Loaded, id: &ProcessId, replay_key: Option<&str>) -> Vec<Json> {
        if let Some(replay_key) = replay_key {
            let stored = self.fetched.ask(index(EVENTS, "byReplayKey").get(key![id, replay_key]));
            if let Some(event) = self.decode::<Rc<ProcessEvent>>(&stored) {
                loaded.rows.put_replay(&event);
            }
        }
        self.unknown(loaded, std::slice::from_ref(id))
    }

    /// Adds the processes that are kept, and answers the rows of the others.
    fn unknown(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) -> Vec<Json> {
        let mut unknown = Vec::new();
        for id in ids {
            // Another rule of this transaction may have asked for it.
            if loaded.rows.process(id).is_some() {
                continue;
            }
            match self.shared.kept(self.generation).process(id) {
                Some(record) => loaded.rows.apply(&Write::Process(record)),
                None => unknown.push(id.clone()),
            }
        }
        self.rows_of(&unknown)
    }

    fn slots(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            let slot = self.slot(id);
            loaded.rows.apply(&Write::Lease(id.clone(), slot));
        }
    }

    fn grants_of(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            let grants = self.fetched.rows(index(GRANTS, "byProcess").under(key![id]));
            self.put_grants(loaded, grants);
        }
    }

    fn put_grants(&mut self, loaded: &mut Loaded, grants: Vec<Json>) {
        for grant in self.decode_all(grants) {
            loaded.rows.apply(&Write::Grant(grant));
        }
    }

    // ── For questions ──────────────────────────────────────────────────────

    /// The answers to some questions, each of which may have a fault of its own.
    pub fn answers(&mut self, queries: &[Rc<Query>]) -> Option<Answers> {
        // Every one is looked at, even if one before it is pending: all ask for their rows in one round.
        let mut answers = Answers::new();
        for query in queries {
            let answer = self.answer(query);
            answers.push(self.unless_faulty(answer));
        }
        (!self.fetched.pending()).then_some(answers)
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query {
            Query::Process(id) => Answer::Process(self.process(id)),
            Query::Processes(list) => Answer::Processes(self.list(list)),
            Query::Changes(after, limit) => Answer::Changes(self.changes(*after, *limit)),
            Query::ChangedIds(after) => self.changed_ids(*after),
            Query::Events(id, range) => Answer::Events(self.events(id, range)),
            Query::Count(id, event_type, up_to) => Answer::Count(self.count(id, event_type, *up_to)),
            Query::Lease(id) => Answer::Lease(self.slot(id).held),
            Query::GrantsOfScope(scope, list) => {
                let grants = self.fetched.rows(table(GRANTS).under(key![scope]));
                let mut entries = self.with_records(grants);
                entries.retain(|entry| list.holds(&entry.record));
                Answer::GrantsOfScope(entries)
            }
            Query::GrantsOfProcess(id) => {
                let grants = self.fetched.rows(index(GRANTS, "byProcess").under(key![id]));
                let entries = self.with_records(grants);
                Answer::GrantsOfProcess(self.process(id).map(|_| entries))
            }
            Query::IsGranted(scope, id) => Answer::IsGranted(self.is_granted(scope, id)),
            Query::Viewed(scope, query) => {
                // Asked in any case, so that both come in one round.
                let answer = self.answer(query);
                if query.process_id().is_some_and(|id| self.is_granted(scope, id)) {
                    return answer;
                }
                // A fault of what it may not see is no business of the scope.
                self.fault = None;
                query.nothing()
            }
        }
    }

    fn is_granted(&mut self, scope: &ScopeId, id: &ProcessId) -> bool {
        !self.fetched.ask(table(GRANTS).get(key![scope, id])).is_null()
    }

    /// The number of the commit by that writer whose mark an event carries, or which last left its mark in `commits`.
    pub fn mark(&mut self, event: Option<&Vec<Part>>, writer: &str) -> Option<Answers> {
        let left = match event {
            Some(event) => mark_of(&self.fetched.ask(table(EVENTS).get(event))),
            None => self.fetched.ask(table(COMMITS).get(writer)),
        };
        let left = self.decode::<CommitRow>(&left).filter(|mark| mark.writer == writer);
        let answer = self.unless_faulty(Answer::Count(left.map(|mark| mark.number)));
        (!self.fetched.pending()).then(|| vec![answer])
    }

    fn process(&mut self, id: &ProcessId) -> Option<ProcessRecord> {
        let rows = self.rows_of(std::slice::from_ref(id));
        self.records(rows).pop()
    }

    /// Merges the lanes of one index: each is in id order already, and gives at most a page.
    fn list(&mut self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = Query::size(query.page.limit);
        if limit == 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        for lane in &query.lanes {
            let mut after = query.index.lane(*lane);
            let end = longer(&after, Part::End);
            after.extend(query.page.cursor.as_ref().map(Part::from));
            let lane = list(&query.index).all(after.to_json(), end.to_json(), query.page.limit);
            found.extend(self.fetched.rows(lane));
        }
        self.records(in_order(found, |row| Part::from(&id_of(row)), limit))
    }

    fn changes(&mut self, after: u64, limit: Option<u64>) -> Changes {
        let mut changes = Changes { cursor: after, ..Changes::default() };
        if limit == Some(0) {
            return changes;
        }
        let mut living = self.fetched.rows(index(PROCESSES, "byChange").all(after.to_json(), Json::Null, limit));
        changes.cursor = living.last().map_or(after, change_of);
        living.retain(|row| {
            let pruned = is_pruned(row);
            if pruned {
                changes.removed.push(id_of(row));
            }
            !pruned
        });
        changes.records = self.records(living);
        changes
    }

    /// The sequence's end alone where that is the point; the ids are the primary keys of the change index, so
    /// that no row is loaded for them.
    fn changed_ids(&mut self, after: Option<u64>) -> Answer {
        let end = self.last_change();
        let ids = match after {
            Some(after) if after == end => Some(Vec::new()),
            Some(after) if after < end => {
                let keys = self.fetched.rows(index(PROCESSES, "byChange").keys(after, MOST_CHANGED as u64 + 1));
                let mut ids = Vec::new();
                for key in keys {
                    ids.extend(key.as_str().map(ProcessId::from));
                }
                (ids.len() <= MOST_CHANGED).then_some(ids)
            }
            Some(_) | None => None,
        };
        Answer::ChangedIds(ids, end)
    }

    fn events(&mut self, id: &ProcessId, range: &EventRange) -> Option<EventPage> {
        let known = self.process(id);
        let rows = match range {
            EventRange::After { limit: Some(0), .. } => Vec::new(),
            EventRange::After { after, limit, types: None } => self.log(id, *after, *limit),
            EventRange::After { after, limit, types: Some(types) } => {
                // Of many types, those that the log has are asked for, once they are known.
                let types = match (types.len() > MANY_TYPES, &known) {
                    (false, _) => types.clone(),
                    (true, Some(record)) => record.log.types_among(types),
                    (true, None) => Vec::new(),
                };
                // Each type is in sequence order already, and gives at most a page.
                let mut found = Vec::new();
                for event_type in &types {
                    let (first, end) = (key![id, event_type, *after], key![id, event_type, Part::End]);
                    let of_type = index(EVENTS, "byType").all(first.to_json(), end.to_json(), *limit);
                    found.extend(self.fetched.rows(of_type));
                }
                in_order(found, |row| Part::Number(sequence_of(row)), Query::size(*limit))
            }
            // Sequences are dense, so the last ones are a range once the last is known.
            EventRange::Last(count) => match &known {
                Some(record) => self.log(id, record.log.last_sequence.saturating_sub(*count), None),
                None => Vec::new(),
            },
            EventRange::Unacked(after) => {
                let (first, end) = (key![id, *after], key![id, Part::End]);
                let wakes = self.fetched.rows(table(WAKES).all(first.to_json(), end.to_json(), None));
                let mut found = Vec::new();
                for WakeRow { process_id, sequence } in self.decode_all(wakes) {
                    found.push(self.fetched.ask(table(EVENTS).get(key![&process_id, sequence])));
                }
                found
            }
        };
        let events = self.decode_all(rows);
        known.map(|record| EventPage { record, events })
    }

    fn log(&mut self, id: &ProcessId, after: u64, limit: Option<u64>) -> Vec<Json> {
        let (first, end) = (key![id, after], key![id, Part::End]);
        self.fetched.rows(table(EVENTS).all(first.to_json(), end.to_json(), limit))
    }

    /// Every event row carries its place among those of its type, so the last one up to the
    /// sequence tells the count.
    fn count(&mut self, id: &ProcessId, event_type: &str, up_to: u64) -> Option<u64> {
        let row = self.fetched.ask(table(PROCESSES).get(id));
        let (first, end) = (key![id, event_type], key![id, event_type, up_to.saturating_add(1)]);
        let last = self.fetched.ask(index(EVENTS, "byType").last(first.to_json(), end.to_json()));
        (!row.is_null() && !is_pruned(&row)).then(|| ordinal_of(&last))
    }

    fn slot(&mut self, id: &ProcessId) -> LeaseSlot {
        let slot = self.fetched.ask(table(LEASES).get(id));
        self.decode::<LeaseRow>(&slot).map(|row| row.slot).unwrap_or_default()
    }

    /// A grant never outlives its process, so grants and processes match one to one.
    fn with_records(&mut self, grants: Vec<Json>) -> Vec<HandleEntry> {
        let grants: Vec<HandleGrant> = self.decode_all(grants);
        let rows = self.rows_of(&processes_of(&grants));
        let mut records = self.records(rows).into_iter();
        let mut entries = Vec::new();
        for grant in grants {
            if let Some(record) = records.next() {
                entries.push(HandleEntry { grant, record });
            }
        }
        entries
    }

    // ── Parts ──────────────────────────────────────────────────────────────

    /// The number of the last change; 0 as long as it is not here.
    fn last_change(&mut self) -> u64 {
        self.fetched.ask(index(PROCESSES, "byChange").last_key()).as_number().unwrap_or_default() as u64
    }

    fn rows_of(&mut self, ids: &[ProcessId]) -> Vec<Json> {
        let mut rows = Vec::new();
        ids.iter().for_each(|id| rows.push(self.fetched.ask(table(PROCESSES).get(id))));
        rows
    }

    /// The records of process rows; tombstones and missing rows are left out.
    fn records(&mut self, rows: Vec<Json>) -> Vec<ProcessRecord> {
        let mut records = Vec::new();
        for row in rows {
            if is_pruned(&row) {
                continue;
            }
            let Some(row) = self.decode::<ProcessRow>(&row) else { continue };
            if let Some(registered) = self.registered(&row) {
                records.push(row.into_record(registered));
            }
        }
        records
    }

    fn registered(&mut self, row: &ProcessRow) -> Option<Rc<Registered>> {
        if let Some(known) = self.shared.kept(self.generation).registered(row) {
            return Some(known);
        }
        let stored = self.fetched.ask(table(REGISTRATIONS).get(&row.id));
        let Some(registered) = self.decode(&stored) else {
            if !self.fetched.pending() {
                self.note(Error::of(Code::StorageFailed, &row.id, "has lost its registration"));
            }
            return None;
        };
        if self.fault.is_none() {
            self.shared.kept(self.generation).register(&registered);
        }
        Some(registered)
    }

    /// A row in its own shape; `None` where there is none, or not yet.
    fn decode<T: FromJson>(&mut self, row: &Json) -> Option<T> {
        if row.is_null() {
            return None;
        }
        match decode(row) {
            Ok(decoded) => Some(decoded),
            Err(fault) => {
                self.note(fault);
                None
            }
        }
    }

    fn decode_all<T: FromJson>(&mut self, rows: Vec<Json>) -> Vec<T> {
        let mut decoded = Vec::new();
        for row in rows {
            decoded.extend(self.decode(&row));
        }
        decoded
    }

    fn note(&mut self, fault: Error) {
        self.fault.get_or_insert(fault);
    }

    fn unless_faulty<T>(&mut self, found: T) -> Result<T> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(found),
        }
    }
}

fn processes_of(grants: &[HandleGrant]) -> Vec<ProcessId> {
    let mut ids = Vec::new();
    grants.iter().for_each(|grant| ids.push(grant.process_id.clone()));
    ids
}

/// The first of some rows, in an order of their own.
fn in_order(rows: Vec<Json>, order: fn(&Json) -> Part, limit: usize) -> Vec<Json> {
    let mut places = Table::default();
    for (place, row) in rows.iter().enumerate() {
        places.put(vec![order(row)], Row::Number(place as u64));
    }
    let mut ordered = Vec::new();
    for (_, place) in places.all().take(limit) {
        ordered.extend(place.number().and_then(|place| rows.get(place as usize)).cloned());
    }
    ordered
}
