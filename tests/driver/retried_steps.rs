//! Steps that are tried again: when, how often, and what later runs are given.

use std::{cell::RefCell, rc::Rc};

use futures::channel::oneshot;
use longwait::{
    model::{Millis, payload::Payload, policy::RetryPolicy},
    rules::attempt::Advice,
};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{
        Notes, Runs, cancel, done, driver_of, fails, gives, handed_over, held_tab, log, record, refused, register,
        running, settle, signal, tab, threw,
    },
    support::{START, World, payloads},
};

fn policy(most: u64) -> RetryPolicy {
    RetryPolicy { max_attempts: Some(most), jitter: Some(false), ..RetryPolicy::default() }
}

fn pass(world: &World, span: Millis) {
    world.clock.advance(span);
    settle(world);
}

fn wait(world: &World) -> Value {
    record(world, "p")["wait"].clone()
}

fn failed(world: &World) -> Vec<Value> {
    let log = now(world.log("p"));
    payloads(&log.into_iter().filter(|event| event.event_type == "process.step_failed").collect::<Vec<_>>())
}

#[test]
fn a_failed_attempt_is_recorded_and_the_next_one_is_made_when_the_policy_says() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut step = run.tries("fetch", Some(policy(5)), |attempt| match attempt.number {
        3 => gives(attempt.idempotency_key),
        number => fails(&format!("no {number}")),
    });
    assert!(step.run().is_none());
    let retry = json!({"kind": "retry", "step": "fetch", "untilMs": START + 1_000, "attempt": 2, "sinceMs": START});
    assert_eq!(wait(&world), retry);
    pass(&world, 999);
    assert!(step.run().is_none());
    pass(&world, 1);
    assert!(step.run().is_none());
    assert_eq!(wait(&world)["attempt"], 3);
    pass(&world, 2_000);
    assert_eq!(step.run().unwrap().unwrap(), gives("p/fetch"));
    assert!(wait(&world).is_null());
    assert_eq!(log(&world, "p"), ["process.step_failed", "process.step_failed", "process.step"]);
    let error = |message| json!({"class": "unavailable", "code": "no_luck", "message": message});
    let expected = [
        json!({"key": "fetch", "attempt": 1, "error": error("no 1"), "retryAtMs": START + 1_000}),
        json!({"key": "fetch", "attempt": 2, "error": error("no 2"), "retryAtMs": START + 3_000}),
    ];
    assert_eq!(failed(&world), expected);
}

#[test]
fn the_failure_after_the_last_attempt_is_what_every_later_run_is_given() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut step = run.tries("fetch", Some(policy(2)), |attempt| fails(&format!("no {}", attempt.number)));
    assert!(step.run().is_none());
    pass(&world, 1_000);
    assert_eq!(step.run().unwrap().unwrap(), fails("no 2"));
    assert!(failed(&world)[1].get("retryAtMs").is_none());
    let (_, _, next) = handed_over(&world, &driver);
    let given = next.tries("fetch", Some(policy(9)), |_| panic!("is tried again")).run().unwrap().unwrap();
    assert_eq!(given, fails("no 2"));
    // Its outcome counts as given: the key is used.
    assert_eq!(refused(next.step("fetch", 1)), "invalid_argument");
    assert_eq!(log(&world, "p"), ["process.step_failed", "process.step_failed"]);
}

