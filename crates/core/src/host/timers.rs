//! Timers: one timer of the host for all sleeps of a registry, set for the earliest.
//!
//! It decides when a sleep ends, and not whether the time of a process has come: that is a rule's, by the store's clock. A span is measured
//! by the monotonic clock. That one may stand still while the machine is asleep, and the wall clock does not: where the wall clock is
//! found ahead, the sleeps that count such time end sooner by that.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, select},
};

use super::{Background, Clock, Spawn};
use crate::model::Millis;

/// The timers of one registry, as a clock over that of the host. Clones share them.
#[derive(Clone)]
pub struct Timers(Rc<State>);

struct State {
    clock: Rc<dyn Clock>,
    spawn: Rc<dyn Spawn>,
    /// The sleeps that end by the monotonic clock.
    plain: Sleeps,
    /// Those that end by that clock as if it never stood still.
    awake: Sleeps,
    /// The number of the sleep that began last.
    last: Cell<u64>,
    /// How far the wall clock was ahead of the monotonic one when they were last compared.
    ahead: Cell<Millis>,
    /// For how long the monotonic clock stood still.
    slept: Cell<Millis>,
    /// How much less than the spans of timers that went off has passed by the monotonic clock. Browsers round the two differently, and a test may
    /// have replaced one of them.
    early: Cell<Millis>,
    /// Dropped to have the task look again.
    wake: RefCell<Option<oneshot::Sender<()>>>,
    /// Waits for the end of the earliest sleep, while there is one.
    running: RefCell<Option<Background>>,
}

/// What wakes each sleeper, in the order in which the sleeps end.
#[derive(Default)]
struct Sleeps(RefCell<BTreeMap<Place, Option<Waker>>>);

/// When a sleep ends, and its number.
type Place = (Millis, u64);

/// The longest that the host's timer is set for: browsers take none of more than 2^31 - 1 ms, and the clocks are to be compared now
/// and then.
const LONGEST_MS: Millis = 60_000;

/// How far ahead the wall clock must get to count: less is what timers are late by anyway.
const DRIFT_MS: Millis = 250;

impl Timers {
    /// Timers over the clock of a host.
    pub fn new(clock: Rc<dyn Clock>, spawn: Rc<dyn Spawn>) -> Self {
        let ahead = Cell::new(ahead(&*clock));
        let (plain, awake, last) = (Sleeps::default(), Sleeps::default(), Cell::default());
        let (slept, early) = (Cell::default(), Cell::default());
        let (wake, running) = (RefCell::default(), RefCell::default());
        Self(Rc::new(State { clock, spawn, plain, awake, last, ahead, slept, early, wake, running }))
    }

    /// Resolves after `span` milliseconds, in which the time counts for which the machine is asleep. Dropping it cancels it.
    pub fn elapse(&self, span: Millis) -> Sleep {
        self.compare_clocks();
        self.begin(true, self.0.now(true).saturating_add(span))
    }

    /// Looks whether the machine was asleep.
    pub fn compare_clocks(&self) {
        if self.0.compare_clocks() {
            self.0.look_again();
        }
    }

    /// How many milliseconds are left until the earliest [`elapse`](Self::elapse) ends.
    pub fn next_elapse(&self) -> Option<Millis> {
        Some(self.0.awake.first()?.saturating_sub(self.0.now(true)))
    }

    fn begin(&self, awake: bool, end: Millis) -> Sleep {
        let (state, left) = (&self.0, self.0.left());
        state.last.set(state.last.get() + 1);
        let place = (end, state.last.get());
        state.sleeps(awake).0.borrow_mut().insert(place, None);
        if state.running.borrow().is_none() {
            let running = Background::spawn(&*state.spawn, run(state.clone()).boxed_local());
            state.running.replace(Some(running));
        } else if state.left() < left {
            state.look_again();
        }
        Sleep { timers: state.clone(), awake, place }
    }
}

impl Clock for Timers {
    fn now(&self) -> Millis {
        self.0.clock.now()
    }

    fn monotonic(&self) -> Millis {
        self.0.clock.monotonic()
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        self.begin(false, self.0.now(false).saturating_add(span)).boxed_local()
    }
}

impl State {
    fn sleeps(&self, awake: bool) -> &Sleeps {
        if awake { &self.awake } else { &self.plain }
    }

    /// The time by which these sleeps end.
    fn now(&self, awake: bool) -> Millis {
        self.clock.monotonic() + self.early.get() + if awake { self.slept.get() } else { 0 }
    }

    /// How many milliseconds are left until a sleep ends; none where there is no sleep.
    fn left(&self) -> Option<Millis> {
        let left = |awake| Some(self.sleeps(awake).first()?.saturating_sub(self.now(awake)));
        [false, true].into_iter().filter_map(left).min()
    }

    /// Ends the sleeps whose time has come.
    fn end_due(&self) {
        for awake in [false, true] {
            while let Some(waker) = self.sleeps(awake).take_due(self.now(awake)) {
                waker.into_iter().for_each(Waker::wake);
            }
        }
    }

    /// Whether the wall clock is found ahead. Where it was set back, sleeps end as they would have.
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
}

impl Sleeps {
    /// When the earliest one ends.
    fn first(&self) -> Option<Millis> {
        self.0.borrow().keys().next().map(|(end, _)| *end)
    }

    /// Takes out one that ends by `now`.
    fn take_due(&self, now: Millis) -> Option<Option<Waker>> {
        let mut sleeps = self.0.borrow_mut();
        let first = sleeps.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }
}

/// Ends the sleeps, until there is none.
async fn run(timers: Rc<State>) {
    while let Some(left) = timers.left() {
        if left > 0 {
            let (wake, woken) = oneshot::channel::<()>();
            timers.wake.replace(Some(wake));
            let (span, begun) = (left.min(LONGEST_MS), timers.clock.monotonic());
            if let Either::Right(_) = select(timers.clock.sleep(span), woken).await {
                continue;
            }
            let passed = timers.clock.monotonic().saturating_sub(begun);
            timers.early.set(timers.early.get() + span.saturating_sub(passed));
        }
        // What has happened by now comes before the end of a sleep. And in a hidden page, timers that are set in the tasks of timers are
        // late: after a few in a row, up to a minute.
        timers.spawn.next_task().await;
        timers.compare_clocks();
        timers.end_due();
    }
    let running = timers.running.take();
    drop(running);
}

/// How far the wall clock is ahead of the monotonic one.
fn ahead(clock: &dyn Clock) -> Millis {
    clock.now().saturating_sub(clock.monotonic())
}

/// Resolves when it ends. Dropped before, it never does, and has no timer.
pub struct Sleep {
    timers: Rc<State>,
    awake: bool,
    place: Place,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let state = &self.timers;
        if self.place.0 <= state.now(self.awake) {
            return Poll::Ready(());
        }
        let mut sleeps = state.sleeps(self.awake).0.borrow_mut();
        let Some(waker) = sleeps.get_mut(&self.place) else { return Poll::Ready(()) };
        let before = waker.replace(context.waker().clone());
        drop(sleeps);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let state = &self.timers;
        let waker = state.sleeps(self.awake).0.borrow_mut().remove(&self.place);
        if waker.is_some() && state.left().is_none() {
            let running = state.running.take();
            drop(running);
        }
    }
}
