//! The timers of a driver: one timer of the host for all of them, set for the earliest.
//!
//! It decides when to look, and not whether a time has come: that is a rule's, by the store's clock. A span is measured by the monotonic
//! clock. That one may stand still while the machine sleeps, and the wall clock does not: where the wall clock is found ahead, all
//! timers go off sooner by that.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll},
};

use futures::{FutureExt, channel::oneshot, future::select};

use crate::{
    host::{Background, Clock, Spawn},
    model::Millis,
    registry::Host,
};

/// The timers of one driver. Clones share them.
#[derive(Clone)]
pub(super) struct Timers(Rc<State>);

struct State {
    clock: Rc<dyn Clock>,
    spawn: Rc<dyn Spawn>,
    waiting: RefCell<BTreeMap<Place, oneshot::Sender<()>>>,
    /// The number of the timer that was set last.
    last: Cell<u64>,
    /// How far the wall clock was ahead of the monotonic one when they were last compared.
    ahead: Cell<Millis>,
    /// For how long the monotonic clock stood still.
    slept: Cell<Millis>,
    /// Dropped to have the task look again.
    wake: RefCell<Option<oneshot::Sender<()>>>,
    /// Waits for the earliest timer, while there is one.
    running: RefCell<Option<Background>>,
}

/// When a timer goes off, by [`State::now`], and its number.
type Place = (Millis, u64);

/// The longest that the host's timer is set for: browsers take none of more than 2^31 - 1 ms, and the clocks are to be compared now
/// and then.
const LONGEST_MS: Millis = 60_000;

/// How far ahead the wall clock must get to count: less is what timers are late by anyway.
const DRIFT_MS: Millis = 250;

impl Timers {
    pub fn new(host: &Host) -> Self {
        let (clock, spawn) = (host.clock.clone(), host.spawn.clone());
        let ahead = Cell::new(ahead(&*clock));
        let (waiting, last, slept) = (RefCell::default(), Cell::default(), Cell::default());
        let (wake, running) = (RefCell::default(), RefCell::default());
        Self(Rc::new(State { clock, spawn, waiting, last, ahead, slept, wake, running }))
    }

    /// A timer that goes off after so many milliseconds.
    pub fn after(&self, span: Millis) -> Timer {
        let state = &self.0;
        state.compare_clocks();
        state.last.set(state.last.get() + 1);
        let place = (state.now().saturating_add(span), state.last.get());
        let (fire, fired) = oneshot::channel();
        let is_first = state.first().is_none_or(|first| place.0 < first);
        state.waiting.borrow_mut().insert(place, fire);
        if state.running.borrow().is_none() {
            let task = run(Rc::downgrade(state)).boxed_local();
            let running = Background::spawn(&*state.spawn, task);
            state.running.replace(Some(running));
        } else if is_first {
            state.look_again();
        }
        Timer { timers: self.clone(), place, fired }
    }

    /// Looks whether the machine was asleep.
    pub fn compare_clocks(&self) {
        if self.0.compare_clocks() {
            self.0.look_again();
        }
    }
}

impl State {
    /// The time that timers go by: that of the monotonic clock, as if it never stood still.
    fn now(&self) -> Millis {
        self.clock.monotonic() + self.slept.get()
    }

    /// When the earliest timer goes off.
    fn first(&self) -> Option<Millis> {
        self.waiting.borrow().keys().next().map(|(at, _)| *at)
    }

    /// Whether the wall clock is found ahead. Where it was set back, timers go off as they would have.
    fn compare_clocks(&self) -> bool {
        let (before, ahead) = (self.ahead.get(), ahead(&*self.clock));
        // A slow drift adds up.
        if before.abs_diff(ahead) <= DRIFT_MS {
            return false;
        }
        self.ahead.set(ahead);
        self.slept.set(self.slept.get() + ahead.saturating_sub(before));
        ahead > before
    }

    fn look_again(&self) {
        let wake = self.wake.take();
        drop(wake);
    }

    /// Takes out a timer whose time has come.
    fn take_due(&self) -> Option<oneshot::Sender<()>> {
        let (now, mut waiting) = (self.now(), self.waiting.borrow_mut());
        let first = waiting.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    /// What waits for the earliest timer, or to be woken; nothing where there is none.
    fn wait(&self) -> Option<impl Future<Output = ()> + use<>> {
        let span = self.first()?.saturating_sub(self.now()).min(LONGEST_MS);
        let (wake, woken) = oneshot::channel::<()>();
        self.wake.replace(Some(wake));
        Some(select(self.clock.sleep(span), woken).map(drop))
    }
}

/// Fires the timers, until there is none.
async fn run(timers: Weak<State>) {
    loop {
        let Some(state) = timers.upgrade() else { return };
        state.compare_clocks();
        while let Some(timer) = state.take_due() {
            let _ = timer.send(());
        }
        let Some(wait) = state.wait() else {
            let running = state.running.take();
            return drop(running);
        };
        let spawn = state.spawn.clone();
        drop(state);
        wait.await;
        // In a hidden page, timers that are set in the tasks of timers are late: after a few in a row, up to a minute.
        spawn.next_task().await;
    }
}

/// How far the wall clock is ahead of the monotonic one.
fn ahead(clock: &dyn Clock) -> Millis {
    clock.now().saturating_sub(clock.monotonic())
}

/// Resolves when it goes off. Dropped before, it never does.
pub(super) struct Timer {
    timers: Timers,
    place: Place,
    fired: oneshot::Receiver<()>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.fired.poll_unpin(context).map(drop)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let state = &self.timers.0;
        let mine = state.waiting.borrow_mut().remove(&self.place);
        if mine.is_some() && state.waiting.borrow().is_empty() {
            let running = state.running.take();
            drop(running);
        }
    }
}
