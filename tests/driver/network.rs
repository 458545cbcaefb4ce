//! Processes that require the network, on a host that says that there is none: what waits for it, and what does not.

use std::rc::Rc;

use longwait::{
    ProcessWorkDriver,
    driver::StepEnd,
    model::{Millis, policy::RetryPolicy},
};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{
        Notes, Run, Runs, Works, another, cancel, done, driver, driver_of, fails, gives, job, log, output, record,
        refused, register, seconds, settle, state, tab,
    },
    support::{START, World, tasks},
};

/// A tab on a host that may be offline, and a run of `p` there in the hands of the test.
struct Tab {
    world: World,
    works: Rc<Works>,
    driver: ProcessWorkDriver,
    runs: Runs,
}

impl Tab {
    fn of(world: World, concurrency: usize) -> Self {
        let runs = Runs::default();
        let works = runs.works();
        let driver = driver_of(&world, &works, concurrency);
        driver.start();
        settle(&world);
        Self { world, works, driver, runs }
    }

    /// One with a run of `p`, which requires the network.
    fn running() -> (Self, Run) {
        Self::running_so(json!({"requires": "network"}))
    }

    fn running_so(policy: Value) -> (Self, Run) {
        let tab = Self::of(tab(), 64);
        register_job(&tab.world, "p", policy);
        let run = tab.runs.next();
        (tab, run)
    }

    fn goes_offline(&self) {
        self.works.offline.set(true);
    }

    fn goes_online(&self) {
        self.works.offline.set(false);
        self.driver.look_again();
        settle(&self.world);
    }

    fn passes(&self, span: Millis) {
        self.world.clock.advance(span);
        settle(&self.world);
    }

    fn wait(&self) -> Value {
        record(&self.world, "p")["wait"].clone()
    }
}

fn register_job(world: &World, id: &str, policy: Value) {
    now(world.job(id, policy)).unwrap();
    settle(world);
}

fn policy() -> RetryPolicy {
    RetryPolicy { max_attempts: Some(3), jitter: Some(false), ..RetryPolicy::default() }
}

/// A step whose first attempt fails and whose second one gives its number. Notes down which were made.
fn fetches(run: &Run, made: &Notes) -> Hand<'static, longwait::Result<StepEnd>> {
    let made = made.clone();
    run.tries("fetch", Some(policy()), move |attempt| {
        made.add(attempt.number);
        if attempt.number == 1 { fails("no") } else { gives(attempt.number) }
    })
}

/// A tab that went offline, and a step there whose second attempt is due.
fn due_offline() -> (Tab, Run, Hand<'static, longwait::Result<StepEnd>>, Notes) {
    let ((tab, run), made) = (Tab::running(), Notes::default());
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    tab.goes_offline();
    tab.passes(1_000);
    assert!(step.run().is_none());
    (tab, run, step, made)
}

#[test]
fn what_requires_the_network_is_begun_once_the_host_is_online() {
    let (world, begun) = (tab(), Notes::default());
    let noted = begun.clone();
    let works = job(move |context| {
        noted.add(context.record().id());
        async { done(1) }
    });
    works.offline.set(true);
    let driver = driver(&world, &works);
    driver.start();
    register_job(&world, "p", json!({"requires": "network"}));
    register_job(&world, "q", json!({}));
    seconds(&world, 10);
    assert_eq!(begun.all(), ["q"]);
    works.offline.set(false);
    driver.look_again();
    settle(&world);
    assert_eq!(begun.all(), ["q", "p"]);
    now(driver.stop());
}

#[test]
fn an_attempt_of_a_step_that_is_due_waits_for_the_network_and_is_made_at_once_when_that_comes() {
    let (tab, _run, mut step, made) = due_offline();
    for _ in 0..10 {
        tab.passes(10_000);
        assert!(step.run().is_none());
    }
    assert_eq!(made.all(), ["1"]);
    let retry = json!({"kind": "retry", "step": "fetch", "untilMs": START + 1_000, "attempt": 2, "sinceMs": START});
    assert_eq!(tab.wait(), retry);
    tab.goes_online();
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
    assert_eq!(log(&tab.world, "p"), ["process.step_failed", "process.step"]);
    assert!(tab.wait().is_null());
}

#[test]
fn a_network_that_comes_before_the_time_of_an_attempt_does_not_hasten_it() {
    let ((tab, run), made) = (Tab::running(), Notes::default());
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    tab.goes_offline();
    tab.passes(500);
    tab.goes_online();
    tab.passes(499);
    assert!(step.run().is_none());
    assert_eq!(made.all(), ["1"]);
    tab.passes(1);
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
}

#[test]
fn a_host_whose_news_of_the_network_is_lost_is_asked_again_within_a_minute() {
    let (tab, _run, mut step, _) = due_offline();
    tab.works.offline.set(false);
    (0..6).for_each(|_| tab.passes(10_000));
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
}

#[test]
fn a_step_of_a_process_that_requires_nothing_is_tried_again_while_offline() {
    let ((tab, run), made) = (Tab::running_so(json!({})), Notes::default());
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    tab.goes_offline();
    tab.passes(1_000);
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
}

