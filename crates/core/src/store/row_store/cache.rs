//! What is kept decoded between transactions, so that it need not be read again.

use std::{collections::BTreeMap, rc::Rc};

use super::rows::ProcessRow;
use crate::model::{
    key::ProcessId,
    process::{ProcessRecord, Registered},
};

/// What was read or written over one connection. What is known from an earlier one is not trusted: the database may have been
/// deleted between the two.
#[derive(Default)]
pub struct RowCache {
    pub generation: u64,
    /// The identity of the database.
    pub identity: Option<u128>,
    entries: BTreeMap<ProcessId, Entry>,
    /// The bytes that these take.
    weight: usize,
    /// The number of the change after which the processes are as they are kept. Every change of a process takes a number, so they
    /// are up to date as long as that is the last one.
    changes: u64,
    /// Whether they were when the last transaction looked. Then the next one relies on it that they still are, and asks for
    /// rows only if they are not. While other tabs write too, rows are asked for in any case, or it would take a round more.
    relied_on: bool,
}

/// What is kept of one process.
struct Entry {
    /// The half that never changes.
    registered: Rc<Registered>,
    /// The bytes that it takes.
    weight: usize,
    /// The whole of it, where that is known and it has not ended: its end may be of any size, and little is asked of it then.
    process: Option<Rc<ProcessRecord>>,
}

/// How many are kept. A typical registration takes 2 to 4 KB and the rest of a process 1, so that makes about 5 MB.
const MOST: usize = 1_024;

/// How many bytes of registrations are kept: a quarter of what a page can hold. Each look of a wait and each step of a run takes the
/// registration, so one that is forgotten is read again and again: with 64 MB, 60 runs with inputs of 10 MB took 56 s instead of 4.
const MOST_BYTES: usize = 1 << 30;

impl RowCache {
    /// Nothing yet.
    pub fn new(generation: u64) -> Self {
        Self { generation, ..Self::default() }
    }

    /// The half that never changes of a process with that row.
    pub fn registered(&self, row: &ProcessRow) -> Option<Rc<Registered>> {
        let found = &self.entries.get(&row.id)?.registered;
        let same = found.registration_hash == row.registration_hash && found.created_at_ms == row.created_at_ms;
        same.then(|| found.clone())
    }

    /// Whether the half that never changes is kept of a process; perhaps of an earlier one under its id.
    pub fn knows(&self, id: &ProcessId) -> bool {
        self.entries.contains_key(id)
    }

    /// Keeps the half that never changes of a process, of so many bytes. Where there are enough already, the others are forgotten.
    pub fn register(&mut self, registered: &Rc<Registered>, weight: usize) {
        let id = &registered.registration.id;
        self.forget(id);
        if self.entries.len() >= MOST || self.weight + weight > MOST_BYTES {
            self.entries.clear();
            self.weight = 0;
        }
        if weight <= MOST_BYTES {
            self.weight += weight;
            self.entries.insert(id.clone(), Entry { registered: registered.clone(), weight, process: None });
        }
    }

    fn forget(&mut self, id: &ProcessId) {
        let weight = self.entries.remove(id).map(|entry| entry.weight);
        self.weight -= weight.unwrap_or_default();
    }

    /// A process, if it is relied on that it is still so.
    pub fn process(&self, id: &ProcessId) -> Option<Rc<ProcessRecord>> {
        self.entries.get(id).filter(|_| self.relied_on)?.process.clone()
    }

    /// Learns the number of the last change, in a transaction that keeps others from making one.
    pub fn changed_up_to(&mut self, last: u64) {
        self.relied_on = self.changes == last;
        if !self.relied_on {
            self.entries.values_mut().for_each(|entry| entry.process = None);
        }
    }

    /// Learns what a commit made of a process, with the number of its last change.
    pub fn keep(&mut self, id: &ProcessId, process: Option<&Rc<ProcessRecord>>, last: u64) {
        self.changes = last;
        match (process, self.entries.get_mut(id)) {
            (Some(record), Some(entry)) if Rc::ptr_eq(&entry.registered, &record.registered) => {
                entry.process = Some(record.clone()).filter(|record| !record.is_terminal());
            }
            (Some(_), Some(entry)) => entry.process = None,
            (Some(_), None) => {}
            (None, _) => self.forget(id),
        }
    }
}
