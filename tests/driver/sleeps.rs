//! Timers of a run: each is due at one time, whatever run waits for it.

use futures::future::{Either, select};
use longwait::{ProcessWorkDriver, driver::DriverOptions};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{
        Run, Runs, another, done, driver, driver_of, handed_over, held_tab, log, record, refused, register, running,
        seconds, settle, signal, started, sweep, tab,
    },
    support::{START, World, payloads, tasks},
};

fn wait(world: &World) -> Value {
    record(world, "p")["wait"].clone()
}

/// What the log says under a type.
fn said(world: &World, event_type: &str) -> Vec<Value> {
    let log = now(world.log("p"));
    payloads(&log.into_iter().filter(|event| event.event_type == event_type).collect::<Vec<_>>())
}

/// Lets time pass, and everything that follows from it.
fn pass(world: &World, span: u64) {
    world.clock.advance(span);
    settle(world);
}

/// A timer and a signal, of which the first wins and the other is given up.
fn race<'a>(run: &Run, key: &'static str, span: u64) -> Hand<'a, &'static str> {
    let context = run.context.clone();
    Hand::new(async move {
        let (slept, signalled) = (Box::pin(context.sleep(key, span)), Box::pin(context.wait_for_signal("go")));
        match select(slept, signalled).await {
            Either::Left((slept, _)) => slept.map(|()| "timer").unwrap(),
            Either::Right((signal, _)) => signal.map(|_| "signal").unwrap(),
        }
    })
}

#[test]
fn a_timer_says_when_it_is_due_once_and_the_record_shows_it_until_then() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut sleeps = run.sleeps("pause", 5_000);
    assert!(sleeps.run().is_none());
    let shown = json!({"kind": "timer", "key": "pause", "untilMs": START + 5_000, "sinceMs": START});
    assert_eq!(wait(&world), shown);
    pass(&world, 4_999);
    assert!(sleeps.run().is_none());
    pass(&world, 1);
    assert!(sleeps.run().unwrap().is_ok());
    assert!(wait(&world).is_null());
    assert_eq!(said(&world, "process.timer"), [json!({"key": "pause", "dueAtMs": START + 5_000})]);
    assert_eq!(log(&world, "p"), ["process.timer", "process.resumed"]);
}

#[test]
fn a_later_run_waits_only_for_what_is_left() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut set = run.sleeps("pause", 5_000);
    assert!(set.run().is_none());
    pass(&world, 3_000);
    let (_, second, next) = handed_over(&world, &driver);
    let mut sleeps = next.sleeps("pause", 5_000);
    assert!(sleeps.run().is_none());
    assert_eq!(wait(&world)["sinceMs"], START, "it has lasted since the first run");
    pass(&world, 1_999);
    assert!(sleeps.run().is_none());
    pass(&world, 1);
    assert!(sleeps.run().unwrap().is_ok());
    let (_, _, last) = handed_over(&world, &second);
    assert!(last.sleeps("pause", 5_000).run().unwrap().is_ok(), "it is over in every later run");
    assert_eq!(log(&world, "p"), ["process.timer", "process.resumed"]);
}

#[test]
fn a_timer_that_became_due_while_no_tab_was_open_is_over_at_once() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut set = run.sleeps("pause", 5_000);
    assert!(set.run().is_none());
    now(driver.stop());
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    assert!(next.sleeps("pause", 5_000).run().unwrap().is_ok());
    assert!(wait(&world).is_null());
}

#[test]
fn the_first_run_decides_until_when_it_is() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let until = |run: &Run, time: u64| {
        let context = run.context.clone();
        Hand::new(async move { context.sleep_until("then", time).await })
    };
    let mut set = until(&run, START + 1_000);
    assert!(set.run().is_none());
    let (_, _, next) = handed_over(&world, &driver);
    let mut sleeps = until(&next, START + 9_000);
    assert!(sleeps.run().is_none());
    pass(&world, 1_000);
    assert!(sleeps.run().unwrap().is_ok());
    assert!(until(&next, 0).run().is_some());
}

