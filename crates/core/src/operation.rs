//! Operations as data: which rows a rule needs to see, and the rule.
//!
//! Building one neither waits nor writes. All of them run the same way
//! ([`ProcessRegistry::execute`](crate::ProcessRegistry::execute)), so a store can run several in
//! one transaction, or one of them again.

use std::rc::Rc;

use crate::{
    error::Result,
    model::{
        Millis,
        attachment::{Attachment, AttachmentInfo},
        event::{AppendRequest, AppendResult, step_key},
        fork::Fork,
        grant::{HandleDescriptor, HandleGrant, SessionScope},
        key::{ProcessId, ScopeId, SessionId},
        lease::{LeaseClaim, LeaseOwner, ProcessLease, Proof},
        payload::Payload,
        policy::OnConflict,
        process::{NewProcess, ProcessAwaitOutput, ProcessExternalRef, ProcessRecord, WaitState, normalise},
        reports::{PruneReport, SessionDeleteReport},
        retention::Outdated,
        schema::Schemas,
        stream::Stream,
        wait::{Awaited, Outcome, RunWait, When, timer_key},
    },
    rules::{
        append, attachment,
        attempt::{self, Begun, Cancelled, Claimant, Failed, Observed, Thrown},
        due, fork, grant,
        import::{self, Imported, Incoming},
        lease, pause, process, prune,
        register::{self, Registration},
        session,
        state::{self, Shown},
        step::{self, Failing, StepFailed},
        stream::{self, Opening},
        wait::{self, Waiting},
    },
    store::{Appending, Reads, Registering},
};

pub use crate::store::{Operation, Plan, Reply};

fn one(id: &ProcessId) -> Reads {
    Reads::Process(id.clone(), Appending::default())
}

fn leased(id: &ProcessId) -> Reads {
    Reads::Leased(id.clone(), Appending::default())
}

/// See [`register::register`].
pub fn register(
    process: NewProcess,
    parent: Option<ProcessLease>,
    schemas: &Schemas,
) -> Result<Operation<Registration>> {
    let NewProcess { registration, policy, attachments } = process;
    let registered = normalise(registration, policy, schemas)?;
    let policy = registered.policy();
    // Those that queue need only know who goes before them.
    let key = policy.concurrency_key.clone().map(|key| (key, policy.on_conflict() != OnConflict::Queue));
    let id = registered.registration.id.clone();
    let reads = Reads::Registering(Registering { id, parent: policy.parent_id.clone(), key });
    Ok(Operation::new(reads, move |seen| register::register(seen, &registered, &attachments, parent.as_ref())))
}

/// See [`fork::fork`].
pub fn fork(id: ProcessId, options: Fork, schemas: &Rc<Schemas>) -> Operation<ProcessRecord> {
    let schemas = schemas.clone();
    let reads = Reads::Forking(id.clone(), options.new_id.clone());
    Operation::new(reads, move |seen| fork::fork(seen, &schemas, &id, &options))
}

/// See [`import::import`].
pub fn import(incoming: Rc<Incoming>) -> Operation<Imported> {
    let policy = incoming.record.policy();
    let key = policy.concurrency_key.clone().map(|key| (key, false));
    let id = incoming.record.id().clone();
    let reads = Reads::Registering(Registering { id, parent: policy.parent_id.clone(), key });
    Operation::new(reads, move |seen| import::import(seen, &incoming))
}

/// See [`due::due`].
pub fn due(id: ProcessId) -> Operation<()> {
    Operation::new(Reads::Leased(id.clone(), Appending::ending()), move |seen| due::due(seen, &id))
}

/// See [`pause::pause`].
pub fn pause(id: ProcessId, reason: Option<String>) -> Operation<ProcessRecord> {
    Operation::new(Reads::Leased(id.clone(), Appending::ending()), move |seen| {
        pause::pause(seen, &id, reason.as_deref())
    })
}

/// See [`pause::resume`].
pub fn resume_paused(id: ProcessId) -> Operation<ProcessRecord> {
    Operation::new(Reads::Leased(id.clone(), Appending::ending()), move |seen| pause::resume(seen, &id))
}

/// See [`process::set_external_ref`].
pub fn set_external_ref(id: ProcessId, external_ref: ProcessExternalRef) -> Operation<ProcessRecord> {
    Operation::new(one(&id), move |seen| process::set_external_ref(seen, &id, &external_ref))
}

/// See [`process::set_wait`].
pub fn set_wait(id: ProcessId, wait: WaitState) -> Operation<ProcessRecord> {
    Operation::new(one(&id), move |seen| process::set_wait(seen, &id, &wait))
}

/// See [`process::clear_wait`].
pub fn clear_wait(id: ProcessId) -> Operation<ProcessRecord> {
    Operation::new(one(&id), move |seen| process::clear_wait(seen, &id))
}

/// See [`append::complete`].
pub fn complete(id: ProcessId, output: ProcessAwaitOutput, schemas: &Rc<Schemas>) -> Operation<ProcessRecord> {
    let reads = Reads::Process(id.clone(), Appending::ended_by(&AppendRequest::completion(&id, &output)));
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| append::complete(seen, &schemas, &id, &output))
}

