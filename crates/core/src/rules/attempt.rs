//! Attempts: what a driver writes from the claim of a process to its end, each under its lease.

use std::rc::Rc;

use super::{
    append, due, key, lease, process,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::Result,
    model::{
        MAX_COUNT, Millis,
        event::{ATTEMPT_FAILED, AppendRequest},
        key::ProcessId,
        lease::{LeaseClaim, LeaseOwner, LeaseSlot, ProcessLease, Proof},
        next,
        payload::Payload,
        policy::{CRASH_LIMIT, RetryPolicy},
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord, Recovery, WaitState},
        schema::Schemas,
    },
};

/// What beginning an attempt answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// The claimant is to run it.
    Run(Rc<Attempt>),
    /// It is run elsewhere, under this lease.
    Busy(Rc<ProcessLease>),
    /// A cancel request precedes the first attempt. Nothing is written: the caller repeats `begin` with the reason.
    Cancelled(Observed),
    /// It is not to be begun now: it is paused, its time has not come, another process of its key goes before it, or the network that it
    /// requires is not there.
    NotNow,
    /// There is nothing to run, or no longer.
    Over,
}

/// The holder that a claimant observed, and the proof of its death.
pub type Observed = Option<(Rc<ProcessLease>, Proof)>;

/// The reason of a cancel request, where one was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Cancelled(pub Option<String>);

/// One attempt to run a process.
#[derive(Debug, PartialEq)]
pub struct Attempt {
    /// The lease to write under.
    pub lease: ProcessLease,
    /// The process as it was claimed.
    pub record: ProcessRecord,
    /// 1 for the first one since the process was registered.
    pub number: u64,
}

/// Begins an attempt: claims the process, from an observed holder too where that is proven dead, and counts.
///
/// It decides everything that keeps a process from being begun, in the transaction of the claim, so that two tabs cannot disagree: a
/// pause, its time, its concurrency key, what it requires. A process that is not to be begun again is ended here instead: one whose
/// deadline has passed, one that was lost to crashes too often, and one that is not to be run again after a crash, since it is not
/// known what it did. One whose cancel request precedes its first attempt is ended as cancelled, once the claimant gives the reason.
pub fn begin(
    seen: &Snapshot,
    id: &ProcessId,
    claimant: &Claimant,
    observed: &Observed,
    asked: Option<&Cancelled>,
) -> Result<Decision<Begun>> {
    let Some(record) = seen.rows.process(id).filter(|record| !record.is_terminal()) else {
        return Ok(Decision::reply(Begun::Over));
    };
    if due::is_late(seen, record) {
        return Ok(due::expire(seen, record)?.map(|()| Begun::Over));
    }
    let before = seen.rows.lease(id);
    let is_cancelled_first = before.attempts.is_none() && record.is_cancel_requested();
    if !is_cancelled_first && let Some(not_now) = not_now(seen, record, claimant) {
        return Ok(not_now);
    }
    let Claimant { owner, ttl, token, .. } = claimant;
    let claim = match observed {
        Some((holder, proof)) => lease::reclaim(seen, holder, owner, *ttl, token, *proof)?,
        None => lease::claim(seen, id, owner, *ttl, token)?,
    };
    let lease = match claim.reply {
        LeaseClaim::Acquired { lease } => lease,
        LeaseClaim::Busy { holder } => return Ok(Decision::reply(Begun::Busy(Rc::new(holder)))),
    };
    let number = next(before.attempts.unwrap_or_default())?;
    let crashes = crashes(&before, record);
    let slot = LeaseSlot {
        last_fence: lease.fencing_token,
        held: Some(lease.clone()),
        attempts: Some(number),
        lives: before.lives,
        crashes: (crashes > 0).then_some(crashes),
        begun_at: Some(record.log.last_sequence),
    };
    let end = |output: &ProcessAwaitOutput, attempts| {
        let ended = append::complete(seen, &Schemas::unchecked(), id, output)?;
        let emptied = LeaseSlot { held: None, attempts, ..slot.clone() };
        Ok(ended.map(|_| Begun::Over).write(Write::Lease(id.clone(), emptied)))
    };
    if number > 1 && record.registered.registration.recovery == Some(Recovery::Abandon) {
        return end(&abandoned(), slot.attempts);
    }
    if crashes >= record.policy().crash_limit.unwrap_or(CRASH_LIMIT) {
        return end(&crash_loop(crashes), slot.attempts);
    }
    if is_cancelled_first {
        let Some(asked) = asked else { return Ok(Decision::reply(Begun::Cancelled(observed.clone()))) };
        return end(&asked.output(), before.attempts);
    }
    let mut begun = Decision::reply(()).write(Write::Lease(id.clone(), slot.clone()));
    let changed = begins(seen, record);
    if let Some(record) = &changed {
        begun = begun.write(Write::Process(Rc::new(record.clone())));
    }
    let record = changed.unwrap_or_else(|| record.clone());
    Ok(begun.map(|()| Begun::Run(Rc::new(Attempt { lease, record, number }))))
}

