//! What a rule decided, as requests.

use std::rc::Rc;

use super::{
    Kept,
    codec::{CommitRow, LeaseRow, ProcessRow, Tombstone, WakeRow, event_row},
    engine::Round,
    mark::Mark,
    read::Loaded,
    requests::{COMMITS, EVENTS, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, list, table},
};
use crate::domain::{
    MAX_COUNT, Millis, canonical,
    event::ProcessEvent,
    filter::{Lane, ListIndex},
    json::ToJson,
    key::{Part, ProcessId, key, longer},
    lease::LeaseSlot,
    process::ProcessRecord,
    snapshot::Write,
    table::{Row, Table},
    value::Json,
};
use crate::error::{Code, Error, Result};

/// What the rules of one transaction decided, one after another.
pub struct Commit {
    /// The rows as the rules so far leave them.
    pub loaded: Loaded,
    requests: Vec<String>,
    /// The length of those in bytes.
    weight: usize,
    /// The length of those that were handed over, too.
    whole: usize,
    /// The processes that changed, and the number of their last change.
    changed: Table,
    /// Looks at the places in lists that processes leave.
    left: Vec<Json>,
    /// The last event that was added, by its process and sequence.
    logged: Option<(ProcessId, u64)>,
    mark: Rc<Mark>,
    /// Whether there is one rule and no more.
    alone: bool,
    /// Whether something was written.
    written: bool,
    /// Whether that can be told without a row in `commits`: see [`recognises`](Self::recognises).
    recognised: bool,
}

/// From how many bytes on requests are handed over before more are made: of small events some hundred, a few milliseconds of
/// work. As text they take three times their length, of memory that a wasm never gives back.
const HEAVY: usize = 1 << 15;

/// From how many bytes on other operations get a transaction of their own: all of them are in memory until it is committed.
const MOST_BYTES: usize = 1 << 22;

impl Commit {
    /// Nothing yet, of one rule `alone` or of several.
    pub fn new(loaded: Loaded, mark: Rc<Mark>, alone: bool) -> Self {
        Self {
            loaded,
            requests: Vec::new(),
            weight: 0,
            whole: 0,
            changed: Table::default(),
            left: Vec::new(),
            logged: None,
            mark,
            alone,
            written: false,
            recognised: false,
        }
    }

    /// Adds what a rule decided, and answers the last change number that this takes: changed processes take numbers from
    /// the last one on.
    pub fn add(&mut self, writes: &[Write]) -> Result<Option<u64>> {
        // Before anything of it is written.
        if self.loaded.last_change > MAX_COUNT - writes.len() as u64 {
            return Err(Error::new(Code::StorageFailed, "the change sequence has reached 2^53 - 1 and cannot go on"));
        }
        self.written |= !writes.is_empty();
        for write in writes {
            self.recognised |= self.recognises(write);
            match write {
                Write::Process(record) => {
                    if let Some(registered) = self.loaded.registers(write) {
                        self.push(table(REGISTRATIONS).put(registered));
                    }
                    self.leave_lists(record.id(), Some(record.lane()));
                    self.change(record.id());
                }
                Write::Event { event, ordinal } => {
                    let mark = self.alone.then(|| self.mark.carried_by(&event.process_id, event.sequence));
                    let row = event_row(event, *ordinal, &mark);
                    let request = if self.follows(event) { table(EVENTS).put(&row) } else { table(EVENTS).add(row) };
                    self.push(request);
                    self.logged = Some((event.process_id.clone(), event.sequence));
                    if event.semantics.wake.is_some() {
                        let wake = WakeRow { process_id: event.process_id.clone(), sequence: event.sequence };
                        self.push(table(WAKES).put(&wake));
                    }
                }
                Write::AckWake(id, sequence) => self.push(table(WAKES).delete(key![id, *sequence])),
                Write::Lease(id, slot) => self.push(lease(id, slot.clone())),
                Write::Grant(grant) => self.push(table(GRANTS).put(grant)),
                Write::Revoke(scope, id) => self.push(table(GRANTS).delete(key![scope, id])),
                Write::Prune(id) => self.prune(id),
            }
            self.loaded.rows.apply(write);
        }
        Ok((!writes.is_empty()).then_some(self.loaded.last_change))
    }

    /// Whether an event comes right behind one that was added under a key that was free. A log has no gaps, so its own key is
    /// free then, and the browser need not look, which takes it a tenth of a large transaction.
    fn follows(&self, event: &ProcessEvent) -> bool {
        self.logged.as_ref().is_some_and(|(id, last)| *id == event.process_id && last + 1 == event.sequence)
    }

