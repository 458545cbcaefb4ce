//! What to read for a rule or a question, as functions that run until nothing is missing; see [`ReadSet`].
//!
//! This file has what they share: how rows become records.
//!
//! While something is missing, they go on with less than there is, and what they found is thrown away. So is it
//! after a fault, which is noted: code that cannot stop half-way needs no way out of every step.

mod answers;
mod for_rules;
mod lists;
mod logs;
mod streams;
mod work;

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::{
    Shared,
    read_set::ReadSet,
    rows::{ABOUT, PROCESSES, ProcessRow, REGISTRATIONS, id_of, index, is_pruned, table, text, unreadable},
    totals::Totals,
};
use crate::{
    error::{Error, Result},
    model::{
        MAX_COUNT, Millis,
        grant::HandleGrant,
        key::{Part, ProcessId, key},
        payload::Payload,
        process::{ProcessRecord, Registered},
    },
    rules::snapshot::{Rows, Write},
    store::engine::Read,
    unordered::Map,
};

/// The rows that rules are shown, and the last number of the change sequence.
pub struct Loaded {
    pub rows: Rows,
    /// How many processes there are of each status, where a rule may change that.
    pub totals: Option<Totals>,
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
    pub read_set: &'a mut ReadSet,
    /// The first fault of what is being answered.
    pub fault: Option<Error>,
    /// What was passed over because it cannot be read.
    pub passed_over: Vec<Error>,
    /// Whether a rule of the transaction may grant what is not granted yet.
    pub may_be_granted: bool,
    /// Whether ranges of rows were read on account of what was found, so that the rule must run alone.
    pub reads_ranges: bool,
    /// The registrations that were read as a range.
    registrations: Map<ProcessId, Payload>,
}

/// For fewer registrations a range saves nothing.
const FEWEST_IN_RANGE: usize = 16;

/// The first change number that there is not.
const END: u64 = MAX_COUNT + 1;

impl<'a> Reader<'a> {
    /// A run over a connection.
    pub fn new(shared: &'a Shared, generation: u64, read_set: &'a mut ReadSet) -> Self {
        Self {
            shared,
            generation,
            read_set,
            fault: None,
            passed_over: Vec::new(),
            may_be_granted: false,
            reads_ranges: false,
            registrations: Map::default(),
        }
    }

    /// The time of this transaction.
    pub(super) fn now(&mut self) -> Millis {
        self.read_set.now(&*self.shared.clock)
    }

    /// The number of the last change; 0 as long as it is not here.
    fn last_change(&mut self) -> u64 {
        let last = self.read_set.row(Read::LastKey(index(PROCESSES, "byChange"), key![END]));
        last.and_then(|last| last.as_u64()).unwrap_or_default()
    }

    /// What tells this database from all others, also from one of its name that was deleted; 0 as long as it is not here.
    fn identity(&mut self) -> u128 {
        if let Some(identity) = self.shared.cached(self.generation).identity {
            return identity;
        }
        let row = self.read_set.row(table(ABOUT).get(key!["identity"]));
        let identity = row.and_then(|row| u128::from_str_radix(&text(&row, "value")?, 16).ok());
        self.shared.cached(self.generation).identity = identity;
        identity.unwrap_or_default()
    }

    fn rows_of(&mut self, ids: &[ProcessId]) -> Vec<Payload> {
        let mut rows = Vec::new();
        ids.iter().for_each(|id| rows.extend(self.read_set.row(table(PROCESSES).get(key![id]))));
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
        if !self.has_read_registrations(&rows) {
            return (records, faults);
        }
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
        let stored = self.registration(&row.id);
        let unreadable = |fault: &str| Some(Err(unreadable(&row.id, "registration", fault)));
        let Some(stored) = stored else {
            return if self.read_set.is_pending() { None } else { unreadable("is missing") };
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

    /// Reads the registrations of many processes as a range of their store, which takes a fraction of the time that a request for
    /// each takes. Others may lie in the range, so it ends after as many rows as there are processes, and what it lacks is read one by one.
    /// Returns whether the range is here; it is where none is to be read.
    fn has_read_registrations(&mut self, rows: &[Payload]) -> bool {
        self.registrations.clear();
        let (mut ids, mut unknown) = (Vec::new(), 0);
        for row in rows {
            let id = id_of(row);
            if !self.shared.cached(self.generation).knows(&id) {
                unknown += 1;
            }
            ids.push(id);
        }
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return true };
        let range = table(REGISTRATIONS).between(key![first], key![last], Some(ids.len() as u64));
        // A range is without its bounds: these are read beside it, as each round that comes later decodes all rows anew.
        let bounds = [first, last].map(|id| table(REGISTRATIONS).get(key![id]));
        // Once it was asked for it is used, whatever the cache has learnt since: each run must ask for the same rows.
        if unknown < FEWEST_IN_RANGE && !self.read_set.has_asked(&range) {
            return true;
        }
        for row in self.read_set.rows(range.clone()) {
            if let Some(registration) = row.member("registration") {
                self.registrations.insert(id_of(&registration), row);
            }
        }
        bounds.into_iter().for_each(|bound| drop(self.read_set.row(bound)));
        !self.read_set.is_missing(&range)
    }

    fn registration(&mut self, id: &ProcessId) -> Option<Payload> {
        self.registrations.remove(id).or_else(|| self.read_set.row(table(REGISTRATIONS).get(key![id])))
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

/// Rows in the order of their places, each place once.
fn in_order(mut placed: Vec<(Vec<Part>, Payload)>) -> Vec<Payload> {
    placed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    placed.dedup_by(|(one, _), (other, _)| one == other);
    placed.into_iter().map(|(_, row)| row).collect()
}