/// What is decided where a process is not to be begun now. One that goes behind another of its key is marked as queued.
fn not_now(seen: &Snapshot, record: &ProcessRecord, claimant: &Claimant) -> Option<Decision<Begun>> {
    let is_early = record.begun_from().is_some_and(|from| from > seen.now) && !record.is_cancel_requested();
    let lacks_network = record.requires_network() && claimant.is_offline;
    if record.paused.is_some() || is_early || lacks_network {
        return Some(Decision::reply(Begun::NotNow));
    }
    key::before(seen, record)?;
    let mut queued = record.clone();
    (queued.schedule.queued, queued.updated_at_ms) = (true, seen.now);
    let decision = Decision::reply(Begun::NotNow);
    Some(if record.schedule.queued { decision } else { decision.write(Write::Process(Rc::new(queued))) })
}

/// How many runs in a row were lost to a crash, the last one included, since one recorded something.
fn crashes(before: &LeaseSlot, record: &ProcessRecord) -> u64 {
    let has_recorded = before.begun_at.is_none_or(|begun_at| record.log.last_sequence > begun_at);
    match (has_recorded, &before.held) {
        (true, _) => 0,
        (false, Some(_)) => before.crashes.unwrap_or_default() + 1,
        (false, None) => before.crashes.unwrap_or_default(),
    }
}

/// The record of a process that begins, where that changes it: it waits for no time any more, and holds its concurrency key.
fn begins(seen: &Snapshot, record: &ProcessRecord) -> Option<ProcessRecord> {
    let takes_key = record.policy().concurrency_key.is_some() && !record.schedule.begun;
    let waited = record.begun_from().is_some();
    if !takes_key && !waited {
        return None;
    }
    let mut begun = ProcessRecord { updated_at_ms: seen.now, ..record.clone() };
    if waited {
        begun.wait = None;
    }
    begun.schedule.begun |= takes_key;
    begun.schedule.queued = false;
    Some(begun)
}

/// What a run threw, and how it is to be retried.
#[derive(Clone, Debug, PartialEq)]
pub struct Thrown {
    /// How the process ends where there is no other attempt.
    pub failure: ProcessAwaitOutput,
    /// What the error says of another attempt.
    pub advice: Advice,
}

/// What an error says of another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing: the policy decides.
    ByPolicy,
    /// It asks for one: after so many milliseconds, or as the policy has it.
    Again(Option<Millis>),
    /// There is to be none.
    Never,
}

/// What becomes of a run that threw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Another attempt is made at that time, in epoch milliseconds.
    Retried(Millis),
    /// The process has ended.
    Ended,
}

/// Records a run that threw: another attempt is made later, or the process fails. `chance` is from 0 to 1.
///
/// What is thrown after a cancel request is never retried.
pub fn fail(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    thrown: &Thrown,
    chance: f64,
) -> Result<Decision<Failed>> {
    let id = &held.process_id;
    let record = seen.known(id)?;
    let failed = next(record.count_in_row(ATTEMPT_FAILED))?;
    let retry = retry_of(record.policy().retry.as_ref(), thrown.advice);
    let Some(retry) = retry.filter(|retry| retry.allows_after(failed) && !record.is_cancel_requested()) else {
        return Ok(append::complete_with_lease(seen, schemas, held, &thrown.failure)?.map(|_| Failed::Ended));
    };
    lease::require(seen, id, held)?;
    process::may_wait(record)?;
    let until = retry_at(seen.now, &retry, thrown.advice, failed, chance);
    let payload = Payload::object([
        ("attempt", Some(failed.into())),
        ("error", Some(thrown.failure.to_error())),
        ("retryAtMs", Some(until.into())),
    ]);
    let request = AppendRequest::by_driver(ATTEMPT_FAILED, payload);
    let logged = append::append_with(seen, id, &request, |record| {
        let (attempt, since_ms) = (failed + 1, seen.now);
        record.wait = Some(WaitState::Retry { until_ms: until, attempt, step: None, since_ms });
    })?;
    let mut decision = logged.map(|_| Failed::Retried(until));
    decision.writes.extend(lease::release(seen, id, &held.lease_token).writes);
    Ok(decision)
}