#[test]
fn a_time_that_has_passed_is_no_wait() {
    let world = tab();
    let (_, _, run) = running(&world);
    let before = world.clock.timers();
    assert!(run.sleeps("now", 0).run().unwrap().is_ok());
    let context = run.context.clone();
    assert!(now(context.sleep_until("then", START - 1)).is_ok());
    assert_eq!(world.clock.timers(), before);
}

#[test]
fn the_key_of_a_timer_is_used_once_in_a_run_and_steps_have_keys_of_their_own() {
    let world = tab();
    let (_, _, run) = running(&world);
    run.step("one", 1).unwrap();
    assert!(run.sleeps("one", 0).run().unwrap().is_ok());
    assert_eq!(refused(run.sleeps("one", 0).run().unwrap()), "invalid_argument");
    let mut first = run.sleeps("two", 10);
    assert!(first.run().is_none());
    assert_eq!(refused(run.sleeps("two", 10).run().unwrap()), "invalid_argument");
    for key in ["", " ", "\t"] {
        assert_eq!(refused(run.sleeps(key, 10).run().unwrap()), "invalid_argument");
    }
}

#[test]
fn a_timer_longer_than_the_timers_of_browsers_is_kept_in_pieces() {
    let world = tab();
    let (runs, day) = (Runs::default(), 24 * 60 * 60 * 1_000);
    register(&world, "p", "job");
    let options = DriverOptions { lease_ttl: 9 * day, renew_every: day, ..DriverOptions::new("tab") };
    let driver = ProcessWorkDriver::new(world.registry.clone(), runs.works(), options).unwrap();
    sweep(&driver);
    let mut sleeps = runs.next().sleeps("month", 31 * day);
    assert!(sleeps.run().is_none());
    assert!(world.clock.next_timer().unwrap() <= 60_000);
    (0..30).for_each(|_| pass(&world, day));
    assert!(sleeps.run().is_none());
    pass(&world, day);
    assert!(sleeps.run().unwrap().is_ok());
}

#[test]
fn a_run_that_sleeps_gives_up_its_permit() {
    let world = tab();
    let (runs, ids) = (Runs::default(), ["p", "q", "r"]);
    ids.iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), 1);
    driver.start();
    settle(&world);
    let first = runs.next();
    assert_eq!(runs.len(), 0);
    let mut sleeps = first.sleeps("pause", 1_000);
    assert!(sleeps.run().is_none());
    let second = runs.next();
    assert_eq!(runs.len(), 0);
    // It takes the permit again before a new run gets it.
    pass(&world, 1_000);
    assert!(sleeps.run().is_none());
    second.returns(done(2));
    assert!(sleeps.run().unwrap().is_ok());
    assert_eq!(runs.len(), 0);
}

#[test]
fn a_thousand_sleeping_runs_have_one_timer() {
    let world = tab();
    let runs = Runs::default();
    (0..1_000).for_each(|number| register(&world, &format!("p{number:03}"), "job"));
    let driver = driver_of(&world, &runs.works(), 1_000);
    driver.start();
    settle(&world);
    let all: Vec<_> = (0..1_000).map(|_| runs.next()).collect();
    let mut sleeping: Vec<_> = all.iter().zip(1..).map(|(run, number)| run.sleeps("pause", number * 10)).collect();
    assert!(sleeping.iter_mut().all(|sleeps| sleeps.poll().is_none()));
    settle(&world);
    assert!(sleeping.iter_mut().all(|sleeps| sleeps.poll().is_none()));
    settle(&world);
    // It is the timer of the loop, of the renewals and of the poller too.
    assert_eq!(world.clock.timers(), 1);
    pass(&world, 10);
    assert!(sleeping[0].run().unwrap().is_ok() && sleeping[1].poll().is_none());
    drop(sleeping);
    now(driver.stop());
    settle(&world);
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_timer_that_is_set_later_and_due_earlier_goes_off_earlier() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (mut long, mut short) = (run.sleeps("long", 50_000), run.sleeps("short", 10));
    assert!(long.run().is_none() && short.run().is_none());
    assert_eq!(world.clock.next_timer(), Some(10));
    pass(&world, 10);
    assert!(short.run().unwrap().is_ok());
    assert!(long.run().is_none());
    assert_eq!(wait(&world)["key"], "long");
}

