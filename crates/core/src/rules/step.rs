//! Attempts of steps that failed: whether another one follows, and when.

use super::{
    append,
    attempt::{Thrown, retry_at, retry_of},
    lease, process,
    snapshot::{Decision, Snapshot},
};
use crate::{
    error::Result,
    model::{
        Millis,
        event::{AppendRequest, STEP_FAILED, step_key},
        lease::ProcessLease,
        payload::Payload,
        policy::RetryPolicy,
        process::WaitState,
    },
};

/// An attempt of a step that threw.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The key of the step.
    pub key: String,
    /// Which attempt it was, from 1.
    pub attempt: u64,
    /// What it threw.
    pub thrown: Thrown,
    /// The policy of the step.
    pub retry: RetryPolicy,
    /// From 0 to 1.
    pub chance: f64,
}

/// What becomes of a step of which an attempt threw.
#[derive(Clone, Debug, PartialEq)]
pub enum StepFailed {
    /// Another attempt is made.
    Retried {
        /// What the record shows until then.
        wait: WaitState,
        /// After how many milliseconds.
        left: Millis,
    },
    /// It has failed. Later runs are given that.
    Over,
    /// Nothing was recorded, since its process was asked to stop.
    Stopped,
}

/// Records an attempt of a step that threw: another one is made later, or the step has failed.
///
/// What is thrown after a cancel request is never retried, and says nothing of the step.
pub fn fail(seen: &Snapshot, held: &ProcessLease, failing: &Failing) -> Result<Decision<StepFailed>> {
    let Failing { key, attempt, thrown, retry, chance } = failing;
    let id = &held.process_id;
    lease::require(seen, id, held)?;
    let record = seen.known(id)?;
    process::may_wait(record)?;
    if record.is_cancel_requested() {
        return Ok(Decision::reply(StepFailed::Stopped));
    }
    let retry = retry_of(Some(retry), thrown.advice).filter(|retry| retry.allows_after(*attempt));
    let until = retry.map(|retry| retry_at(seen.now, &retry, thrown.advice, *attempt, *chance));
    let payload = Payload::object([
        ("key", Some(key.as_str().into())),
        ("attempt", Some((*attempt).into())),
        ("error", Some(thrown.failure.to_error())),
        ("retryAtMs", until.map(Payload::from)),
    ]);
    let request = AppendRequest::by_driver(STEP_FAILED, payload);
    let Some(until_ms) = until else {
        let request = request.keyed(step_key(key));
        return Ok(append::append_with(seen, id, &request, |_| {})?.map(|_| StepFailed::Over));
    };
    let wait = WaitState::Retry { until_ms, attempt: attempt + 1, step: Some(key.clone()), since_ms: seen.now };
    let logged = append::append_with(seen, id, &request, |record| record.wait = Some(wait.clone()))?;
    Ok(logged.map(|_| StepFailed::Retried { wait, left: until_ms - seen.now }))
}
