//! How many run at once, and who gives up a place for whom.

use std::rc::Rc;

use longwait::model::{lease::LivenessMark, process::ProcessAwaitOutput};

use crate::{
    hand::now,
    runners::{
        Runs, Works, another, cancel, done, driver_of, holder, output, register, running, settle, signal, state, sweep,
        tab,
    },
    support::{World, tasks},
};

/// A driver with so many places that was started, and processes `a`, `b`, … in the hands of the test.
fn started(world: &World, places: usize, ids: &[&'static str]) -> (longwait::ProcessWorkDriver, Runs) {
    let runs = Runs::default();
    let driver = driver_of(world, &runs.works(), places);
    ids.iter().for_each(|id| register(world, id, "job"));
    driver.start();
    tasks().run();
    (driver, runs)
}

#[test]
fn no_more_run_at_once_than_may_and_whoever_ends_makes_room_for_the_next() {
    let world = tab();
    let (_driver, runs) = started(&world, 2, &["a", "b", "c", "d"]);
    assert_eq!(runs.len(), 2);
    runs.next().returns(done(1));
    assert_eq!(runs.len(), 2);
    let ids: Vec<_> = [runs.next(), runs.next()].iter().map(|run| run.context.record().id().to_string()).collect();
    assert_eq!(ids, ["b", "c"]);
}

#[test]
fn a_run_that_waits_for_a_signal_or_another_process_leaves_its_place_to_another() {
    for other in [true, false] {
        let world = tab();
        register(&world, "elsewhere", "nobody's");
        let (_driver, runs) = started(&world, 1, &["a", "b", "c"]);
        let run = runs.next();
        assert_eq!(runs.len(), 0);
        let (mut end, mut signal) = (run.awaits("elsewhere"), run.waits("go"));
        assert!(if other { end.run().is_none() } else { signal.run().is_none() });
        tasks().run();
        assert_eq!(runs.len(), 1, "nobody took the place");
    }
}

#[test]
fn whoever_goes_on_after_a_wait_does_so_before_anything_new_and_only_when_there_is_a_place() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b", "c"]);
    let first = runs.next();
    let mut waits = first.waits("go");
    assert!(waits.run().is_none());
    let second = runs.next();
    signal(&world, "a", "go", 1);
    assert!(waits.run().is_none(), "it goes on without a place");
    second.returns(done(1));
    assert_eq!(runs.len(), 0, "something new went first");
    assert!(waits.run().is_some());
    first.returns(done(1));
    assert_eq!(runs.len(), 1);
}

#[test]
fn a_wait_that_is_given_up_takes_the_place_back_as_soon_as_there_is_one() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b", "c"]);
    let first = runs.next();
    let mut waits = first.waits("go");
    assert!(waits.run().is_none());
    let second = runs.next();
    drop(waits);
    tasks().run();
    // Both run now, since nobody can be made to wait who does not ask. But nothing new begins.
    second.returns(done(1));
    assert_eq!(runs.len(), 0);
    first.returns(done(1));
    assert_eq!(runs.len(), 1);
}

#[test]
fn of_two_waits_at_once_the_last_one_takes_the_place_back() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b", "c"]);
    let first = runs.next();
    let (mut one, mut two) = (first.waits("one"), first.waits("two"));
    assert!(one.run().is_none());
    assert!(two.run().is_none());
    let second = runs.next();
    signal(&world, "a", "one", 1);
    assert!(one.run().is_some());
    signal(&world, "a", "two", 2);
    assert!(two.run().is_none());
    second.returns(done(1));
    assert!(two.run().is_some());
    assert_eq!(runs.len(), 0);
    first.returns(done(1));
    assert_eq!(runs.len(), 1);
}

