//! Steps: what was done once is not done again.

use futures::{channel::oneshot, future::pending};
use longwait::{Code, Error, model::payload::Payload};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{
        Notes, Runs, another, done, driver, handed_over, held_tab, log, output, refused, register, running, sweep, tab,
    },
    support::{payloads, tasks},
};

#[test]
fn a_recorded_step_is_given_to_the_next_run_and_not_done_again() {
    let world = tab();
    let (driver, _, run) = running(&world);
    assert_eq!(run.step("one", "first").unwrap(), Some(Payload::from("first")));
    let (_, _, next) = handed_over(&world, &driver);
    let one = now(next.context.step("one", async || panic!("is done again"))).unwrap();
    assert_eq!(one, Some(Payload::from("first")));
    next.step("two", 2).unwrap();
    next.returns(done(1));
    assert_eq!(log(&world, "p"), ["process.step", "process.step", "process.completed"]);
}

#[test]
fn a_step_that_is_recorded_is_given_without_a_write() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    run.step("one", 1).unwrap();
    let (_, _, next) = handed_over(&world, &driver);
    hold.fill_up(true);
    assert_eq!(next.step("one", 2).unwrap(), Some(Payload::from(1)));
    assert_eq!(refused(next.step("two", 2)), "quota_exceeded");
}

#[test]
fn a_run_ends_whose_record_of_a_step_was_not_settled_and_the_next_one_is_given_what_it_recorded() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    hold.unsettle_write();
    assert_eq!(refused(run.step("one", "first")), "disconnected");
    assert_eq!(refused(run.step("two", 2)), "lease_lost", "it does not know where it is in its log");
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(next.step("one", "again").unwrap(), Some(Payload::from("first")));
    next.returns(done(1));
    assert_eq!(log(&world, "p"), ["process.step", "process.completed"]);
}

#[test]
fn a_step_that_gives_nothing_is_told_from_one_that_gives_null() {
    let world = tab();
    let (driver, _, run) = running(&world);
    assert_eq!(now(run.context.step("nothing", async || Ok(None))).unwrap(), None);
    assert_eq!(run.step("null", Value::Null).unwrap(), Some(Payload::null()));
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(next.step("nothing", 1).unwrap(), None);
    assert_eq!(next.step("null", 1).unwrap(), Some(Payload::null()));
    assert_eq!(payloads(&now(world.log("p"))), [json!({"key": "nothing"}), json!({"key": "null", "value": null})]);
}

#[track_caller]
fn refuses_key(outcome: longwait::Result<Option<Payload>>, key: &str) {
    let fault = outcome.expect_err("the key was taken");
    assert_eq!(fault.code(), Code::InvalidArgument);
    assert!(fault.message().contains(&format!("`{key}`")), "{}", fault.message());
}

#[test]
fn a_key_that_is_used_a_second_time_in_one_run_is_refused_and_named() {
    let world = tab();
    let (driver, _, run) = running(&world);
    run.step("one", 1).unwrap();
    refuses_key(now(run.context.step("one", async || panic!("is done"))), "one");
    assert_eq!(log(&world, "p"), ["process.step"]);
    // Where the value comes from an earlier run, too.
    let (_, _, next) = handed_over(&world, &driver);
    next.step("one", 2).unwrap();
    refuses_key(next.step("one", 3), "one");
}

#[test]
fn a_key_whose_step_is_at_work_is_refused_and_other_keys_do_not_wait_for_it() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (finish, finished) = oneshot::channel();
    let mut first = Hand::new(run.context.step("one", async || {
        finished.await.unwrap();
        Ok(Some(Payload::from("first")))
    }));
    assert!(first.run().is_none());
    refuses_key(now(run.context.step("one", async || panic!("is done twice"))), "one");
    run.step("two", 2).unwrap();
    finish.send(()).unwrap();
    assert_eq!(first.run().unwrap().unwrap(), Some(Payload::from("first")));
    assert_eq!(log(&world, "p"), ["process.step", "process.step"]);
}

#[test]
fn a_step_inside_of_itself_is_refused_instead_of_waiting_for_itself() {
    let world = tab();
    let (_, _, run) = running(&world);
    let outer = now(run.context.step("one", async || run.context.step("one", async || panic!("is done")).await));
    refuses_key(outer, "one");
    assert_eq!(now(run.context.step("one", async || run.context.step("two", async || Ok(None)).await)).unwrap(), None);
}

