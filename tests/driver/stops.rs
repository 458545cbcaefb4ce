//! Starting and stopping, at any time.

use futures::future::{join, pending};

use crate::{
    hand::{Hand, now},
    runners::{
        Runs, another, done, driver, driver_of, held_tab, holder, job, lease, output, refused, register, running,
        seconds, settle, started, state, sweep, tab,
    },
    support::tasks,
};

#[test]
fn what_a_stopped_driver_ran_is_told_released_and_left_as_it_is() {
    let world = tab();
    let (driver, _, run) = running(&world);
    run.step("one", 1).unwrap();
    now(driver.stop());
    assert_eq!((run.told(), run.is_wanted()), (vec!["lease_lost".to_owned()], false));
    assert_eq!(refused(run.step("two", 1)), "lease_lost");
    assert!(lease(&world, "p").is_none());
    assert_eq!(state(&world, "p"), "running");
    drop(run);
    tasks().run();
    assert_eq!((world.clock.timers(), world.hub.tracked_processes(), tasks().len()), (0, 0, 0));
}

#[test]
fn a_driver_that_was_stopped_begins_nothing_more() {
    let world = tab();
    let driver = started(&world, &job(async |_| done(1)));
    now(driver.stop());
    register(&world, "p", "job");
    world.hub.notify(&"p".into());
    seconds(&world, 100);
    assert_eq!((state(&world, "p"), world.clock.timers()), ("running".to_owned(), 0));
}

#[test]
fn a_second_stop_adds_nothing_to_the_first() {
    let world = tab();
    let (driver, _, run) = running(&world);
    now(join(driver.stop(), driver.stop()));
    now(driver.stop());
    assert_eq!((run.told(), lease(&world, "p").is_none()), (vec!["lease_lost".to_owned()], true));
    assert_eq!((state(&world, "p"), now(world.log("p")).len()), ("running".to_owned(), 0));
    // It can be started again, as after one stop.
    driver.start();
    settle(&world);
    assert!(lease(&world, "p").is_some());
}

#[test]
fn a_driver_that_was_never_started_stops_and_is_idle_at_once() {
    let world = tab();
    register(&world, "p", "job");
    let idle = self::driver(&world, &job(async |_| done(1)));
    now(idle.stop());
    now(idle.idle());
    seconds(&world, 100);
    assert_eq!((state(&world, "p"), world.clock.timers(), tasks().len()), ("running".to_owned(), 0, 0));
}

#[test]
fn starting_twice_is_fine() {
    let world = tab();
    let runs = Runs::default();
    let driver = started(&world, &runs.works());
    driver.start();
    register(&world, "p", "job");
    settle(&world);
    assert_eq!(runs.len(), 1);
    now(driver.stop());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_driver_that_is_started_again_after_a_stop_goes_on() {
    let world = tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let driver = started(&world, &runs.works());
    runs.next();
    now(driver.stop());
    driver.start();
    tasks().run();
    let run = runs.next();
    assert_eq!(run.context.attempt(), 2);
    run.returns(done(1));
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

#[test]
fn a_driver_that_is_started_again_before_its_stop_is_over_goes_on_and_the_stop_ends() {
    let world = tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let driver = started(&world, &runs.works());
    let first = runs.next();
    let mut stops = Hand::new(driver.stop());
    driver.start();
    assert!(stops.run().is_some(), "it waits for what began after it");
    assert_eq!(first.told(), ["lease_lost"]);
    let second = runs.next();
    assert_eq!(second.context.attempt(), 2);
    // Others see it alive.
    let other = started(&another(&world), &job(async |_| done("robbed")));
    settle(&world);
    assert!(second.told().is_empty());
    second.returns(done("kept"));
    assert_eq!(output(&world, "p")["value"], "kept");
    now(join(driver.stop(), other.stop()));
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_stop_during_a_claim_gives_back_what_it_claims_and_runs_nothing() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let driver = driver(&world, &runs.works());
    hold.hold_writes();
    let mut sweep = Hand::new(driver.claim_and_run_pending());
    assert!(sweep.run().is_none());
    let mut stops = Hand::new(driver.stop());
    assert!(stops.run().is_none(), "it does not wait for the claim");
    assert!(lease(&world, "p").is_some());
    hold.let_go();
    assert!(stops.run().is_some());
    assert!(sweep.run().is_some());
    assert_eq!(runs.len(), 0);
    assert!(lease(&world, "p").is_none());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_stop_during_a_sweep_that_waits_for_a_place_ends_the_sweep() {
    let world = tab();
    let runs = Runs::default();
    ["a", "b", "c"].iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), 1);
    let mut sweep = Hand::new(driver.claim_and_run_pending());
    assert!(sweep.run().is_none());
    let run = runs.next();
    now(driver.stop());
    let report = sweep.run().expect("it waits for ever").unwrap();
    assert_eq!((report.started, runs.len(), run.is_wanted()), (vec!["a".into()], 0, false));
    // And its places are all free.
    let again = crate::runners::sweep(&driver_of(&world, &job(async |_| done(1)), 1));
    assert_eq!(again.started.len(), 3);
}

#[test]
fn a_sweep_of_a_stopped_driver_runs_what_it_finds() {
    let world = tab();
    register(&world, "p", "job");
    let driver = driver(&world, &job(async |_| done(1)));
    now(driver.stop());
    assert_eq!(sweep(&driver).started, ["p".into()]);
    assert_eq!(state(&world, "p"), "completed");
}

#[test]
fn a_sweep_that_nobody_waits_for_leaves_nothing_behind() {
    let world = tab();
    let runs = Runs::default();
    ["a", "b"].iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), 1);
    let mut sweep = Hand::new(driver.claim_and_run_pending());
    assert!(sweep.run().is_none());
    drop(sweep);
    runs.next().returns(done(1));
    now(driver.idle());
    let again = crate::runners::sweep(&driver);
    assert_eq!(again.started, ["b".into()]);
    runs.next().returns(done(1));
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_driver_is_idle_when_nothing_runs_that_it_claimed() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    let (mut one, mut two) = (Hand::new(driver.idle()), Hand::new(driver.idle()));
    assert!(one.run().is_none());
    assert!(two.run().is_none());
    hold.hold_writes();
    run.returns(done(1));
    assert!(one.run().is_none(), "its end is not on disk yet");
    hold.let_go();
    assert!(one.run().is_some());
    assert!(two.run().is_some());
    now(driver.idle());
}

