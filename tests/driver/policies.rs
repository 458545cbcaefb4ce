//! Drivers and the run policy: what is begun when, and what becomes of runs that throw.

use std::{cell::Cell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Error, Result,
    driver::{RunContext, RunEnd, Runners},
    model::process::{FailureClass, ProcessAwaitOutput},
    rules::attempt::{Advice, Thrown},
};
use serde_json::json;

use crate::{
    hand::now,
    runners::{
        Notes, Runs, Works, another, done, driver_of, held_tab, job, lease, log, output, record, register, register_so,
        seconds, settle, started, state, sweep, tab,
    },
    support::{World, tasks},
};

/// What a run throws that may be made again.
fn thrown(advice: Advice) -> RunEnd {
    RunEnd::Threw(Thrown { failure: ProcessAwaitOutput::failure(FailureClass::External, "busy", "later"), advice })
}

/// Runners of `job` that throw so often, and then return how often they were called.
fn failing(times: u64) -> Rc<Works> {
    let calls = Rc::<Cell<u64>>::default();
    Rc::new(Works::default()).on_end("job", move |_| {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move { if call <= times { thrown(Advice::ByPolicy) } else { done(call).into() } }
    })
}

fn job_so(world: &World, id: &str, more: serde_json::Value) {
    now(world.job(id, more)).unwrap();
    tasks().run();
}

/// Lets so many milliseconds pass, one at a time.
fn pass(world: &World, millis: u64) {
    for _ in 0..millis {
        world.clock.advance(1);
        settle(world);
    }
}

/// The ids of runs that began and were not looked at.
fn begun(runs: &Runs) -> Vec<String> {
    std::iter::from_fn(|| (runs.len() > 0).then(|| runs.next().context.record().id().to_string())).collect()
}

#[test]
fn a_run_that_throws_is_begun_again_at_its_time_and_not_before() {
    let world = tab();
    let driver = started(&world, &failing(2));
    job_so(&world, "p", json!({"retry": {"initialIntervalMs": 300, "jitter": false}}));
    settle(&world);
    pass(&world, 299);
    assert_eq!(log(&world, "p"), ["process.attempt_failed"]);
    pass(&world, 1);
    assert_eq!(log(&world, "p").len(), 2);
    pass(&world, 599);
    assert_eq!(state(&world, "p"), "running");
    pass(&world, 1);
    assert_eq!(output(&world, "p")["value"], 3);
    now(driver.stop());
}

#[test]
fn a_retry_that_is_due_is_made_by_another_tab_where_the_first_one_is_gone() {
    let world = tab();
    let driver = started(&world, &failing(1));
    job_so(&world, "p", json!({"retry": {"initialIntervalMs": 5_000, "jitter": false}}));
    settle(&world);
    now(driver.stop());
    let other = another(&world);
    let takes_over = started(&other, &job(async |_| done("the other")));
    seconds(&world, 4);
    assert_eq!(state(&world, "p"), "running");
    seconds(&world, 1);
    assert_eq!(output(&world, "p")["value"], "the other");
    now(takes_over.stop());
}

