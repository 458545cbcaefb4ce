//! The driver: what it shares among its attempts, and how it is started and stopped.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};

use super::{Abort, DriverOptions, RunContext, Runners, pauses::Pauses, scheduler::Scheduler, sweep::DriveFailure};
use crate::{
    error::{Code, Error, Result},
    host::{self, LivenessLock, Semaphore, latch},
    model::{key::ProcessId, lease::ProcessLease},
    registry::ProcessRegistry,
    unordered::{Map, Set},
};

/// Runs processes. Clones share it.
#[derive(Clone)]
pub struct ProcessWorkDriver(pub(super) Rc<Driver>);

pub(super) struct Driver {
    pub registry: ProcessRegistry,
    pub runners: Rc<dyn Runners>,
    pub options: DriverOptions,
    pub semaphore: Semaphore,
    /// The liveness lock that its leases name. From the first claim until it is stopped.
    life: RefCell<Option<Rc<LivenessLock>>>,
    /// The attempts that have begun and not ended.
    pub runs: RefCell<Map<ProcessId, Rc<Active>>>,
    /// Renews the leases of those.
    pub renewing: RefCell<Option<host::Background>>,
    /// Looks for work, while it is started.
    pub scheduler: RefCell<Option<Rc<Scheduler>>>,
    /// Counts the times it was stopped.
    pub stops: Cell<u64>,
    /// What failed after its sweep had answered.
    pub failures: RefCell<Vec<DriveFailure>>,
    /// The processes to which something is due that could not be done.
    pub unsettled: RefCell<Set<ProcessId>>,
    /// When processes may be begun again whose last attempt here did not end them.
    pub pauses: Pauses,
    /// The leases that could not be given back, by process, and whether a runner was called under them.
    pub kept: RefCell<Map<ProcessId, (ProcessLease, bool)>>,
    /// The network may be back.
    pub network: latch::News,
    /// The kinds without a runner of which the host has warned.
    pub unhandled: RefCell<Set<String>>,
}

impl ProcessWorkDriver {
    /// A driver that does nothing yet. [`Code::InvalidArgument`] for options that make no sense.
    pub fn new(registry: ProcessRegistry, runners: Rc<dyn Runners>, options: DriverOptions) -> Result<Self> {
        options.check()?;
        Ok(Self(Rc::new(Driver {
            registry,
            runners,
            semaphore: Semaphore::new(options.concurrency),
            options,
            life: RefCell::default(),
            runs: RefCell::default(),
            renewing: RefCell::default(),
            scheduler: RefCell::default(),
            stops: Cell::new(0),
            failures: RefCell::default(),
            unsettled: RefCell::default(),
            pauses: Pauses::default(),
            kept: RefCell::default(),
            network: latch::News::default(),
            unhandled: RefCell::default(),
        })))
    }

    /// Keeps driving until it is stopped. Repeating it is fine.
    pub fn start(&self) {
        Scheduler::start(&self.0);
    }

    /// Hands back all that it runs, for others to continue at once, and begins nothing more: from this call on, until it is
    /// started again. Resolves when all leases are given back.
    pub fn stop(&self) -> LocalBoxFuture<'static, ()> {
        let driver = self.0.clone();
        driver.stops.set(driver.stops.get() + 1);
        if let Some(scheduler) = driver.scheduler.take() {
            scheduler.end();
        }
        driver.pauses.clear();
        for run in driver.running() {
            run.stop(Abort::Over(Error::of(Code::LeaseLost, run.id(), "was handed back: its driver stops")));
        }
        let active = driver.active();
        async move {
            for attempt in active {
                attempt.over().await;
            }
            driver.release_all_kept().await;
            if driver.runs.borrow().is_empty() {
                // Drivers that watch the lock see its end now, and find every lease released.
                let life = driver.life.take();
                drop(life);
            }
        }
        .boxed_local()
    }

    /// Resolves when nothing is running that this driver claimed.
    pub async fn idle(&self) {
        while let Some(attempt) = self.0.active().pop() {
            attempt.over().await;
        }
    }
}

impl Driver {
    /// The attempts that have begun and not ended.
    pub fn active(&self) -> Vec<Rc<Active>> {
        let runs = self.runs.borrow();
        runs.values().cloned().collect()
    }

    /// The runs of those that have claimed their processes.
    pub fn running(&self) -> Vec<RunContext> {
        self.active().iter().filter_map(|attempt| attempt.run.get().cloned()).collect()
    }

    /// The liveness lock that its leases name.
    pub async fn life(&self) -> Rc<LivenessLock> {
        if let Some(life) = self.life.borrow().clone() {
            return life;
        }
        let host = self.registry.host();
        let life = Rc::new(host.liveness.live(&host.random.name()).await);
        // Another attempt may have been faster.
        self.life.borrow_mut().get_or_insert(life).clone()
    }
}

/// An attempt that has begun and not ended.
pub(super) struct Active {
    /// Once the process is claimed.
    pub run: OnceCell<RunContext>,
    over: latch::Latch,
}

impl Active {
    /// An attempt that begins. With it, what is dropped when it ends.
    pub fn new() -> (Rc<Self>, latch::Release) {
        let (ends, over) = latch::latch();
        (Rc::new(Self { run: OnceCell::new(), over }), ends)
    }

    async fn over(&self) {
        let _ = self.over.released().await;
    }
}
