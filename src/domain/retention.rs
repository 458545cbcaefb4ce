//! When ended processes are forgotten.

use serde::Serialize;

use super::{
    Millis,
    snapshot::{Decision, Snapshot, Write},
};

/// What a prune removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// How many processes.
    pub pruned_processes: u64,
    /// How many events they had between them.
    pub pruned_events: u64,
}

/// Removes the ended processes last updated strictly before `cutoff`, at most `limit` of them.
pub fn prune(seen: &Snapshot, cutoff: Millis, limit: usize) -> Decision<PruneReport> {
    let mut decision = Decision::reply(PruneReport::default());
    for record in seen.rows.retained_before(cutoff).take(limit) {
        decision.reply.pruned_processes += 1;
        // Sequences are dense, so the last one is the count.
        decision.reply.pruned_events += record.log.last_sequence;
        decision.writes.push(Write::Prune(record.id().clone()));
    }
    decision
}
