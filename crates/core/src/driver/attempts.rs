//! One attempt, from the claim to the end that is written.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, ready, select},
};

use super::{
    Abort, RunContext,
    eligibility::Eligibility,
    work_driver::{Active, Driver},
};
use crate::{
    domain::{
        attempt::{Begun, Cancelled, Claimant, cancel_reason},
        event::CANCEL_REQUESTED,
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease, Proof},
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord},
        schema::Schemas,
    },
    error::{Code, Error, Result},
    host::{self, Permit, latch},
    operation,
    store::{Answer, EventRange, Query},
    watch::ChangeReceiver,
};

/// What became of an attempt to run a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It runs here.
    Started,
    /// It runs, here or elsewhere.
    Busy,
    /// It need not be run.
    Over,
}

/// How many leases are renewed in one transaction.
const RENEWED_AT_ONCE: usize = 256;

impl Driver {
    /// Claims a process, from a holder who is proven dead too, and begins to run it. It counts from this call on.
    pub fn attempt(
        self: &Rc<Self>,
        id: ProcessId,
        dead: Option<Rc<ProcessLease>>,
        permit: Permit,
    ) -> LocalBoxFuture<'static, Result<Tried>> {
        if self.runs.borrow().contains_key(&id) {
            return ready(Ok(Tried::Busy)).boxed_local();
        }
        let (active, ends) = Active::new();
        self.runs.borrow_mut().insert(id.clone(), active.clone());
        // Before the process is read: who asks for its end afterwards is heard.
        let changes = self.registry.hub().subscribe(&id);
        let (driver, stops) = (self.clone(), self.stops.get());
        async move {
            let asked = driver.registry.clock().monotonic();
            let begun = driver.begin(&id, dead).await;
            if let Ok(Begun::Run(attempt)) = &begun
                && driver.eligibility(&attempt.record) == Eligibility::Drivable
            {
                let (run, over) = RunContext::new(attempt.clone(), asked, &driver, permit);
                if stops != driver.stops.get() {
                    run.stop(Abort::Over(run.lost()));
                }
                let run = active.run.get_or_init(|| run).clone();
                driver.keep_renewing();
                let drive = driver.clone().drive(run, over, changes, ends);
                driver.registry.host().spawn.spawn(drive.boxed_local());
                return Ok(Tried::Started);
            }
            if let Ok(Begun::Run(attempt)) = &begun {
                // The id was registered anew, as something else, before it was claimed.
                driver.release(&attempt.lease, false).await;
            }
            driver.ended(&id);
            driver.not_here(&id, begun)
        }
        .boxed_local()
    }

    fn not_here(&self, id: &ProcessId, begun: Result<Begun>) -> Result<Tried> {
        match begun {
            Ok(Begun::Busy(holder)) => {
                self.held_elsewhere(holder);
                Ok(Tried::Busy)
            }
            Ok(Begun::Over | Begun::Cancelled(_) | Begun::Run(_)) => {
                // It may have been registered anew while that was on its way.
                self.look_again(id);
                Ok(Tried::Over)
            }
            Err(fault) => {
                self.try_later(id);
                Err(fault)
            }
        }
    }

    async fn begin(&self, id: &ProcessId, dead: Option<Rc<ProcessLease>>) -> Result<Begun> {
        self.release_kept(id).await?;
        let life = self.life().await;
        let host = self.registry.host();
        let owner = LeaseOwner {
            owner_id: self.options.owner_id.clone(),
            incarnation_id: host.random.name(),
            liveness: Some(life.mark.clone()),
        };
        let claimant = Claimant { owner, ttl: self.options.lease_ttl, token: host.random.name() };
        let begin = async |observed| {
            let begun = self.registry.execute(operation::begin(id.clone(), claimant.clone(), observed, None)).await?;
            match begun {
                Begun::Cancelled(observed) => {
                    let asked = match self.cancel_reason(id).await {
                        // It was ended by others and pruned since.
                        Err(fault) if fault.code() == Code::UnknownProcess => return Ok(Begun::Over),
                        reason => Cancelled(reason?),
                    };
                    self.registry.execute(operation::begin(id.clone(), claimant.clone(), observed, Some(asked))).await
                }
                Begun::Run(_) | Begun::Busy(_) | Begun::Over => Ok(begun),
            }
        };
        let begun = begin(dead.map(|holder| (holder, Proof::Dead))).await?;
        let Begun::Busy(holder) = begun else { return Ok(begun) };
        match host.liveness.probe(&holder.owner).await {
            Proof::Dead => begin(Some((holder, Proof::Dead))).await,
            Proof::Unknown => Ok(Begun::Busy(holder)),
        }
    }

    /// Why a process is to stop: the first reason in its log.
    async fn cancel_reason(&self, id: &ProcessId) -> Result<Option<String>> {
        let asked = self.registry.events(id, EventRange::first(CANCEL_REQUESTED, 0)).await?;
        Ok(asked.first().and_then(|event| cancel_reason(&event.payload)))
    }

    async fn drive(
        self: Rc<Self>,
        run: RunContext,
        over: oneshot::Receiver<()>,
        changes: ChangeReceiver,
        _ends: latch::Release,
    ) {
        let (id, first, stops) = (run.id().clone(), changes.seen(), self.stops.get());
        let begun = self.registry.clock().monotonic();
        let mut called = false;
        let written = match self.work(&run, over, &changes, &mut called).await {
            Ok(Some(output)) => self.end(&run, output).await,
            Ok(None) => Ok(false),
            Err(trouble) => Err(trouble),
        };
        // With its registry closed, a run that is over meets faults that are no news.
        let is_closed = |fault: &Error| fault.code() == Code::Closed && run.is_on().is_err();
        let written = match written {
            Err(fault) if is_closed(&fault) => Ok(false),
            // Another attempt goes on with it, or has ended it: that is no trouble, whoever finds out first.
            Err(fault) if fault.code() == Code::LeaseLost && self.is_taken_over(&run).await => Ok(false),
            written => written,
        };
        run.stop(Abort::Over(Error::of(Code::LeaseLost, &id, "is not run any more: its run is over")));
        if !matches!(written, Ok(true)) {
            // Others need not wait for its end. Where it was lost, this changes nothing.
            self.release(run.lease(), called).await;
        }
        self.ended(&id);
        match written {
            Ok(true) if run.is_alone(&changes, first) => self.forget(&id),
            // What others did meanwhile, perhaps to register it anew, nobody has looked at.
            Ok(true) => self.look_again(&id),
            Ok(false) if self.stops.get() != stops => self.look_again(&id),
            Ok(false) => self.look_again_after(&run.record().registered, begun),
            Err(fault) => {
                self.failed(&id, &fault);
                self.look_again_after(&run.record().registered, self.registry.clock().monotonic());
            }
        }
        run.end_permit();
    }

    /// What the runner answers; nothing where the run ends without it. An error is trouble of the driver.
    async fn work(
        &self,
        run: &RunContext,
        over: oneshot::Receiver<()>,
        changes: &ChangeReceiver,
        called: &mut bool,
    ) -> Result<Option<ProcessAwaitOutput>> {
        if run.is_on().is_err() {
            return Ok(None);
        }
        let watch = pin!(run.watch(changes));
        let runners = self.runners.clone();
        let (ready, context) = (runners.ready(run.record()), run.clone());
        let work = pin!(async {
            ready.await?;
            *called = true;
            runners.run(context).await
        });
        match select(over, select(work, watch)).await {
            // What a run that is over comes to is of no interest.
            Either::Right((Either::Left((Err(_), _)), _)) if run.is_on().is_err() => Ok(None),
            Either::Right((Either::Left((output, _)), _)) => {
                run.settles();
                output.map(Some)
            }
            Either::Right((Either::Right(_), _)) | Either::Left(_) => Ok(None),
        }
    }

    /// Writes how the process ends: whether it has ended by then.
    async fn end(&self, run: &RunContext, output: ProcessAwaitOutput) -> Result<bool> {
        let end = |output, schemas: &Rc<Schemas>| {
            run.0.registry.execute(operation::complete_with_lease(run.lease().clone(), output, schemas))
        };
        let ended = match end(output, self.registry.schemas()).await {
            // What the runner gave is not what was declared for such an end: that is how it ends then.
            Err(fault) if matches!(fault.code(), Code::InvalidPayload | Code::InvalidArgument) => {
                end(refused(&fault), &Rc::new(Schemas::unchecked())).await
            }
            ended => ended,
        };
        match ended {
            Ok(_) => Ok(true),
            // It has ended, is gone, or is another's: that is no fault.
            Err(fault) if matches!(fault.code(), Code::UnknownProcess | Code::AlreadyTerminal) => Ok(false),
            Err(fault) if fault.code() == Code::LeaseLost && run.is_on().is_err() => Ok(false),
            Err(fault) if fault.code() == Code::ReplayConflict && self.is_taken_over(run).await => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Whether a later attempt holds or held the process of a run; or it ended, is gone, or was registered anew.
    async fn is_taken_over(&self, run: &RunContext) -> bool {
        let (id, registry) = (run.id(), &self.registry);
        let (found, lease) = (registry.read(Query::Process(id.clone())), registry.read(Query::Lease(id.clone())));
        let (Ok(found), Ok(lease)) = (found.await, lease.await) else { return false };
        let (Answer::Process(found), Answer::Lease(slot)) = (&*found, &*lease) else { return false };
        let is_this_one =
            |record: &ProcessRecord| !record.is_terminal() && record.registered == run.record().registered;
        !found.as_ref().is_some_and(is_this_one) || slot.last_fence > run.lease().fencing_token
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    /// Gives a lease back; the attempt counts if its runner was `called`. Where that cannot be written it is kept in mind, and
    /// done before the next attempt.
    async fn release(&self, lease: &ProcessLease, called: bool) {
        let id = &lease.process_id;
        self.kept.borrow_mut().insert(id.clone(), (lease.clone(), called));
        let released = self.release_kept(id).await;
        // The next attempt tries again, and meets the fault if it lasts.
        drop(released);
    }

    /// Gives back the lease of an earlier attempt that could not be given back then.
    async fn release_kept(&self, id: &ProcessId) -> Result<()> {
        let Some(kept) = self.kept.borrow().get(id).cloned() else { return Ok(()) };
        match &kept {
            (lease, true) => self.registry.release(id, lease.lease_token.clone()).await?,
            (lease, false) => self.registry.execute(operation::take_back(lease.clone())).await?,
        }
        if self.kept.borrow().get(id) == Some(&kept) {
            self.kept.borrow_mut().remove(id);
        }
        // A driver that cannot watch the liveness lock of this one looks again because of this notification.
        self.registry.hint(id);
        Ok(())
    }

    /// Whether a lease is one that could not be given back.
    pub fn keeps(&self, lease: &ProcessLease) -> bool {
        self.kept.borrow().get(&lease.process_id).is_some_and(|(kept, _)| kept.is(lease))
    }

    /// Gives back all leases that could not be given back before.
    pub async fn release_all_kept(&self) {
        let kept: Vec<_> = self.kept.borrow().keys().cloned().collect();
        for id in kept {
            if self.release_kept(&id).await.is_err() {
                return;
            }
        }
    }

    fn ended(&self, id: &ProcessId) {
        self.runs.borrow_mut().remove(id);
        if self.runs.borrow().is_empty() {
            let renewing = self.renewing.take();
            drop(renewing);
        }
    }

    fn keep_renewing(self: &Rc<Self>) {
        if self.renewing.borrow().is_none() {
            let renew = self.clone().renew().boxed_local();
            self.renewing.replace(Some(host::Background::spawn(&*self.registry.host().spawn, renew)));
        }
    }

    async fn renew(self: Rc<Self>) {
        loop {
            self.registry.clock().sleep(self.options.renew_every).await;
            for runs in self.running().chunks(RENEWED_AT_ONCE) {
                self.renew_leases(runs).await;
            }
        }
    }

    /// Renews leases; the runs that have lost theirs are over.
    async fn renew_leases(&self, runs: &[RunContext]) {
        let ttl = self.options.lease_ttl;
        let held = runs.iter().map(|run| run.lease().clone()).collect();
        let asked = self.registry.clock().monotonic();
        let renewed = self.registry.execute(operation::renew_all(held, ttl)).await;
        let now = self.registry.clock().monotonic();
        for run in runs {
            let lost = match &renewed {
                Ok(lost) => lost.contains(run.id()),
                // Nobody knows, until it must have ended.
                Err(_) => run.0.held_until.get() <= now,
            };
            match (lost, &renewed) {
                (false, Ok(_)) => run.0.held_until.set(asked + ttl),
                (false, Err(_)) => {}
                (true, Ok(_)) => run.stop(Abort::Over(run.lost())),
                (true, Err(fault)) => {
                    self.failed(run.id(), fault);
                    run.stop(Abort::Over(run.lost()));
                }
            }
        }
    }
}

fn refused(fault: &Error) -> ProcessAwaitOutput {
    ProcessAwaitOutput::failure(FailureClass::InvalidRequest, fault.code().as_str(), fault.message())
}