/// See [`append::complete_with_lease`].
pub fn complete_with_lease(
    held: ProcessLease,
    output: ProcessAwaitOutput,
    schemas: &Rc<Schemas>,
) -> Operation<ProcessRecord> {
    let id = &held.process_id;
    let reads = Reads::Leased(id.clone(), Appending::ended_by(&AppendRequest::completion(id, &output)));
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| append::complete_with_lease(seen, &schemas, &held, &output))
}

/// See [`prune::prune`].
pub fn prune(outdated: Outdated, limit: usize) -> Operation<PruneReport> {
    Operation::new(Reads::Outdated(outdated, limit), move |seen| prune::prune(seen, &outdated, limit))
}

/// See [`prune::delete`].
pub fn delete(id: ProcessId, force: bool) -> Operation<()> {
    Operation::new(Reads::Whole(id.clone()), move |seen| prune::delete(seen, &id, force))
}

/// See [`append::append`].
pub fn append(id: ProcessId, request: AppendRequest, schemas: &Rc<Schemas>) -> Operation<AppendResult> {
    append_for(None, id, request, schemas)
}

/// The same, perhaps on behalf of a scope, which holds no lease; see [`grant::require`].
pub(crate) fn append_for(
    scope: Option<ScopeId>,
    id: ProcessId,
    request: AppendRequest,
    schemas: &Rc<Schemas>,
) -> Operation<AppendResult> {
    let log = Appending {
        replay_key: request.replay_key.clone(),
        event_type: Some(request.event_type.clone()),
        may_end: false,
    };
    let reads = match (&scope, &request.lease) {
        (Some(scope), _) => Reads::Viewed(scope.clone(), id.clone(), log),
        (None, Some(_)) => Reads::Leased(id.clone(), log),
        (None, None) => Reads::Process(id.clone(), log),
    };
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| {
        if let Some(scope) = &scope {
            grant::require(seen, scope, &id)?;
        }
        append::append(seen, &schemas, &id, &request)
    })
}

/// See [`attachment::put`].
pub fn put_attachment(
    id: ProcessId,
    held: Option<ProcessLease>,
    attachment: Rc<Attachment>,
) -> Operation<AttachmentInfo> {
    let reads = if held.is_some() { leased(&id) } else { one(&id) };
    Operation::new(reads, move |seen| attachment::put(seen, &id, held.as_ref(), &attachment))
}

/// See [`attachment::remove`].
pub fn delete_attachment(id: ProcessId, name: String) -> Operation<()> {
    Operation::new(one(&id), move |seen| attachment::remove(seen, &id, &name))
}

/// See [`append::ack_wake`].
pub fn ack_wake(id: ProcessId, sequence: u64) -> Operation<()> {
    Operation::new(one(&id), move |seen| append::ack_wake(seen, &id, sequence))
}

/// See [`grant::grant`].
pub fn grant(scope: SessionScope, id: ProcessId, descriptor: HandleDescriptor) -> Operation<HandleGrant> {
    let reads = Reads::Granted(scope.id(), vec![id.clone()]);
    Operation::new(reads, move |seen| grant::grant(seen, &scope, &id, &descriptor))
}

/// See [`grant::revoke`].
pub fn revoke(scope: SessionScope, id: ProcessId) -> Operation<()> {
    let reads = Reads::Granted(scope.id(), vec![id.clone()]);
    Operation::new(reads, move |seen| grant::revoke(seen, &scope, &id))
}

/// See [`grant::transfer`].
pub fn transfer(from: SessionScope, to: SessionScope, ids: Vec<ProcessId>) -> Operation<()> {
    let reads = Reads::Granted(from.id(), ids.clone());
    Operation::new(reads, move |seen| grant::transfer(seen, &from, &to, &ids))
}

/// See [`session::delete`].
pub fn delete_session(session: SessionId) -> Operation<SessionDeleteReport> {
    Operation::new(Reads::Session(session.clone()), move |seen| session::delete(seen, &session))
}

/// See [`lease::claim`].
pub fn claim(id: ProcessId, owner: LeaseOwner, ttl: Millis, token: String) -> Operation<LeaseClaim> {
    Operation::new(leased(&id), move |seen| lease::claim(seen, &id, &owner, ttl, &token))
}

/// See [`lease::reclaim`].
pub fn reclaim(
    observed: ProcessLease,
    owner: LeaseOwner,
    ttl: Millis,
    token: String,
    proof: Proof,
) -> Operation<LeaseClaim> {
    let reads = leased(&observed.process_id);
    Operation::new(reads, move |seen| lease::reclaim(seen, &observed, &owner, ttl, &token, proof))
}

/// See [`lease::renew`].
pub fn renew(held: ProcessLease, ttl: Millis) -> Operation<ProcessLease> {
    let reads = Reads::Leases(vec![held.process_id.clone()]);
    Operation::new(reads, move |seen| lease::renew(seen, &held, ttl))
}

