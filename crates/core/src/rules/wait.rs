//! What is written of the waits of a run.

use std::rc::Rc;

use super::{
    append, lease, process,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        MAX_COUNT, Millis,
        event::{AppendRequest, AppendResult},
        lease::ProcessLease,
        process::{ProcessRecord, WaitState},
        schema::Schemas,
        wait::{Awaited, Outcome, RunWait, When, timer_key},
    },
};

/// A wait that began, in this run or in an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What the record shows of it.
    pub state: WaitState,
    /// The store's time, in epoch milliseconds.
    pub now: Millis,
}

/// Says, in the record and once in the log, that the process waits. One that has waited so before waits since then.
pub fn wait(seen: &Snapshot, schemas: &Schemas, held: &ProcessLease, wait: &RunWait) -> Result<Decision<Waiting>> {
    let logged = log_wait(seen, schemas, held, wait.begins(held)?)?;
    let state = wait.state(logged.reply.event.occurred_at_ms, 0);
    Ok(apply_wait(seen, held, logged, Some(state.clone()))?.map(|()| Waiting { state, now: seen.now }))
}

/// Sets a timer, and says in the record that the process waits for it. One that was set before is due when it was to be then.
pub fn set_timer(seen: &Snapshot, held: &ProcessLease, wait: &RunWait, when: When) -> Result<Decision<Waiting>> {
    let Awaited::Timer(key) = &wait.awaited else { return Err(Error::new(Code::Internal, "is no wait for a timer")) };
    let stored = seen.rows.replay(&held.process_id, &timer_key(key)).and_then(|event| event.as_timer());
    let due = match (stored, when) {
        (Some((_, due)), _) => due,
        (None, When::After(span)) => seen.now.saturating_add(span),
        (None, When::At(time)) => time,
    };
    let due = due.min(MAX_COUNT);
    let logged = log_wait(seen, &Schemas::unchecked(), held, AppendRequest::timer(key, due, held))?;
    let state = wait.state(logged.reply.event.occurred_at_ms, due);
    Ok(apply_wait(seen, held, logged, Some(state.clone()))?.map(|()| Waiting { state, now: seen.now }))
}

/// Says how a wait came out, before which others, and what the process still waits for, if anything. Answers how many
/// milliseconds are left until it may come out so: where that is not 0, nothing is written.
pub fn resume(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    over: &(RunWait, Outcome, Vec<String>),
    still: Option<&WaitState>,
) -> Result<Decision<Millis>> {
    let (wait, outcome, before) = over;
    if let Outcome::Due(at) = outcome
        && *at > seen.now
    {
        return Ok(Decision::reply(at - seen.now));
    }
    let logged = log_wait(seen, schemas, held, wait.ends(*outcome, before, held)?)?;
    Ok(apply_wait(seen, held, logged, still.cloned())?.map(|()| 0))
}

/// Has the record say what the process waits for, if anything, without a word in the log. What it says already of a wait for that
/// process, it says since when it did.
pub fn show(seen: &Snapshot, held: &ProcessLease, wait: Option<&WaitState>) -> Result<Decision<Option<WaitState>>> {
    lease::require(seen, &held.process_id, held)?;
    let record = seen.known(&held.process_id)?;
    process::may_wait(record)?;
    let wait = match (wait, &record.wait) {
        (Some(WaitState::Process { process_id, .. }), Some(known @ WaitState::Process { process_id: shown, .. }))
            if process_id == shown =>
        {
            Some(known)
        }
        (wait, _) => wait,
    };
    let decision = Decision::reply(wait.cloned());
    if record.wait.as_ref() == wait {
        return Ok(decision);
    }
    let next = ProcessRecord { wait: wait.cloned(), updated_at_ms: seen.now, ..record.clone() };
    Ok(decision.write(Write::Process(Rc::new(next))))
}

/// Has the record show a wait until its time has come, and then what the process still waits for. Answers how many milliseconds
/// are left.
pub fn outlast(
    seen: &Snapshot,
    held: &ProcessLease,
    wait: &WaitState,
    still: Option<&WaitState>,
) -> Result<Decision<Millis>> {
    let left = wait.until().unwrap_or_default().saturating_sub(seen.now);
    Ok(show(seen, held, if left > 0 { Some(wait) } else { still })?.map(|_| left))
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
    if record.wait == wait && logged.reply.replayed {
        return Ok(Decision::reply(()));
    }
    (record.wait, record.updated_at_ms) = (wait, seen.now);
    Ok(append::with_record(logged, record).map(|_| ()))
}
