//! Driving on: what to look at when, and whose end to stand by for.
//!
//! A tick says that a process changed. Of those that are known to be somebody else's, or nobody's here, ticks are not
//! listened to: they are looked at again when their lease ends, or their holder dies.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use futures::{
    FutureExt,
    future::{Either, select},
};

use super::work_driver::{Driver, Fit, Pages};
use crate::{
    domain::{
        Millis,
        key::ProcessId,
        lease::{LeaseOwner, LivenessMark, ProcessLease},
        table::ById,
    },
    error::{Code, Result},
    host::{self, oneshot},
    store::{Answer, Query},
    watch::{ProcessChangeHub, backoff::LONGEST_MS},
};

/// What keeps a driver driving; dropped, it stops looking for more.
pub(super) struct Background {
    queue: RefCell<Vec<Candidate>>,
    /// What need not be looked at for a while.
    known: RefCell<ById<Known>>,
    /// By their marks, the ends that it stands by for.
    watches: RefCell<Vec<(LivenessMark, host::Background)>>,
    /// Dropped to end the sleep.
    alarm: RefCell<Option<oneshot::Sender<()>>>,
    listener: Cell<Option<(ProcessChangeHub, u64)>>,
    running: RefCell<Option<host::Background>>,
}

/// A process to look at; or to take over from a holder who is proven dead.
struct Candidate(ProcessId, Option<Rc<ProcessLease>>);

struct Known {
    until: Millis,
    holder: Option<Rc<ProcessLease>>,
    /// Whether a tick may be the only sign that there is something to do.
    hears: bool,
}

/// How long after a fault it is tried again: storage that is full or blocked stays so for a while.
const TRY_LATER_MS: Millis = 5_000;

/// How long a process that nobody here can run is not looked at again. It may be pruned and registered anew as another.
const NOT_FOR_US_MS: Millis = 60_000;

impl Background {
    pub fn start(driver: &Rc<Driver>) {
        if driver.background.borrow().is_some() {
            return;
        }
        let hub = driver.registry.hub();
        let background = Rc::new(Self {
            queue: RefCell::default(),
            known: RefCell::default(),
            watches: RefCell::default(),
            alarm: RefCell::default(),
            listener: Cell::default(),
            running: RefCell::default(),
        });
        let ticked = Rc::downgrade(driver);
        let listener = hub.listen(move |id| {
            if let Some(driver) = ticked.upgrade() {
                driver.ticked(id);
            }
        });
        background.listener.set(Some((hub, listener)));
        driver.background.replace(Some(background.clone()));
        // Whoever starts a driver need not keep it at hand: it drives on until it is stopped.
        let run = run(driver.clone(), Rc::downgrade(&background)).boxed_local();
        background.running.replace(Some(host::Background::spawn(&*driver.registry.host().spawn, run)));
    }

    /// Looks for nothing more.
    pub fn end(&self) {
        let running = self.running.take();
        drop(running);
    }

    fn push(&self, candidate: Candidate) {
        // Until it was looked at, there is nothing more to hear of it.
        let known = Known { until: Millis::MAX, holder: None, hears: false };
        self.known.borrow_mut().put(&candidate.0, Rc::new(known));
        self.queue.borrow_mut().push(candidate);
        let alarm = self.alarm.take();
        drop(alarm);
    }

