//! What is kept decoded between transactions, so that it need not be read again.

use std::{collections::BTreeMap, rc::Rc};

use super::rows::ProcessRow;
use crate::domain::{
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
    /// The halves that never change.
    registered: BTreeMap<ProcessId, Rc<Registered>>,
    /// Processes as they are after the change of that number. Every change of a process takes a number, so they are up to date
    /// as long as that is the last one.
    processes: BTreeMap<ProcessId, Rc<ProcessRecord>>,
    changes: u64,
    /// Whether they were when the last transaction looked. Then the next one relies on it that they still are, and asks for
    /// rows only if they are not. While other tabs write too, rows are asked for in any case, or it would take a round more.
    relied_on: bool,
}

/// How many are kept of each. A typical registration takes 2 to 4 KB and the rest of a process 1, so that makes about 5 MB.
const MOST: usize = 1_024;

impl RowCache {
    /// Nothing yet.
    pub fn new(generation: u64) -> Self {
        Self { generation, ..Self::default() }
    }

    /// The half that never changes of a process with that row.
    pub fn registered(&self, row: &ProcessRow) -> Option<Rc<Registered>> {
        let found = self.registered.get(&row.id)?;
        let same = found.registration_hash == row.registration_hash && found.created_at_ms == row.created_at_ms;
        same.then(|| found.clone())
    }

    /// Keeps the half that never changes of a process.
    pub fn register(&mut self, registered: &Rc<Registered>) {
        put(&mut self.registered, &registered.registration.id, registered);
    }

    /// A process, if it is relied on that it is still so.
    pub fn process(&self, id: &ProcessId) -> Option<Rc<ProcessRecord>> {
        self.processes.get(id).filter(|_| self.relied_on).cloned()
    }

    /// Learns the number of the last change, in a transaction that keeps others from making one.
    pub fn changed_up_to(&mut self, last: u64) {
        self.relied_on = self.changes == last;
        if !self.relied_on {
            self.processes.clear();
        }
    }

    /// Learns what a commit made of a process, with the number of its last change.
    pub fn keep(&mut self, id: &ProcessId, process: Option<&Rc<ProcessRecord>>, last: u64) {
        self.changes = last;
        match process {
            Some(record) => put(&mut self.processes, id, record),
            None => drop(self.processes.remove(id)),
        }
    }
}

/// Keeps a value. Where there are enough already, the others are forgotten.
fn put<V>(kept: &mut BTreeMap<ProcessId, Rc<V>>, id: &ProcessId, value: &Rc<V>) {
    if kept.len() >= MOST && !kept.contains_key(id) {
        kept.clear();
    }
    kept.insert(id.clone(), value.clone());
}
