//! The beginning of an attempt: the claim of a process, and the run that comes of it.

use std::rc::Rc;

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};

use super::{
    Abort, RunContext,
    agenda::Next,
    eligibility::Eligibility,
    work_driver::{Active, Driver},
};
use crate::{
    error::{Code, Result},
    host::Permit,
    model::{
        event::CANCEL_REQUESTED,
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease, Proof},
    },
    operation,
    rules::attempt::{Begun, Cancelled, Claimant, cancel_reason},
    store::EventRange,
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

impl Driver {
    /// Like [`attempt`](Self::attempt), in a task of its own. Calls `then` with what became of it.
    pub fn spawn_attempt(
        self: &Rc<Self>,
        Next { id, dead }: Next,
        permit: Permit,
        then: impl FnOnce(Result<Tried>) + 'static,
    ) {
        let attempt = self.attempt(id, dead, permit).map(then);
        self.registry.host().spawn.spawn(attempt.boxed_local());
    }

    /// Claims a process, from a holder that is proven `dead` too, and begins to run it. It counts as active from this call on.
    fn attempt(
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
        // Before the process is read, so that a cancel request that comes afterwards is noticed.
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
            driver.not_begun(&id, begun)
        }
        .boxed_local()
    }

    fn not_begun(&self, id: &ProcessId, begun: Result<Begun>) -> Result<Tried> {
        match begun {
            Ok(Begun::Busy(holder)) => {
                self.held_elsewhere(holder);
                Ok(Tried::Busy)
            }
            Ok(Begun::NotNow | Begun::Over | Begun::Cancelled(_) | Begun::Run(_)) => {
                // It may have changed, or been registered anew, while that was on its way.
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
        let claimant = Claimant {
            owner,
            ttl: self.options.lease_ttl,
            token: host.random.name(),
            is_offline: self.runners.is_offline(),
        };
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
                Begun::Run(_) | Begun::Busy(_) | Begun::NotNow | Begun::Over => Ok(begun),
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
}