    fn push(&mut self, request: Json) {
        let request = canonical::as_given(&request);
        self.weight += request.len();
        self.whole += request.len();
        self.requests.push(request);
    }

    fn change(&mut self, id: &ProcessId) {
        self.loaded.last_change += 1;
        self.changed.put(key![id], Row::Number(self.loaded.last_change));
    }

    fn prune(&mut self, id: &ProcessId) {
        self.push(table(EVENTS).clear(key![id]));
        self.push(table(WAKES).clear(key![id]));
        self.push(table(REGISTRATIONS).delete(id));
        let mut grants = Vec::new();
        for grant in self.loaded.rows.grants_of_process(id) {
            grants.push(table(GRANTS).delete(key![&grant.scope_id, id]));
        }
        grants.into_iter().for_each(|grant| self.push(grant));
        let slot = self.loaded.rows.lease(id);
        let left = slot.pruned();
        if left != slot {
            self.push(lease(id, left));
        }
        self.leave_lists(id, None);
        self.change(id);
    }

    /// Notes the places that a process leaves in lists, to be looked at once it has left them. Chromium keeps an index entry
    /// that is out of date until somebody who may write comes across it, and each list has to step over it: with 10,000 of
    /// them, listing 100 processes took 40 ms instead of 3.
    fn leave_lists(&mut self, id: &ProcessId, lane: Option<Lane>) {
        let Some(before) = self.loaded.rows.process(id) else { return };
        if Some(before.lane()) == lane {
            return;
        }
        for index in ListIndex::entries(before) {
            let place = longer(&index.lane(before.lane()), id.into());
            self.left.push(list(&index).get(place));
        }
    }

    /// Whether the requests so far should be handed over before there are more.
    pub fn is_heavy(&self) -> bool {
        self.weight > HEAVY
    }

    /// Whether no other rule should have its writes in this transaction.
    pub fn is_full(&self) -> bool {
        self.whole > MOST_BYTES
    }

    /// The requests so far, to be handed over.
    pub fn requests(&mut self) -> Vec<String> {
        self.weight = 0;
        std::mem::take(&mut self.requests)
    }

    /// The processes that changed, as they are now unless they are gone, and the numbers of their changes.
    fn changed(&self) -> impl Iterator<Item = (&ProcessId, Option<&Rc<ProcessRecord>>, u64)> {
        self.changed.all().filter_map(|(key, row)| match (key.as_slice(), row.number()) {
            ([Part::Text(id)], Some(change)) => Some((id, self.loaded.rows.shared_process(id), change)),
            _ => None,
        })
    }

    /// Has what changed kept, once it is committed.
    pub fn keep(&self, kept: &mut Kept) {
        for (id, process, _) in self.changed() {
            kept.keep(id, process, self.loaded.last_change);
        }
    }

    /// Whether a write tells by itself that the commit landed, should the connection die: an event does that carries the mark,
    /// and a registration, as the rule finds it when it is run again. Of several rules that does not hold: run again, one of
    /// them would see what those behind it wrote.
    fn recognises(&self, write: &Write) -> bool {
        let tells = match write {
            Write::Process(_) => self.loaded.registers(write).is_some(),
            Write::Event { .. } => true,
            Write::AckWake(..) | Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) | Write::Prune(_) => false,
        };
        self.alone && tells
    }

    /// The last round. A process row is written once, as the last rule left it.
    pub fn end(&mut self, now: Millis) -> Round {
        if !self.written {
            return Round::Done;
        }
        let mut rows = Vec::new();
        for (id, process, change) in self.changed() {
            rows.push(match process {
                Some(record) => ProcessRow::new(record, change).to_json(),
                None => Tombstone::new(id, change).to_json(),
            });
        }
        rows.iter().for_each(|row| self.push(table(PROCESSES).put(row)));
        std::mem::take(&mut self.left).into_iter().for_each(|look| self.push(look));
        if self.mark.number == 1 {
            // Once in the life of a connection: whoever left marks before these days is long gone.
            self.push(table(COMMITS).clear_before(CommitRow::kept_from(now)));
        }
        if !self.recognised {
            self.push(table(COMMITS).put(&self.mark.row()));
        }
        Round::Commit(self.requests())
    }
}

fn lease(id: &ProcessId, slot: LeaseSlot) -> Json {
    table(LEASES).put(&LeaseRow { process_id: id.clone(), slot })
}
