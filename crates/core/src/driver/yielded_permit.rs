//! The permit of a run, and the waits during which another process may run in its place.

use std::cell::{Cell, RefCell};

use futures::FutureExt;

use super::RunContext;
use crate::{
    error::Result,
    host::{Permit, Semaphore},
};

/// The permit that one run has, unless a wait has yielded it.
pub(super) struct RunPermit {
    semaphore: Semaphore,
    held: RefCell<Option<Permit>>,
    /// How many waits there are for which it is yielded.
    waits: Cell<usize>,
}

impl RunPermit {
    pub fn new(semaphore: Semaphore, permit: Permit) -> Self {
        Self { semaphore, held: RefCell::new(Some(permit)), waits: Cell::new(0) }
    }

    /// Releases the permit.
    pub fn release(&self) {
        let permit = self.held.take();
        drop(permit);
    }
}

impl RunContext {
    /// Runs a wait until the run is aborted. During the wait another process may run in this one's place.
    pub async fn yielding_permit<T>(&self, wait: impl Future<Output = Result<T>>) -> Result<T> {
        let yielded = self.yields_permit();
        let outcome = self.unless_aborted(wait.boxed_local()).await;
        yielded.end().await;
        outcome
    }

    /// Yields the permit for a wait.
    pub(super) fn yields_permit(&self) -> YieldedPermit {
        let permit = &self.0.permit;
        permit.waits.set(permit.waits.get() + 1);
        permit.release();
        YieldedPermit(self.clone())
    }

    /// Takes the permit again, unless there are more than `waits` waits, or the run is over.
    async fn retakes_permit(&self, waits: usize) {
        let permit = &self.0.permit;
        let is_wanted = || permit.waits.get() == waits && permit.held.borrow().is_none() && self.is_on().is_ok();
        if !is_wanted() {
            return;
        }
        let taken = permit.semaphore.reacquire().await;
        if is_wanted() {
            permit.held.replace(Some(taken));
        }
    }
}

/// A wait during which the permit is yielded. The run takes it again when its last wait ends, one way or another.
pub(super) struct YieldedPermit(RunContext);

impl YieldedPermit {
    /// Resolves once the run has a permit again.
    pub async fn end(self) {
        self.0.retakes_permit(1).await;
    }
}

impl Drop for YieldedPermit {
    fn drop(&mut self) {
        let (context, permit) = (self.0.clone(), &self.0.0.permit);
        permit.waits.set(permit.waits.get() - 1);
        if permit.waits.get() == 0 && permit.held.borrow().is_none() {
            // The wait was given up and the runner continues without a pause, so the permit is taken beside it, late.
            let spawn = context.0.registry.host().spawn.clone();
            spawn.spawn(async move { context.retakes_permit(0).await }.boxed_local());
        }
    }
}