#[test]
fn a_runner_may_stop_its_own_driver() {
    let world = tab();
    let own = std::rc::Rc::<std::cell::RefCell<Option<longwait::ProcessWorkDriver>>>::default();
    let driver_of_it = own.clone();
    register(&world, "p", "job");
    let works = job(move |context| {
        let driver = driver_of_it.borrow().clone().unwrap();
        async move {
            assert!(Hand::new(driver.stop()).poll().is_none());
            assert!(context.abort().is_some());
            pending().await
        }
    });
    let driver = driver(&world, &works);
    own.replace(Some(driver.clone()));
    sweep(&driver);
    now(driver.idle());
    assert!(lease(&world, "p").is_none());
    own.take();
}

#[test]
fn a_registry_that_is_closed_ends_its_drivers_and_their_runs() {
    let world = tab();
    let (driver, _, run) = running(&world);
    driver.start();
    tasks().run();
    world.registry.close();
    seconds(&world, 5);
    assert_eq!((run.told(), run.is_wanted()), (vec!["closed".to_owned()], false));
    now(driver.idle());
    assert_eq!(now(driver.claim_and_run_pending()).unwrap_err().code().as_str(), "closed");
    now(driver.stop());
    drop(run);
    tasks().run();
    assert_eq!((world.clock.timers(), tasks().len()), (0, 0));
}

#[test]
fn what_a_dropped_driver_runs_goes_on_and_then_nothing_of_it_is_left() {
    let world = tab();
    let (driver, _, run) = running(&world);
    drop(driver);
    let before = holder(&world, "p");
    seconds(&world, 60);
    assert_eq!(holder(&world, "p"), before);
    run.returns(done(1));
    assert_eq!(state(&world, "p"), "completed");
    assert_eq!((world.clock.timers(), tasks().len()), (0, 0));
}

#[test]
fn what_a_driver_was_looking_at_when_it_was_stopped_is_nothing_to_it_once_it_is_started_again() {
    let (world, hold) = held_tab();
    let other = another(&world);
    register(&world, "p", "job");
    let driver = driver(&world, &job(async |_| done(1)));
    // Of a change it reads the end, then the list, then the process, which is free by then.
    let reads = || {
        for _ in 0..2 {
            tasks().run();
            hold.let_last_go();
        }
        tasks().run();
    };
    hold.hold_reads();
    driver.start();
    reads();
    let owner = crate::support::made(serde_json::json!({"ownerId": "other", "incarnationId": "other"}));
    now(other.registry.claim(&"p".into(), owner, 30_000)).unwrap();
    now(driver.stop());
    driver.start();
    reads();
    // What is asked now is answered first.
    hold.let_last_go();
    tasks().run();
    hold.let_go();
    seconds(&world, 29);
    assert_eq!(state(&world, "p"), "running");
    seconds(&world, 3);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}
