//! How runs end: with what the runner returns, or because the process is somebody else's by then.

use longwait::{
    host::Clock,
    model::{
        event::AppendRequest,
        payload::Payload,
        process::{FailureClass, ProcessAwaitOutput},
    },
};
use serde_json::{Value, json};

use crate::{
    hand::now,
    runners::{
        Runs, another, done, driver, handed_over, holder, job, lease, log, output, refused, register, register_so,
        running, seconds, settle, state, sweep, tab,
    },
    support::tasks,
};

fn ends(world: &crate::support::World, output: Value) {
    now(world.complete("p", output)).unwrap();
    settle(world);
}

#[test]
fn what_the_runner_returns_is_how_the_process_ends_and_its_lease_is_free_then() {
    let failure = ProcessAwaitOutput::Failure {
        class: FailureClass::External,
        code: "x".into(),
        message: "y".into(),
        raw: None,
        control: None,
    };
    for returned in [done(json!({"a": [1, null]})), failure] {
        let world = tab();
        let (driver, _, run) = running(&world);
        run.returns(returned.clone());
        assert_eq!(now(world.record("p")).terminal().unwrap().await_output, returned);
        assert!(lease(&world, "p").is_none());
        assert!(sweep(&driver).busy.is_empty());
        assert_eq!((world.clock.timers(), world.hub.tracked_processes(), tasks().len()), (0, 0, 0));
    }
}

#[test]
fn a_run_whose_process_the_host_ended_is_told_and_writes_nothing() {
    let world = tab();
    let (_, _, run) = running(&world);
    ends(&world, json!({"type": "success", "value": "the host's"}));
    assert_eq!((run.told(), run.is_wanted()), (vec!["already_terminal".to_owned()], false));
    assert_eq!(refused(run.step("late", 1)), "already_terminal");
    run.returns(done("too late"));
    assert_eq!(output(&world, "p")["value"], "the host's");
    assert_eq!(log(&world, "p"), ["process.completed"]);
    assert!(lease(&world, "p").is_none());
}

#[test]
fn a_run_whose_process_is_deleted_by_force_is_aborted_and_leaves_nothing() {
    let world = tab();
    let other = another(&world);
    let (_, _, run) = running(&world);
    now(other.registry.delete(&"p".into(), true)).unwrap();
    settle(&world);
    assert_eq!(run.told(), ["unknown_process"]);
    assert_eq!(refused(run.step("late", 1)), "unknown_process");
    assert_eq!(refused(now(run.context.set_state(Payload::from(1)))), "unknown_process");
    run.returns(done("too late"));
    assert!(now(world.registry.process(&"p".into())).unwrap().is_none());
    assert!(lease(&world, "p").is_none());
}

#[test]
fn a_run_whose_process_was_ended_and_pruned_is_told() {
    let world = tab();
    let other = another(&world);
    let (_, _, run) = running(&world);
    now(other.complete("p", json!({"type": "success", "value": 1}))).unwrap();
    world.clock.advance(1);
    now(other.registry.prune(u64::MAX >> 12)).unwrap();
    settle(&world);
    assert_eq!(run.told(), ["unknown_process"]);
    assert_eq!(refused(run.step("late", 1)), "unknown_process");
    run.returns(done("too late"));
    assert!(now(world.registry.process(&"p".into())).unwrap().is_none());
}

#[test]
fn a_process_that_is_pruned_and_registered_anew_during_a_run_is_run_anew_from_attempt_1() {
    let world = tab();
    let other = another(&world);
    let (driver, runs, run) = running(&world);
    run.step("one", "old").unwrap();
    driver.start();
    settle(&world);
    now(other.complete("p", json!({"type": "success", "value": 1}))).unwrap();
    world.clock.advance(1);
    now(other.registry.prune(u64::MAX >> 12)).unwrap();
    register(&other, "p", "job");
    settle(&world);
    assert_eq!(run.told(), ["lease_lost"], "the new one is not its own");
    let next = runs.next();
    assert_eq!(next.context.attempt(), 1);
    assert!(next.context.lease().fencing_token > run.context.lease().fencing_token);
    assert_eq!(next.step("one", "new").unwrap(), Some(Payload::from("new")));
    run.returns(done("too late"));
    assert_eq!(state(&world, "p"), "running");
    next.returns(done("new"));
    assert_eq!(output(&world, "p")["value"], "new");
}

#[test]
fn a_run_whose_lease_was_taken_over_is_told_and_writes_nothing() {
    let world = tab();
    let (_, _, run) = running(&world);
    world.killed.kill(holder(&world, "p").incarnation_id);
    let other = another(&world);
    sweep(&driver(
        &other,
        &job(async |context| {
            context.step("one", async || Ok(None)).await.unwrap();
            context.wait_for_signal("go").await.unwrap();
            done(context.attempt())
        }),
    ));
    assert_eq!(refused(run.step("two", 1)), "lease_lost");
    settle(&world);
    assert_eq!((run.told(), run.is_wanted()), (vec!["lease_lost".to_owned()], false));
    run.returns(done("too late"));
    assert_eq!(log(&world, "p"), ["process.step", "process.waiting"]);
    assert_eq!(state(&world, "p"), "running");
}

