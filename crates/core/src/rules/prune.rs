//! When ended processes are forgotten.

use super::{
    ending, key,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{key::ProcessId, reports::PruneReport, retention::Outdated},
};

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
        None => {
            let writes = match seen.rows.process(id) {
                Some(record) if record.is_terminal() => Vec::new(),
                Some(ending) => ending::consequences(seen, ending)?,
                // Of one that cannot be read it is not known whether it had ended.
                None => {
                    let key = seen.rows.key_of_unreadable(id);
                    let mut writes = key.map_or_else(Vec::new, |key| key::freed(seen, key, id));
                    writes.extend(ending::stops_children(seen, id)?);
                    writes
                }
            };
            Ok(Decision { reply: (), writes }.write(Write::Prune(id.clone())))
        }
    }
}

/// Removes ended processes that are outdated, at most `limit` of them.
pub fn prune(seen: &Snapshot, outdated: &Outdated, limit: usize) -> Result<Decision<PruneReport>> {
    let retained = seen.rows.outdated(outdated, seen.now, limit);
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
