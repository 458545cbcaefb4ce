//! Pauses: a paused process is begun by no driver until it is resumed.

use super::{
    append, key, lease, process,
    snapshot::{Decision, Snapshot},
};
use crate::{
    error::Result,
    model::{
        event::{AppendRequest, PAUSED, UNPAUSED},
        key::ProcessId,
        payload::Payload,
        process::{Paused, ProcessRecord},
    },
};

/// Pauses a process. A run in progress loses its lease, as if its driver had stopped. Nothing changes where it is paused already.
pub fn pause(seen: &Snapshot, id: &ProcessId, reason: Option<&str>) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    process::may_wait(record)?;
    if record.paused.is_some() {
        return Ok(Decision::reply(record.clone()));
    }
    let paused = Some(Box::new(Paused { since_ms: seen.now, reason: reason.map(str::to_owned) }));
    let payload = Payload::object([("reason", reason.map(Payload::from))]);
    let mut decision =
        append::append_with(seen, id, &AppendRequest::by_driver(PAUSED, payload), |record| record.paused = paused)?;
    decision.writes.extend(lease::revoke(seen, id)?);
    if let Some(key) = record.policy().concurrency_key.as_ref().filter(|_| !record.schedule.begun) {
        decision.writes.extend(key::freed(seen, key, id));
    }
    Ok(decision)
}

/// Lets drivers begin a paused process again. Nothing changes where it is not paused.
pub fn resume(seen: &Snapshot, id: &ProcessId) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    process::may_wait(record)?;
    if record.paused.is_none() {
        return Ok(Decision::reply(record.clone()));
    }
    let queued = key::before(seen, record).is_some();
    append::append_with(seen, id, &AppendRequest::by_driver(UNPAUSED, Payload::object([])), |record| {
        record.paused = None;
        record.schedule.queued = queued;
    })
}
