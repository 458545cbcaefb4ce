//! What one sweep does, and what a run may do.

use std::{cell::RefCell, rc::Rc};

use futures::future::pending;
use longwait::{
    domain::{event::AppendRequest, process::ProcessAwaitOutput, value::Json},
    driver::Abort,
};
use serde_json::json;

use crate::{
    runners::{
        WithTasks, Works, another, done, driver, driver_of, log, record, register, register_so, signal, sweep, tab,
    },
    support::tasks,
};

#[test]
fn a_sweep_runs_what_it_has_runners_for_and_says_what_it_did() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |_| done(7)).on("long", async |_| pending().await);
    for (id, kind) in [("a", "job"), ("b", "long"), ("c", "other")] {
        register(&world, id, kind);
    }
    world.start("external").now_or_never_with_tasks();
    let driver = driver(&world, &works);
    let report = sweep(&driver);
    assert_eq!(report.started, ["a".into(), "b".into()]);
    assert_eq!((report.busy, report.unhandled), (vec![], vec!["c".into()]));
    assert_eq!(record(&world, "a")["status"]["awaitOutput"], json!({"type": "success", "value": 7}));
    let second = sweep(&driver);
    assert_eq!((second.started, second.busy), (vec![], vec!["b".into()]));
    assert_eq!(record(&world, "external")["status"]["state"], "running");
}

#[test]
fn a_step_that_was_recorded_is_not_done_again_by_the_next_run() {
    let world = tab();
    let (done_steps, crash) = (Rc::<RefCell<Vec<(u64, &str)>>>::default(), Rc::new(RefCell::new(true)));
    let (steps, crashes) = (done_steps.clone(), crash.clone());
    let works = Rc::new(Works::default()).on("job", move |context| {
        let (steps, crashes) = (steps.clone(), crashes.clone());
        async move {
            let one = context
                .step("one", async || {
                    steps.borrow_mut().push((context.attempt(), "one"));
                    Ok(Some(Json::from(json!("first"))))
                })
                .await
                .unwrap();
            if *crashes.borrow() {
                return pending().await;
            }
            let nothing = context
                .step("two", async || {
                    steps.borrow_mut().push((context.attempt(), "two"));
                    Ok(None)
                })
                .await
                .unwrap();
            assert_eq!(nothing, None);
            ProcessAwaitOutput::success(one.unwrap())
        }
    });
    register(&world, "p", "job");
    let first = driver(&world, &works);
    sweep(&first);
    crash.replace(false);
    first.stop().now_or_never_with_tasks();
    let other = another(&world);
    assert_eq!(sweep(&driver(&other, &works)).started, ["p".into()]);
    assert_eq!(*done_steps.borrow(), [(1, "one"), (2, "two")]);
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], "first");
    assert_eq!(log(&world, "p"), ["process.step", "process.step", "process.completed"]);
}

#[test]
fn the_nth_wait_gets_the_nth_signal_whichever_came_first() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |context| {
        let mut got = Vec::new();
        for _ in 0..3 {
            let signal = context.wait_for_signal("go").await.unwrap();
            got.push(serde_json::Value::from(&signal.payload));
        }
        done(got)
    });
    register(&world, "p", "job");
    let send = |number: u64| signal(&world, "p", "go", json!(number));
    send(1);
    let driver = driver(&world, &works);
    sweep(&driver);
    let wait = &record(&world, "p")["wait"];
    assert_eq!((&wait["name"], &wait["ordinal"]), (&json!("go"), &json!(2)));
    driver.stop().now_or_never_with_tasks();
    sweep(&self::driver(&another(&world), &works));
    send(2);
    send(3);
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], json!([1, 2, 3]));
    assert_eq!(record(&world, "p")["wait"], json!(null));
}

#[test]
fn a_parent_that_waits_for_its_child_leaves_the_child_its_place() {
    let world = tab();
    let works = Rc::new(Works::default())
        .on("parent", async |context| match context.await_terminal(&"child".into()).await.unwrap() {
            ProcessAwaitOutput::Success { value, .. } => ProcessAwaitOutput::success(value),
            failed @ (ProcessAwaitOutput::Failure { .. } | ProcessAwaitOutput::Cancelled { .. }) => failed,
        })
        .on("child", async |_| done("grown"));
    register(&world, "a parent", "parent");
    register(&world, "child", "child");
    sweep(&driver_of(&world, &works, 1));
    assert_eq!(record(&world, "a parent")["status"]["awaitOutput"]["value"], "grown");
}

#[test]
fn whoever_asks_for_the_end_of_a_run_is_heard_by_the_runner_and_its_own_events_are_not_mistaken_for_that() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |context| {
        context.append(AppendRequest::new("signal.note", Json::Null)).await.unwrap();
        context.aborted().await;
        match context.abort() {
            Some(Abort::Cancelled(Some(reason))) => {
                ProcessAwaitOutput::Cancelled { message: reason, raw: None, control: None }
            }
            other => done(format!("{other:?}")),
        }
    });
    register(&world, "p", "job");
    sweep(&driver(&world, &works));
    assert_eq!(record(&world, "p")["status"]["state"], "running");
    world.registry.request_cancel(&"p".into(), Some("enough")).now_or_never_with_tasks().unwrap();
    tasks().run();
    assert_eq!(record(&world, "p")["status"]["awaitOutput"], json!({"type": "cancelled", "message": "enough"}));
}

#[test]
fn what_is_not_to_be_run_again_is_abandoned_by_the_second_attempt() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |_| pending().await);
    register_so(&world, json!({"id": "p", "input": {"type": "engine", "kind": "job"}, "recovery": "abandon"}));
    let first = driver(&world, &works);
    sweep(&first);
    first.stop().now_or_never_with_tasks();
    let report = sweep(&driver(&another(&world), &works));
    assert_eq!((report.started, report.failed), (vec![], vec![]));
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["code"], "abandoned");
}
