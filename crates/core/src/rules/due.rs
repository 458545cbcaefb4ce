//! What happens to a process by the clock alone.

use std::rc::Rc;

use super::{
    append, key, lease,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::Result,
    model::{
        key::ProcessId,
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord},
        schema::Schemas,
    },
};

/// Does to a process what is due: fails it at its deadline, or lets drivers begin it from its time on. Nothing where nothing is due.
pub fn due(seen: &Snapshot, id: &ProcessId) -> Result<Decision<()>> {
    let Some(record) = seen.rows.process(id).filter(|record| record.due_at().is_some_and(|due| due <= seen.now)) else {
        return Ok(Decision::reply(()));
    };
    match is_late(seen, record) {
        true => expire(seen, record),
        false => Ok(Decision::reply(()).write(Write::Process(Rc::new(startable(seen, record))))),
    }
}

/// Whether the deadline of a process has passed.
pub fn is_late(seen: &Snapshot, record: &ProcessRecord) -> bool {
    record.policy().deadline_at_ms.is_some_and(|deadline| deadline <= seen.now)
}

/// Fails a process whose deadline has passed. A run in progress loses its lease, and what it writes from then on is refused.
pub fn expire(seen: &Snapshot, record: &ProcessRecord) -> Result<Decision<()>> {
    let late = ProcessAwaitOutput::failure(
        FailureClass::Timeout,
        "deadline_exceeded",
        "the process had not ended by its deadline",
    );
    let mut ended = append::complete(seen, &Schemas::unchecked(), record.id(), &late)?;
    ended.writes.extend(lease::revoke(seen, record.id())?);
    Ok(ended.map(|_| ()))
}

/// The process without the wait for its time, which has come.
fn startable(seen: &Snapshot, record: &ProcessRecord) -> ProcessRecord {
    let mut next = ProcessRecord { wait: None, updated_at_ms: seen.now, ..record.clone() };
    next.schedule.queued = key::before(seen, &next).is_some();
    next
}
