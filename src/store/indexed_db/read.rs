//! What to read for a rule or a question, as functions that run until nothing is missing; see [`Fetched`].
//!
//! While something is missing, they go on with less than there is, and what they found is thrown away. So is it
//! after a fault, which is noted: code that cannot stop half-way needs no way out of every step.

use std::rc::Rc;

use super::{
    Shared,
    codec::{
        CommitRow, LeaseRow, ProcessRow, WakeRow, change_of, decode, id_of, is_pruned, mark_of, ordinal_of,
        sequence_of, unreadable,
    },
    requests::{ABOUT, COMMITS, EVENTS, Fetched, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, index, list, table},
};
use crate::{
    domain::{
        MAX_COUNT,
        event::ProcessEvent,
        filter::ListQuery,
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        json::{FromJson, ToJson},
        key::{Key, Part, ProcessId, ScopeId, key, longer},
        lease::LeaseSlot,
        process::{ProcessRecord, Registered},
        snapshot::{Rows, Write},
        table::{Row, Table, sorted},
        value::Json,
    },
    error::{Code, Error, Result},
    store::{Answer, Answers, Changes, EventPage, EventRange, MANY_TYPES, MOST_CHANGED, Point, Query, Reads},
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
    /// What was passed over because it cannot be read.
    pub passed_over: Vec<Error>,
    /// Whether a rule of the transaction may grant what is not granted yet.
    pub may_be_granted: bool,
}

/// The first change number that there is not.
const END: u64 = MAX_COUNT + 1;

