//! The driver: one sweep, or one after another until it is stopped.

use futures::channel::oneshot;
use serde::Serialize;
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};

use super::{
    Abort, DriverOptions, RunContext, Runners, attempts::Tried, eligibility::Eligibility, pages::Pages, pauses::Pauses,
    scheduler::Scheduler,
};
use crate::{
    domain::{key::ProcessId, key::sorted, lease::ProcessLease},
    error::{Code, Error, Result},
    host::{self, Life, Permits, latch},
    registry::ProcessRegistry,
};

/// Runs processes. Clones share it.
#[derive(Clone)]
pub struct ProcessWorkDriver(pub(super) Rc<Driver>);

pub(super) struct Driver {
    pub registry: ProcessRegistry,
    pub runners: Rc<dyn Runners>,
    pub options: DriverOptions,
    pub permits: Permits,
    /// What the marks of its leases name. From the first claim until it is stopped.
    life: RefCell<Option<Rc<Life>>>,
    /// What is running here, or about to.
    pub runs: RefCell<BTreeMap<ProcessId, Rc<Active>>>,
    /// Renews the leases of those.
    pub renewing: RefCell<Option<host::Background>>,
    /// Looks for work, while it is started.
    pub scheduler: RefCell<Option<Rc<Scheduler>>>,
    /// Counts the times it was stopped.
    pub stops: Cell<u64>,
    /// What failed after its sweep had answered.
    failures: RefCell<Vec<DriveFailure>>,
    /// When processes may be begun again whose last attempt here did not end them.
    pub pauses: Pauses,
    /// The leases that could not be given back, by process, and whether a runner was called under them.
    pub kept: RefCell<BTreeMap<ProcessId, (ProcessLease, bool)>>,
    /// The kinds without a runner of which the host has warned.
    pub unhandled: RefCell<BTreeSet<String>>,
}

/// What a sweep did. Each id stands in one list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriveReport {
    /// What it began to run, in id order.
    pub started: Vec<ProcessId>,
    /// What is being run already, here or elsewhere, in id order.
    pub busy: Vec<ProcessId>,
    /// What nobody here can run, in id order.
    pub unhandled: Vec<ProcessId>,
    /// What failed, and what failed since the last sweep.
    pub failed: Vec<DriveFailure>,
}

/// A drive that failed: its process was not claimed, its run met trouble of the driver (storage, a lost lease, code that
/// does not load), or its outcome could not be written. It will be tried again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriveFailure {
    /// The process.
    pub process_id: ProcessId,
    /// The code of the fault.
    pub code: String,
    /// The fault, for people.
    pub message: String,
}

/// How many failures are kept for a sweep that may never come.
const MOST_FAILURES: usize = 100;

impl ProcessWorkDriver {
    /// A driver that does nothing yet. [`Code::InvalidArgument`] for options that make no sense.
    pub fn new(registry: ProcessRegistry, runners: Rc<dyn Runners>, options: DriverOptions) -> Result<Self> {
        options.check()?;
        Ok(Self(Rc::new(Driver {
            registry,
            runners,
            permits: Permits::new(options.concurrency),
            options,
            life: RefCell::default(),
            runs: RefCell::default(),
            renewing: RefCell::default(),
            scheduler: RefCell::default(),
            stops: Cell::new(0),
            failures: RefCell::default(),
            pauses: Pauses::default(),
            kept: RefCell::default(),
            unhandled: RefCell::default(),
        })))
    }

