//! Fakes of a host: time, tasks and notifications move only when the test moves them.

mod dice;
mod event_loop;
mod network;
mod shared_rows;
mod tasks;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    task::{Poll, Waker},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn, ready},
};

pub use self::{
    dice::Dice,
    event_loop::{Alarm, EventLoop},
    network::{Fate, Network, Tab},
    shared_rows::SharedRows,
    tasks::Tasks,
};
use longwait_core::{
    error::Result,
    host::{Clock, Liveness, LivenessLock, NoProof, Random},
    model::{
        Millis,
        lease::{LeaseOwner, LivenessMark, Proof},
    },
};

/// A clock that stands still until [`advance`](FakeClock::advance) moves it.
#[derive(Clone, Default)]
pub struct FakeClock(Rc<Timers>);

#[derive(Default)]
struct Timers {
    /// Since the clock was made: what timers go by.
    passed: Cell<Millis>,
    /// What the wall clock showed when the clock was made, by how it has been set since.
    start: Cell<Millis>,
    next: Cell<u64>,
    due: RefCell<BTreeMap<(Millis, u64), oneshot::Sender<()>>>,
    watchers: RefCell<Vec<Waker>>,
}

impl FakeClock {
    /// A clock that starts at `now`.
    pub fn at(now: Millis) -> Self {
        let clock = Self::default();
        clock.0.start.set(now);
        clock
    }

    /// Moves time on and fires, in order, every timer that is due by then.
    pub fn advance(&self, span: Millis) {
        self.0.passed.set(self.0.passed.get() + span);
        loop {
            let first = self.0.due.borrow_mut().pop_first();
            match first {
                Some(((due, _), timer)) if due <= self.0.passed.get() => drop(timer.send(())),
                Some((later, timer)) => {
                    self.0.due.borrow_mut().insert(later, timer);
                    return;
                }
                None => return,
            }
        }
    }

    /// Sets the wall clock forward, or back where `by` is negative. No time passes by that.
    pub fn set_wall_clock(&self, by: i64) {
        self.0.start.set(self.0.start.get().saturating_add_signed(by));
    }

    /// How far away the next timer is, if there is one.
    pub fn next_timer(&self) -> Option<Millis> {
        self.0.due.borrow().keys().next().map(|(due, _)| due - self.0.passed.get())
    }

    /// How many timers are running.
    pub fn timers(&self) -> usize {
        self.0.due.borrow().len()
    }

    /// Resolves once at least so many timers are running: what was to go to sleep is asleep.
    pub async fn asleep(&self, timers: usize) {
        poll_fn(|context| {
            if self.timers() >= timers {
                return Poll::Ready(());
            }
            self.0.watchers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Takes the timer out again when the sleeper is dropped.
struct Running(Rc<Timers>, (Millis, u64));

impl Drop for Running {
    fn drop(&mut self) {
        self.0.due.borrow_mut().remove(&self.1);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Millis {
        self.0.start.get() + self.0.passed.get()
    }

    fn monotonic(&self) -> Millis {
        self.0.passed.get()
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        let place = (self.monotonic() + span, self.0.next.replace(self.0.next.get() + 1));
        let (timer, fired) = oneshot::channel();
        self.0.due.borrow_mut().insert(place, timer);
        let watchers = self.0.watchers.take();
        watchers.into_iter().for_each(Waker::wake);
        let running = Running(self.0.clone(), place);
        fired.map(move |_| drop(running)).boxed_local()
    }
}

/// Names that count up: `name-1`, `name-2`, …
#[derive(Default)]
pub struct Counter(Cell<u64>);

impl Random for Counter {
    fn name(&self) -> String {
        self.0.set(self.0.get() + 1);
        format!("name-{}", self.0.get())
    }
}

/// Lives that a test ends: of owners, by their incarnations, and of drivers, by the names of their locks.
///
/// Clones share them.
#[derive(Clone, Default)]
pub struct Killed(Rc<Lives>);

#[derive(Default)]
struct Lives {
    dead: RefCell<Vec<String>>,
    watchers: RefCell<Vec<Waker>>,
}

impl Killed {
    /// Ends a life.
    pub fn kill(&self, name: impl Into<String>) {
        self.0.dead.borrow_mut().push(name.into());
        let watchers = self.0.watchers.take();
        watchers.into_iter().for_each(Waker::wake);
    }

    fn is_dead(&self, owner: &LeaseOwner) -> bool {
        let dead = self.0.dead.borrow();
        let by_lock = match &owner.liveness {
            Some(LivenessMark::WebLock { lock_name }) => dead.iter().any(|dead| **dead == **lock_name),
            Some(LivenessMark::Opaque {}) | None => false,
        };
        by_lock || dead.contains(&owner.incarnation_id)
    }
}

impl Liveness for Killed {
    fn probe(&self, holder: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        ready(if self.is_dead(holder) { Proof::Dead } else { Proof::Unknown }).boxed_local()
    }

    fn gone(&self, owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        if !owner.is_mortal() {
            return NoProof.gone(owner);
        }
        let (killed, owner) = (self.clone(), owner.clone());
        poll_fn(move |context| {
            if killed.is_dead(&owner) {
                return Poll::Ready(Ok(()));
            }
            killed.0.watchers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .boxed_local()
    }

    fn live(&self, incarnation: &str) -> LocalBoxFuture<'static, LivenessLock> {
        let end = Ends(self.clone(), incarnation.to_owned());
        let lock_name = incarnation.into();
        ready(LivenessLock { mark: LivenessMark::WebLock { lock_name }, end: Box::new(end) }).boxed_local()
    }
}

/// Ends a life when dropped.
struct Ends(Killed, String);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.kill(self.1.as_str());
    }
}
