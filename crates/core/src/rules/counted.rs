//! How many events of each type a log has: the place of an event among those of its type, and what of a log is counted where.
//!
//! The counts of a few types lie in the process's own row, which is written with every append anyway. Those of any further type lie in
//! a row of their own each, so that no append grows with the number of types.

use std::collections::BTreeMap;

use super::snapshot::{Rows, Write};
use crate::{
    error::{Code, Error, Result},
    model::{
        event::{CANCEL_REQUESTED, RESUMED, WAITING, is_of_driver, is_signal},
        next,
        process::{LogHead, ProcessRecord, TerminalState, TypeCount},
    },
    unordered::Set,
};

/// How many types of a caller are counted in the process's own row, besides those that every process has.
const MOST_IN_ROW: usize = 16;

/// How many signals that it does not declare a process takes, by their names.
pub const MAX_UNDECLARED_SIGNALS: usize = 256;

/// Counts one more event of a type in `log`, which is that of `record` as the event leaves it. Answers its place among those of its
/// type, from 1, and the counts to be written to rows of their own.
pub fn count(rows: &Rows, record: &ProcessRecord, log: &mut LogHead, event_type: &str) -> Result<(u64, Vec<Write>)> {
    log.last_sequence = next(log.last_sequence)?;
    let mut moved = Vec::new();
    let place = if lies_apart(log, event_type) {
        let stored = rows.count(record.id(), event_type);
        log.signals_apart += u64::from(stored.is_none() && is_undeclared_signal(record, event_type));
        let place = next(stored.unwrap_or_default())?;
        moved.push(TypeCount { event_type: event_type.to_owned(), count: place });
        place
    } else if let Some(counted) = log.counts.iter_mut().find(|counted| counted.event_type == event_type) {
        counted.count = next(counted.count)?;
        counted.count
    } else {
        log.counts.push(TypeCount { event_type: event_type.to_owned(), count: 1 });
        1
    };
    move_apart(record, log, &mut moved);
    let written = moved.into_iter().map(|counted| Write::Count(record.id().clone(), counted));
    Ok((place, written.collect()))
}

/// Counts the events of a log that is put there as a whole.
pub struct Recount {
    /// The process, whose log is as the events so far leave it.
    pub record: ProcessRecord,
    /// The counts so far that are to lie in rows of their own.
    pub rows: Rows,
    apart: BTreeMap<String, u64>,
}

impl Recount {
    /// Begins with an empty log.
    pub fn new(record: ProcessRecord) -> Self {
        Self { record, rows: Rows::default(), apart: BTreeMap::new() }
    }

    /// Counts one more event of a type; answers its place among those of its type, from 1.
    pub fn count(&mut self, event_type: &str) -> Result<u64> {
        let mut log = std::mem::take(&mut self.record.log);
        let (place, counts) = count(&self.rows, &self.record, &mut log, event_type)?;
        self.record.log = log;
        for write in &counts {
            self.rows.apply(write);
            if let Write::Count(_, TypeCount { event_type, count }) = write {
                self.apart.insert(event_type.clone(), *count);
            }
        }
        Ok(place)
    }

    /// The process with its whole log, and the counts that lie in rows of their own.
    pub fn finish(self) -> (ProcessRecord, Vec<TypeCount>) {
        let apart = self.apart.into_iter().map(|(event_type, count)| TypeCount { event_type, count });
        (self.record, apart.collect())
    }
}

/// Moves counts beyond the most to rows of their own. Version 0.1 had all of them in the process's row.
fn move_apart(record: &ProcessRecord, log: &mut LogHead, moved: &mut Vec<TypeCount>) {
    if callers(log).count() <= MOST_IN_ROW {
        return;
    }
    let mut kept = 0;
    for counted in std::mem::take(&mut log.counts) {
        kept += usize::from(!is_of_every_process(&counted.event_type));
        if is_of_every_process(&counted.event_type) || kept <= MOST_IN_ROW {
            log.counts.push(counted);
        } else {
            log.signals_apart += u64::from(is_undeclared_signal(record, &counted.event_type));
            moved.push(counted);
        }
    }
}

/// Whether the count of a type, where the log has events of it, lies in a row of its own.
pub fn lies_apart(log: &LogHead, event_type: &str) -> bool {
    let is_in_row = log.counts.iter().any(|counted| counted.event_type == event_type);
    !is_in_row && !is_of_every_process(event_type) && has_counts_apart(log)
}

/// Whether counts may lie in rows of their own.
pub fn has_counts_apart(log: &LogHead) -> bool {
    callers(log).count() >= MOST_IN_ROW
}

/// Those of some event types that the log has events of, `apart` being those whose counts lie in rows of their own. The work grows with
/// these numbers, not with their product.
pub fn types_among(log: &LogHead, apart: Vec<String>, types: &[String]) -> Vec<String> {
    let wanted: Set<_> = types.iter().collect();
    let in_row = log.counts.iter().map(|counted| counted.event_type.clone());
    in_row.chain(apart).filter(|event_type| wanted.contains(event_type)).collect()
}

/// Refuses a signal of one undeclared name too many: each is counted.
pub fn check_signals(rows: &Rows, record: &ProcessRecord, event_type: &str) -> Result<()> {
    let log = &record.log;
    let is_known = log.counts.iter().any(|counted| counted.event_type == event_type)
        || rows.count(record.id(), event_type).is_some();
    if is_known || !is_signal(event_type) {
        return Ok(());
    }
    let in_row = log.counts.iter().filter(|counted| is_undeclared_signal(record, &counted.event_type)).count() as u64;
    match in_row + log.signals_apart < MAX_UNDECLARED_SIGNALS as u64 {
        true => Ok(()),
        false => {
            let what = format!(
                "has had signals of {MAX_UNDECLARED_SIGNALS} names that it does not declare, and takes no other"
            );
            Err(Error::of(Code::InvalidArgument, record.id(), what))
        }
    }
}

/// The counted types that are a caller's.
fn callers(log: &LogHead) -> impl Iterator<Item = &TypeCount> {
    log.counts.iter().filter(|counted| !is_of_every_process(&counted.event_type))
}

/// Whether every process has the type. There are a dozen of these.
fn is_of_every_process(event_type: &str) -> bool {
    let ends = [TerminalState::Completed, TerminalState::Failed, TerminalState::Cancelled];
    is_of_driver(event_type)
        || [CANCEL_REQUESTED, WAITING, RESUMED].contains(&event_type)
        || ends.iter().any(|state| state.event_type() == event_type)
}

fn is_undeclared_signal(record: &ProcessRecord, event_type: &str) -> bool {
    is_signal(event_type) && record.event_type(event_type).is_none()
}
