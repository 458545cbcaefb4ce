//! What a rule decided, as requests.

use super::{
    codec::{CommitRow, LeaseRow, ProcessRow, Tombstone, WakeRow, event_row},
    engine::Round,
    read::Loaded,
    requests::{COMMITS, EVENTS, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, list, table},
};
use crate::domain::{
    Millis, canonical,
    filter::{Lane, ListIndex},
    json::ToJson,
    key::{Part, ProcessId, key, longer},
    lease::LeaseSlot,
    snapshot::Write,
    table::{Row, Table},
    value::Json,
};

/// What the rules of one transaction decided, one after another.
pub struct Commit {
    /// The rows as the rules so far leave them.
    pub loaded: Loaded,
    requests: Vec<String>,
    /// The length of those in bytes.
    weight: usize,
    /// The processes that changed, and the number of their last change.
    changed: Table,
    /// Looks at the places in lists that processes leave.
    left: Vec<Json>,
    /// How many rules wrote something.
    writers: usize,
    /// Whether a rule, run again, finds by itself that it wrote: see [`is_recognised`].
    recognised: bool,
}

/// From how many bytes on requests are handed over before more are made: of small events some hundred, a few milliseconds of
/// work. As text they take three times their length, of memory that a wasm never gives back.
const HEAVY: usize = 1 << 15;

impl Commit {
    /// Nothing yet.
    pub fn new(loaded: Loaded) -> Self {
        Self {
            loaded,
            requests: Vec::new(),
            weight: 0,
            changed: Table::default(),
            left: Vec::new(),
            writers: 0,
            recognised: false,
        }
    }

    /// Adds what a rule decided, and answers the last change number that this takes: changed processes take numbers from
    /// the last one on.
    pub fn add(&mut self, writes: &[Write]) -> Option<u64> {
        self.writers += usize::from(!writes.is_empty());
        for write in writes {
            self.recognised |= is_recognised(&self.loaded, write);
            match write {
                Write::Process(record) => {
                    if let Some(registered) = self.loaded.registers(write) {
                        self.push(table(REGISTRATIONS).put(registered));
                    }
                    self.leave_lists(record.id(), Some(record.lane()));
                    self.change(record.id());
                }
                Write::Event { event, ordinal } => {
                    self.push(table(EVENTS).add(event_row(event, *ordinal)));
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
        (!writes.is_empty()).then_some(self.loaded.last_change)
    }

    fn push(&mut self, request: Json) {
        let request = canonical::as_given(&request);
        self.weight += request.len();
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

    /// The requests so far, to be handed over.
    pub fn requests(&mut self) -> Vec<String> {
        self.weight = 0;
        std::mem::take(&mut self.requests)
    }

    /// The last round. A process row is written once, as the last rule left it. The mark tells, should the connection
    /// die, whether the commit landed.
    pub fn end(&mut self, mark: &CommitRow, now: Millis) -> Round {
        if self.writers == 0 {
            return Round::Done;
        }
        for (key, row) in std::mem::take(&mut self.changed).all() {
            let ([Part::Text(id)], Some(change)) = (key.as_slice(), row.number()) else { continue };
            let row = match self.loaded.rows.process(id) {
                Some(record) => ProcessRow::new(record, change).to_json(),
                None => Tombstone::new(id, change).to_json(),
            };
            self.push(table(PROCESSES).put(&row));
        }
        std::mem::take(&mut self.left).into_iter().for_each(|look| self.push(look));
        if mark.number == 1 {
            // Once in the life of a connection: whoever left marks before these days is long gone.
            self.push(table(COMMITS).clear_before(CommitRow::kept_from(now)));
        }
        if self.writers > 1 || !self.recognised {
            self.push(table(COMMITS).put(mark));
        }
        Round::Commit(self.requests())
    }
}

/// Whether the rule itself, run again, finds that this was written: a registration, or the end of a process. Of several
/// rules that may not hold: run again, one of them would see what those behind it wrote.
fn is_recognised(loaded: &Loaded, write: &Write) -> bool {
    match write {
        Write::Process(_) => loaded.registers(write).is_some(),
        Write::Event { event, .. } => event.semantics.terminal.is_some(),
        Write::AckWake(..) | Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) | Write::Prune(_) => false,
    }
}

fn lease(id: &ProcessId, slot: LeaseSlot) -> Json {
    table(LEASES).put(&LeaseRow { process_id: id.clone(), slot })
}