#[test]
fn two_waits_that_end_at_once_take_one_place_back() {
    let world = tab();
    let (driver, runs) = started(&world, 2, &["a"]);
    let first = runs.next();
    let (mut one, mut two) = (first.waits("one"), first.waits("two"));
    assert!(one.run().is_none());
    assert!(two.run().is_none());
    signal(&world, "a", "one", 1);
    signal(&world, "a", "two", 2);
    assert!(one.run().is_some() && two.run().is_some());
    ["b", "c"].iter().for_each(|id| register(&world, id, "job"));
    assert_eq!(runs.len(), 1);
    first.returns(done(1));
    assert_eq!(runs.len(), 2);
    now(driver.stop());
}

#[test]
fn a_runner_that_returns_while_a_wait_is_pending_leaves_no_place_behind_and_takes_none_along() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b", "c", "d"]);
    let first = runs.next();
    let mut left = first.waits("go");
    assert!(left.run().is_none());
    let second = runs.next();
    first.returns(done(1));
    settle(&world);
    assert_eq!(state(&world, "a"), "completed");
    assert!(left.run().is_some(), "the wait outlasts its run");
    drop(left);
    tasks().run();
    assert_eq!(runs.len(), 0, "there are two places now");
    second.returns(done(1));
    let third = runs.next();
    assert_eq!(runs.len(), 0);
    third.returns(done(1));
    assert_eq!(runs.len(), 1, "a place was lost");
}

#[test]
fn a_run_that_is_lost_while_it_waits_or_wants_its_place_back_leaves_all_places_as_they_were() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b"]);
    let first = runs.next();
    let mut waits = first.waits("go");
    assert!(waits.run().is_none());
    let second = runs.next();
    signal(&world, "a", "go", 1);
    assert!(waits.run().is_none());
    // While it queues for its place, somebody else ends it.
    now(world.complete("a", serde_json::json!({"type": "success", "value": 1}))).unwrap();
    settle(&world);
    assert_eq!(first.told(), ["already_terminal"]);
    drop(waits);
    tasks().run();
    second.returns(done(1));
    for id in ["c", "d"] {
        register(&world, id, "job");
    }
    assert_eq!(runs.len(), 1);
    runs.next().returns(done(1));
    assert_eq!(runs.len(), 1);
}

#[test]
fn a_chain_of_processes_that_wait_for_each_other_needs_one_place() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |context| {
        let depth: u64 = context.record().id().as_str().parse().unwrap();
        if depth == 20 {
            return done(0);
        }
        match context.await_terminal(&(depth + 1).to_string().into()).await.unwrap() {
            ProcessAwaitOutput::Success { value, .. } => done(value.as_u64().unwrap() + 1),
            failed @ (ProcessAwaitOutput::Failure { .. } | ProcessAwaitOutput::Cancelled { .. }) => failed,
        }
    });
    (10..=20).for_each(|depth| register(&world, &depth.to_string(), "job"));
    sweep(&driver_of(&world, &works, 1));
    assert_eq!(output(&world, "10")["value"], 10.0);
}

#[test]
fn a_wait_that_ends_with_a_request_to_stop_takes_the_place_back() {
    let world = tab();
    let (_driver, runs) = started(&world, 1, &["a", "b", "c"]);
    let first = runs.next();
    let mut waits = first.waits("go");
    assert!(waits.run().is_none());
    let second = runs.next();
    cancel(&world, "a", None);
    assert!(waits.run().unwrap().is_err());
    tasks().run();
    second.returns(done(1));
    assert_eq!(runs.len(), 0);
    first.returns(done(1));
    assert_eq!(runs.len(), 1);
}

#[test]
fn what_a_dead_tab_had_begun_goes_on_before_anything_new() {
    let world = tab();
    let (_dead, _, _run) = running(&world);
    let (_driver, runs) = started(&another(&world), 1, &["a", "b"]);
    let busy = runs.next();
    let LivenessMark::WebLock { lock_name } = holder(&world, "p").liveness.unwrap() else { panic!("not mortal") };
    world.killed.kill(lock_name.as_str());
    tasks().run();
    busy.returns(done(1));
    assert_eq!(runs.next().context.record().id().to_string(), "p");
}