#[test]
fn a_runner_that_returns_after_its_lease_was_lost_unnoticed_ends_nothing() {
    let world = tab();
    let (first, _, run) = running(&world);
    let renewed_last = lease(&world, "p").unwrap().expires_at_ms;
    // It freezes: time passes and nothing of it runs.
    world.clock.advance(30_000);
    assert_eq!(renewed_last, Clock::now(&world.clock));
    let report = now(driver(&another(&world), &job(async |context| done(context.attempt()))).claim_and_run_pending());
    assert_eq!(report.unwrap().started, ["p".into()]);
    run.returns(done("too late"));
    settle(&world);
    assert_eq!(output(&world, "p")["value"], 2);
    now(first.idle());
}

#[test]
fn an_end_that_does_not_fit_what_was_declared_for_it_is_a_failure_that_says_so() {
    let world = tab();
    let schema = json!({"properties": {"awaitOutput": {"properties": {"value": {"type": "string"}}}}});
    let refuses_all = json!({"type": "string"});
    register_so(
        &world,
        json!({
            "id": "p", "input": {"type": "engine", "kind": "job"}, "eventTypes": [
                {"name": "process.completed", "payloadSchema": schema, "semantics": {"terminal": {"state": "completed", "awaitOutput": {"pointer": "/awaitOutput"}}}},
                {"name": "process.failed", "payloadSchema": refuses_all, "semantics": {"terminal": {"state": "failed", "awaitOutput": {"pointer": "/awaitOutput"}}}},
            ],
        }),
    );
    let report = sweep(&driver(&world, &job(async |_| done(1))));
    assert_eq!(report.failed, []);
    let output = output(&world, "p");
    assert_eq!(
        (&output["type"], &output["code"], &output["class"]),
        (&json!("failure"), &json!("invalid_payload"), &json!("invalid_request"))
    );
    assert!(output["message"].as_str().unwrap().contains("/awaitOutput/value"), "{output}");
    assert!(lease(&world, "p").is_none());
}

#[test]
fn what_is_not_to_be_run_again_is_abandoned_by_the_second_attempt_whatever_is_declared_for_failures() {
    for types in [
        json!([]),
        json!([{
            "name": "process.failed", "payloadSchema": {"type": "string"},
            "semantics": {"terminal": {"state": "failed", "awaitOutput": {"pointer": "/awaitOutput"}}},
        }]),
    ] {
        let world = tab();
        register_so(
            &world,
            json!({
                "id": "p", "input": {"type": "engine", "kind": "job"}, "recovery": "abandon", "eventTypes": types,
            }),
        );
        let first = driver(&world, &job(async |_| futures::future::pending().await));
        assert_eq!(sweep(&first).started, ["p".into()]);
        now(first.stop());
        let report = sweep(&driver(&another(&world), &job(async |_| panic!("is run again"))));
        assert_eq!((report.started, report.busy, report.failed), (vec![], vec![], vec![]));
        assert_eq!(output(&world, "p")["code"], "abandoned");
        assert!(lease(&world, "p").is_none());
    }
}

#[test]
fn what_is_not_to_be_run_again_is_run_once_and_ends_as_its_runner_says() {
    let world = tab();
    register_so(&world, json!({"id": "p", "input": {"type": "engine", "kind": "job"}, "recovery": "abandon"}));
    sweep(&driver(&world, &job(async |_| done("once"))));
    assert_eq!(output(&world, "p")["value"], "once");
}

#[test]
fn attempts_are_counted_over_release_and_death_and_start_over_with_a_new_registration() {
    let world = tab();
    let (first, _, run) = running(&world);
    assert_eq!(run.context.attempt(), 1);
    let (other, second, run) = handed_over(&world, &first);
    assert_eq!(run.context.attempt(), 2);
    world.killed.kill(holder(&world, "p").incarnation_id);
    let runs = Runs::default();
    let third = driver(&world, &runs.works());
    sweep(&third);
    let run = runs.next();
    assert_eq!((run.context.attempt(), run.context.lease().fencing_token), (3, 3));
    run.returns(done(3));
    seconds(&other, 1);
    now(world.registry.prune(u64::MAX >> 12)).unwrap();
    register(&world, "p", "job");
    sweep(&third);
    let run = runs.next();
    assert_eq!((run.context.attempt(), run.context.lease().fencing_token), (1, 4));
    now(second.stop());
}

#[test]
fn a_runner_that_ends_its_own_process_by_an_event_of_its_own_is_over() {
    let world = tab();
    register_so(
        &world,
        json!({
            "id": "p", "input": {"type": "engine", "kind": "job"},
            "eventTypes": [{"name": "done", "semantics": {"terminal": {"state": "completed"}}}],
        }),
    );
    let works = job(async |context| {
        let request = AppendRequest::new("done", json!("its own").into()).keyed("end");
        context.append(request).await.unwrap();
        done("another end")
    });
    let driver = driver(&world, &works);
    let report = sweep(&driver);
    assert_eq!((report.started, sweep(&driver).failed), (vec!["p".into()], vec![]));
    assert_eq!(output(&world, "p")["value"], "its own");
    assert!(lease(&world, "p").is_none());
}
