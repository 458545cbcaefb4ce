//! Attempts: what a driver writes from the claim of a process to its end, each under its lease.

use std::rc::Rc;

use super::{
    Millis,
    event::{self, AppendRequest, AppendResult, CANCEL_REQUESTED, RESUMED, WAITING},
    json::{Object, ToJson},
    key::ProcessId,
    lease::{self, LeaseClaim, LeaseOwner, LeaseSlot, ProcessLease, Proof},
    next,
    process::{self, FailureClass, ProcessAwaitOutput, ProcessRecord, Recovery, WaitState},
    schema::Schemas,
    snapshot::{Decision, Snapshot, Write},
    value::Json,
};
use crate::{
    error::Result,
    text::{decimal, text},
};

/// What beginning an attempt answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// The claimant is to run it.
    Run(Rc<Attempt>),
    /// Somebody else runs it, under this lease.
    Busy(Rc<ProcessLease>),
    /// There is nothing to run, or no longer.
    Over,
}

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

/// It stays in the driver: nobody asks for it in JSON.
impl ToJson for Begun {
    fn to_json(&self) -> Json {
        Json::Null
    }
}

/// Begins an attempt: claims the process, from an observed holder too where that is proven dead, and counts.
///
/// A process that is not to be run again after a crash is ended here instead. It had begun, so what it did is not known.
pub fn begin(
    seen: &Snapshot,
    id: &ProcessId,
    claimant: &Claimant,
    observed: Option<&(Rc<ProcessLease>, Proof)>,
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
        let ended = event::complete(seen, &Schemas::unchecked(), id, &abandoned())?;
        return Ok(ended.map(|_| Begun::Over).write(Write::Lease(id.clone(), LeaseSlot { held: None, ..slot })));
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

fn abandoned() -> ProcessAwaitOutput {
    let message = "whoever ran it died, and it is not to be run again";
    ProcessAwaitOutput::failure(FailureClass::Unavailable, "abandoned", message)
}

/// The wait of a process for its `ordinal`th signal of a name, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalWait {
    /// The name of the signal.
    pub name: String,
    /// The event type that carries it.
    pub event_type: String,
    /// Its place among the signals of that name.
    pub ordinal: u64,
}

impl SignalWait {
    /// Its own name, in the record and for the replay keys of what it writes.
    fn key(&self) -> String {
        text![self.name, ":", decimal(self.ordinal)]
    }

    fn state(&self, since: Millis) -> WaitState {
        WaitState::signal(&self.name, &self.event_type, &self.key(), self.ordinal, since)
    }

    /// Whether a record shows this very wait.
    pub fn is(&self, shown: &WaitState) -> bool {
        shown.key() == Some(self.key().as_str())
    }

    fn event(&self, event_type: &str, held: &ProcessLease) -> AppendRequest {
        let payload = Object::default().with("name", &self.name).with("ordinal", &self.ordinal).build();
        let request = AppendRequest::by_driver(event_type, payload).keyed(self.replay_key(event_type));
        AppendRequest { lease: Some(held.clone()), ..request }
    }

    fn replay_key(&self, event_type: &str) -> String {
        text![event_type, ":", self.key()]
    }

    /// The replay key of the event that says so. It is there after a crash, when the same wait begins again.
    pub fn begun_key(&self) -> String {
        self.replay_key(WAITING)
    }

    /// The replay key of the event that says that it is over.
    pub fn over_key(&self) -> String {
        self.replay_key(RESUMED)
    }
}

/// Says, in the record and once in the log, that the process waits. One that has waited so before waits since then;
/// answers since when.
pub fn wait(seen: &Snapshot, schemas: &Schemas, held: &ProcessLease, wait: &SignalWait) -> Result<Decision<Millis>> {
    let said = said(seen, schemas, held, wait.event(WAITING, held))?;
    let since = said.reply.event.occurred_at_ms;
    Ok(shown(seen, held, said, Some(wait.state(since)))?.map(|()| since))
}

/// Says that a wait is over, and what the process still waits for, if anything, since when.
pub fn resume(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    over: &SignalWait,
    still: Option<&(SignalWait, Millis)>,
) -> Result<Decision<()>> {
    let said = said(seen, schemas, held, over.event(RESUMED, held))?;
    shown(seen, held, said, still.map(|(still, since)| still.state(*since)))
}

fn said(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    request: AppendRequest,
) -> Result<Decision<AppendResult>> {
    // Said before, it would be answered without a look at the lease.
    lease::require(seen, &held.process_id, held)?;
    event::append(seen, schemas, &held.process_id, &request)
}

fn shown(
    seen: &Snapshot,
    held: &ProcessLease,
    said: Decision<AppendResult>,
    wait: Option<WaitState>,
) -> Result<Decision<()>> {
    let id = &held.process_id;
    let mut record = event::record_after(seen, id, &said)?;
    process::may_wait(&record)?;
    let mut decision = Decision { reply: (), writes: said.writes };
    decision.writes.retain(|write| !matches!(write, Write::Process(_)));
    if record.wait == wait && decision.writes.is_empty() {
        return Ok(decision);
    }
    (record.wait, record.updated_at_ms) = (wait, seen.now);
    Ok(decision.write(Write::Process(Rc::new(record))))
}

/// Why a process was first asked to stop, in a log from its beginning; `null` where nobody said.
pub fn cancel_reason(payload: &Json) -> Option<&str> {
    payload.get("reason")?.as_str()
}

/// Whether a process was asked to stop.
pub fn is_cancel_requested(record: &ProcessRecord) -> bool {
    record.log.counts.iter().any(|counted| counted.event_type == CANCEL_REQUESTED)
}