#[test]
fn the_first_attempt_of_a_step_and_a_timer_do_not_wait_for_the_network() {
    let (tab, run) = Tab::running();
    tab.goes_offline();
    let mut first = run.tries("first", Some(policy()), |attempt| gives(attempt.number));
    assert_eq!(first.run().unwrap().unwrap(), gives(1));
    let mut sleeps = run.sleeps("pause", 1_000);
    assert!(sleeps.run().is_none());
    tab.passes(1_000);
    assert!(sleeps.run().unwrap().is_ok());
}

#[test]
fn a_step_that_waits_for_the_network_has_no_permit_and_is_not_tried_where_that_is_gone_by_the_time_it_has_one() {
    let (tab, made) = (Tab::of(tab(), 1), Notes::default());
    register_job(&tab.world, "p", json!({"requires": "network"}));
    let run = tab.runs.next();
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    tab.goes_offline();
    tab.passes(1_000);
    assert!(step.run().is_none());
    register(&tab.world, "q", "job");
    let other = tab.runs.next();
    tab.goes_online();
    assert!(step.run().is_none());
    tab.goes_offline();
    other.returns(done(1));
    assert!(step.run().is_none());
    assert_eq!((state(&tab.world, "q"), made.all()), ("completed".to_owned(), vec!["1".to_owned()]));
    register(&tab.world, "r", "job");
    tab.runs.next().returns(done(1));
    tab.goes_online();
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
}

#[test]
fn a_cancel_request_ends_the_wait_for_the_network() {
    let (tab, run, mut step, made) = due_offline();
    cancel(&tab.world, "p", None);
    assert_eq!(refused(step.run().unwrap()), "closed");
    run.returns(done("stopped"));
    assert_eq!((output(&tab.world, "p")["value"].clone(), made.all()), (json!("stopped"), vec!["1".to_owned()]));
    assert!(tab.wait().is_null());
}

#[test]
fn a_deadline_a_stop_and_a_lease_that_is_lost_end_the_run_that_waits_for_the_network() {
    let ((tab, run), made) =
        (Tab::running_so(json!({"requires": "network", "deadlineAtMs": START + 5_000})), Notes::default());
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    tab.goes_offline();
    (0..5).for_each(|_| tab.passes(1_000));
    assert_eq!(refused(step.run().unwrap()), "already_terminal");
    assert_eq!(output(&tab.world, "p")["code"], "deadline_exceeded");

    let (tab, _run, mut step, _) = due_offline();
    now(tab.driver.stop());
    assert_eq!(refused(step.run().unwrap()), "lease_lost");
    drop(step);
    tasks().run();
    assert_eq!(tab.world.clock.timers(), 0);

    let (tab, run, mut step, made) = due_offline();
    let lease = run.context.lease();
    now(tab.world.registry.release(&lease.process_id, lease.lease_token.clone())).unwrap();
    settle(&tab.world);
    tab.goes_online();
    assert_eq!(refused(step.run().unwrap()), "lease_lost");
    assert_eq!(made.all(), ["1"]);
}

#[test]
fn a_later_run_that_comes_to_a_step_whose_attempt_is_due_waits_for_the_network_and_is_shown_so() {
    let (tab, _run, step, made) = due_offline();
    drop(step);
    now(tab.driver.stop());
    let next = Tab::of(another(&tab.world), 64);
    let run = next.runs.next();
    next.goes_offline();
    // Another wait is shown before the run comes to the step.
    let mut sleeps = run.sleeps("pause", 1);
    assert!(sleeps.run().is_none());
    next.passes(1);
    assert!(sleeps.run().is_some() && next.wait().is_null());
    let mut step = fetches(&run, &made);
    assert!(step.run().is_none());
    next.passes(10_000);
    assert!(step.run().is_none());
    assert_eq!(made.all(), ["1"]);
    assert_eq!((next.wait()["untilMs"].clone(), next.wait()["attempt"].clone()), (json!(START + 1_000), json!(2)));
    next.goes_online();
    assert_eq!(step.run().unwrap().unwrap(), gives(2));
    assert!(next.wait().is_null());
}

#[test]
fn of_several_steps_that_wait_for_the_network_each_is_tried_once_when_that_comes() {
    let ((tab, run), made) = (Tab::running(), Notes::default());
    let mut steps: Vec<_> = ["a", "b", "c"]
        .map(|key| {
            let made = made.clone();
            run.tries(key, Some(policy()), move |attempt| {
                made.add(format!("{key}{}", attempt.number));
                if attempt.number == 1 { fails("no") } else { gives(1) }
            })
        })
        .into();
    assert!(steps.iter_mut().all(|step| step.run().is_none()));
    tab.goes_offline();
    tab.passes(1_000);
    assert!(steps.iter_mut().all(|step| step.run().is_none()));
    tab.goes_online();
    assert!(steps.iter_mut().all(|step| step.run().unwrap().is_ok()));
    assert_eq!(made.all(), ["a1", "b1", "c1", "a2", "b2", "c2"]);
}
