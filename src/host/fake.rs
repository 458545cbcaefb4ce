//! A world for tests: time moves only when it is told to.
//!
//! Compiled everywhere, so that the browser's tests have it too; a build that does not use it
//! leaves it out.

mod network;
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
    network::{Fate, Network, Tab},
    tasks::Tasks,
};
use super::{Clock, Liveness, Random};
use crate::domain::{
    Millis,
    lease::{ProcessLease, Proof},
};

/// A clock that stands still until [`advance`](FakeClock::advance) moves it.
#[derive(Clone, Default)]
pub struct FakeClock(Rc<Timers>);

#[derive(Default)]
struct Timers {
    now: Cell<Millis>,
    next: Cell<u64>,
    due: RefCell<BTreeMap<(Millis, u64), oneshot::Sender<()>>>,
    watchers: RefCell<Vec<Waker>>,
}

impl FakeClock {
    /// A clock that starts at `now`.
    pub fn at(now: Millis) -> Self {
        let clock = Self::default();
        clock.0.now.set(now);
        clock
    }

    /// Moves time on and fires, in order, every timer that is due by then.
    pub fn advance(&self, span: Millis) {
        self.0.now.set(self.0.now.get() + span);
        loop {
            let first = self.0.due.borrow_mut().pop_first();
            match first {
                Some(((due, _), timer)) if due <= self.0.now.get() => drop(timer.send(())),
                Some((later, timer)) => {
                    self.0.due.borrow_mut().insert(later, timer);
                    return;
                }
                None => return,
            }
        }
    }

    /// How far away the next timer is, if there is one.
    pub fn next_timer(&self) -> Option<Millis> {
        self.0.due.borrow().keys().next().map(|(due, _)| due - self.0.now.get())
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
        self.0.now.get()
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        let place = (self.now() + span, self.0.next.replace(self.0.next.get() + 1));
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

/// A probe that knows which incarnations a test has killed.
#[derive(Default)]
pub struct Killed(pub RefCell<Vec<String>>);

impl Liveness for Killed {
    fn probe(&self, holder: &ProcessLease) -> LocalBoxFuture<'static, Proof> {
        let dead = self.0.borrow().contains(&holder.owner.incarnation_id);
        ready(if dead { Proof::Dead } else { Proof::Unknown }).boxed_local()
    }
}
