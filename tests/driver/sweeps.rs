//! What one sweep does, and what it says of it.

use std::rc::Rc;

use futures::future::pending;
use serde_json::json;

use crate::{
    hand::{Hand, now},
    runners::{
        Runs, Works, another, done, driver, driver_of, held_tab, job, output, register, running, started, state, sweep,
        tab,
    },
    support::tasks,
};

#[test]
fn a_sweep_runs_what_it_has_runners_for_and_says_what_it_did() {
    let world = tab();
    let works = job(async |_| done(7)).on("long", async |_| pending().await);
    for (id, kind) in [("b", "long"), ("a", "job"), ("c", "other")] {
        register(&world, id, kind);
    }
    now(world.start("external"));
    let driver = driver(&world, &works);
    let report = sweep(&driver);
    assert_eq!(report.started, ["a".into(), "b".into()]);
    assert_eq!((report.busy, report.unhandled), (vec![], vec!["c".into()]));
    assert_eq!(output(&world, "a"), json!({"type": "success", "value": 7}));
    let second = sweep(&driver);
    assert_eq!((second.started, second.busy, second.unhandled), (vec![], vec!["b".into()], vec!["c".into()]));
    assert_eq!(state(&world, "external"), "running");
}

#[test]
fn a_sweep_with_nothing_to_do_says_so() {
    let report = sweep(&driver(&tab(), &Rc::new(Works::default())));
    assert_eq!(report, longwait::driver::DriveReport::default());
}

#[test]
fn a_sweep_waits_for_places_and_then_answers() {
    let world = tab();
    let runs = Runs::default();
    ["a", "b"].iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), 1);
    let mut sweep = Hand::new(driver.claim_and_run_pending());
    assert!(sweep.run().is_none());
    runs.next().returns(done(1));
    assert_eq!(sweep.run().unwrap().unwrap().started, ["a".into(), "b".into()]);
}

#[test]
fn a_sweep_reads_more_than_one_page() {
    let world = tab();
    (0..600).for_each(|number| register(&world, &format!("p{number:03}"), "job"));
    let report = sweep(&driver_of(&world, &job(async |_| done(1)), 3));
    assert_eq!(report.started.len(), 600);
    assert_eq!(now(world.list(json!({"status": "completed"}))).len(), 600);
}

#[test]
fn two_sweeps_of_one_driver_at_once_run_a_process_once() {
    let world = tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let driver = driver(&world, &runs.works());
    let (one, two) = now(futures::future::join(driver.claim_and_run_pending(), driver.claim_and_run_pending()));
    tasks().run();
    assert_eq!((one.unwrap().started, two.unwrap().busy, runs.len()), (vec!["p".into()], vec!["p".into()], 1));
}

#[test]
fn two_drivers_in_one_tab_share_the_work_and_never_run_a_process_twice() {
    let world = tab();
    let runs = Runs::default();
    let drivers = [started(&world, &runs.works()), started(&world, &runs.works())];
    (0..10).for_each(|number| register(&world, &format!("p{number}"), "job"));
    assert_eq!(runs.len(), 10);
    for _ in 0..10 {
        runs.next().returns(done(1));
    }
    assert_eq!((now(world.list(json!({"status": "completed"}))).len(), runs.len()), (10, 0));
    for driver in drivers {
        now(driver.stop());
    }
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn drivers_with_different_runners_run_each_what_they_can() {
    let world = tab();
    let one = started(&world, &job(async |_| done("one")));
    let two = started(&world, &Rc::new(Works::default()).on("other", async |_| done("two")));
    register(&world, "a", "job");
    register(&world, "b", "other");
    assert_eq!((&output(&world, "a")["value"], &output(&world, "b")["value"]), (&json!("one"), &json!("two")));
    now(futures::future::join(one.stop(), two.stop()));
}

#[test]
fn of_two_tabs_that_claim_one_process_at_once_one_runs_it() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    let other = another(&world);
    register(&world, "p", "job");
    let (here, there) = (driver(&world, &runs.works()), driver(&other, &runs.works()));
    hold.hold_writes();
    let mut both = Hand::new(futures::future::join(here.claim_and_run_pending(), there.claim_and_run_pending()));
    assert!(both.run().is_none());
    hold.let_go();
    let (one, two) = both.run().unwrap();
    assert_eq!((one.unwrap().started, two.unwrap().busy, runs.len()), (vec!["p".into()], vec!["p".into()], 1));
}

#[test]
fn a_sweep_takes_over_from_a_holder_who_is_dead_and_leaves_the_living_alone() {
    let world = tab();
    let (_, _, run) = running(&world);
    let next = driver(&another(&world), &job(async |context| done(context.attempt())));
    assert_eq!(sweep(&next).busy, ["p".into()]);
    world.killed.kill(run.context.lease().owner.incarnation_id.clone());
    assert_eq!(sweep(&next).started, ["p".into()]);
    assert_eq!(output(&world, "p")["value"], 2);
}