#[test]
fn after_a_sleep_of_the_machine_a_timer_is_over_as_soon_as_the_page_is_awake() {
    let world = tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let driver = driver(&world, &runs.works());
    sweep(&driver);
    let mut sleeps = runs.next().sleeps("pause", 10_000);
    assert!(sleeps.run().is_none());
    // The monotonic clock stands still during that.
    world.clock.set_wall_clock(10_000);
    assert!(sleeps.run().is_none());
    driver.wake();
    settle(&world);
    assert!(sleeps.run().unwrap().is_ok());
}

#[test]
fn a_started_driver_notices_within_a_second_that_the_machine_slept() {
    let world = tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let _driver = started(&world, &runs.works());
    let mut sleeps = runs.next().sleeps("pause", 10_000);
    assert!(sleeps.run().is_none());
    world.clock.set_wall_clock(10_000);
    seconds(&world, 1);
    assert!(sleeps.run().unwrap().is_ok());
}

#[test]
fn a_clock_that_is_set_back_ends_no_timer_before_its_time() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut sleeps = run.sleeps("pause", 1_000);
    assert!(sleeps.run().is_none());
    world.clock.set_wall_clock(-500);
    pass(&world, 1_000);
    assert!(sleeps.run().is_none(), "the store's clock is not there yet");
    pass(&world, 500);
    assert!(sleeps.run().unwrap().is_ok());
    let log = now(world.log("p"));
    assert_eq!(log.last().unwrap().occurred_at_ms, START + 1_000);
}

#[test]
fn a_timer_and_a_signal_race_alike_in_every_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut first = race(&run, "one", 1_000);
    assert!(first.run().is_none());
    signal(&world, "p", "go", 1);
    assert_eq!(first.run(), Some("signal"));
    let mut second = race(&run, "two", 1_000);
    assert!(second.run().is_none());
    pass(&world, 1_000);
    assert_eq!(second.run(), Some("timer"));
    settle(&world);
    // By now a signal is there too, and both timers are due.
    signal(&world, "p", "go", 2);
    let (_, second_driver, next) = handed_over(&world, &driver);
    assert_eq!(race(&next, "one", 1_000).run(), Some("signal"));
    settle(&world);
    assert_eq!(race(&next, "two", 1_000).run(), Some("timer"));
    settle(&world);
    assert_eq!(race(&next, "three", 1_000).run(), Some("signal"));
    settle(&world);
    let (_, _, last) = handed_over(&world, &second_driver);
    for (key, winner) in [("one", "signal"), ("two", "timer"), ("three", "signal")] {
        assert_eq!(race(&last, key, 1_000).run(), Some(winner), "{key}");
        settle(&world);
    }
}

#[test]
fn a_timer_that_lost_and_was_not_given_up_comes_out_behind_what_it_lost_to_in_every_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let (mut sleeps, mut waits) = (run.sleeps("limit", 1_000), run.waits("go"));
    assert!(sleeps.run().is_none() && waits.run().is_none());
    signal(&world, "p", "go", 1);
    assert!(waits.run().is_some());
    now(driver.stop());
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    let (mut sleeps, mut waits) = (next.sleeps("limit", 1_000), next.waits("go"));
    assert!(sleeps.poll().is_none());
    assert!(sleeps.run().is_none(), "it is due, and lost all the same");
    assert_eq!(waits.run().unwrap().unwrap(), 1);
    assert!(sleeps.run().unwrap().is_ok());
}

#[test]
fn a_timer_that_won_against_a_step_wins_though_the_step_was_recorded_afterwards() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut sleeps = run.sleeps("limit", 1_000);
    assert!(sleeps.run().is_none());
    pass(&world, 1_000);
    assert!(sleeps.run().is_some());
    run.step("slow", 1).unwrap();
    let (_, _, next) = handed_over(&world, &driver);
    let mut step = Hand::new(next.context.step("slow", async || panic!("is done again")));
    let mut sleeps = next.sleeps("limit", 1_000);
    assert!(step.poll().is_none());
    assert!(sleeps.poll().is_none());
    assert!(step.run().is_none(), "the step came first, and in the run before the timer did");
    assert!(sleeps.run().is_some());
    assert!(step.run().is_some());
}