/// See [`lease::release`].
pub fn release(id: ProcessId, token: String) -> Operation<()> {
    Operation::new(leased(&id), move |seen| Ok(lease::release(seen, &id, &token)))
}

/// See [`lease::renew_all`].
pub fn renew_all(held: Vec<ProcessLease>, ttl: Millis) -> Operation<Vec<ProcessId>> {
    let mut ids = Vec::new();
    held.iter().for_each(|lease| ids.push(lease.process_id.clone()));
    Operation::new(Reads::Leases(ids), move |seen| lease::renew_all(seen, &held, ttl))
}

/// See [`attempt::begin`].
pub fn begin(id: ProcessId, claimant: Claimant, observed: Observed, asked: Option<Cancelled>) -> Operation<Begun> {
    let reads = Reads::Claim(id.clone());
    Operation::new(reads, move |seen| attempt::begin(seen, &id, &claimant, &observed, asked.as_ref()))
}

/// See [`attempt::fail`]. `chance` is from 0 to 1.
pub fn fail(held: ProcessLease, thrown: Thrown, chance: f64, schemas: &Rc<Schemas>) -> Operation<Failed> {
    let completion = AppendRequest::completion(&held.process_id, &thrown.failure);
    let reads = Reads::Leased(held.process_id.clone(), Appending::ended_by(&completion));
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| attempt::fail(seen, &schemas, &held, &thrown, chance))
}

/// See [`attempt::hand_back`].
pub fn hand_back(held: ProcessLease) -> Operation<()> {
    Operation::new(leased(&held.process_id), move |seen| Ok(attempt::hand_back(seen, &held)))
}

/// See [`attempt::take_back`].
pub fn take_back(held: ProcessLease) -> Operation<()> {
    Operation::new(leased(&held.process_id), move |seen| Ok(attempt::take_back(seen, &held)))
}

/// See [`state::show`].
pub fn show(held: ProcessLease, shown: Shown) -> Operation<()> {
    Operation::new(leased(&held.process_id), move |seen| state::show(seen, &held, &shown))
}

/// See [`wait::wait`].
pub fn wait(held: ProcessLease, wait: RunWait, schemas: &Rc<Schemas>) -> Operation<Waiting> {
    let reads = Reads::Leased(held.process_id.clone(), Appending::keyed(Some(wait.begun_key())));
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| wait::wait(seen, &schemas, &held, &wait))
}

/// See [`wait::set_timer`].
pub fn set_timer(held: ProcessLease, wait: RunWait, when: When) -> Operation<Waiting> {
    let key = match &wait.awaited {
        Awaited::Timer(key) => Some(timer_key(key)),
        Awaited::Signals(_) | Awaited::Process(_) => None,
    };
    let reads = Reads::Leased(held.process_id.clone(), Appending::keyed(key));
    Operation::new(reads, move |seen| wait::set_timer(seen, &held, &wait, when))
}

/// See [`wait::resume`].
pub fn resume(
    held: ProcessLease,
    over: (RunWait, Outcome, Vec<String>),
    still: Option<WaitState>,
    schemas: &Rc<Schemas>,
) -> Operation<Millis> {
    let reads = Reads::Leased(held.process_id.clone(), Appending::keyed(Some(over.0.over_key(over.1))));
    let schemas = schemas.clone();
    Operation::new(reads, move |seen| wait::resume(seen, &schemas, &held, &over, still.as_ref()))
}

/// See [`wait::show`].
pub fn show_wait(held: ProcessLease, wait: Option<WaitState>) -> Operation<Option<WaitState>> {
    Operation::new(leased(&held.process_id), move |seen| wait::show(seen, &held, wait.as_ref()))
}

/// See [`wait::outlast`].
pub fn outlast(held: ProcessLease, wait: WaitState, still: Option<WaitState>) -> Operation<Millis> {
    Operation::new(leased(&held.process_id), move |seen| wait::outlast(seen, &held, &wait, still.as_ref()))
}

/// See [`step::fail`].
pub fn fail_step(held: ProcessLease, failing: Failing) -> Operation<StepFailed> {
    let reads = Reads::Leased(held.process_id.clone(), Appending::keyed(Some(step_key(&failing.key))));
    Operation::new(reads, move |seen| step::fail(seen, &held, &failing))
}

/// See [`stream::open`].
pub fn open_stream(held: ProcessLease, opening: Opening) -> Operation<Stream> {
    let reads = Reads::Stream(held.process_id.clone(), opening.name.clone());
    Operation::new(reads, move |seen| stream::open(seen, &held, &opening))
}

/// See [`stream::write`].
pub fn write_stream(held: ProcessLease, name: String, rows: Vec<Rc<[Payload]>>, closes: bool) -> Operation<Stream> {
    let reads = Reads::Stream(held.process_id.clone(), name.clone());
    Operation::new(reads, move |seen| stream::write(seen, &held, &name, &rows, closes))
}
