//! What to read for a rule or a question, as functions that run until nothing is missing; see [`ReadSet`].
//!
//! While something is missing, they go on with less than there is, and what they found is thrown away. So is it
//! after a fault, which is noted: code that cannot stop half-way needs no way out of every step.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::{
    Shared,
    read_set::ReadSet,
    rows::{
        ABOUT, COMMITS, COUNTS, CommitRow, CountRow, EVENTS, GRANTS, LEASES, LeaseRow, PROCESSES, ProcessRow,
        REGISTRATIONS, WAKES, WakeRow, change_of, id_of, index, is_pruned, list, ordinal_of, sequence_of, table, text,
        token_of, unreadable,
    },
};
use crate::{
    domain::{
        MAX_COUNT,
        event::{ProcessEvent, has_counts_apart, lies_apart, types_among},
        filter::ListQuery,
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::{Part, ProcessId, ScopeId, key, longer, sorted},
        lease::LeaseSlot,
        payload::Payload,
        process::{LogHead, ProcessRecord, Registered},
        snapshot::{Rows, Write},
    },
    error::{Error, Result},
    store::{
        Answer, Answers, Appending, Changes, EventPage, EventRange, MANY_TYPES, MOST_CHANGED, Point, Query, Reads,
        engine::{Between, Read},
    },
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
    pub fetched: &'a mut ReadSet,
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
    pub fn new(shared: &'a Shared, generation: u64, fetched: &'a mut ReadSet) -> Self {
        Self { shared, generation, fetched, fault: None, passed_over: Vec::new(), may_be_granted: false }
    }

    // ── For rules ──────────────────────────────────────────────────────────

    /// The number of the last change. Once it is here, it tells whether the processes that are kept are up to date.
    pub fn checked_last_change(&mut self) -> u64 {
        let last = self.last_change();
        if !self.fetched.is_pending() {
            self.shared.cached(self.generation).changed_up_to(last);
        }
        last
    }

    /// Adds everything that a rule needs to see.
    pub fn loaded(&mut self, mut loaded: Loaded, reads: &Reads) -> Loaded {
        let rows = match reads {
            Reads::Process(id, log) => self.log_of(&mut loaded, id, log),
            Reads::Leased(id, log) => {
                let slot = self.slot(id);
                loaded.rows.apply(&Write::Lease(id.clone(), slot));
                self.log_of(&mut loaded, id, log)
            }
            Reads::Leases(ids) => {
                self.slots(&mut loaded, ids);
                Vec::new()
            }
            Reads::Viewed(scope, id, log) => {
                let grant = self.fetched.row(table(GRANTS).get(key![scope, id]));
                // Before the work: an append to what is not granted costs as much as one to what is not there.
                let may_append = grant.is_some() || self.may_be_granted;
                self.put_grant(&mut loaded, id, grant);
                if may_append { self.log_of(&mut loaded, id, log) } else { Vec::new() }
            }
            Reads::Granted(scope, ids) => {
                for id in ids {
                    let grant = self.fetched.row(table(GRANTS).get(key![scope, id]));
                    self.put_grant(&mut loaded, id, grant);
                }
                self.unknown(&mut loaded, ids)
            }
            Reads::Whole(id) => return self.whole(loaded, id),
            Reads::Session(session) => {
                let mut granted = Vec::new();
                for (first, end) in SessionScope::id_ranges(session) {
                    granted.extend(self.fetched.rows(table(GRANTS).between(key![&first], key![&end], None)));
                }
                let waking = self.fetched.rows(Read::Only(index(PROCESSES, "byWakeSession"), key![session]));
                let ids = sorted(&processes_of(&self.grants(granted)));
                self.grants_of(&mut loaded, &ids);
                let mut found = self.unknown(&mut loaded, &ids);
                found.extend(waking);
                return self.with_processes(loaded, found, Self::legible);
            }
            Reads::Retained(cutoff, limit) => {
                let range = Between { after: None, before: Some(key![*cutoff]) };
                let most = u32::try_from(*limit).unwrap_or(u32::MAX);
                let oldest = Read::All(index(PROCESSES, "byRetention"), range, Some(most));
                let found = self.fetched.rows(oldest);
                let mut ids = Vec::new();
                found.iter().for_each(|row| ids.push(id_of(row)));
                self.slots(&mut loaded, &ids);
                self.grants_of(&mut loaded, &ids);
                let mut loaded = self.with_processes(loaded, found, Self::legible);
                for fault in &self.passed_over {
                    if let Some(id) = fault.process_id() {
                        loaded.rows.note_unreadable(id, fault.clone());
                    }
                }
                return loaded;
            }
        };
        if let (Reads::Leased(id, _), true) = (reads, rows.iter().any(is_pruned)) {
            loaded.rows.note_pruned(id);
        }
        let mut loaded = self.with_processes(loaded, rows, Self::records);
        if let Reads::Process(id, log) | Reads::Leased(id, log) | Reads::Viewed(_, id, log) = reads
            && let Some(event_type) = &log.event_type
        {
            self.count_of(&mut loaded, id, event_type);
        }
        loaded
    }

    /// Adds the count of an event type, where it lies in a row of its own.
    fn count_of(&mut self, loaded: &mut Loaded, id: &ProcessId, event_type: &str) {
        let Some(record) = loaded.rows.process(id) else { return };
        if !lies_apart(&record.log, event_type) {
            return;
        }
        let stored = self.fetched.row(table(COUNTS).get(key![id, event_type]));
        if let Some(row) = self.decode::<CountRow>(id, "count", stored) {
            loaded.rows.apply(&Write::Count(id.clone(), row.into_count()));
        }
    }

    fn with_processes(
        &mut self,
        mut loaded: Loaded,
        mut rows: Vec<Payload>,
        records: fn(&mut Self, Vec<Payload>) -> Vec<ProcessRecord>,
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
        let stored = self.fetched.row(table(PROCESSES).get(key![id]));
        match stored.and_then(|stored| self.record(&stored)) {
            Some(Ok(record)) => loaded.rows.apply(&Write::Process(Rc::new(record))),
            Some(Err(fault)) => loaded.rows.note_unreadable(id, fault),
            None => {
                let registration = self.fetched.row(table(REGISTRATIONS).get(key![id]));
                let events = self.fetched.rows(table(EVENTS).between(key![id], key![id, Part::End], Some(1)));
                if (registration.is_some() || !events.is_empty()) && !self.fetched.is_pending() {
                    loaded.rows.note_unreadable(id, unreadable(id, "process row", "is missing"));
                }
            }
        }
        let slot = self.fetched.row(table(LEASES).get(key![id])).map(|slot| {
            slot.read::<LeaseRow>().map(|row| row.slot).unwrap_or_else(|_| {
                // No fence and no number of lives was ever as high as the time.
                let above = self.shared.clock.now();
                LeaseSlot { last_fence: above, lives: Some(above), ..LeaseSlot::default() }
            })
        });
        loaded.rows.apply(&Write::Lease(id.clone(), slot.unwrap_or_default()));
        for row in self.fetched.rows(index(GRANTS, "byProcess").under(key![id])) {
            let (scope_id, session_id) = (text(&row, "scopeId"), text(&row, "sessionId"));
            loaded.rows.apply(&Write::Grant(HandleGrant {
                scope_id: scope_id.unwrap_or_default().into(),
                session_id: session_id.unwrap_or_default().into(),
                process_id: id.clone(),
                descriptor: HandleDescriptor::default(),
            }));
        }
        loaded
    }

    fn log_of(&mut self, loaded: &mut Loaded, id: &ProcessId, log: &Appending) -> Vec<Payload> {
        if let Some(replay_key) = &log.replay_key {
            let stored = self.fetched.row(index(EVENTS, "byReplayKey").get(key![id, replay_key]));
            if let Some(event) = self.decode::<Rc<ProcessEvent>>(id, "event", stored) {
                loaded.rows.put_replay(&event);
            }
        }
        self.unknown(loaded, std::slice::from_ref(id))
    }

    /// Adds the processes that are kept, and answers the rows of the others.
    fn unknown(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) -> Vec<Payload> {
        let mut unknown = Vec::new();
        for id in ids {
            // Another rule of this transaction may have asked for it.
            if loaded.rows.process(id).is_some() {
                continue;
            }
            match self.shared.cached(self.generation).process(id) {
                Some(record) => loaded.rows.apply(&Write::Process(record)),
                None => unknown.push(id.clone()),
            }
        }
        self.rows_of(&unknown)
    }

    /// Adds the lease slots of several processes. A slot that cannot be read counts as empty.
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

    fn put_grant(&mut self, loaded: &mut Loaded, id: &ProcessId, grant: Option<Payload>) {
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
        (!self.fetched.is_pending()).then_some(answers)
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query {
            Query::Process(id) => Answer::Process(self.process(id)),
            Query::Processes(list) => Answer::Processes(self.list(list)),
            Query::Changes(after, limit) => Answer::Changes(self.changes(*after, *limit)),
            Query::ChangedIds(after) => self.changed_ids(*after),
            Query::Events(id, range) => Answer::Events(self.events(id, range)),
            Query::Count(id, event_type, up_to) => Answer::Count(self.count(id, event_type, *up_to)),
            Query::Lease(id) => Answer::Lease(self.slot(id)),
            Query::GrantsOfScope(scope, list) => {
                let grants = self.fetched.rows(table(GRANTS).under(key![scope]));
                Answer::GrantsOfScope(self.with_records(grants, |row| list_holds(list, row)))
            }
            Query::GrantsOfProcess(id) => {
                let grants = self.fetched.rows(index(GRANTS, "byProcess").under(key![id]));
                let entries = self.with_records(grants, |_| true);
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
        self.fetched.row(table(GRANTS).get(key![scope, id])).is_some()
    }

    /// The number of the commit by that writer whose token an event carries, or which last left its token in `commits`.
    pub fn token(&mut self, event: Option<&Vec<Part>>, writer: &str) -> Option<Answers> {
        let left = match event {
            Some(event) => self.fetched.row(table(EVENTS).get(event.clone())).and_then(|row| token_of(&row)),
            None => self.fetched.row(table(COMMITS).get(key![writer])).and_then(|row| row.read::<CommitRow>().ok()),
        };
        let left = left.filter(|token| token.writer == writer);
        (!self.fetched.is_pending()).then(|| vec![Ok(Answer::Count(left.map(|token| token.number)))])
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
            if is_last || self.fetched.is_pending() {
                break;
            }
        }
        listed
    }

    /// Merges the lanes of one index: each is in id order already, and gives at most a page.
    fn page(&mut self, query: &ListQuery, cursor: Option<&ProcessId>, limit: usize) -> Vec<Payload> {
        let mut found = Vec::new();
        for lane in &query.lanes {
            let mut after = query.index.lane(*lane);
            let end = longer(&after, Part::End);
            after.extend(cursor.map(Part::from));
            let most = query.page.limit.map(|_| limit as u64);
            found.extend(self.fetched.rows(list(&query.index).between(after, end, most)));
        }
        in_order(found, |row| Part::from(&id_of(row)), limit)
    }

    fn changes(&mut self, after: Option<Point>, limit: Option<u64>) -> Changes {
        let mut changes = Changes::after(after, self.identity());
        if limit == Some(0) || self.fetched.is_pending() {
            return changes;
        }
        let after = changes.cursor.number;
        let mut living = self.fetched.rows(index(PROCESSES, "byChange").between(key![after], key![END], limit));
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
                let range = Between { after: Some(key![after.number]), before: Some(key![END]) };
                let most = MOST_CHANGED as u32 + 1;
                let keys = self.fetched.rows(Read::Keys(index(PROCESSES, "byChange"), range, most));
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
                    (true, Some(record)) => self.types_among(&record.log, id, types),
                    (true, None) => Vec::new(),
                };
                // Each type is in sequence order already, and gives at most a page.
                let mut found = Vec::new();
                for event_type in &types {
                    let (first, end) = (key![id, event_type, *after], key![id, event_type, Part::End]);
                    found.extend(self.fetched.rows(index(EVENTS, "byType").between(first, end, *limit)));
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
                let wakes = self.fetched.rows(table(WAKES).between(first, end, None));
                let mut found = Vec::new();
                for wake in wakes {
                    if let Some(WakeRow { process_id, sequence }) = self.decode(id, "wake", Some(wake)) {
                        found.extend(self.fetched.row(table(EVENTS).get(key![&process_id, sequence])));
                    }
                }
                found
            }
        };
        let mut events = Vec::new();
        for row in rows {
            events.extend(self.decode(id, "event", Some(row)));
        }
        known.map(|record| EventPage { record, events })
    }

    /// Those of some event types that a log has events of.
    fn types_among(&mut self, log: &LogHead, id: &ProcessId, types: &[String]) -> Vec<String> {
        let mut apart = Vec::new();
        if has_counts_apart(log) {
            let rows = self.fetched.rows(table(COUNTS).under(key![id]));
            rows.iter().for_each(|row| apart.extend(text(row, "eventType")));
        }
        types_among(log, apart, types)
    }

    fn log(&mut self, id: &ProcessId, after: u64, limit: Option<u64>) -> Vec<Payload> {
        let (first, end) = (key![id, after], key![id, Part::End]);
        self.fetched.rows(table(EVENTS).between(first, end, limit))
    }

    /// Every event row carries its place among those of its type, so the last one up to the
    /// sequence tells the count.
    fn count(&mut self, id: &ProcessId, event_type: &str, up_to: u64) -> Option<u64> {
        let row = self.fetched.row(table(PROCESSES).get(key![id]));
        let (first, end) = (key![id, event_type], key![id, event_type, up_to.saturating_add(1)]);
        let range = Between { after: Some(first), before: Some(end) };
        let last = self.fetched.row(Read::Last(index(EVENTS, "byType"), range));
        row.filter(|row| !is_pruned(row)).map(|_| last.as_ref().map(ordinal_of).unwrap_or_default())
    }

    fn slot(&mut self, id: &ProcessId) -> LeaseSlot {
        let slot = self.fetched.row(table(LEASES).get(key![id]));
        self.decode::<LeaseRow>(id, "lease", slot).map(|row| row.slot).unwrap_or_default()
    }

    /// The grants whose processes can be read, with these. A row that is not held is not decoded, nor is its registration read.
    fn with_records(&mut self, grants: Vec<Payload>, holds: impl Fn(&Payload) -> bool) -> Vec<HandleEntry> {
        let grants = self.grants(grants);
        let mut entries = Vec::new();
        for grant in grants {
            let row = self.fetched.row(table(PROCESSES).get(key![&grant.process_id]));
            let record = self.legible(row.into_iter().filter(&holds).collect()).pop();
            entries.extend(record.map(|record| HandleEntry { grant, record }));
        }
        entries
    }

    // ── Parts ──────────────────────────────────────────────────────────────

    /// The number of the last change; 0 as long as it is not here.
    fn last_change(&mut self) -> u64 {
        let last = self.fetched.row(Read::LastKey(index(PROCESSES, "byChange"), key![END]));
        last.and_then(|last| last.as_u64()).unwrap_or_default()
    }

    /// What tells this database from all others, also from one of its name that was deleted; 0 as long as it is not here.
    fn identity(&mut self) -> u128 {
        if let Some(identity) = self.shared.cached(self.generation).identity {
            return identity;
        }
        let row = self.fetched.row(table(ABOUT).get(key!["identity"]));
        let identity = row.and_then(|row| u128::from_str_radix(&text(&row, "value")?, 16).ok());
        self.shared.cached(self.generation).identity = identity;
        identity.unwrap_or_default()
    }

    fn rows_of(&mut self, ids: &[ProcessId]) -> Vec<Payload> {
        let mut rows = Vec::new();
        ids.iter().for_each(|id| rows.extend(self.fetched.row(table(PROCESSES).get(key![id]))));
        rows
    }

    /// The records of process rows; tombstones and missing rows are left out.
    fn records(&mut self, rows: Vec<Payload>) -> Vec<ProcessRecord> {
        let (records, faults) = self.decoded(rows);
        faults.into_iter().for_each(|fault| self.note(fault));
        records
    }

    /// Like [`records`](Self::records), but passes over what cannot be read: for answers about many processes.
    fn legible(&mut self, rows: Vec<Payload>) -> Vec<ProcessRecord> {
        let (records, faults) = self.decoded(rows);
        self.passed_over.extend(faults);
        records
    }

    fn decoded(&mut self, rows: Vec<Payload>) -> (Vec<ProcessRecord>, Vec<Error>) {
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        for row in rows {
            match self.record(&row) {
                Some(Ok(record)) => records.push(record),
                Some(Err(fault)) => faults.push(fault),
                None => {}
            }
        }
        (records, faults)
    }

    /// The record of a process row; `None` where there is none, or not yet.
    fn record(&mut self, row: &Payload) -> Option<Result<ProcessRecord>> {
        if is_pruned(row) {
            return None;
        }
        match row.read::<ProcessRow>() {
            Ok(row) => self.registered(&row).map(|registered| Ok(row.into_record(registered?))),
            Err(fault) => Some(Err(unreadable(&id_of(row), "process row", &fault))),
        }
    }

    fn registered(&mut self, row: &ProcessRow) -> Option<Result<Rc<Registered>>> {
        if let Some(known) = self.shared.cached(self.generation).registered(row) {
            return Some(Ok(known));
        }
        let stored = self.fetched.row(table(REGISTRATIONS).get(key![&row.id]));
        let unreadable = |fault: &str| Some(Err(unreadable(&row.id, "registration", fault)));
        let Some(stored) = stored else {
            return if self.fetched.is_pending() { None } else { unreadable("is missing") };
        };
        match stored.read::<Rc<Registered>>() {
            Err(fault) => unreadable(&fault),
            Ok(registered) if registered.registration_hash != row.registration_hash => unreadable("is another one"),
            Ok(registered) => {
                self.shared.cached(self.generation).register(&registered, stored.weight());
                Some(Ok(registered))
            }
        }
    }

    /// The grants in rows, without those that cannot be read.
    fn grants(&mut self, rows: Vec<Payload>) -> Vec<HandleGrant> {
        let mut grants = Vec::new();
        for row in rows {
            match row.read::<HandleGrant>() {
                Ok(grant) => grants.push(grant),
                Err(fault) => {
                    let id = text(&row, "processId").unwrap_or_default().into();
                    self.passed_over.push(unreadable(&id, "grant", &fault));
                }
            }
        }
        grants
    }

    /// A row of a process in its own shape; `None` where there is none, or not yet.
    fn decode<T: DeserializeOwned>(&mut self, id: &ProcessId, what: &str, row: Option<Payload>) -> Option<T> {
        match row?.read() {
            Ok(decoded) => Some(decoded),
            Err(fault) => {
                self.note(unreadable(id, what, &fault));
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

/// Whether a list holds the process of a row, its stretch aside.
fn list_holds(list: &ListQuery, row: &Payload) -> bool {
    let [lane, kind, hash] = ["lane", "kind", "definitionHash"].map(|name| text(row, name).unwrap_or_default());
    list.holds(&lane, &kind, &hash)
}

fn processes_of(grants: &[HandleGrant]) -> Vec<ProcessId> {
    let mut ids = Vec::new();
    grants.iter().for_each(|grant| ids.push(grant.process_id.clone()));
    ids
}

/// The first of some rows, in an order of their own, each place once.
fn in_order(rows: Vec<Payload>, order: fn(&Payload) -> Part, limit: usize) -> Vec<Payload> {
    let mut placed: Vec<_> = rows.into_iter().map(|row| (order(&row), row)).collect();
    placed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    placed.dedup_by(|(one, _), (other, _)| one == other);
    placed.into_iter().map(|(_, row)| row).take(limit).collect()
}
