//! What the end of a process does to others and to its streams, in the transaction that ends it: a crash cannot come between.

use super::{
    key, log,
    snapshot::{Snapshot, Write},
};
use crate::{
    error::Result,
    model::{event::AppendRequest, key::ProcessId, policy::OnParentEnd, process::ProcessRecord, schema::Schemas},
};

/// What is written besides where `ending` ends: the next of its key may begin, its children are asked to stop, and chunks are removed that
/// were kept until then.
pub fn consequences(seen: &Snapshot, ending: &ProcessRecord) -> Result<Vec<Write>> {
    let key = ending.policy().concurrency_key.as_ref();
    let mut writes = key.map_or_else(Vec::new, |key| key::freed(seen, key, ending.id()));
    writes.extend(stops_children(seen, ending.id())?);
    for stream in seen.rows.streams(ending.id()) {
        if stream.until_terminal {
            writes.push(Write::DropChunks(ending.id().clone(), stream.name.clone()));
        }
    }
    Ok(writes)
}

/// Asks the children of a process to stop that have not ended and have not been asked.
pub fn stops_children(seen: &Snapshot, parent: &ProcessId) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    let reason = format!("its parent `{parent}` ended");
    for child in seen.rows.records() {
        let policy = child.policy();
        let is_child = policy.parent_id.as_ref() == Some(parent);
        let is_abandoned = policy.on_parent_end.unwrap_or_default() == OnParentEnd::Abandon;
        if is_child && !is_abandoned && !child.is_terminal() && !child.is_cancel_requested() {
            let asks = AppendRequest::cancel(child.id(), Some(&reason));
            writes.extend(log::append(seen, &Schemas::unchecked(), child.id(), &asks)?.writes);
        }
    }
    Ok(writes)
}
