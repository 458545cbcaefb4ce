//! Driving on: what to look at when, and whose end to stand by for.
//!
//! A tick says that a process changed, and has it looked at. One that is left alone, being another's or in a pause, is
//! looked at once a second at most while it ticks, and without a tick when its lease ends, its pause ends, or its holder
//! dies. All spans are measured by the monotonic clock.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
};

use super::work_driver::{Driver, Fit, Pages};
use crate::{
    domain::{
        Millis,
        key::ProcessId,
        lease::{LeaseOwner, LivenessMark, ProcessLease},
        process::{ProcessRecord, Registered},
    },
    error::{Code, Result},
    host::{self},
    store::{Answer, Point, Query},
    watch::{ProcessChangeHub, backoff::LONGEST_MS},
};

/// What keeps a driver driving; dropped, it stops looking for more.
pub(super) struct Background {
    queue: RefCell<Vec<Candidate>>,
    /// What was found of the processes that are to be looked at again.
    known: RefCell<BTreeMap<ProcessId, Known>>,
    /// By their marks, the ends that it stands by for.
    watches: RefCell<Vec<(LivenessMark, host::Background)>>,
    /// Dropped to end the sleep.
    alarm: RefCell<Option<oneshot::Sender<()>>>,
    listener: Cell<Option<(ProcessChangeHub, u64)>>,
    running: RefCell<Option<host::Background>>,
}

/// A process to look at; or to take over from a holder who is proven dead.
struct Candidate(ProcessId, Option<Rc<ProcessLease>>);

/// What is known of a process.
#[derive(Default)]
struct Known {
    state: State,
    /// When a tick last had it looked at.
    heard: Option<Millis>,
    /// The lease that it is left alone for, and until when.
    holder: Option<(Rc<ProcessLease>, Millis)>,
    /// Since when it has been seen to wait without a runner here and without a holder.
    unhandled: Option<Millis>,
}

/// What happens to a process next.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// A look at it, or a claim of it, is on its way, and will see all that has changed by then.
    #[default]
    Wanted,
    /// It is being read: what changes from now on may be missing in the answer.
    Read,
    /// It is left alone until then.
    Left(Millis),
}

/// The longest that a process is left alone: a tick may be lost, and the lease of another may last for days.
const LEFT_MS: Millis = 60_000;