#[test]
fn a_process_starts_at_its_time_whatever_else_the_driver_does() {
    let world = tab();
    let driver = started(&world, &job(async |_| done(1)));
    job_so(&world, "p", json!({"startAtMs": record_time(&world) + 250}));
    settle(&world);
    pass(&world, 249);
    assert_eq!(state(&world, "p"), "running");
    pass(&world, 1);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

fn record_time(world: &World) -> u64 {
    longwait::host::Clock::now(&world.clock)
}

#[test]
fn a_time_that_passed_while_no_driver_was_started_takes_effect_once_one_is() {
    let world = tab();
    job_so(&world, "p", json!({"startAtMs": record_time(&world) + 250}));
    register_so(&world, json!({"id": "late", "deadlineAtMs": record_time(&world) + 250}));
    world.clock.advance(86_400_000);
    let driver = started(&world, &job(async |_| done(1)));
    settle(&world);
    assert_eq!((state(&world, "p"), state(&world, "late")), ("completed".to_owned(), "failed".to_owned()));
    now(driver.stop());
}

#[test]
fn a_deadline_aborts_the_run_in_progress() {
    let world = tab();
    let runs = Runs::default();
    let driver = started(&world, &runs.works());
    job_so(&world, "p", json!({"deadlineAtMs": record_time(&world) + 40}));
    settle(&world);
    let run = runs.next();
    pass(&world, 40);
    assert_eq!(output(&world, "p")["code"], "deadline_exceeded");
    assert_eq!(run.told(), ["already_terminal"]);
    assert!(!run.is_wanted() && lease(&world, "p").is_none());
    now(driver.stop());
}

#[test]
fn a_pause_in_another_tab_stops_the_run_and_resuming_begins_it_again() {
    let world = tab();
    let runs = Runs::default();
    let driver = started(&world, &runs.works());
    register(&world, "p", "job");
    settle(&world);
    let run = runs.next();
    let other = another(&world);
    now(other.registry.pause_process(&"p".into(), None)).unwrap();
    settle(&world);
    assert_eq!(run.told(), ["lease_lost"]);
    seconds(&world, 120);
    assert_eq!(runs.len(), 0);
    now(other.registry.resume_process(&"p".into())).unwrap();
    settle(&world);
    assert_eq!(begun(&runs), ["p"]);
    now(driver.stop());
}

#[test]
fn with_one_permit_the_higher_priority_is_begun_first_and_then_the_oldest() {
    let world = tab();
    let order = Notes::default();
    for (id, priority) in [("old", 0), ("low", -5), ("high", 5)] {
        job_so(&world, id, json!({"priority": priority}));
        world.clock.advance(1);
    }
    register(&world, "young", "job");
    let noted = order.clone();
    let works = job(move |context: RunContext| {
        noted.add(context.record().id());
        async { done(1) }
    });
    let driver = driver_of(&world, &works, 1);
    driver.start();
    settle(&world);
    assert_eq!(order.all(), ["high", "old", "young", "low"]);
    now(driver.stop());
}

#[test]
fn a_sweep_begins_in_the_same_order_as_a_started_driver() {
    let world = tab();
    for (id, priority) in [("a", 0), ("b", 1), ("c", 2)] {
        job_so(&world, id, json!({"priority": priority}));
    }
    let runs = Runs::default();
    sweep(&driver_of(&world, &runs.works(), 64));
    assert_eq!(begun(&runs), ["c", "b", "a"]);
}

#[test]
fn the_processes_of_a_key_run_one_after_another_over_two_tabs() {
    let world = tab();
    let other = another(&world);
    let (running, most, order) = (Rc::<Cell<i32>>::default(), Rc::<Cell<i32>>::default(), Notes::default());
    let works = {
        let (running, most, order) = (running.clone(), most.clone(), order.clone());
        job(move |context: RunContext| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            order.add(context.record().id());
            let running = running.clone();
            async move {
                context.step("work", async || Ok(None)).await.unwrap();
                running.set(running.get() - 1);
                done(1)
            }
        })
    };
    let drivers = [started(&world, &works), started(&other, &works)];
    for number in 0..6 {
        job_so(if number % 2 == 0 { &world } else { &other }, &format!("p{number}"), json!({"concurrencyKey": "k"}));
        world.clock.advance(1);
    }
    settle(&world);
    seconds(&world, 3);
    assert_eq!((most.get(), order.all()), (1, (0..6).map(|number| format!("p{number}")).collect()));
    drivers.iter().for_each(|driver| now(driver.stop()));
}

/// Runners of `job` in one version.
struct Versioned {
    version: Option<u64>,
    runs: Notes,
}

