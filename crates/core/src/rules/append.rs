//! Appends and ends, with what an end does to other processes.

use std::rc::Rc;

use super::{
    ending, lease, log,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::Result,
    model::{
        event::{AppendRequest, AppendResult},
        key::ProcessId,
        lease::ProcessLease,
        process::{ProcessAwaitOutput, ProcessRecord},
        schema::Schemas,
    },
};

/// Appends an event, or finds it appended under the same replay key; see [`log::append`]. Where it ends its process, the decision has
/// what that does to other processes.
pub fn append(
    seen: &Snapshot,
    schemas: &Schemas,
    id: &ProcessId,
    request: &AppendRequest,
) -> Result<Decision<AppendResult>> {
    let mut decision = log::append(seen, schemas, id, request)?;
    let record = seen.known(id)?;
    if !record.is_terminal() && record_after(seen, id, &decision)?.is_terminal() {
        decision.writes.extend(ending::consequences(seen, record)?);
    }
    Ok(decision)
}

/// Appends an event of the driver's own together with a change of the record.
pub(super) fn append_with(
    seen: &Snapshot,
    id: &ProcessId,
    request: &AppendRequest,
    change: impl FnOnce(&mut ProcessRecord),
) -> Result<Decision<ProcessRecord>> {
    let logged = log::append(seen, &Schemas::unchecked(), id, request)?;
    let mut record = record_after(seen, id, &logged)?;
    change(&mut record);
    Ok(with_record(logged, record.clone()).map(|_| record))
}

/// A decision with this record in place of what it writes of that process.
pub(super) fn with_record<T>(mut decision: Decision<T>, record: ProcessRecord) -> Decision<T> {
    decision.writes.retain(|write| !matches!(write, Write::Process(written) if written.id() == record.id()));
    decision.write(Write::Process(Rc::new(record)))
}

/// Ends a process with `output`. Repeating it with the same output answers the same record.
pub fn complete(
    seen: &Snapshot,
    schemas: &Schemas,
    id: &ProcessId,
    output: &ProcessAwaitOutput,
) -> Result<Decision<ProcessRecord>> {
    ended(seen, id, append(seen, schemas, id, &AppendRequest::completion(id, output))?)
}

/// [`complete`], only while `held` is held; releases it in the same transaction.
pub fn complete_with_lease(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    output: &ProcessAwaitOutput,
) -> Result<Decision<ProcessRecord>> {
    let id = &held.process_id;
    let request = AppendRequest { lease: Some(held.clone()), ..AppendRequest::completion(id, output) };
    let appended = append(seen, schemas, id, &request)?;
    let release = lease::release(seen, id, &held.lease_token).writes;
    let mut decision = ended(seen, id, appended)?;
    decision.writes.extend(release);
    Ok(decision)
}

/// Replies with the record as the append leaves it.
fn ended(seen: &Snapshot, id: &ProcessId, appended: Decision<AppendResult>) -> Result<Decision<ProcessRecord>> {
    let record = record_after(seen, id, &appended)?;
    Ok(appended.map(|_| record))
}

/// The record as an append leaves it.
pub(super) fn record_after(
    seen: &Snapshot,
    id: &ProcessId,
    appended: &Decision<AppendResult>,
) -> Result<ProcessRecord> {
    let written = appended.writes.iter().find_map(|write| write.changed()?.1);
    match written {
        Some(record) => Ok((**record).clone()),
        None => seen.known(id).cloned(),
    }
}

/// Marks a wake as delivered. Marking it again, or an event without a wake, changes nothing.
pub fn ack_wake(seen: &Snapshot, id: &ProcessId, sequence: u64) -> Result<Decision<()>> {
    seen.known(id)?;
    Ok(Decision::reply(()).write(Write::AckWake(id.clone(), sequence)))
}
