//! Requests that a process stop, and what its run may still do.

use longwait::model::{event::AppendRequest, payload::Payload, process::ProcessAwaitOutput};
use serde_json::json;

use crate::{
    hand::now,
    runners::{
        Notes, Runs, another, cancel, done, driver, driver_of, held_tab, job, lease, log, output, reason, record,
        refused, register, running, seconds, settle, sweep, tab,
    },
    support::tasks,
};

#[test]
fn a_run_is_told_once_that_it_is_asked_to_stop_and_why() {
    let world = tab();
    let (_, _, run) = running(&world);
    cancel(&world, "p", Some("enough"));
    assert_eq!(run.told(), ["cancelled: Some(\"enough\")"]);
    cancel(&world, "p", Some("really"));
    settle(&world);
    assert_eq!(run.told(), ["cancelled: Some(\"enough\")"]);
    assert!(run.is_wanted());
    run.returns(ProcessAwaitOutput::Cancelled { message: "enough".into(), raw: None, control: None });
    assert_eq!(output(&world, "p"), json!({"type": "cancelled", "message": "enough"}));
}

#[test]
fn a_request_without_a_reason_has_none() {
    let world = tab();
    let (_, _, run) = running(&world);
    cancel(&world, "p", None);
    assert_eq!(run.told(), ["cancelled: None"]);
}

#[test]
fn a_process_that_is_asked_to_stop_before_it_was_ever_begun_ends_as_cancelled_without_a_run() {
    let world = tab();
    for (id, reason, message) in [("p", Some("early"), "early"), ("q", None, "the process was asked to stop")] {
        register(&world, id, "job");
        cancel(&world, id, reason);
        let works = job(|_| async { panic!("is run") });
        let report = sweep(&driver(&world, &works));
        assert!(report.started.is_empty() && report.failed.is_empty());
        assert_eq!(output(&world, id), json!({"type": "cancelled", "message": message}));
        assert!(lease(&world, id).is_none());
    }
}

#[test]
fn a_queued_process_that_is_asked_to_stop_ends_as_soon_as_its_turn_comes_and_holds_no_place() {
    let world = tab();
    let runs = Runs::default();
    let driver = driver_of(&world, &runs.works(), 1);
    driver.start();
    for id in ["p", "q", "r"] {
        register(&world, id, "job");
    }
    let first = runs.next();
    cancel(&world, "q", Some("queued"));
    first.returns(done(1));
    settle(&world);
    assert_eq!(output(&world, "q")["message"], "queued");
    assert_eq!(runs.next().context.record().id().as_str(), "r");
    now(driver.stop());
}

#[test]
fn a_later_run_is_asked_to_stop_only_once_its_runner_was_called_and_caught_up() {
    let world = tab();
    let (driver, _, run) = running(&world);
    run.step("book", 1).unwrap();
    cancel(&world, "p", Some("between two runs"));
    now(driver.stop());
    let (told, tell) = (Notes::default(), Notes::default());
    let notes = (told.clone(), tell.clone());
    let works = job(move |context| {
        let (told, tell) = notes.clone();
        told.add(format!("begun: {:?}", context.abort().is_some()));
        async move {
            context.step("book", async || panic!("is done again")).await.unwrap();
            // It listens only now, as a runner may.
            told.add(format!("caught up: {:?}", context.abort().is_some()));
            context.on_abort(move |why| tell.add(reason(why)));
            context.aborted().await;
            done(refused(context.wait_for_signal("go").await))
        }
    });
    sweep(&crate::runners::driver(&world, &works));
    assert_eq!(told.all(), ["begun: false", "caught up: false"]);
    assert_eq!(tell.all(), ["cancelled: Some(\"between two runs\")"]);
    assert_eq!(output(&world, "p")["value"], "closed");
}

#[test]
fn a_run_that_has_answered_is_aborted_by_nothing_any_more() {
    let world = tab();
    let (_, _, run) = running(&world);
    let told = run.notes();
    run.returns(done(1));
    settle(&world);
    assert_eq!(output(&world, "p")["value"], 1);
    assert!(told.all().is_empty(), "{:?}", told.all());
}

