//! One run of one process, as its runner sees it.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::{Rc, Weak},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
};

use super::{history::History, steps::Steps, waits::Waits, work_driver::Driver};
use crate::{
    domain::{
        Millis,
        attempt::{Attempt, cancel_reason, is_cancel_requested},
        event::{AppendRequest, AppendResult, CANCEL_REQUESTED, ProcessEvent},
        key::ProcessId,
        lease::ProcessLease,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    error::{Code, Error, Result},
    host::{Permit, Permits, latch},
    registry::ProcessRegistry,
    store::{Answer, EventRange, Query},
    watch::{ChangeReceiver, ProcessAwaiter, backoff},
};

/// Why a runner is to stop.
#[derive(Clone, Debug)]
pub enum Abort {
    /// Somebody asked for it, perhaps with a reason. The run still holds its lease, and ends the process as it sees fit.
    Cancelled(Option<String>),
    /// The run is over: [`Code::LeaseLost`], [`Code::AlreadyTerminal`], [`Code::UnknownProcess`] or [`Code::Closed`].
    Over(Error),
}

/// What a runner is given. Clones share it.
#[derive(Clone)]
pub struct RunContext(pub(super) Rc<Run>);

pub(super) struct Run {
    pub registry: ProcessRegistry,
    /// How often this run itself ticked its process.
    ticks: Rc<Cell<u64>>,
    pub awaiter: ProcessAwaiter,
    pub attempt: Rc<Attempt>,
    /// Until when the lease is held at least, by the monotonic clock: as far as is known here, and unless it is taken.
    pub held_until: Cell<Millis>,
    /// How long a renewal makes it last.
    lease_ttl: Millis,
    permits: Permits,
    permit: RefCell<Option<Permit>>,
    /// How many waits there are for which the permit is given up.
    resting: Cell<usize>,
    aborts: RefCell<Aborts>,
    aborted: latch::Latch,
    /// Released once the runner was called, where that takes a while.
    begun: RefCell<Option<latch::Latch>>,
    pub history: History,
    pub steps: Steps,
    pub waits: Waits,
    /// Knows what else runs here.
    driver: Weak<Driver>,
}

impl Run {
    /// The run of another process under the same driver.
    pub fn peer(&self, id: &ProcessId) -> Option<RunContext> {
        let driver = self.driver.upgrade()?;
        let active = driver.runs.borrow().get(id).cloned()?;
        active.run.get().cloned()
    }
}

struct Aborts {
    /// The first one; and then perhaps that the run is over.
    why: Option<Abort>,
    tell: Option<Tell>,
    /// Dropped to end the waits of this run.
    waits: Option<latch::Release>,
    /// Dropped to end the run.
    run: Option<oneshot::Sender<()>>,
}

type Tell = Box<dyn FnOnce(&Abort)>;

impl RunContext {
    /// A run that has just begun. With it, what resolves when it is to end.
    pub(super) fn new(
        attempt: Rc<Attempt>,
        asked: Millis,
        driver: &Rc<Driver>,
        permit: Permit,
    ) -> (Self, oneshot::Receiver<()>) {
        let lease_ttl = driver.options.lease_ttl;
        let ticks = Rc::<Cell<u64>>::default();
        let registry = driver.registry.counting(ticks.clone());
        let ((waits, aborted), (run, over)) = (latch::latch(), oneshot::channel());
        let run = Run {
            awaiter: ProcessAwaiter::new(registry.clone(), registry.hub()),
            registry,
            ticks,
            held_until: Cell::new(asked + lease_ttl),
            lease_ttl,
            attempt,
            permits: driver.permits.clone(),
            permit: RefCell::new(Some(permit)),
            resting: Cell::new(0),
            aborts: RefCell::new(Aborts { why: None, tell: None, waits: Some(waits), run: Some(run) }),
            aborted,
            begun: RefCell::default(),
            history: History::default(),
            steps: Steps::default(),
            waits: Waits::default(),
            driver: Rc::downgrade(driver),
        };
        (Self(Rc::new(run)), over)
    }

    /// The process as it was when it was claimed.
    pub fn record(&self) -> &ProcessRecord {
        &self.0.attempt.record
    }

    /// The lease that everything here is written under.
    pub fn lease(&self) -> &ProcessLease {
        &self.0.attempt.lease
    }

    /// 1 for the first run of the process, higher after a crash or a hand-over.
    pub fn attempt(&self) -> u64 {
        self.0.attempt.number
    }

    /// Waits that hear this tab's changes. They do not count as rests: see [`resting`](Self::resting).
    pub fn awaiter(&self) -> ProcessAwaiter {
        self.0.awaiter.clone()
    }

    /// Appends to the process, only while the run holds its lease.
    pub async fn append(&self, request: AppendRequest) -> Result<AppendResult> {
        self.records_given_up().await?;
        let request = AppendRequest { lease: Some(self.lease().clone()), ..request };
        self.0.registry.append(self.id(), request).await.inspect_err(|_| self.0.waits.fails())
    }

    /// Waits for the end of another process. Meanwhile something else may run in this one's place.
    pub async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        self.wait_for_end(id, self.awaiter(), false).await
    }

    /// Runs a wait, until the run is aborted. Meanwhile something else may run in this one's place.
    pub async fn resting<T>(&self, wait: impl Future<Output = Result<T>>) -> Result<T> {
        let rest = self.rests();
        let outcome = self.unless_aborted(wait).await;
        rest.end().await;
        outcome
    }

    /// Gives the permit up for a wait.
    pub(super) fn rests(&self) -> Rest {
        Rest::begin(self)
    }

    // ── Ends ───────────────────────────────────────────────────────────────

    /// Why the runner is to stop, if it is.
    pub fn abort(&self) -> Option<Abort> {
        self.0.aborts.borrow().why.clone()
    }

    /// Resolves when the runner is to stop.
    pub async fn aborted(&self) {
        let _ = self.0.aborted.released().await;
    }

    /// Has the run count as begun only once what this gives is dropped. For runners that are called in a later turn: a
    /// request that came before it aborts the run after that.
    pub fn begins_later(&self) -> latch::Release {
        let (release, begun) = latch::latch();
        self.0.begun.replace(Some(begun));
        release
    }

    /// The runner has answered: whatever comes now is no abort of it.
    pub(super) fn settles(&self) {
        let tell = self.0.aborts.borrow_mut().tell.take();
        drop(tell);
    }

    /// Tells once why the runner is to stop: before any wait of the run ends for that.
    pub fn on_abort(&self, tell: impl FnOnce(&Abort) + 'static) {
        match self.abort() {
            Some(why) => tell(&why),
            None => self.0.aborts.borrow_mut().tell = Some(Box::new(tell)),
        }
    }

    pub(super) fn stop(&self, why: Abort) {
        let mut aborts = self.0.aborts.borrow_mut();
        let ends = if matches!(why, Abort::Over(_)) { aborts.run.take() } else { None };
        if aborts.why.is_none() || ends.is_some() {
            aborts.why = Some(why.clone());
        }
        let (tell, waits) = (aborts.tell.take(), aborts.waits.take());
        drop(aborts);
        if let Some(tell) = tell {
            tell(&why);
        }
        drop((waits, ends));
    }

    /// Refuses where the run is over.
    pub(super) fn is_on(&self) -> Result<()> {
        match self.abort() {
            Some(Abort::Over(fault)) => Err(fault),
            Some(Abort::Cancelled(_)) | None => Ok(()),
        }
    }

    pub(super) async fn unless_aborted<T>(&self, wait: impl Future<Output = Result<T>>) -> Result<T> {
        match select(self.0.aborted.released(), pin!(wait)).await {
            Either::Left(_) => Err(self.is_on().err().unwrap_or_else(|| {
                Error::of(Code::Closed, self.id(), "was asked to stop, and waits for nothing any more")
            })),
            Either::Right((outcome, _)) => outcome,
        }
    }

    // ── Watching ───────────────────────────────────────────────────────────

    /// Aborts the run where its process or its lease asks for that; resolves when it is over.
    pub(super) async fn watch(&self, changes: &ChangeReceiver) {
        let (mut seen, mut own) = (changes.seen(), self.0.ticks.get());
        // One that was asked for before this run began is in the record that was claimed.
        if is_cancel_requested(self.record()) && self.look().await {
            return;
        }
        loop {
            changes.changed().await;
            let (ticks, of_these) = (changes.seen() - seen, self.0.ticks.get() - own);
            (seen, own) = (seen + ticks, own + of_these);
            // What this run wrote itself, it need not look at.
            if ticks > of_these && self.look().await {
                return;
            }
        }
    }

    /// Whether all ticks after the `first` were its own.
    pub(super) fn is_alone(&self, changes: &ChangeReceiver, first: u64) -> bool {
        let _ = changes.changed().now_or_never();
        changes.seen() - first == self.0.ticks.get()
    }

    /// Whether the run is over.
    async fn look(&self) -> bool {
        loop {
            match self.judge().await {
                Ok(over) => return over,
                Err(fault) if fault.code() == Code::Closed => {
                    self.stop(Abort::Over(fault));
                    return true;
                }
                Err(_) => self.0.registry.clock().sleep(backoff::LONGEST_MS).await,
            }
        }
    }

    async fn judge(&self) -> Result<bool> {
        // Asked in one turn, and so answered from one moment.
        let registry = &self.0.registry;
        let (record, lease) =
            (registry.read(Query::Process(self.id().clone())), registry.read(Query::Lease(self.id().clone())));
        let (record, lease) = (record.await?, lease.await?);
        let shown = if let Answer::Lease(slot) = &*lease { slot.held.as_ref() } else { None };
        let held = match shown.filter(|shown| shown.is(self.lease())) {
            Some(own) => self.is_in_force(own).await?,
            None => false,
        };
        let found = if let Answer::Process(found) = &*record { found.as_ref() } else { None };
        let fault = match found {
            None => Error::unknown_process(self.id()),
            Some(record) if record.is_terminal() => Error::of(Code::AlreadyTerminal, self.id(), "was ended by others"),
            Some(_) if !held => self.lost(),
            Some(record) => {
                if self.abort().is_none() && is_cancel_requested(record) {
                    self.cancel().await?;
                }
                return Ok(false);
            }
        };
        self.stop(Abort::Over(fault));
        Ok(true)
    }

    /// Whether the lease of this run is in force; no other owner has claimed it. If it has expired by the local clock, a
    /// renewal asks the store, whose clock decides.
    async fn is_in_force(&self, lease: &ProcessLease) -> Result<bool> {
        let clock = self.0.registry.clock();
        if lease.is_live(clock.now()) {
            return Ok(true);
        }
        let (asked, ttl) = (clock.monotonic(), self.0.lease_ttl);
        match self.0.registry.renew(lease.clone(), ttl).await {
            Ok(_) => {
                self.0.held_until.set(asked + ttl);
                Ok(true)
            }
            Err(fault) if fault.code() == Code::LeaseLost => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Tells the runner that its end was asked for, and why: once it has been called and was given what earlier runs
    /// recorded, so that it listens by then as it did in the run before.
    async fn cancel(&self) -> Result<()> {
        let begun = self.0.begun.borrow().clone();
        if let Some(begun) = begun {
            let _ = begun.released().await;
        }
        self.caught_up().await;
        let asked = self.first(CANCEL_REQUESTED, 0).await?;
        let reason = asked.as_ref().and_then(|event| cancel_reason(&event.payload));
        self.stop(Abort::Cancelled(reason));
        Ok(())
    }

    pub(super) fn lost(&self) -> Error {
        Error::of(Code::LeaseLost, self.id(), "is not held any more by this run")
    }

    pub(super) fn id(&self) -> &ProcessId {
        self.record().id()
    }

    pub(super) async fn first(&self, event_type: &str, after: u64) -> Result<Option<Rc<ProcessEvent>>> {
        let found = self.0.registry.events(self.id(), EventRange::first(event_type, after)).await?;
        Ok(found.into_iter().next())
    }
}

/// A wait during which the permit is given up. It is taken back when the last one ends, one way or another.
pub(super) struct Rest(RunContext);

impl Rest {
    fn begin(context: &RunContext) -> Self {
        let resting = &context.0.resting;
        resting.set(resting.get() + 1);
        let permit = context.0.permit.take();
        drop(permit);
        Self(context.clone())
    }

    /// Resolves once there is a permit again.
    pub async fn end(self) {
        self.0.take_permit(1).await;
    }
}

impl RunContext {
    /// Takes the permit back, unless there are more waits than so many, or the run is over.
    async fn take_permit(&self, resting: usize) {
        let wanted = || self.0.resting.get() == resting && self.0.permit.borrow().is_none() && self.is_on().is_ok();
        if !wanted() {
            return;
        }
        let permit = self.0.permits.take_back().await;
        if wanted() {
            self.0.permit.replace(Some(permit));
        }
    }

    /// Gives the permit back for good.
    pub(super) fn end_permit(&self) {
        let permit = self.0.permit.take();
        drop(permit);
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let context = self.0.clone();
        context.0.resting.set(context.0.resting.get() - 1);
        if context.0.resting.get() == 0 && context.0.permit.borrow().is_none() {
            // The wait was given up, and the runner goes on: nobody waits for the permit, but it counts.
            let spawn = context.0.registry.host().spawn.clone();
            spawn.spawn(async move { context.take_permit(0).await }.boxed_local());
        }
    }
}