/// How long a process waits without a runner before the host warns of it.
const UNHANDLED_MS: Millis = 5_000;

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
        self.known.borrow_mut().entry(candidate.0.clone()).or_default().state = State::Wanted;
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
        let is_due = |known: &Known| matches!(known.state, State::Left(until) if until <= now);
        known.iter().filter(|(_, known)| is_due(known)).map(|(id, _)| id.clone()).collect()
    }

    /// Hears that a process changed. Answers whether it is to be looked at now.
    fn hears(&self, id: &ProcessId, now: Millis) -> bool {
        let mut known = self.known.borrow_mut();
        let Some(known) = known.get_mut(id) else { return true };
        match (known.state, known.heard) {
            (State::Read, _) => true,
            (State::Wanted, _) => false,
            (State::Left(until), Some(heard)) if now < heard + LONGEST_MS => {
                known.state = State::Left(until.min(heard + LONGEST_MS));
                false
            }
            (State::Left(_), _) => {
                known.heard = Some(now);
                true
            }
        }
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
        let now = driver.registry.clock().monotonic();
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
        if !self.runs.borrow().contains_key(id) && background.hears(id, self.registry.clock().monotonic()) {
            background.push(Candidate(id.clone(), None));
        }
    }

    /// The floor under the ticks: looks at what changed since it last did, and at everything where that is not known.
    async fn changed(self: &Rc<Self>, seen: &mut Option<Point>) -> Result<()> {
        let answer = self.registry.read(Query::ChangedIds(*seen)).await?;
        let Answer::ChangedIds(ids, end) = &*answer else { return Ok(()) };
        if let Some(ids) = ids {
            ids.iter().for_each(|id| self.ticked(id));
        } else {
            // Only once all of it was read is it known: a fault half-way has it begin anew.
            *seen = None;
            let (mut pages, mut kinds) = (Pages::default(), self.unhandled.borrow().clone());
            while let Some(page) = pages.next(&self.registry).await? {
                for record in &page {
                    match self.fit(record) {
                        Fit::Ours => self.ticked(record.id()),
                        // One of each kind is enough to tell the host of the kind.
                        Fit::Unhandled if kinds.insert(kind_of(record)) => self.ticked(record.id()),
                        Fit::Unhandled | Fit::Nobodys => {}
                    }
                }
            }
        }
        *seen = Some(*end);
        Ok(())
    }

    /// Looks at a candidate beside everything else. Those of one turn are read together.
    fn look_at(self: &Rc<Self>, background: &Rc<Background>, candidate: Candidate) {
        let (driver, by, id) = (self.clone(), Rc::downgrade(background), candidate.0.clone());
        let look = async move {
            match driver.consider(by, candidate).await {
                // The registry is closed, and with it the driver.
                Err(fault) if fault.code() == Code::Closed => {}
                Err(fault) => driver.failed(&id, &fault),
                Ok(()) => {}
            }
        };
        self.registry.host().spawn.spawn(look.boxed_local());
    }

    async fn consider(self: &Rc<Self>, by: Weak<Background>, Candidate(id, dead): Candidate) -> Result<()> {
        // A look of a driver that was stopped says nothing to one that was started since.
        let stopped = || by.strong_count() == 0;
        if dead.is_none() {
            if stopped() {
                return Ok(());
            }
            // What changes from here on may be missing in the answer.
            self.note(&id, |known| known.state = State::Read);
            let (process, lease) = (Query::Process(id.clone()), Query::Lease(id.clone()));
            let (process, lease) = (self.registry.read(process), self.registry.read(lease));
            let (process, lease) = (process.await, lease.await);
            if stopped() {
                return Ok(());
            }
            let answers = process.and_then(|process| Ok((process, lease?)));
            let (process, lease) = answers.inspect_err(|_| self.try_later(&id))?;
            if !self.is_pending(&id, &process, &lease) {
                return Ok(());
            }
            // And from here on the claim will see it.
            self.note(&id, |known| known.state = State::Wanted);
        }
        // What was begun elsewhere goes on before anything new.
        let permit = if dead.is_some() { self.permits.take_back().await } else { self.permits.take().await };
        match stopped() {
            true => Ok(()),
            false => self.attempt(id, dead, permit).await.map(drop),
        }
    }

    /// Whether a process is to be begun here now.
    fn is_pending(&self, id: &ProcessId, record: &Answer, lease: &Answer) -> bool {
        let Answer::Process(Some(record)) = record else {
            self.forget(id);
            return false;
        };
        let (now, wall) = (self.registry.clock().monotonic(), self.registry.clock().now());
        let holder = if let Answer::Lease(slot) = lease { slot.held.as_ref() } else { None };
        let holder = holder.filter(|holder| holder.is_live(wall) && !self.keeps(holder));
        match (self.fit(record), holder) {
            (Fit::Ours, holder) => match (self.pauses.until(record), holder) {
                (Some(until), _) if until > now => self.leave(id, until),
                // One whose end was waited for here may have ended: the clock of the store decides.
                (_, Some(holder)) if !self.has_outlasted(holder) => self.held_elsewhere(id, Rc::new(holder.clone())),
                (_, _) => return true,
            },
            (Fit::Unhandled, None) => self.waits_unhandled(record, now),
            (Fit::Nobodys, _) if record.is_terminal() => self.forget(id),
            (Fit::Unhandled | Fit::Nobodys, _) => self.leave(id, now + LEFT_MS),
        }
        false
    }

    /// Whether a lease was waited for to its end here, and has not been renewed since.
    fn has_outlasted(&self, lease: &ProcessLease) -> bool {
        let Some(background) = self.background.borrow().clone() else { return false };
        let known = background.known.borrow();
        let holder = known.get(&lease.process_id).and_then(|known| known.holder.as_ref());
        holder.is_some_and(|(holder, until)| **holder == *lease && *until <= self.registry.clock().monotonic())
    }

    /// A process has neither a runner here nor a holder.
    fn waits_unhandled(&self, record: &ProcessRecord, now: Millis) {
        let (id, kind) = (record.id(), kind_of(record));
        if self.unhandled.borrow().contains(&kind) {
            return self.leave(id, now + LEFT_MS);
        }
        let mut since = now;
        self.note(id, |known| since = *known.unhandled.get_or_insert(now));
        if now < since + UNHANDLED_MS {
            return self.note(id, |known| known.state = State::Left(since + UNHANDLED_MS));
        }
        self.unhandled.borrow_mut().insert(kind);
        self.leave(id, now + LEFT_MS);
        self.runners.unhandled(record);
    }

    // ── What is known ──────────────────────────────────────────────────────

    pub fn forget(&self, id: &ProcessId) {
        self.pauses.end(id);
        if let Some(background) = &*self.background.borrow() {
            background.known.borrow_mut().remove(id);
        }
    }

    pub fn look_again(&self, id: &ProcessId) {
        if let Some(background) = &*self.background.borrow() {
            background.push(Candidate(id.clone(), None));
        }
    }

    /// After an attempt that did not end its process: looks at the process, and begins that registration again only
    /// after a pause, which begins at `from`.
    pub fn look_again_after(&self, attempted: &Rc<Registered>, from: Millis) {
        let id = &attempted.registration.id;
        if self.background.borrow().is_some() {
            self.pauses.begin(id, Some(attempted.clone()), from, self.registry.clock().monotonic());
        }
        self.look_again(id);
    }

    /// After a fault that kept the process from being read or claimed: looks at it again after a pause.
    pub fn try_later(&self, id: &ProcessId) {
        if self.background.borrow().is_some() {
            let now = self.registry.clock().monotonic();
            let until = self.pauses.begin(id, None, now, now);
            self.leave(id, until);
        }
    }

    /// Leaves a process alone until then.
    fn leave(&self, id: &ProcessId, until: Millis) {
        self.note(id, |known| {
            *known = Known { state: State::Left(until), heard: known.heard, ..Known::default() };
        });
    }

    /// Changes what is known of a process.
    fn note(&self, id: &ProcessId, change: impl FnOnce(&mut Known)) {
        if let Some(background) = &*self.background.borrow() {
            change(background.known.borrow_mut().entry(id.clone()).or_default());
        }
    }

    /// Another driver runs it: until the lease ends or its holder dies, whichever is first.
    pub fn held_elsewhere(&self, id: &ProcessId, holder: Rc<ProcessLease>) {
        let Some(background) = self.background.borrow().clone() else { return };
        let clock = self.registry.clock();
        let until = clock.monotonic() + holder.expires_at_ms.saturating_sub(clock.now()).min(LEFT_MS);
        self.leave(id, until);
        self.note(id, |known| known.holder = Some((holder.clone(), until)));
        if holder.owner.is_mortal() {
            self.stand_by(&background, holder.owner.clone());
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
        let ids: Vec<_> = self.known.borrow().keys().cloned().collect();
        for id in ids {
            let known = self.known.borrow();
            let left = known.get(&id).filter(|known| known.state != State::Wanted);
            let holder = left.and_then(|known| known.holder.as_ref()).map(|(holder, _)| holder.clone());
            drop(known);
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

fn kind_of(record: &ProcessRecord) -> String {
    record.identity().map(|identity| identity.kind.clone()).unwrap_or_default()
}