#[test]
fn the_count_and_the_time_of_the_next_attempt_outlast_the_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    assert!(run.tries("fetch", Some(policy(3)), |_| fails("no")).run().is_none());
    pass(&world, 400);
    let (_, second_driver, second) = handed_over(&world, &driver);
    let numbers = Notes::default();
    let noted = numbers.clone();
    let mut step = second.tries("fetch", Some(policy(3)), move |attempt| {
        noted.add(attempt.number);
        fails("no")
    });
    assert!(step.run().is_none());
    assert_eq!(wait(&world)["sinceMs"], START);
    pass(&world, 599);
    assert!(step.run().is_none() && numbers.all().is_empty());
    pass(&world, 1);
    assert!(step.run().is_none());
    assert_eq!(numbers.all(), ["2"]);
    now(second_driver.stop());
    pass(&world, 60_000);
    let (_, _, third) = handed_over(&world, &second_driver);
    let noted = numbers.clone();
    let mut step = third.tries("fetch", Some(policy(3)), move |attempt| {
        noted.add(attempt.number);
        fails("at last")
    });
    assert_eq!(step.run().unwrap().unwrap(), fails("at last"));
    assert_eq!(numbers.all(), ["2", "3"]);
    assert!(wait(&world).is_null());
}

#[test]
fn a_run_that_comes_later_than_the_next_attempt_makes_it_at_once_and_is_not_shown_as_waiting() {
    let world = tab();
    let (driver, _, run) = running(&world);
    assert!(run.tries("fetch", Some(policy(3)), |_| fails("no")).run().is_none());
    now(driver.stop());
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    let (finish, finished) = oneshot::channel::<()>();
    let (context, retry) = (next.context.clone(), policy(3));
    let finished = RefCell::new(Some(finished));
    let mut step = Hand::new(async move {
        let work = async |_| {
            let _ = finished.take().unwrap().await;
            Ok(gives(1))
        };
        context.step_with("fetch", Some(&retry), work).await
    });
    assert!(step.run().is_none());
    assert!(wait(&world).is_null());
    drop(finish);
    assert_eq!(step.run().unwrap().unwrap(), gives(1));
}

#[test]
fn an_error_that_refuses_another_attempt_ends_the_retrying_and_one_that_asks_for_it_sets_the_wait() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut never = run.tries("never", Some(RetryPolicy::default()), |_| threw("no", Advice::Never));
    assert_eq!(never.run().unwrap().unwrap(), threw("no", Advice::Never));
    let mut again = run.tries("again", Some(policy(2)), |attempt| match attempt.number {
        1 => threw("wait", Advice::Again(Some(77))),
        _ => threw("wait", Advice::Again(Some(77))),
    });
    assert!(again.run().is_none());
    assert_eq!(failed(&world)[1]["retryAtMs"], START + 77);
    pass(&world, 77);
    // The policy says how often, whatever the error asks for.
    assert!(again.run().unwrap().is_ok());
}

#[test]
fn without_a_policy_nothing_is_recorded_of_a_throw() {
    let world = tab();
    let (_, _, run) = running(&world);
    assert_eq!(run.tries("one", None, |_| fails("no")).run().unwrap().unwrap(), fails("no"));
    let asks = threw("again", Advice::Again(Some(5)));
    let asking = asks.clone();
    assert_eq!(run.tries("one", None, move |_| asking.clone()).run().unwrap().unwrap(), asks);
    assert!(log(&world, "p").is_empty());
    assert_eq!(run.step("one", 1).unwrap(), Some(Payload::from(1)));
}

#[test]
fn trouble_of_the_driver_is_no_failure_of_a_step() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    let mut step = run.tries("fetch", Some(policy(3)), |_| fails("no"));
    assert_eq!(refused(step.run().unwrap()), "quota_exceeded");
    hold.fill_up(false);
    assert!(log(&world, "p").is_empty());
    let mut step = run.tries("fetch", Some(policy(3)), |attempt| gives(attempt.number));
    assert_eq!(step.run().unwrap().unwrap(), gives(1));
}

#[test]
fn what_is_thrown_after_a_cancel_request_is_not_retried_nor_recorded() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (finish, finished) = oneshot::channel::<()>();
    let (context, finished) = (run.context.clone(), RefCell::new(Some(finished)));
    let mut step = Hand::new(async move {
        let work = async |_| {
            let _ = finished.take().unwrap().await;
            Ok(fails("aborted"))
        };
        context.step_with("fetch", Some(&policy(3)), work).await
    });
    assert!(step.run().is_none());
    cancel(&world, "p", None);
    drop(finish);
    assert_eq!(step.run().unwrap().unwrap(), fails("aborted"));
    assert_eq!(log(&world, "p"), ["process.cancel_requested"]);
}

