//! What a transaction has read so far.

use crate::{
    host::Clock,
    model::{Millis, payload::Payload},
    store::engine::Read,
    unordered::Map,
};

/// The results of a transaction's reads, and the reads that are missing.
///
/// Reading is a plain function that asks for what it needs and, as long as anything is missing,
/// is run again from the start with one more round of results.
#[derive(Default)]
pub struct ReadSet {
    /// By read, its rows; none while it is missing.
    results: Map<Read, Option<Vec<Payload>>>,
    missing: Vec<Read>,
    /// The time of the first run.
    now: Option<Millis>,
}

impl ReadSet {
    /// Begins another run, with the results of the round that the last one asked for.
    pub fn rerun(&mut self, results: Vec<Vec<Payload>>) {
        for (read, rows) in std::mem::take(&mut self.missing).into_iter().zip(results) {
            self.results.insert(read, Some(rows));
        }
    }

    /// The time of this transaction. It is that of the first run in all of them: a read of what is due would ask for something else in each.
    pub fn now(&mut self, clock: &dyn Clock) -> Millis {
        *self.now.get_or_insert_with(|| clock.now())
    }

    /// The rows that a read found; none while it is missing.
    pub fn rows(&mut self, read: Read) -> Vec<Payload> {
        if let Some(rows) = self.results.get(&read) {
            return rows.clone().unwrap_or_default();
        }
        self.results.insert(read.clone(), None);
        self.missing.push(read);
        Vec::new()
    }

    /// Whether a read was asked for in this transaction.
    pub fn has_asked(&self, read: &Read) -> bool {
        self.results.contains_key(read)
    }

    /// Whether a read was asked for and its rows are not here yet.
    pub fn is_missing(&self, read: &Read) -> bool {
        self.results.get(read).is_some_and(Option::is_none)
    }

    /// The first row that a read found; none where there is none, or it is missing.
    pub fn row(&mut self, read: Read) -> Option<Payload> {
        self.rows(read).into_iter().next()
    }

    /// Whether something that was asked for is missing.
    pub fn is_pending(&self) -> bool {
        !self.missing.is_empty()
    }

    /// What to read in the next round.
    pub fn missing(&self) -> Vec<Read> {
        self.missing.clone()
    }
}