#[test]
fn a_request_between_the_claim_and_the_run_is_heard() {
    let (world, hold) = held_tab();
    let (told, other) = (Notes::default(), another(&world));
    let tell = told.clone();
    let works = job(move |context| {
        let tell = tell.clone();
        async move {
            context.aborted().await;
            tell.add(context.abort().as_ref().map(reason).unwrap_or_default());
            done(1)
        }
    });
    register(&world, "p", "job");
    hold.hold_writes();
    let driver = driver(&world, &works);
    let mut sweep = crate::hand::Hand::new(driver.claim_and_run_pending());
    assert!(sweep.run().is_none());
    // The claim is on disk, and its answer on the way.
    let id = "p".into();
    let mut asks = crate::hand::Hand::new(other.registry.request_cancel(&id, None));
    assert!(asks.run().is_none());
    settle(&world);
    hold.let_go();
    assert!(sweep.run().is_some());
    settle(&world);
    assert_eq!(told.all(), ["cancelled: None"]);
}

#[test]
fn waits_end_with_the_request_and_steps_and_appends_go_on() {
    let world = tab();
    let (_, _, run) = running(&world);
    register(&world, "other", "nobody's");
    let (mut signal, mut end) = (run.waits("go"), run.awaits("other"));
    assert!(signal.run().is_none());
    assert!(end.run().is_none());
    assert_eq!(record(&world, "p")["wait"]["name"], "go");
    cancel(&world, "p", None);
    assert_eq!(refused(signal.run().unwrap()), "closed");
    assert_eq!(refused(end.run().unwrap()), "closed");
    settle(&world);
    assert!(record(&world, "p")["wait"].is_null(), "it is said to wait for what it does not wait for");
    // Nor does it wait for anything new.
    assert_eq!(refused(run.waits("go").run().unwrap()), "closed");
    run.step("clean up", 1).unwrap();
    now(run.context.append(AppendRequest::new("signal.note", Payload::null()))).unwrap();
    run.returns(done("cleaned up"));
    assert_eq!(output(&world, "p")["value"], "cleaned up");
}

#[test]
fn what_a_run_writes_itself_is_not_mistaken_for_a_request_and_costs_it_no_look() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    tasks().run();
    let before = hold.reads();
    for number in 0..20 {
        run.step(&format!("step {number}"), number).unwrap();
        now(run.context.append(AppendRequest::new("signal.note", Payload::null()))).unwrap();
    }
    tasks().run();
    assert_eq!(hold.reads(), before);
    assert!(run.told().is_empty());
}

#[test]
fn a_request_from_another_tab_is_heard_and_where_its_hint_is_lost_the_sweep_finds_it() {
    let world = tab();
    let other = another(&world);
    let (_, _, run) = running(&world);
    now(other.registry.request_cancel(&"p".into(), Some("over there"))).unwrap();
    tasks().run();
    assert!(run.told().is_empty());
    // The hint is never delivered.
    seconds(&world, 2);
    assert_eq!(run.told(), ["cancelled: Some(\"over there\")"]);
}

#[test]
fn a_request_that_cannot_be_read_is_read_again() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.break_down(true);
    cancel(&world, "p", None);
    seconds(&world, 3);
    assert!(run.told().is_empty());
    hold.break_down(false);
    seconds(&world, 2);
    assert_eq!(run.told(), ["cancelled: None"]);
}

#[test]
fn the_next_run_of_a_process_that_was_asked_to_stop_knows_of_it_too() {
    let world = tab();
    let (driver, _, run) = running(&world);
    cancel(&world, "p", Some("enough"));
    let (_, _, next) = crate::runners::handed_over(&world, &driver);
    assert_eq!(run.told(), ["cancelled: Some(\"enough\")"], "it is told once, and the rest by what it tries");
    assert_eq!(refused(run.step("one", 1)), "lease_lost");
    assert_eq!(next.told(), ["cancelled: Some(\"enough\")"]);
    assert_eq!(log(&world, "p"), ["process.cancel_requested"]);
}