/// The policy by which an error is retried; none where it is not.
pub fn retry_of(policy: Option<&RetryPolicy>, advice: Advice) -> Option<RetryPolicy> {
    match (policy, advice) {
        (_, Advice::Never) | (None, Advice::ByPolicy) => None,
        (None, Advice::Again(_)) => Some(RetryPolicy::default()),
        (Some(policy), Advice::ByPolicy | Advice::Again(_)) => Some(policy.clone()),
    }
}

/// When the attempt after the `failed`th one is made, in epoch milliseconds.
pub fn retry_at(now: Millis, retry: &RetryPolicy, advice: Advice, failed: u64, chance: f64) -> Millis {
    let span = match advice {
        Advice::Again(Some(span)) => span,
        Advice::Again(None) | Advice::ByPolicy | Advice::Never => retry.interval(failed, chance),
    };
    now.saturating_add(span).min(MAX_COUNT)
}

/// Gives the lease of a run back that does not end its process. Where it was taken over, the run was not lost to a crash after all: its
/// tab lives, and was put aside or late.
pub fn hand_back(seen: &Snapshot, held: &ProcessLease) -> Decision<()> {
    let (id, slot) = (&held.process_id, seen.rows.lease(&held.process_id));
    match slot.crashes {
        Some(crashes) if slot.last_fence > held.fencing_token => {
            let crashes = Some(crashes - 1).filter(|crashes| *crashes > 0);
            Decision::reply(()).write(Write::Lease(id.clone(), LeaseSlot { crashes, ..slot }))
        }
        Some(_) | None => lease::release(seen, id, &held.lease_token),
    }
}

/// Takes an attempt back whose runner was never called: its lease is released, and it does not count. Where the lease is
/// not held any more, nothing changes.
pub fn take_back(seen: &Snapshot, held: &ProcessLease) -> Decision<()> {
    let (id, slot) = (&held.process_id, seen.rows.lease(&held.process_id));
    if !slot.held.as_ref().is_some_and(|holder| holder.is(held)) {
        return Decision::reply(());
    }
    let attempts = slot.attempts.map(|attempts| attempts.saturating_sub(1)).filter(|attempts| *attempts > 0);
    Decision::reply(()).write(Write::Lease(id.clone(), LeaseSlot { held: None, attempts, ..slot }))
}

/// Who begins an attempt, and for how long without a renewal.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// Of a fresh incarnation for each attempt.
    pub owner: LeaseOwner,
    /// How long the lease lasts.
    pub ttl: Millis,
    /// The token of the lease.
    pub token: String,
    /// Whether its host says that there is no network.
    pub is_offline: bool,
}

impl Cancelled {
    /// How a process ends that was asked to stop so.
    pub fn output(&self) -> ProcessAwaitOutput {
        let message = self.0.as_deref().unwrap_or("the process was asked to stop").to_owned();
        ProcessAwaitOutput::Cancelled { message, raw: None, control: None }
    }
}

fn crash_loop(crashes: u64) -> ProcessAwaitOutput {
    let message = format!("its tab was lost {crashes} times in a row without a record of progress");
    ProcessAwaitOutput::failure(FailureClass::Internal, "crash_loop", &message)
}

fn abandoned() -> ProcessAwaitOutput {
    let message = "whoever ran it died, and it is not to be run again";
    ProcessAwaitOutput::failure(FailureClass::Unavailable, "abandoned", message)
}

/// Why a process was first asked to stop, in a log from its beginning; `null` where none was given.
pub fn cancel_reason(payload: &Payload) -> Option<String> {
    payload.member("reason")?.as_str()
}
