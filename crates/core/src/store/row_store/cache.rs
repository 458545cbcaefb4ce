//! What is kept decoded between transactions, so that it need not be read again.

use std::rc::Rc;

use super::rows::ProcessRow;
use crate::{
    model::{
        key::ProcessId,
        process::{ProcessRecord, Registered},
    },
    unordered::Map,
};

/// What was read or written over one connection. What is known from an earlier one is not trusted: the database may have been
/// deleted between the two.
#[derive(Default)]
pub struct RowCache {
    pub generation: u64,
    /// The identity of the database.
    pub identity: Option<u128>,
    entries: Map<ProcessId, Entry>,
    /// The bytes that these take.
    weight: usize,
    /// The number of the change after which the processes are as they are kept. Every change of a process takes a number, so they
    /// are up to date as long as that is the last one.
    changes: u64,
    /// The number of the last change that any transaction has seen or made.
    seen: u64,
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
        self.seen = self.seen.max(last);
        if !self.relied_on {
            self.entries.values_mut().for_each(|entry| entry.process = None);
        }
    }

    /// Learns what a commit made of a process, with the number of its last change. The answer of a commit may come after a later transaction
    /// has seen changes that were made since: then the process may be another one by now.
    pub fn keep(&mut self, id: &ProcessId, process: Option<&Rc<ProcessRecord>>, last: u64) {
        let is_last = last >= self.seen;
        if is_last {
            (self.changes, self.seen) = (last, last);
        }
        match (process, self.entries.get_mut(id)) {
            (Some(record), Some(entry)) if is_last && Rc::ptr_eq(&entry.registered, &record.registered) => {
                entry.process = Some(record.clone()).filter(|record| !record.is_terminal());
            }
            (Some(_), Some(entry)) => entry.process = None,
            (Some(_), None) => {}
            (None, _) => self.forget(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(updated_at_ms: u64) -> Rc<ProcessRecord> {
        thread_local! {
            static REGISTERED: Rc<Registered> = {
                let registration = crate::ProcessRegistration::new("p", crate::ProcessInput::external());
                Rc::new(Registered::new(Rc::new(registration), Default::default(), String::new(), 0))
            };
        }
        let registered = REGISTERED.with(Rc::clone);
        Rc::new(ProcessRecord {
            registered,
            status: crate::model::process::ProcessStatus::Running,
            wake_target: None,
            external_ref: None,
            wait: None,
            paused: None,
            state: None,
            progress: None,
            run_trace_context: None,
            attachments: Vec::new(),
            schedule: Default::default(),
            updated_at_ms,
            log: Default::default(),
        })
    }

    #[test]
    fn what_a_commit_left_is_not_kept_where_later_changes_were_seen_before_its_answer_came() {
        let (id, mut cache) = ("p".into(), RowCache::new(1));
        cache.register(&record(0).registered, 1);
        cache.changed_up_to(7);
        // The answer to the commit that made change 5 comes now; another tab has made 6 and 7 since.
        cache.keep(&id, Some(&record(5)), 5);
        // A transaction on another process makes change 8, so the cache is up to date again.
        cache.keep(&"q".into(), None, 8);
        cache.changed_up_to(8);
        assert!(cache.process(&id).is_none());
    }

    #[test]
    fn what_the_last_commit_left_is_kept_until_another_change_is_seen() {
        let (id, mut cache) = ("p".into(), RowCache::new(1));
        cache.register(&record(0).registered, 1);
        cache.changed_up_to(4);
        cache.keep(&id, Some(&record(5)), 5);
        cache.changed_up_to(5);
        assert_eq!(cache.process(&id), Some(record(5)));
        cache.changed_up_to(6);
        assert!(cache.process(&id).is_none());
    }
}
