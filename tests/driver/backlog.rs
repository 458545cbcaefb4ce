//! Many more pending processes than may run: what they cost, and in which order they are begun.

use longwait::model::lease::LivenessMark;
use serde_json::json;

use crate::{
    hand::now,
    runners::{
        Notes, Runs, another, done, driver, driver_of, held_tab, holder, job, register, seconds, settle, sweep, tab,
    },
    support::{World, tasks},
};

fn register_many(world: &World, count: usize) {
    let registration = |number| json!({"id": format!("p{number:05}"), "input": {"type": "engine", "kind": "job"}});
    (0..count).for_each(|number| drop(now(world.register(registration(number))).unwrap()));
    tasks().run();
}

fn completed(world: &World) -> usize {
    now(world.list(json!({"status": "completed"}))).len()
}

/// How many tasks there are, and how many questions the store was asked, once a driver that runs 4 at once has begun as many of
/// so many.
fn cost_of(pending: usize) -> (usize, usize) {
    let (world, hold) = held_tab();
    register_many(&world, pending);
    let (runs, before) = (Runs::default(), hold.questions());
    let driver = driver_of(&world, &runs.works(), 4);
    driver.start();
    tasks().run();
    assert_eq!(runs.len(), 4);
    let cost = (tasks().len(), hold.questions() - before);
    now(driver.stop());
    cost
}

#[test]
fn the_first_runs_of_ten_thousand_pending_processes_cost_less_than_twice_what_those_of_a_hundred_cost() {
    let (few, many) = (cost_of(100), cost_of(10_000));
    // Each run, the loop, the renewal of leases, the poller of changes, and the timers.
    assert_eq!((few.0, many.0), (4 + 4, 4 + 4), "tasks");
    assert!(many.1 < 2 * few.1, "{} questions after {}", many.1, few.1);
}

#[test]
fn a_backlog_is_run_to_its_end_by_a_driver_that_keeps_a_few_of_it_at_a_time() {
    let world = tab();
    register_many(&world, 400);
    let driver = driver_of(&world, &job(async |_| done(1)), 3);
    driver.start();
    tasks().run();
    assert_eq!(completed(&world), 400);
    now(driver.stop());
}

#[test]
fn a_burst_of_registrations_that_is_larger_than_what_is_kept_is_run_to_its_end() {
    let world = tab();
    let driver = driver_of(&world, &job(async |_| done(1)), 3);
    driver.start();
    tasks().run();
    for number in 0..1_500 {
        // Without a turn for the driver in between.
        now(world.register(json!({"id": format!("p{number}"), "input": {"type": "engine", "kind": "job"}}))).unwrap();
    }
    settle(&world);
    assert_eq!(completed(&world), 1_500);
    now(driver.stop());
}

#[test]
fn of_those_that_wait_for_a_permit_the_oldest_is_begun_first() {
    let (world, notes) = (tab(), Notes::default());
    for id in ["c", "a", "b"] {
        register(&world, id, "job");
        world.clock.advance(1);
    }
    let noted = notes.clone();
    let works = job(move |context| {
        noted.add(context.record().id());
        async { done(1) }
    });
    let driver = driver_of(&world, &works, 1);
    driver.start();
    tasks().run();
    assert_eq!(notes.all(), ["c", "a", "b"]);
    now(driver.stop());
}

#[test]
fn what_a_dead_tab_held_before_this_driver_was_started_goes_before_a_backlog_that_is_longer_than_what_is_kept() {
    let (world, theirs, ours) = (tab(), Runs::default(), Runs::default());
    register(&world, "z", "job");
    let other = another(&world);
    sweep(&driver(&other, &theirs.works()));
    let _held = theirs.next();
    register_many(&world, 500);
    let driver = driver_of(&world, &ours.works(), 1);
    driver.start();
    // With its one permit in use, it reads one page a second.
    seconds(&world, 10);
    let LivenessMark::WebLock { lock_name } = holder(&world, "z").liveness.unwrap() else { panic!("not mortal") };
    world.killed.kill(lock_name.as_str());
    tasks().run();
    ours.next().returns(done(1));
    let next = ours.next();
    assert_eq!(next.context.record().id().as_str(), "z");
    assert_eq!(next.context.attempt(), 2);
    now(driver.stop());
}

#[test]
fn a_saturated_driver_that_has_seen_the_whole_backlog_looks_only_for_changes() {
    let looks = |pending| {
        let (world, hold) = held_tab();
        register_many(&world, pending);
        let runs = Runs::default();
        let driver = driver_of(&world, &runs.works(), 1);
        driver.start();
        seconds(&world, 10);
        let before = hold.questions();
        seconds(&world, 9);
        let cost = (hold.questions() - before, world.clock.timers(), tasks().len());
        now(driver.stop());
        cost
    };
    assert_eq!(looks(500), looks(2));
}

#[test]
fn a_page_that_cannot_be_read_is_read_again_a_second_later_and_nothing_is_left_out() {
    let (world, hold) = held_tab();
    register_many(&world, 300);
    let runs = Runs::default();
    let driver = driver_of(&world, &runs.works(), 1);
    driver.start();
    tasks().run();
    hold.break_down(true);
    seconds(&world, 3);
    hold.break_down(false);
    for _ in 0..300 {
        seconds(&world, u64::from(runs.len() == 0));
        runs.next().returns(done(1));
    }
    assert_eq!(completed(&world), 300);
    now(driver.stop());
}