#[test]
fn a_cancel_request_ends_the_wait_for_the_next_attempt() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut step = run.tries("fetch", Some(policy(3)), |_| fails("no"));
    assert!(step.run().is_none());
    cancel(&world, "p", None);
    assert_eq!(refused(step.run().unwrap()), "closed");
}

#[test]
fn a_step_that_waits_for_its_next_attempt_gives_up_its_permit() {
    let world = tab();
    let runs = Runs::default();
    ["p", "q"].iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), 1);
    driver.start();
    settle(&world);
    let first = runs.next();
    let mut step = first.tries("fetch", Some(policy(2)), |attempt| match attempt.number {
        1 => fails("no"),
        number => gives(number),
    });
    assert!(step.run().is_none());
    let second = runs.next();
    pass(&world, 1_000);
    assert!(step.run().is_none());
    second.returns(done(1));
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
}

#[test]
fn of_a_timer_and_a_step_that_is_to_be_tried_again_the_record_shows_what_is_left() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut sleeps = run.sleeps("pause", 60_000);
    assert!(sleeps.run().is_none());
    let mut step = run.tries("fetch", Some(policy(2)), |attempt| match attempt.number {
        1 => fails("no"),
        number => gives(number),
    });
    assert!(step.run().is_none());
    assert_eq!(wait(&world)["kind"], "retry");
    signal(&world, "p", "go", 1);
    assert!(run.waits("go").run().is_some());
    assert_eq!(wait(&world)["kind"], "retry", "what comes out beside it hides nothing");
    pass(&world, 1_000);
    assert!(step.run().is_some());
    assert_eq!(wait(&world)["kind"], "timer");
}

#[test]
fn options_and_keys_that_make_no_sense_are_refused_before_anything_runs() {
    let world = tab();
    let (_, _, run) = running(&world);
    let no_attempts = RetryPolicy { max_attempts: Some(0), ..RetryPolicy::default() };
    let mut step = run.tries("fetch", Some(no_attempts), |_| panic!("is tried"));
    assert_eq!(refused(step.run().unwrap()), "invalid_argument");
    let mut step = run.tries(" ", Some(policy(1)), |_| panic!("is tried"));
    assert_eq!(refused(step.run().unwrap()), "invalid_argument");
    assert!(log(&world, "p").is_empty());
}

#[test]
fn whatever_run_makes_them_attempts_are_within_the_budget_and_none_is_early() {
    for (most, crashes) in [(1, 0), (4, 0), (4, 1), (4, 2), (4, 3), (6, 5)] {
        let world = tab();
        let (mut driver, _, mut run) = running(&world);
        let tried = Rc::<RefCell<Vec<(u64, Millis)>>>::default();
        let mut worlds = Vec::new();
        for crash in 0..=most + crashes {
            let (clock, noted) = (world.clock.clone(), tried.clone());
            let mut step = run.tries("fetch", Some(policy(most)), move |attempt| {
                noted.borrow_mut().push((attempt.number, longwait::host::Clock::now(&clock)));
                fails("no")
            });
            let mut over = step.run();
            while over.is_none() && crash >= crashes {
                pass(&world, 500);
                over = step.run();
            }
            drop(step);
            if over.is_some() && crash >= crashes {
                break;
            }
            pass(&world, 700);
            let (other, next_driver, next) = handed_over(&world, &driver);
            (driver, run) = (next_driver, next);
            worlds.push(other);
        }
        let tried = tried.borrow();
        let numbers: Vec<_> = tried.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=most).collect::<Vec<_>>(), "{most} attempts, {crashes} crashes");
        for (event, (_, at)) in failed(&world).iter().zip(&tried[1..]) {
            assert!(event["retryAtMs"].as_u64().unwrap() <= *at, "{event} was followed at {at}");
        }
    }
}
