//! Concurrency keys: of the processes with one key, at most one is between its first begin and its end. The others wait in order.
//!
//! One that goes behind another is marked as queued, so that no driver looks at it. Whatever lets another go first takes that mark off
//! it in its own transaction; the claim decides in any case.

use std::rc::Rc;

use super::snapshot::{Snapshot, Write};
use crate::model::{Millis, key::ProcessId, process::ProcessRecord};

/// The process of the key of `record` that goes before it: the one that has begun, or else one that may begin now.
pub fn before<'a>(seen: &'a Snapshot, record: &ProcessRecord) -> Option<&'a Rc<ProcessRecord>> {
    let mut others = others(seen, record).into_iter();
    others.find(|other| !record.schedule.begun && goes_before(other, record, seen.now))
}

/// Whether another process of its key goes before one that has not begun.
pub fn goes_before(other: &ProcessRecord, record: &ProcessRecord, now: Millis) -> bool {
    other.schedule.begun || may_begin(other, now) && order(other) < order(record)
}

/// What is written where a process of a key leaves its place, by its end or for a pause: the next one may begin.
pub fn freed(seen: &Snapshot, key: &str, leaving: &ProcessId) -> Vec<Write> {
    let others = others_of(seen, key, leaving);
    if others.iter().any(|other| other.schedule.begun) {
        return Vec::new();
    }
    let next = others.into_iter().find(|other| may_begin(other, seen.now)).filter(|next| next.schedule.queued);
    next.map(|next| Write::Process(Rc::new(unqueued(next, seen.now)))).into_iter().collect()
}

fn unqueued(next: &ProcessRecord, now: Millis) -> ProcessRecord {
    let mut next = next.clone();
    (next.schedule.queued, next.updated_at_ms) = (false, now);
    next
}

/// The processes of the key of `record` besides it that have not ended, in the order of beginning.
pub fn others<'a>(seen: &'a Snapshot, record: &ProcessRecord) -> Vec<&'a Rc<ProcessRecord>> {
    let key = record.policy().concurrency_key.as_ref();
    key.map_or_else(Vec::new, |key| others_of(seen, key, record.id()))
}

fn others_of<'a>(seen: &'a Snapshot, key: &str, besides: &ProcessId) -> Vec<&'a Rc<ProcessRecord>> {
    let of_key = |other: &&Rc<ProcessRecord>| {
        other.policy().concurrency_key.as_deref() == Some(key) && !other.is_terminal() && other.id() != besides
    };
    let mut others: Vec<_> = seen.rows.records().filter(of_key).collect();
    others.sort_unstable_by_key(|other| order(other));
    others
}

/// Whether nothing but its key keeps a process from being begun.
fn may_begin(record: &ProcessRecord, now: Millis) -> bool {
    record.paused.is_none() && record.begun_from().is_none_or(|from| from <= now)
}

fn order(record: &ProcessRecord) -> (u64, Millis, ProcessId) {
    (record.policy().rank(), record.registered.created_at_ms, record.id().clone())
}