impl<'a> Reader<'a> {
    /// A run over a connection.
    pub fn new(shared: &'a Shared, generation: u64, fetched: &'a mut Fetched) -> Self {
        Self { shared, generation, fetched, fault: None, passed_over: Vec::new(), may_be_granted: false }
    }

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
        let rows = match reads {
            Reads::Process(id, replay_key) => self.log_of(&mut loaded, id, replay_key.as_deref()),
            Reads::Leased(id, replay_key) => {
                let slot = self.slot(id);
                loaded.rows.apply(&Write::Lease(id.clone(), slot));
                self.log_of(&mut loaded, id, replay_key.as_deref())
            }
            Reads::Leases(ids) => {
                self.slots(&mut loaded, ids);
                Vec::new()
            }
            Reads::Viewed(scope, id, replay_key) => {
                let grant = self.fetched.ask(table(GRANTS).get(key![scope, id]));
                // Before the work: an append to what is not granted costs as much as one to what is not there.
                let may_append = !grant.is_null() || self.may_be_granted;
                self.put_grant(&mut loaded, id, &grant);
                if may_append { self.log_of(&mut loaded, id, replay_key.as_deref()) } else { Vec::new() }
            }
            Reads::Granted(scope, ids) => {
                for id in ids {
                    let grant = self.fetched.ask(table(GRANTS).get(key![scope, id]));
                    self.put_grant(&mut loaded, id, &grant);
                }
                self.unknown(&mut loaded, ids)
            }
            Reads::Whole(id) => return self.whole(loaded, id),
            Reads::Session(session) => {
                let mut granted = Vec::new();
                for (first, end) in SessionScope::id_ranges(session) {
                    let scopes = table(GRANTS).all(key![&first].to_json(), key![&end].to_json(), None);
                    granted.extend(self.fetched.rows(scopes));
                }
                let waking = self.fetched.rows(index(PROCESSES, "byWakeSession").only(session));
                let ids = sorted(&processes_of(&self.grants(granted)));
                self.grants_of(&mut loaded, &ids);
                let mut found = self.unknown(&mut loaded, &ids);
                found.extend(waking);
                return self.with_processes(loaded, found, Self::legible);
            }
            Reads::Retained(cutoff, limit) => {
                let oldest = index(PROCESSES, "byRetention").all(Json::Null, cutoff.to_json(), Some(*limit as u64));
                let found = self.fetched.rows(oldest);
                let mut ids = Vec::new();
                found.iter().for_each(|row| ids.push(id_of(row)));
                self.slots(&mut loaded, &ids);
                self.grants_of(&mut loaded, &ids);
                let mut loaded = self.with_processes(loaded, found, Self::legible);
                for id in ids
                    .iter()
                    .filter(|id| !self.fetched.pending() && loaded.rows.process(id).is_none())
                    .collect::<Vec<_>>()
                {
                    loaded.rows.note_unreadable(id, Error::of(Code::StorageFailed, id, "cannot be read"));
                }
                return loaded;
            }
        };
        if let (Reads::Leased(id, _), true) = (reads, rows.iter().any(is_pruned)) {
            loaded.rows.note_pruned(id);
        }
        self.with_processes(loaded, rows, Self::records)
    }

    fn with_processes(
        &mut self,
        mut loaded: Loaded,
        mut rows: Vec<Json>,
        records: fn(&mut Self, Vec<Json>) -> Vec<ProcessRecord>,
    ) -> Loaded {
        // Decoding is most of the work.
        rows.retain(|row| loaded.rows.process(&id_of(row)).is_none());
        for record in records(self, rows) {
            loaded.rows.apply(&Write::Process(Rc::new(record)));
        }
        loaded
    }

    /// Adds what deleting a process removes, as far as it can be read.
    fn whole(&mut self, mut loaded: Loaded, id: &ProcessId) -> Loaded {
        let stored = self.fetched.ask(table(PROCESSES).get(id));
        match self.record(&stored) {
            Some(Ok(record)) => loaded.rows.apply(&Write::Process(Rc::new(record))),
            Some(Err(fault)) => loaded.rows.note_unreadable(id, fault),
            None => {
                let registration = self.fetched.ask(table(REGISTRATIONS).get(id));
                let events = table(EVENTS).all(key![id].to_json(), key![id, Part::End].to_json(), Some(1));
                let is_left = !registration.is_null() || !self.fetched.rows(events).is_empty();
                if is_left && !self.fetched.pending() {
                    loaded.rows.note_unreadable(id, unreadable(id, "process row", "is missing"));
                }
            }
        }
        let slot = self.fetched.ask(table(LEASES).get(id));
        let slot = match slot.is_null() {
            true => LeaseSlot::default(),
            false => decode::<LeaseRow>(&slot).map(|row| row.slot).unwrap_or_else(|_| {
                // No fence and no number of lives was ever as high as the time.
                let above = self.shared.clock.now();
                LeaseSlot { last_fence: above, lives: Some(above), ..LeaseSlot::default() }
            }),
        };
        loaded.rows.apply(&Write::Lease(id.clone(), slot));
        for row in self.fetched.rows(index(GRANTS, "byProcess").under(key![id])) {
            let text = |name: &str| Key::from(row.get(name).and_then(Json::as_str).unwrap_or_default());
            let (scope_id, session_id) = (text("scopeId"), text("sessionId"));
            let descriptor = HandleDescriptor::default();
            loaded.rows.apply(&Write::Grant(HandleGrant { scope_id, session_id, process_id: id.clone(), descriptor }));
        }
        loaded
    }

    fn log_of(&mut self, loaded: &mut Loaded, id: &ProcessId, replay_key: Option<&str>) -> Vec<Json> {
        if let Some(replay_key) = replay_key {
            let stored = self.fetched.ask(index(EVENTS, "byReplayKey").get(key![id, replay_key]));
            if let Some(event) = self.decode::<Rc<ProcessEvent>>(id, "event", &stored) {
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

    /// Adds the lease slots of several processes. One that cannot be read is nobody's lease.
    fn slots(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            let slot = self.slot(id);
            self.passed_over.extend(self.fault.take());
            loaded.rows.apply(&Write::Lease(id.clone(), slot));
        }
    }

    fn grants_of(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            let grants = self.fetched.rows(index(GRANTS, "byProcess").under(key![id]));
            for grant in self.grants(grants) {
                loaded.rows.apply(&Write::Grant(grant));
            }
        }
    }

    fn put_grant(&mut self, loaded: &mut Loaded, id: &ProcessId, grant: &Json) {
        if let Some(grant) = self.decode(id, "grant", grant) {
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
                // Before the work: what is not granted costs as much as what is not there.
                match query.process_id().is_some_and(|id| self.is_granted(scope, id)) {
                    true => self.answer(query),
                    false => query.nothing(),
                }
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
        let left = decode::<CommitRow>(&left).ok().filter(|mark| mark.writer == writer);
        let answer = self.unless_faulty(Answer::Count(left.map(|mark| mark.number)));
        (!self.fetched.pending()).then(|| vec![answer])
    }

    fn process(&mut self, id: &ProcessId) -> Option<ProcessRecord> {
        let rows = self.rows_of(std::slice::from_ref(id));
        self.records(rows).pop()
    }

    /// A page of a list, without the processes that cannot be read. A page that is short is the last one, so those are made up for.
    fn list(&mut self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = Query::size(query.page.limit);
        let (mut listed, mut after) = (Vec::new(), query.page.cursor.clone());
        while listed.len() < limit {
            let wanted = limit - listed.len();
            let rows = self.page(query, after.as_ref(), wanted);
            let is_last = rows.len() < wanted;
            after = rows.last().map(id_of);
            listed.extend(self.legible(rows));
            if is_last || self.fetched.pending() {
                break;
            }
        }
        listed
    }

    /// Merges the lanes of one index: each is in id order already, and gives at most a page.
    fn page(&mut self, query: &ListQuery, cursor: Option<&ProcessId>, limit: usize) -> Vec<Json> {
        let mut found = Vec::new();
        for lane in &query.lanes {
            let mut after = query.index.lane(*lane);
            let end = longer(&after, Part::End);
            after.extend(cursor.map(Part::from));
            let most = query.page.limit.map(|_| limit as u64);
            found.extend(self.fetched.rows(list(&query.index).all(after.to_json(), end.to_json(), most)));
        }
        in_order(found, |row| Part::from(&id_of(row)), limit)
    }

    fn changes(&mut self, after: Option<Point>, limit: Option<u64>) -> Changes {
        let mut changes = Changes::after(after, self.identity());
        if limit == Some(0) || self.fetched.pending() {
            return changes;
        }
        let after = changes.cursor.number;
        let mut living = self.fetched.rows(index(PROCESSES, "byChange").all(after.to_json(), END.to_json(), limit));
        changes.cursor.number = living.last().map_or(after, change_of);
        living.retain(|row| {
            let pruned = is_pruned(row);
            if pruned {
                changes.removed.push(id_of(row));
            }
            !pruned
        });
        changes.records = self.legible(living);
        changes
    }

    /// The sequence's end alone where that is the point; the ids are the primary keys of the change index, so
    /// that no row is loaded for them.
    fn changed_ids(&mut self, after: Option<Point>) -> Answer {
        let end = Point { database: self.identity(), number: self.last_change() };
        let ids = match after.filter(|after| after.database == end.database) {
            Some(after) if after == end => Some(Vec::new()),
            Some(after) if after.number < end.number => {
                let most = MOST_CHANGED as u64 + 1;
                let keys = self.fetched.rows(index(PROCESSES, "byChange").keys(after.number, END, most));
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
                for wake in wakes {
                    if let Some(WakeRow { process_id, sequence }) = self.decode(id, "wake", &wake) {
                        found.push(self.fetched.ask(table(EVENTS).get(key![&process_id, sequence])));
                    }
                }
                found
            }
        };
        let mut events = Vec::new();
        for row in rows {
            events.extend(self.decode(id, "event", &row));
        }
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
        self.decode::<LeaseRow>(id, "lease", &slot).map(|row| row.slot).unwrap_or_default()
    }

    /// The grants whose processes can be read, with these.
    fn with_records(&mut self, grants: Vec<Json>) -> Vec<HandleEntry> {
        let grants = self.grants(grants);
        let mut entries = Vec::new();
        for grant in grants {
            let row = self.fetched.ask(table(PROCESSES).get(&grant.process_id));
            let record = self.legible(vec![row]).pop();
            entries.extend(record.map(|record| HandleEntry { grant, record }));
        }
        entries
    }

    // ── Parts ──────────────────────────────────────────────────────────────

    /// The number of the last change; 0 as long as it is not here.
    fn last_change(&mut self) -> u64 {
        self.fetched.ask(index(PROCESSES, "byChange").last_key(END)).as_number().unwrap_or_default() as u64
    }

    /// What tells this database from all others, also from one of its name that was deleted; 0 as long as it is not here.
    fn identity(&mut self) -> u128 {
        if let Some(identity) = self.shared.kept(self.generation).identity {
            return identity;
        }
        let row = self.fetched.ask(table(ABOUT).get("identity"));
        let identity = row.get("value").and_then(Json::as_str).and_then(|text| u128::from_str_radix(text, 16).ok());
        self.shared.kept(self.generation).identity = identity;
        identity.unwrap_or_default()
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
            match self.record(&row) {
                Some(Ok(record)) => records.push(record),
                Some(Err(fault)) => self.note(fault),
                None => {}
            }
        }
        records
    }

    /// Like [`records`](Self::records), but passes over what cannot be read: for answers about many processes.
    fn legible(&mut self, rows: Vec<Json>) -> Vec<ProcessRecord> {
        let mut records = Vec::new();
        for row in rows {
            match self.record(&row) {
                Some(Ok(record)) => records.push(record),
                Some(Err(fault)) => self.passed_over.push(fault),
                None => {}
            }
        }
        records
    }

    /// The record of a process row; `None` where there is none, or not yet.
    fn record(&mut self, row: &Json) -> Option<Result<ProcessRecord>> {
        if row.is_null() || is_pruned(row) {
            return None;
        }
        match decode::<ProcessRow>(row) {
            Ok(row) => self.registered(&row).map(|registered| Ok(row.into_record(registered?))),
            Err(fault) => Some(Err(unreadable(&id_of(row), "process row", &fault.text()))),
        }
    }

    fn registered(&mut self, row: &ProcessRow) -> Option<Result<Rc<Registered>>> {
        if let Some(known) = self.shared.kept(self.generation).registered(row) {
            return Some(Ok(known));
        }
        let stored = self.fetched.ask(table(REGISTRATIONS).get(&row.id));
        if self.fetched.pending() && stored.is_null() {
            return None;
        }
        let unreadable = |fault: &str| Some(Err(unreadable(&row.id, "registration", fault)));
        match decode::<Rc<Registered>>(&stored) {
            _ if stored.is_null() => unreadable("is missing"),
            Err(fault) => unreadable(&fault.text()),
            Ok(registered) if registered.registration_hash != row.registration_hash => unreadable("is another one"),
            Ok(registered) => {
                self.shared.kept(self.generation).register(&registered);
                Some(Ok(registered))
            }
        }
    }

    /// The grants in rows, without those that cannot be read.
    fn grants(&mut self, rows: Vec<Json>) -> Vec<HandleGrant> {
        let mut grants = Vec::new();
        for row in rows {
            match decode::<HandleGrant>(&row) {
                Ok(grant) => grants.push(grant),
                Err(fault) => {
                    let id = row.get("processId").and_then(Json::as_str).unwrap_or_default().into();
                    self.passed_over.push(unreadable(&id, "grant", &fault.text()));
                }
            }
        }
        grants
    }

    /// A row of a process in its own shape; `None` where there is none, or not yet.
    fn decode<T: FromJson>(&mut self, id: &ProcessId, what: &str, row: &Json) -> Option<T> {
        if row.is_null() {
            return None;
        }
        match decode(row) {
            Ok(decoded) => Some(decoded),
            Err(fault) => {
                self.note(unreadable(id, what, &fault.text()));
                None
            }
        }
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
