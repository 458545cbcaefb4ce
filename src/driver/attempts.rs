//! One attempt, from the claim to the end that is written.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, ready, select},
};

use super::{
    Abort, RunContext,
    work_driver::{Active, Driver},
};
use crate::{
    domain::{
        attempt::{Begun, Claimant, is_cancel_requested},
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease, Proof},
        process::{FailureClass, ProcessAwaitOutput},
        schema::Schemas,
    },
    error::{Code, Error, Result},
    host::{self, Permit, oneshot},
    operation,
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
        if self.runs.borrow().get(&id).is_some() {
            return ready(Ok(Tried::Busy)).boxed_local();
        }
        let (active, ends) = Active::new();
        self.runs.borrow_mut().put(&id, active.clone());
        // Before the process is read: who asks for its end afterwards is heard.
        let changes = self.registry.hub().subscribe(&id);
        let (driver, stops) = (self.clone(), self.stops.get());
        async move {
            let begun = driver.begin(&id, dead).await;
            if let Ok(Begun::Run(attempt)) = begun {
                let (run, over) = RunContext::new(&driver.registry, attempt, (&driver.permits, permit));
                if stops != driver.stops.get() {
                    run.stop(Abort::Over(run.lost()));
                }
                let run = active.run.get_or_init(|| run).clone();
                driver.keep_renewing();
                let drive = driver.clone().drive(run, over, changes, ends);
                driver.registry.host().spawn.spawn(drive.boxed_local());
                return Ok(Tried::Started);
            }
            driver.ended(&id);
            driver.not_here(&id, begun)
        }
        .boxed_local()
    }

    fn not_here(&self, id: &ProcessId, begun: Result<Begun>) -> Result<Tried> {
        match begun {
            Ok(Begun::Busy(holder)) => {
                self.held_elsewhere(id, holder);
                Ok(Tried::Busy)
            }
            Ok(Begun::Over | Begun::Run(_)) => {
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
        let life = self.life().await;
        let host = self.registry.host();
        let owner = LeaseOwner {
            owner_id: self.options.owner_id.clone(),
            incarnation_id: host.random.name(),
            liveness: Some(life.mark.clone()),
        };
        let claimant = Claimant { owner, ttl: self.options.lease_ttl, token: host.random.name() };
        let begin = |observed| self.registry.execute(operation::begin(id.clone(), claimant.clone(), observed));
        let begun = begin(dead.map(|holder| (holder, Proof::Dead))).await?;
        let Begun::Busy(holder) = begun else { return Ok(begun) };
        match host.liveness.probe(&holder).await {
            Proof::Dead => begin(Some((holder, Proof::Dead))).await,
            Proof::Unknown => Ok(Begun::Busy(holder)),
        }
    }

    async fn drive(
        self: Rc<Self>,
        run: RunContext,
        over: oneshot::Receiver<()>,
        changes: ChangeReceiver,
        _ends: oneshot::Release,
    ) {
        let (id, first) = (run.id().clone(), changes.seen());
        let written = match self.work(&run, over, &changes).await {
            Some(output) => self.end(&run, output).await,
            None => Ok(false),
        };
        run.stop(Abort::Over(Error::of(Code::Closed, &id, "is not run any more")));
        if !matches!(written, Ok(true)) {
            // Others need not wait for its end. Where it was lost, this changes nothing.
            let released = self.registry.release(&id, run.lease().lease_token.clone()).await;
            if released.is_ok() {
                // Who stands by for the end of this driver sees that; where nobody can, this tells.
                self.registry.hint(&id);
            }
        }
        self.ended(&id);
        match written {
            Ok(true) if run.is_alone(&changes, first) => self.forget(&id),
            // What others did meanwhile, perhaps to register it anew, nobody has looked at.
            Ok(true | false) => self.look_again(&id),
            Err(fault) => {
                self.failed(&id, &fault);
                self.try_later(&id);
            }
        }
        run.end_permit();
    }

    /// What the runner answers; nothing where the run ends without it.
    async fn work(
        &self,
        run: &RunContext,
        over: oneshot::Receiver<()>,
        changes: &ChangeReceiver,
    ) -> Option<ProcessAwaitOutput> {
        if is_cancel_requested(run.record()) {
            // Where it cannot be read, the watch sees to it.
            let cancelled = run.cancel().await;
            drop(cancelled);
        }
        run.is_on().ok()?;
        let watch = pin!(run.watch(changes));
        let work = self.runners.run(run.clone());
        match select(over, select(work, watch)).await {
            Either::Right((Either::Left((output, _)), _)) => Some(output),
            Either::Right((Either::Right(_), _)) | Either::Left(_) => None,
        }
    }

    /// Writes how the process ends: whether it has ended by then.
    async fn end(&self, run: &RunContext, output: ProcessAwaitOutput) -> Result<bool> {
        let end = |output, schemas: &Rc<Schemas>| {
            run.0.registry.execute(operation::complete_with_lease(run.lease().clone(), output, schemas))
        };
        let ended = match end(output, self.registry.schemas()).await {
            // What the runner gave is not what was declared for such an end: that is how it ends then.
            Err(fault) if fault.code() == Code::InvalidPayload => {
                end(refused(&fault), &Rc::new(Schemas::unchecked())).await
            }
            ended => ended,
        };
        match ended.map_err(|fault| (fault.code(), fault)) {
            Ok(_) => Ok(true),
            Err((Code::LeaseLost | Code::UnknownProcess | Code::AlreadyTerminal | Code::ReplayConflict, _)) => {
                Ok(false)
            }
            #[allow(clippy::wildcard_enum_match_arm, reason = "every other fault is one of the store")]
            Err((_, fault)) => Err(fault),
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
        let asked = self.registry.clock().now();
        let renewed = self.registry.execute(operation::renew_all(held, ttl)).await;
        let now = self.registry.clock().now();
        for run in runs {
            let lost = match &renewed {
                Ok(lost) => lost.contains(run.id()),
                // Nobody knows, until it must have ended.
                Err(_) => run.0.expires.get() <= now,
            };
            match (lost, &renewed) {
                (true, _) => run.stop(Abort::Over(run.lost())),
                (false, Ok(_)) => run.0.expires.set(asked + ttl),
                (false, Err(_)) => {}
            }
        }
    }
}

fn refused(fault: &Error) -> ProcessAwaitOutput {
    ProcessAwaitOutput::failure(FailureClass::InvalidRequest, fault.code().as_str(), fault.message())
}
