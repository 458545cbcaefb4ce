//! What is written of the waits of a run.

use std::rc::Rc;

use super::{
    append, lease, process,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::Result,
    model::{
        Millis,
        event::{AppendRequest, AppendResult},
        lease::ProcessLease,
        process::WaitState,
        schema::Schemas,
        wait::{Outcome, RunWait},
    },
};

/// Says, in the record and once in the log, that the process waits. One that has waited so before waits since then;
/// answers since when.
pub fn wait(seen: &Snapshot, schemas: &Schemas, held: &ProcessLease, wait: &RunWait) -> Result<Decision<Millis>> {
    let logged = log_wait(seen, schemas, held, wait.begins(held)?)?;
    let since = logged.reply.event.occurred_at_ms;
    Ok(apply_wait(seen, held, logged, wait.state(since))?.map(|()| since))
}

/// Says how a wait came out, before which others, and what the process still waits for, if anything, since when.
pub fn resume(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    over: &(RunWait, Outcome, Vec<String>),
    still: Option<&(RunWait, Millis)>,
) -> Result<Decision<()>> {
    let (wait, outcome, before) = over;
    let logged = log_wait(seen, schemas, held, wait.ends(*outcome, before, held)?)?;
    apply_wait(seen, held, logged, still.and_then(|(still, since)| still.state(*since)))
}

/// Appends the event of a wait.
fn log_wait(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    request: AppendRequest,
) -> Result<Decision<AppendResult>> {
    // An event that is there already would be answered without a look at the lease.
    lease::require(seen, &held.process_id, held)?;
    append::append(seen, schemas, &held.process_id, &request)
}

/// Has the record say what the process waits for, together with the event of a wait.
fn apply_wait(
    seen: &Snapshot,
    held: &ProcessLease,
    logged: Decision<AppendResult>,
    wait: Option<WaitState>,
) -> Result<Decision<()>> {
    let id = &held.process_id;
    let mut record = append::record_after(seen, id, &logged)?;
    process::may_wait(&record)?;
    let mut decision = Decision { reply: (), writes: logged.writes };
    decision.writes.retain(|write| !matches!(write, Write::Process(_)));
    if record.wait == wait && decision.writes.is_empty() {
        return Ok(decision);
    }
    (record.wait, record.updated_at_ms) = (wait, seen.now);
    Ok(decision.write(Write::Process(Rc::new(record))))
}
