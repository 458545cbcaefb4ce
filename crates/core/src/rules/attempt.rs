//! Attempts: what a driver writes from the claim of a process to its end, each under its lease.

use std::rc::Rc;

use super::{
    append, lease,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::Result,
    model::{
        Millis,
        event::CANCEL_REQUESTED,
        key::ProcessId,
        lease::{LeaseClaim, LeaseOwner, LeaseSlot, ProcessLease, Proof},
        next,
        payload::Payload,
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord, Recovery},
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
/// A process that is not to be run again after a crash is ended here instead. It had begun, so what it did is not known.
/// One whose cancel request precedes its first attempt is ended as cancelled, once the claimant gives the reason.
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
    let Claimant { owner, ttl, token } = claimant;
    let claim = match observed {
        Some((holder, proof)) => lease::reclaim(seen, holder, owner, *ttl, token, *proof)?,
        None => lease::claim(seen, id, owner, *ttl, token)?,
    };
    let lease = match claim.reply {
        LeaseClaim::Acquired { lease } => lease,
        LeaseClaim::Busy { holder } => return Ok(Decision::reply(Begun::Busy(Rc::new(holder)))),
    };
    let number = next(seen.rows.lease(id).attempts.unwrap_or_default())?;
    let slot = LeaseSlot {
        last_fence: lease.fencing_token,
        held: Some(lease.clone()),
        attempts: Some(number),
        lives: seen.rows.lease(id).lives,
    };
    if number > 1 && record.registered.registration.recovery == Some(Recovery::Abandon) {
        let ended = append::complete(seen, &Schemas::unchecked(), id, &abandoned())?;
        return Ok(ended.map(|_| Begun::Over).write(Write::Lease(id.clone(), LeaseSlot { held: None, ..slot })));
    }
    if number == 1 && is_cancel_requested(record) {
        let Some(asked) = asked else { return Ok(Decision::reply(Begun::Cancelled(observed.clone()))) };
        let ended = append::complete(seen, &Schemas::unchecked(), id, &asked.output())?;
        let never = LeaseSlot { held: None, attempts: seen.rows.lease(id).attempts, ..slot };
        return Ok(ended.map(|_| Begun::Over).write(Write::Lease(id.clone(), never)));
    }
    let begun = Begun::Run(Rc::new(Attempt { lease, record: record.clone(), number }));
    Ok(Decision::reply(begun).write(Write::Lease(id.clone(), slot)))
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
}

impl Cancelled {
    /// How a process ends that was asked to stop so.
    pub fn output(&self) -> ProcessAwaitOutput {
        let message = self.0.as_deref().unwrap_or("the process was asked to stop").to_owned();
        ProcessAwaitOutput::Cancelled { message, raw: None, control: None }
    }
}

fn abandoned() -> ProcessAwaitOutput {
    let message = "whoever ran it died, and it is not to be run again";
    ProcessAwaitOutput::failure(FailureClass::Unavailable, "abandoned", message)
}

/// Why a process was first asked to stop, in a log from its beginning; `null` where none was given.
pub fn cancel_reason(payload: &Payload) -> Option<String> {
    payload.member("reason")?.as_str()
}

/// Whether a process was asked to stop.
pub fn is_cancel_requested(record: &ProcessRecord) -> bool {
    record.log.counts.iter().any(|counted| counted.event_type == CANCEL_REQUESTED)
}