    /// Begins to run every process that can be run here and is not being run. Answers once each is claimed or known to be
    /// another's; what it began goes on. With as many running as may at once, it waits until one of them ends.
    pub async fn claim_and_run_pending(&self) -> Result<DriveReport> {
        let driver = &self.0;
        let (stops, sweep) = (driver.stops.get(), Sweep::default());
        let (over, all_over) = oneshot::channel::<()>();
        let over = Rc::new(over);
        let mut pages = Pages::default();
        while let Some(page) = pages.next(&driver.registry).await? {
            for record in page {
                let id = record.id();
                match driver.eligibility(&record) {
                    Eligibility::Drivable if driver.runs.borrow().contains_key(id) => sweep.note(id, Ok(Tried::Busy)),
                    Eligibility::Drivable => {
                        let permit = driver.permits.take().await;
                        if driver.stops.get() == stops {
                            let attempt = driver.attempt(id.clone(), None, permit);
                            sweep.spawn(driver, id.clone(), attempt, over.clone());
                        }
                    }
                    Eligibility::NoRunner => sweep.0.borrow_mut().unhandled.push(id.clone()),
                    Eligibility::NotDrivable => {}
                }
            }
        }
        drop(over);
        // Dropped with the last attempt.
        let _ = all_over.await;
        let mut report = sweep.0.take();
        report.failed.append(&mut driver.failures.take());
        (report.started, report.busy) = (sorted(&report.started), sorted(&report.busy));
        Ok(report)
    }

    /// Keeps driving until it is stopped. Repeating it is fine.
    pub fn start(&self) {
        Scheduler::start(&self.0);
    }

    /// Hands back all that it runs, for others to go on with at once, and begins nothing more: from this call on, until it
    /// is started again. Resolves when all of that is given back.
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
                // Whoever stands by sees its end now, and finds every lease released.
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

#[derive(Clone, Default)]
struct Sweep(Rc<RefCell<DriveReport>>);

impl Sweep {
    fn spawn(
        &self,
        driver: &Driver,
        id: ProcessId,
        attempt: LocalBoxFuture<'static, Result<Tried>>,
        over: Rc<oneshot::Sender<()>>,
    ) {
        let sweep = self.clone();
        let noted = attempt.map(move |tried| {
            sweep.note(&id, tried);
            drop(over);
        });
        driver.registry.host().spawn.spawn(noted.boxed_local());
    }

    fn note(&self, id: &ProcessId, tried: Result<Tried>) {
        let mut report = self.0.borrow_mut();
        match tried {
            Ok(Tried::Started) => report.started.push(id.clone()),
            Ok(Tried::Busy) => report.busy.push(id.clone()),
            Ok(Tried::Over) => {}
            Err(fault) => report.failed.push(DriveFailure::new(id, &fault)),
        }
    }
}

impl DriveFailure {
    fn new(id: &ProcessId, fault: &Error) -> Self {
        Self { process_id: id.clone(), code: fault.code().as_str().to_owned(), message: fault.message().to_owned() }
    }
}

impl Driver {
    pub fn active(&self) -> Vec<Rc<Active>> {
        let runs = self.runs.borrow();
        runs.values().cloned().collect()
    }

    pub fn running(&self) -> Vec<RunContext> {
        self.active().iter().filter_map(|attempt| attempt.run.get().cloned()).collect()
    }

    /// The life that its leases are marked with.
    pub async fn life(&self) -> Rc<Life> {
        if let Some(life) = self.life.borrow().clone() {
            return life;
        }
        let host = self.registry.host();
        let life = Rc::new(host.liveness.live(&host.random.name()).await);
        // Somebody else may have been faster.
        self.life.borrow_mut().get_or_insert(life).clone()
    }

    /// Notes a failure down for the next report, and tells the host.
    pub fn failed(&self, id: &ProcessId, fault: &Error) {
        let mut failures = self.failures.borrow_mut();
        failures.push(DriveFailure::new(id, fault));
        if failures.len() > MOST_FAILURES {
            failures.remove(0);
        }
        drop(failures);
        self.runners.failed(fault);
    }
}

/// An attempt that has begun and not ended.
pub(super) struct Active {
    /// Once the process is claimed.
    pub run: OnceCell<RunContext>,
    over: latch::Latch,
}

impl Active {
    /// With it, what is dropped when it ends.
    pub fn new() -> (Rc<Self>, latch::Release) {
        let (ends, over) = latch::latch();
        (Rc::new(Self { run: OnceCell::new(), over }), ends)
    }

    async fn over(&self) {
        let _ = self.over.released().await;
    }
}
