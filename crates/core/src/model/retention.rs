//! When ended processes are forgotten.

use super::{
    Millis,
    key::ProcessId,
    snapshot::{Decision, Snapshot, Write},
};
use crate::error::{Code, Error, Result};
use serde::Serialize;

/// What a prune removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// How many processes.
    pub pruned_processes: u64,
    /// How many events they had between them.
    pub pruned_events: u64,
    /// Whether there may be more to remove: the rule looked at as many as it may.
    #[serde(skip)]
    pub more: bool,
}

/// Removes one process: one that has ended, or with `force` any, also one that is there and cannot be read.
pub fn delete(seen: &Snapshot, id: &ProcessId, force: bool) -> Result<Decision<()>> {
    let refusal = match (seen.rows.process(id), seen.rows.unreadable(id)) {
        (Some(record), _) if record.is_terminal() => None,
        (Some(_), _) => Some(Error::of(Code::NotTerminal, id, "has not ended")),
        (None, Some(fault)) => Some(fault.clone()),
        (None, None) => return Err(Error::unknown_process(id)),
    };
    match refusal.filter(|_| !force) {
        Some(refusal) => Err(refusal),
        None => Ok(Decision::reply(()).write(Write::Prune(id.clone()))),
    }
}

/// Removes the ended processes last updated strictly before `cutoff`, at most `limit` of them.
pub fn prune(seen: &Snapshot, cutoff: Millis, limit: usize) -> Result<Decision<PruneReport>> {
    let retained = seen.rows.retained_before(cutoff, limit);
    // If none of these rows can be removed, another look would find them again.
    let is_cut = seen.rows.has_more_retained() || retained.len() + seen.rows.unreadable_count() >= limit;
    let more = !retained.is_empty() && is_cut;
    let mut decision = Decision::reply(PruneReport { more, ..PruneReport::default() });
    for id in retained {
        decision.reply.pruned_processes += 1;
        // Sequences are dense, so the last one is the count.
        decision.reply.pruned_events += seen.known(&id)?.log.last_sequence;
        decision.writes.push(Write::Prune(id));
    }
    Ok(decision)
}