#[test]
fn a_step_that_won_against_a_timer_is_given_before_it() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut set = run.sleeps("limit", 1_000);
    assert!(set.run().is_none());
    run.step("fast", 1).unwrap();
    now(driver.stop());
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    let mut sleeps = next.sleeps("limit", 1_000);
    let mut step = Hand::new(next.context.step("fast", async || panic!("is done again")));
    assert!(sleeps.poll().is_none());
    let mut given = None;
    for _ in 0..10 {
        given = given.or_else(|| step.poll());
        assert!(given.is_some() || sleeps.poll().is_none(), "the timer came first");
        tasks().run();
    }
    assert_eq!(given.unwrap().unwrap().unwrap().value(), 1);
    assert!(sleeps.run().is_some());
}

#[test]
fn a_timer_that_is_given_up_is_not_shown_any_more_and_is_given_up_in_every_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut sleeps = run.sleeps("limit", 1_000);
    assert!(sleeps.run().is_none());
    drop(sleeps);
    settle(&world);
    assert!(wait(&world).is_null());
    assert_eq!(said(&world, "process.resumed"), [json!({"timer": "limit", "ordinal": 1, "givenUp": true})]);
    run.step("went on", 1).unwrap();
    now(driver.stop());
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    let mut sleeps = next.sleeps("limit", 1_000);
    assert!(sleeps.run().is_none(), "another way than the run before");
    drop(sleeps);
    next.step("went on", 1).unwrap();
}

#[test]
fn a_cancel_request_ends_a_sleep() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut sleeps = run.sleeps("pause", 1_000);
    assert!(sleeps.run().is_none());
    crate::runners::cancel(&world, "p", None);
    assert_eq!(refused(sleeps.run().unwrap()), "closed");
}

#[test]
fn a_timer_that_cannot_be_written_is_refused_and_its_key_is_free() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    assert_eq!(refused(run.sleeps("pause", 1_000).run().unwrap()), "quota_exceeded");
    hold.fill_up(false);
    let mut sleeps = run.sleeps("pause", 1_000);
    assert!(sleeps.run().is_none());
    pass(&world, 1_000);
    assert!(sleeps.run().unwrap().is_ok());
    assert_eq!(said(&world, "process.resumed")[0]["ordinal"], 1);
}

#[test]
fn a_crash_at_any_record_of_a_sleep_leaves_the_next_run_with_the_same_time() {
    let world = tab();
    register(&world, "p", "job");
    // The first tab dies before it wrote anything, the second once its timer is set, the third once that was over.
    for (tab, sleeps_for) in [(0, None), (1, Some(0)), (2, Some(3_000))] {
        let other = another(&world);
        let runs = Runs::default();
        let options = DriverOptions::new(format!("tab {tab}"));
        let driver = ProcessWorkDriver::new(other.registry.clone(), runs.works(), options).unwrap();
        sweep(&driver);
        let run = runs.next();
        if let Some(span) = sleeps_for {
            let mut sleeps = run.sleeps("pause", 3_000);
            assert!(sleeps.run().is_none());
            pass(&world, span);
            assert_eq!(sleeps.run().is_some(), tab == 2);
        }
        now(driver.stop());
        tasks().run();
    }
    let (_, _, last) = handed_over(&world, &driver(&world, &Runs::default().works()));
    assert!(last.sleeps("pause", 3_000).run().unwrap().is_ok());
    assert_eq!(said(&world, "process.timer"), [json!({"key": "pause", "dueAtMs": START + 3_000})]);
}

#[test]
fn a_run_whose_lease_was_lost_sets_no_timer() {
    let world = tab();
    let (driver, _, run) = running(&world);
    handed_over(&world, &driver);
    assert_eq!(refused(run.sleeps("pause", 1_000).run().unwrap()), "lease_lost");
    assert!(log(&world, "p").is_empty());
}
