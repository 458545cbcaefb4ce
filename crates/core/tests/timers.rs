//! Timers over the clock of a host: on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::RefCell, rc::Rc};

use futures::FutureExt;
use longwait_core::host::{Clock, Spawn, Timers};
use longwait_testing::{
    START,
    fake::{FakeClock, Tasks},
};

/// Timers, the clock of their host, and what their sleepers noted.
struct Sleepers {
    clock: FakeClock,
    tasks: Tasks,
    timers: Timers,
    notes: Rc<RefCell<Vec<&'static str>>>,
}

impl Sleepers {
    fn new() -> Self {
        let (clock, tasks) = (FakeClock::at(START), Tasks::default());
        let timers = Timers::new(Rc::new(clock.clone()), Rc::new(tasks.clone()));
        Self { clock, tasks, timers, notes: Rc::default() }
    }

    /// Has `note` noted when a sleep ends.
    fn note(&self, note: &'static str, sleep: impl Future<Output = ()> + 'static) {
        let notes = self.notes.clone();
        self.tasks.spawn(async move { sleep.map(|()| notes.borrow_mut().push(note)).await }.boxed_local());
        self.tasks.run();
    }

    fn pass(&self, span: u64) {
        self.clock.advance(span);
        self.tasks.run();
    }

    fn noted(&self) -> Vec<&'static str> {
        self.notes.take()
    }
}

#[test]
fn any_number_of_sleeps_have_one_timer_of_the_host_for_the_one_that_ends_first() {
    let sleepers = Sleepers::new();
    let timers = &sleepers.timers;
    sleepers.note("long", timers.sleep(3_000));
    sleepers.note("awake", timers.elapse(2_000));
    sleepers.note("short", timers.sleep(1_000));
    for (left, note) in [(1_000, "short"), (1_000, "awake"), (1_000, "long")] {
        assert_eq!((sleepers.clock.timers(), sleepers.clock.next_timer()), (1, Some(left)));
        sleepers.pass(left - 1);
        assert!(sleepers.noted().is_empty());
        sleepers.pass(1);
        assert_eq!(sleepers.noted(), [note]);
    }
    assert_eq!((sleepers.clock.timers(), sleepers.tasks.len()), (0, 0));
}

#[test]
fn sleeps_that_are_dropped_leave_no_timer_behind_and_the_others_alone() {
    let sleepers = Sleepers::new();
    let (one, other) = (sleepers.timers.sleep(1_000), sleepers.timers.elapse(1_000));
    sleepers.note("kept", sleepers.timers.sleep(2_000));
    drop((one, other));
    sleepers.pass(2_000);
    assert_eq!(sleepers.noted(), ["kept"]);
    let last = sleepers.timers.sleep(1_000);
    sleepers.tasks.run();
    assert_eq!(sleepers.clock.timers(), 1);
    drop(last);
    sleepers.tasks.run();
    assert_eq!((sleepers.clock.timers(), sleepers.tasks.len()), (0, 0));
}

#[test]
fn only_sleeps_that_count_it_end_sooner_where_the_machine_was_asleep() {
    let sleepers = Sleepers::new();
    sleepers.note("plain", sleepers.timers.sleep(10_000));
    sleepers.note("awake", sleepers.timers.elapse(10_000));
    sleepers.clock.set_wall_clock(9_000);
    sleepers.timers.compare_clocks();
    sleepers.tasks.run();
    sleepers.pass(999);
    assert!(sleepers.noted().is_empty());
    sleepers.pass(1);
    assert_eq!(sleepers.noted(), ["awake"]);
    sleepers.pass(9_000);
    assert_eq!(sleepers.noted(), ["plain"]);
}

#[test]
fn a_sleep_of_the_machine_is_noticed_within_a_minute_and_does_not_count_for_what_begins_after_it() {
    let sleepers = Sleepers::new();
    sleepers.note("before", sleepers.timers.elapse(100_000));
    sleepers.clock.set_wall_clock(40_000);
    sleepers.note("after", sleepers.timers.elapse(100_000));
    sleepers.pass(60_000);
    assert_eq!(sleepers.noted(), ["before"]);
    sleepers.pass(39_999);
    assert!(sleepers.noted().is_empty());
    sleepers.pass(1);
    assert_eq!(sleepers.noted(), ["after"]);
}

#[test]
fn a_wall_clock_that_is_set_back_changes_no_sleep() {
    let sleepers = Sleepers::new();
    sleepers.note("awake", sleepers.timers.elapse(1_000));
    sleepers.clock.set_wall_clock(-5_000);
    sleepers.timers.compare_clocks();
    sleepers.pass(1_000);
    assert_eq!(sleepers.noted(), ["awake"]);
}

#[test]
fn a_sleep_ends_with_the_timer_of_the_host_though_less_has_passed_by_its_clock() {
    /// Its timers go off by another clock.
    struct Slow(FakeClock);
    impl Clock for Slow {
        fn now(&self) -> u64 {
            self.0.now()
        }
        fn monotonic(&self) -> u64 {
            self.0.monotonic() / 2
        }
        fn sleep(&self, span: u64) -> futures::future::LocalBoxFuture<'static, ()> {
            self.0.sleep(span)
        }
    }
    let mut sleepers = Sleepers::new();
    sleepers.timers = Timers::new(Rc::new(Slow(sleepers.clock.clone())), Rc::new(sleepers.tasks.clone()));
    sleepers.note("short", sleepers.timers.sleep(1_000));
    sleepers.note("long", sleepers.timers.sleep(150_000));
    sleepers.pass(999);
    assert!(sleepers.noted().is_empty());
    sleepers.pass(1);
    assert_eq!(sleepers.noted(), ["short"]);
    (0..148).for_each(|_| sleepers.pass(1_000));
    assert!(sleepers.noted().is_empty());
    sleepers.pass(1_000);
    assert_eq!(sleepers.noted(), ["long"]);
}