    /// Waits until there is something to look at, or for so long.
    async fn pause(&self, host: &crate::registry::Host, span: Millis) {
        if self.queue.borrow().is_empty() {
            let (alarm, rung) = oneshot::channel();
            self.alarm.replace(Some(alarm));
            match select(host.clock.sleep(span), rung).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    /// What is to be looked at again by now.
    fn due(&self, now: Millis) -> Vec<ProcessId> {
        let known = self.known.borrow();
        let mut due = known.ids();
        due.retain(|id| known.get(id).is_some_and(|known| known.until <= now));
        due
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some((hub, listener)) = self.listener.take() {
            hub.forget(listener);
        }
    }
}

async fn run(driver: Rc<Driver>, background: Weak<Background>) {
    let mut seen = None;
    let mut looked: Option<Millis> = None;
    while let Some(background) = background.upgrade() {
        let now = driver.registry.clock().now();
        if looked.is_none_or(|looked| now.saturating_sub(looked) >= LONGEST_MS) {
            looked = Some(now);
            background.due(now).into_iter().for_each(|id| background.push(Candidate(id, None)));
            match driver.changed(&mut seen).await {
                Err(fault) if fault.code() == Code::Closed => return,
                Ok(()) | Err(_) => {}
            }
        }
        for candidate in background.queue.take() {
            driver.look_at(&background, candidate);
        }
        background.pause(driver.registry.host(), LONGEST_MS).await;
    }
}

impl Driver {
    fn ticked(&self, id: &ProcessId) {
        let Some(background) = self.background.borrow().clone() else { return };
        let known = background.known.borrow().get(id);
        if known.is_none_or(|known| known.hears) && self.runs.borrow().get(id).is_none() {
            background.push(Candidate(id.clone(), None));
        }
    }

    /// The floor under the ticks: looks at what changed since it last did, and at everything where that is not known.
    async fn changed(self: &Rc<Self>, seen: &mut Option<u64>) -> Result<()> {
        let answer = self.registry.read(Query::ChangedIds(*seen)).await?;
        let Answer::ChangedIds(ids, end) = &*answer else { return Ok(()) };
        if let Some(ids) = ids {
            ids.iter().for_each(|id| self.ticked(id));
        } else {
            // Only once all of it was read is it known: a fault half-way has it begin anew.
            *seen = None;
            let mut pages = Pages::default();
            while let Some(page) = pages.next(&self.registry).await? {
                page.iter().filter(|record| self.fit(record) == Fit::Ours).for_each(|record| self.ticked(record.id()));
            }
        }
        *seen = Some(*end);
        Ok(())
    }

    /// Looks at a candidate beside everything else. Those of one turn are read together.
    fn look_at(self: &Rc<Self>, background: &Rc<Background>, candidate: Candidate) {
        let (driver, by, id) = (self.clone(), Rc::downgrade(background), candidate.0.clone());
        let look = async move {
            if let Err(fault) = driver.consider(by, candidate).await {
                driver.try_later(&id);
                driver.failed(&id, &fault);
            }
        };
        self.registry.host().spawn.spawn(look.boxed_local());
    }

    async fn consider(self: &Rc<Self>, by: Weak<Background>, Candidate(id, dead): Candidate) -> Result<()> {
        // Whoever was stopped meanwhile says nothing to who was started since.
        let stopped = || by.strong_count() == 0;
        if dead.is_none() && !stopped() {
            // What changes from here on may be missing in the answer.
            self.know(&id, Millis::MAX, true);
            let (process, lease) = (Query::Process(id.clone()), Query::Lease(id.clone()));
            let (process, lease) = (self.registry.read(process), self.registry.read(lease));
            let (process, lease) = (process.await?, lease.await?);
            if stopped() || !self.is_pending(&id, &process, &lease) {
                return Ok(());
            }
            // And from here on the claim will see it.
            self.know(&id, Millis::MAX, false);
        }
        // What was begun elsewhere goes on before anything new.
        let permit = if dead.is_some() { self.permits.take_back().await } else { self.permits.take().await };
        match stopped() {
            true => Ok(()),
            false => self.attempt(id, dead, permit).await.map(drop),
        }
    }

    /// Whether a process is to be run, and nobody runs it.
    fn is_pending(&self, id: &ProcessId, record: &Answer, lease: &Answer) -> bool {
        let now = self.registry.clock().now();
        let Answer::Process(Some(record)) = record else {
            self.forget(id);
            return false;
        };
        match (self.fit(record), lease) {
            (Fit::Ours, Answer::Lease(Some(holder))) if holder.is_live(now) => {
                self.held_elsewhere(id, Rc::new(holder.clone()));
                false
            }
            (Fit::Ours, _) => true,
            (Fit::Nobodys, _) if record.is_terminal() => {
                self.forget(id);
                false
            }
            (Fit::Unhandled | Fit::Nobodys, _) => {
                self.leave(id, NOT_FOR_US_MS);
                false
            }
        }
    }

    // ── What is known ──────────────────────────────────────────────────────

    pub fn forget(&self, id: &ProcessId) {
        if let Some(background) = &*self.background.borrow() {
            background.known.borrow_mut().remove(id);
        }
    }

    pub fn look_again(&self, id: &ProcessId) {
        if let Some(background) = &*self.background.borrow() {
            background.push(Candidate(id.clone(), None));
        }
    }

    /// After a fault, which may last.
    pub fn try_later(&self, id: &ProcessId) {
        self.leave(id, TRY_LATER_MS);
    }

    fn leave(&self, id: &ProcessId, span: Millis) {
        self.know(id, self.registry.clock().now() + span, false);
    }

    fn know(&self, id: &ProcessId, until: Millis, hears: bool) {
        if let Some(background) = &*self.background.borrow() {
            background.known.borrow_mut().put(id, Rc::new(Known { until, holder: None, hears }));
        }
    }

    /// Somebody else runs it: until the lease ends or its holder dies, whichever is first.
    pub fn held_elsewhere(&self, id: &ProcessId, holder: Rc<ProcessLease>) {
        let Some(background) = self.background.borrow().clone() else { return };
        let watched = holder.owner.is_mortal();
        let owner = holder.owner.clone();
        let known = Known { until: holder.expires_at_ms, hears: !watched, holder: Some(holder) };
        background.known.borrow_mut().put(id, Rc::new(known));
        if watched {
            self.stand_by(&background, owner);
        }
    }

    fn stand_by(&self, background: &Rc<Background>, owner: LeaseOwner) {
        let Some(mark) = owner.liveness.clone() else { return };
        if background.watches.borrow().iter().any(|(watched, _)| *watched == mark) {
            return;
        }
        let (of, by) = (mark.clone(), Rc::downgrade(background));
        let gone = self.registry.owner_gone(&owner);
        let watch = async move {
            if gone.await.is_ok()
                && let Some(background) = by.upgrade()
            {
                background.gone(&of);
            }
        };
        let watch = host::Background::spawn(&*self.registry.host().spawn, watch.boxed_local());
        background.watches.borrow_mut().push((mark, watch));
    }
}

impl Background {
    /// All that a dead holder held can be taken over.
    fn gone(&self, mark: &LivenessMark) {
        let ids = self.known.borrow().ids();
        for id in ids {
            let known = self.known.borrow().get(&id);
            let holder = known.and_then(|known| known.holder.clone());
            if let Some(holder) = holder.filter(|holder| holder.owner.liveness.as_ref() == Some(mark)) {
                self.push(Candidate(id, Some(holder)));
            }
        }
        let over = {
            let mut watches = self.watches.borrow_mut();
            let place = watches.iter().position(|(watched, _)| watched == mark);
            place.map(|place| watches.swap_remove(place))
        };
        drop(over);
    }
}
