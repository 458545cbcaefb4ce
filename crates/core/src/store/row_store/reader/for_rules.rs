//! The rows that rules are shown.

use std::rc::Rc;

use super::{
    super::rows::{
        COUNTS, CountRow, EVENTS, GRANTS, LEASES, LeaseRow, PROCESSES, ProcessRow, REGISTRATIONS, has_begun, id_of,
        index, is_pruned, key_of, table, text, unreadable,
    },
    Loaded, Reader,
};
use crate::{
    model::{
        event::{ProcessEvent, ProcessEventType},
        filter::ListStatus,
        grant::{HandleDescriptor, HandleGrant, SessionScope},
        key::{Part, ProcessId, key, sorted},
        lease::LeaseSlot,
        payload::Payload,
        process::{ProcessRecord, TerminalState},
        retention::Outdated,
    },
    rules::{counted::lies_apart, snapshot::Write},
    store::{
        Appending, Reads, Registering,
        engine::{Between, Read},
    },
};

/// About how many bytes of processes are pruned in one transaction, which holds all of them.
const MOST_BYTES: usize = 1 << 24;

/// How many processes of a concurrency key are read at a time, to find the first that may begin.
const KEY_PAGE: u64 = 8;

impl Reader<'_> {
    /// The number of the last change. Once it is here, it tells whether the processes that are kept are up to date.
    pub fn checked_last_change(&mut self) -> u64 {
        let last = self.last_change();
        if !self.read_set.is_pending() {
            self.shared.cached(self.generation).changed_up_to(last);
        }
        last
    }

    /// Adds everything that a rule needs to see.
    pub fn loaded(&mut self, mut loaded: Loaded, reads: &Reads) -> Loaded {
        if reads.may_end() {
            self.totals(&mut loaded);
        }
        let rows = match reads {
            Reads::Process(id, log) => self.log_of(&mut loaded, id, log),
            Reads::Leased(id, log) => {
                self.put_slot(&mut loaded, id);
                self.log_of(&mut loaded, id, log)
            }
            Reads::Claim(id) => {
                self.put_slot(&mut loaded, id);
                self.unknown(&mut loaded, std::slice::from_ref(id))
            }
            Reads::Registering(registering) => return self.registering(loaded, registering),
            Reads::Forking(id, new_id) => return self.forking(loaded, id, new_id),
            Reads::Several(several) => return several.iter().fold(loaded, |loaded, reads| self.loaded(loaded, reads)),
            Reads::Leases(ids) => {
                self.slots(&mut loaded, ids);
                Vec::new()
            }
            Reads::Stream(id, name) => {
                self.put_slot(&mut loaded, id);
                if let Some(stream) = self.stream(id, name) {
                    loaded.rows.apply(&Write::Stream(stream));
                }
                self.unknown(&mut loaded, std::slice::from_ref(id))
            }
            Reads::Viewed(scope, id, log) => {
                let grant = self.read_set.row(table(GRANTS).get(key![scope, id]));
                // Before the work: an append to what is not granted costs as much as one to what is not there.
                let may_append = grant.is_some() || self.may_be_granted;
                self.put_grant(&mut loaded, id, grant);
                if may_append { self.log_of(&mut loaded, id, log) } else { Vec::new() }
            }
            Reads::Granted(scope, ids) => {
                for id in ids {
                    let grant = self.read_set.row(table(GRANTS).get(key![scope, id]));
                    self.put_grant(&mut loaded, id, grant);
                }
                self.unknown(&mut loaded, ids)
            }
            Reads::Whole(id) => return self.whole(loaded, id),
            Reads::Session(session) => {
                let mut granted = Vec::new();
                for (first, end) in SessionScope::id_ranges(session) {
                    granted.extend(self.read_set.rows(table(GRANTS).between(key![&first], key![&end], None)));
                }
                let waking = self.read_set.rows(Read::Only(index(PROCESSES, "byWakeSession"), key![session]));
                let ids = sorted(&processes_of(&self.grants(granted)));
                self.grants_of(&mut loaded, &ids);
                let mut found = self.unknown(&mut loaded, &ids);
                found.extend(waking);
                return self.with_processes(loaded, found, Self::legible);
            }
            Reads::Outdated(outdated, limit) => {
                let ids = self.outdated(outdated, *limit);
                let found = self.first_of(&mut loaded, &ids);
                let ids: Vec<_> = found.iter().map(id_of).collect();
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
        if let Reads::Process(id, log) | Reads::Leased(id, log) | Reads::Viewed(_, id, log) = reads {
            if let Some(event_type) = &log.event_type {
                self.count_of(&mut loaded, id, event_type);
            }
            return self.changed_by_end(loaded, id, log, Self::legible);
        }
        if let Reads::Claim(id) = reads {
            return self.changed_by_end(loaded, id, &Appending::ending(), Self::records);
        }
        loaded
    }

    /// Adds the count of an event type, where it lies in a row of its own.
    fn count_of(&mut self, loaded: &mut Loaded, id: &ProcessId, event_type: &str) {
        let Some(record) = loaded.rows.process(id) else { return };
        if !lies_apart(&record.log, event_type) {
            return;
        }
        let stored = self.read_set.row(table(COUNTS).get(key![id, event_type]));
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

    /// The oldest so many of the processes that are outdated, of each way to end.
    fn outdated(&mut self, outdated: &Outdated, limit: usize) -> Vec<ProcessId> {
        let (now, most) = (self.now(), u32::try_from(limit).unwrap_or(u32::MAX));
        let mut ids = Vec::new();
        for state in [TerminalState::Completed, TerminalState::Failed, TerminalState::Cancelled] {
            if let Some(cutoff) = outdated.cutoff(state, now) {
                let lane = ListStatus::Ended(state).as_str();
                let range = Between { after: Some(key![lane]), before: Some(key![lane, cutoff]) };
                let oldest = self.read_set.rows(Read::Keys(index(PROCESSES, "byRetention"), range, most));
                ids.extend(oldest.iter().filter_map(|id| Some(ProcessId::from(id.as_str()?))));
            }
        }
        ids
    }

    /// The rows of the first of some processes, about as many as [`MOST_BYTES`]: they may be of any size.
    fn first_of(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) -> Vec<Payload> {
        let (mut rows, mut weight, mut rest, mut count) = (Vec::new(), 0, ids, 16);
        while !rest.is_empty() {
            let (next, later) = rest.split_at(rest.len().min(count));
            for id in next {
                let registration = self.read_set.row(table(REGISTRATIONS).get(key![id]));
                let row = self.read_set.row(table(PROCESSES).get(key![id]));
                weight += registration.iter().chain(&row).map(Payload::weight).sum::<usize>();
                rows.extend(row);
            }
            if self.read_set.is_pending() {
                break;
            }
            if weight > MOST_BYTES && !later.is_empty() {
                loaded.rows.note_more_retained();
                break;
            }
            (rest, count) = (later, count * 8);
        }
        rows
    }

    /// Adds what deleting a process removes, as far as it can be read.
    fn whole(&mut self, mut loaded: Loaded, id: &ProcessId) -> Loaded {
        let stored = self.read_set.row(table(PROCESSES).get(key![id]));
        let key_of = stored.as_ref().and_then(key_of);
        match stored.and_then(|stored| self.record(&stored)) {
            Some(Ok(record)) => {
                loaded.rows.apply(&Write::Process(Rc::new(record)));
                loaded = self.changed_by_end(loaded, id, &Appending::ending(), Self::legible);
            }
            Some(Err(fault)) => {
                loaded.rows.note_unreadable(id, fault);
                let mut others = self.children(id);
                if let Some(key) = key_of {
                    others.extend(self.first_of_key(&key, id));
                    loaded.rows.note_key(id, key);
                }
                loaded = self.with_processes(loaded, others, Self::legible);
            }
            None => {
                let registration = self.read_set.row(table(REGISTRATIONS).get(key![id]));
                let events = self.read_set.rows(table(EVENTS).between(key![id], key![id, Part::End], Some(1)));
                if (registration.is_some() || !events.is_empty()) && !self.read_set.is_pending() {
                    loaded.rows.note_unreadable(id, unreadable(id, "process row", "is missing"));
                }
                let children = self.children(id);
                loaded = self.with_processes(loaded, children, Self::legible);
            }
        }
        let above = self.now();
        let slot = self.read_set.row(table(LEASES).get(key![id])).map(|slot| {
            slot.read::<LeaseRow>().map(|row| row.slot).unwrap_or_else(|_| {
                // No fence and no number of lives was ever as high as the time.
                LeaseSlot { last_fence: above, lives: Some(above), ..LeaseSlot::default() }
            })
        });
        loaded.rows.apply(&Write::Lease(id.clone(), slot.unwrap_or_default()));
        for row in self.read_set.rows(index(GRANTS, "byProcess").under(key![id])) {
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

    /// The rows of the children of a process that have not ended.
    fn children(&mut self, parent: &ProcessId) -> Vec<Payload> {
        let mut children = Vec::new();
        for status in [ListStatus::Active, ListStatus::Waiting] {
            children.extend(self.read_set.rows(index(PROCESSES, "byParent").under(key![parent, status.as_str()])));
        }
        children
    }

    fn log_of(&mut self, loaded: &mut Loaded, id: &ProcessId, log: &Appending) -> Vec<Payload> {
        if let Some(replay_key) = &log.replay_key {
            let stored = self.read_set.row(index(EVENTS, "byReplayKey").get(key![id, replay_key]));
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

    /// Adds what registering a process needs. A tombstone tells that its id was pruned before lease slots counted that.
    fn registering(&mut self, mut loaded: Loaded, Registering { id, parent, key }: &Registering) -> Loaded {
        let slots: Vec<_> = [Some(id), parent.as_ref()].into_iter().flatten().cloned().collect();
        slots.iter().for_each(|id| self.put_slot(&mut loaded, id));
        let rows = self.unknown(&mut loaded, &slots);
        if rows.iter().any(|row| id_of(row) == *id && is_pruned(row)) {
            loaded.rows.note_pruned(id);
        }
        let mut loaded = self.with_processes(loaded, rows, Self::records);
        if let Some((key, all)) = key {
            let queued = match all {
                true => self.read_set.rows(index(PROCESSES, "byQueue").under(key![key])),
                false => self.first_of_key(key, id).into_iter().collect(),
            };
            loaded = self.with_processes(loaded, queued, Self::legible);
        }
        loaded
    }

    /// Adds a process with its events, and what registering another one of its concurrency key needs.
    fn forking(&mut self, mut loaded: Loaded, id: &ProcessId, new_id: &ProcessId) -> Loaded {
        let rows = self.unknown(&mut loaded, std::slice::from_ref(id));
        let mut loaded = self.with_processes(loaded, rows, Self::records);
        let Some(source) = loaded.rows.shared_process(id).cloned() else { return loaded };
        let mut log = Vec::new();
        for row in self.log(id, 0, None) {
            log.extend(self.decode::<Rc<ProcessEvent>>(id, "event", Some(row)));
        }
        loaded.rows.put_log(id, log);
        let attachments = self.attachments(&source);
        loaded.rows.put_attachments(id, attachments);
        let key = source.policy().concurrency_key.clone().map(|key| (key, false));
        self.registering(loaded, &Registering { id: new_id.clone(), parent: None, key })
    }

    /// Adds what the end of a process changes, where it may end: its children, the next of its concurrency key, and its streams. These are
    /// found by ranges of rows as they are stored, so its transaction can have no other operation. `records` says what becomes of those that
    /// cannot be read.
    fn changed_by_end(
        &mut self,
        mut loaded: Loaded,
        id: &ProcessId,
        log: &Appending,
        records: fn(&mut Self, Vec<Payload>) -> Vec<ProcessRecord>,
    ) -> Loaded {
        let Some(record) = loaded.rows.shared_process(id).cloned() else { return loaded };
        let event_type = log.event_type.as_ref().and_then(|event_type| record.event_type(event_type));
        let may_end = log.may_end || event_type.is_some_and(ProcessEventType::is_terminal);
        let key = record.policy().concurrency_key.as_ref();
        let schedule = &record.schedule;
        if record.is_terminal() || !may_end {
            return loaded;
        }
        self.totals(&mut loaded);
        if !(schedule.has_children || schedule.has_streams || key.is_some()) {
            return loaded;
        }
        self.reads_ranges = true;
        let mut found = Vec::new();
        if schedule.has_streams {
            for stream in self.streams(id) {
                loaded.rows.apply(&Write::Stream(stream));
            }
        }
        if schedule.has_children {
            found.extend(self.children(id));
        }
        if let Some(key) = key {
            found.extend(self.first_of_key(key, id));
        }
        self.with_processes(loaded, found, records)
    }

    /// The row of the first process of a concurrency key, besides one, that has begun or may begin now. One that has begun counts even where
    /// it cannot be read: it holds the key.
    fn first_of_key(&mut self, key: &str, besides: &ProcessId) -> Option<Payload> {
        let now = self.now();
        let (mut after, end) = (key![key], key![key, Part::End]);
        loop {
            let page = self.read_set.rows(index(PROCESSES, "byQueue").between(after, end.clone(), Some(KEY_PAGE)));
            let is_last = page.len() < KEY_PAGE as usize;
            let mut last = None;
            for row in page {
                if id_of(&row) != *besides && has_begun(&row) {
                    return Some(row);
                }
                let Ok(decoded) = row.read::<ProcessRow>() else { continue };
                if decoded.id != *besides && decoded.goes_first(now) {
                    return Some(row);
                }
                last = decoded.place_in_queue();
            }
            after = last.filter(|_| !is_last)?;
        }
    }

    fn put_slot(&mut self, loaded: &mut Loaded, id: &ProcessId) {
        let slot = self.slot(id);
        loaded.rows.apply(&Write::Lease(id.clone(), slot));
    }

    /// Adds the lease slots of several processes. A slot that cannot be read counts as empty.
    fn slots(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            self.put_slot(loaded, id);
            self.passed_over.extend(self.fault.take());
        }
    }

    fn grants_of(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) {
        for id in ids {
            let grants = self.read_set.rows(index(GRANTS, "byProcess").under(key![id]));
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
}

fn processes_of(grants: &[HandleGrant]) -> Vec<ProcessId> {
    let mut ids = Vec::new();
    grants.iter().for_each(|grant| ids.push(grant.process_id.clone()));
    ids
}