impl Versioned {
    fn new(version: Option<u64>) -> Rc<Self> {
        Rc::new(Self { version, runs: Notes::default() })
    }
}

impl Runners for Versioned {
    fn kinds(&self) -> Vec<String> {
        vec!["job".to_owned()]
    }

    fn handles(&self, kind: &str, version: Option<u64>) -> bool {
        kind == "job" && version == self.version
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        self.runs.add(context.record().id());
        async { Ok(done(1).into()) }.boxed_local()
    }

    fn failed(&self, fault: &Error) {
        panic!("{fault:?}");
    }
}

fn started_so(world: &World, works: &Rc<Versioned>) -> longwait::ProcessWorkDriver {
    let options = longwait::DriverOptions::new("tab");
    let driver = longwait::ProcessWorkDriver::new(world.registry.clone(), works.clone(), options).unwrap();
    driver.start();
    settle(world);
    driver
}

#[test]
fn an_implementation_begins_its_own_version_and_no_other() {
    let world = tab();
    let (old, new) = (Versioned::new(None), Versioned::new(Some(2)));
    let drivers = [started_so(&world, &old), started_so(&another(&world), &new)];
    job_so(&world, "plain", json!({}));
    job_so(&world, "second", json!({"version": 2}));
    job_so(&world, "third", json!({"version": 3}));
    settle(&world);
    seconds(&world, 3);
    assert_eq!((old.runs.all(), new.runs.all()), (vec!["plain".to_owned()], vec!["second".to_owned()]));
    assert_eq!(state(&world, "third"), "running");
    drivers.iter().for_each(|driver| now(driver.stop()));
}

#[test]
fn a_driver_that_is_woken_looks_at_once_for_what_is_due() {
    let world = tab();
    let driver = started(&world, &job(async |_| done(1)));
    job_so(&world, "p", json!({"startAtMs": record_time(&world) + 3_600_000}));
    settle(&world);
    world.clock.set_wall_clock(3_600_000);
    driver.wake();
    settle(&world);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

#[test]
fn a_process_that_throws_before_its_key_is_free_again_holds_it() {
    let world = tab();
    let driver = started(&world, &failing(1));
    job_so(&world, "p", json!({"concurrencyKey": "k", "retry": {"initialIntervalMs": 500, "jitter": false}}));
    settle(&world);
    job_so(&world, "q", json!({"concurrencyKey": "k", "priority": 9}));
    pass(&world, 499);
    assert_eq!((state(&world, "p"), log(&world, "q")), ("running".to_owned(), vec![]));
    pass(&world, 1);
    assert_eq!((output(&world, "p")["value"].clone(), output(&world, "q")["value"].clone()), (json!(2), json!(3)));
    assert_eq!(record(&world, "q")["wait"], json!(null));
    now(driver.stop());
}

#[test]
fn a_process_begins_as_soon_as_it_is_freed_however_often_it_changed_before() {
    let world = tab();
    let runs = Runs::default();
    let driver = started(&world, &runs.works());
    job_so(&world, "a", json!({"concurrencyKey": "k"}));
    job_so(&world, "b", json!({"concurrencyKey": "k"}));
    settle(&world);
    let first = runs.next();
    for number in 0..3 {
        crate::runners::signal(&world, "b", "go", number);
        pass(&world, 1);
    }
    first.returns(done(1));
    settle(&world);
    assert_eq!(begun(&runs), ["b"]);
    now(driver.stop());
}

#[test]
fn a_time_that_cannot_be_settled_is_reported_once_and_tried_again() {
    let (world, hold) = held_tab();
    let works = job(async |_| done(1));
    let driver = started(&world, &works);
    job_so(&world, "p", json!({"startAtMs": record_time(&world) + 500}));
    settle(&world);
    hold.fill_up(true);
    seconds(&world, 5);
    assert_eq!(works.failures.take(), ["quota_exceeded"]);
    hold.fill_up(false);
    seconds(&world, 2);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}