#[test]
fn a_step_that_fails_is_not_recorded_and_may_be_tried_again() {
    let world = tab();
    let (_, _, run) = running(&world);
    let fails = now(run.context.step("one", async || Err(Error::new(Code::Internal, "went wrong"))));
    assert_eq!(fails.unwrap_err().message(), "went wrong");
    assert!(log(&world, "p").is_empty());
    assert_eq!(run.step("one", 2).unwrap(), Some(Payload::from(2)));
}

#[test]
fn a_step_that_is_given_up_leaves_its_key_free() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut given_up = Hand::new(run.context.step("one", async || pending().await));
    assert!(given_up.run().is_none());
    drop(given_up);
    assert_eq!(run.step("one", 2).unwrap(), Some(Payload::from(2)));
}

#[test]
fn a_blank_key_is_refused_and_does_nothing() {
    let world = tab();
    let (_, _, run) = running(&world);
    for key in ["", " ", "\t\n"] {
        assert_eq!(refused(now(run.context.step(key, async || panic!("is done")))), "invalid_argument");
    }
    assert!(log(&world, "p").is_empty());
}

#[test]
fn a_crash_between_the_work_and_its_record_does_the_work_again() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    let did = Notes::default();
    let work = |attempt: u64| {
        did.add(attempt);
        async move { Ok(Some(Payload::from(json!(attempt)))) }
    };
    hold.fill_up(true);
    assert_eq!(refused(now(run.context.step("one", || work(1)))), "quota_exceeded");
    hold.fill_up(false);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(now(next.context.step("one", || work(2))).unwrap(), Some(Payload::from(2)));
    assert_eq!(did.all(), ["1", "2"]);
}

#[test]
fn a_step_whose_record_was_refused_is_done_again_by_the_same_run() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    assert!(run.step("one", 1).is_err());
    hold.fill_up(false);
    assert_eq!(run.step("one", 2).unwrap(), Some(Payload::from(2)));
}

#[test]
fn a_step_of_a_run_that_has_lost_its_lease_is_refused_before_its_work() {
    let world = tab();
    let (driver, _, run) = running(&world);
    handed_over(&world, &driver);
    assert_eq!(refused(now(run.context.step("one", async || panic!("is done")))), "lease_lost");
}

#[test]
fn a_step_whose_lease_is_lost_during_its_work_records_nothing() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let (finish, finished) = oneshot::channel::<()>();
    let mut late = Hand::new(run.context.step("one", async || {
        let _ = finished.await;
        Ok(Some(Payload::from("late")))
    }));
    assert!(late.run().is_none());
    let (_, _, next) = handed_over(&world, &driver);
    drop(finish);
    assert_eq!(refused(late.run().unwrap()), "lease_lost");
    assert_eq!(next.step("one", "in time").unwrap(), Some(Payload::from("in time")));
    assert_eq!(log(&world, "p"), ["process.step"]);
}

#[test]
fn steps_of_earlier_runs_that_cannot_be_read_do_nothing_and_are_read_again() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    run.step("one", 1).unwrap();
    let (_, _, next) = handed_over(&world, &driver);
    hold.break_down(true);
    assert_eq!(refused(now(next.context.step("one", async || panic!("is done again")))), "storage_failed");
    hold.break_down(false);
    assert_eq!(next.step("one", 2).unwrap(), Some(Payload::from(1)));
}

#[test]
fn a_runner_that_carries_on_gets_every_step_once_over_many_runs() {
    let world = tab();
    let did = Notes::default();
    register(&world, "p", "job");
    for last in 0..4 {
        let runs = Runs::default();
        let driver = driver(&another(&world), &runs.works());
        sweep(&driver);
        let run = runs.next();
        for step in 0..=last {
            let (did, key) = (did.clone(), format!("step {step}"));
            let attempt = run.context.attempt();
            let given = now(run.context.step(&key, async move || {
                did.add(format!("{step} by {attempt}"));
                Ok(Some(Payload::from(json!(attempt))))
            }));
            assert_eq!(given.unwrap(), Some(Payload::from(json!(step + 1))));
        }
        if last == 3 {
            run.returns(done("all"));
        } else {
            now(driver.stop());
            tasks().run();
        }
    }
    assert_eq!(did.all(), ["0 by 1", "1 by 2", "2 by 3", "3 by 4"]);
    assert_eq!(output(&world, "p")["value"], "all");
}
