//! Runs of forks: they get what the source recorded before the point of the fork, and nothing else.

use longwait::{
    driver::StepEnd,
    model::{
        fork::Fork,
        payload::Payload,
        policy::RetryPolicy,
        process::{FailureClass, ProcessAwaitOutput},
    },
    rules::attempt::{Advice, Thrown},
};
use longwait_testing::read;
use serde_json::{Value, json};

use crate::{
    hand::now,
    runners::{
        Run, Runs, done, driver, log, output, register, register_so, running, seconds, settle, signal, sweep, tab,
    },
    support::World,
};

/// Forks a process, and has a driver of its own begin the fork.
fn forked(world: &World, id: &str, from: Value) -> Run {
    let options = read::<Fork>(json!({"newId": "q", "from": from})).unwrap();
    now(world.registry.fork(&id.into(), options)).unwrap();
    let runs = Runs::default();
    sweep(&driver(world, &runs.works()));
    runs.next()
}

#[test]
fn a_run_of_a_fork_gets_the_steps_before_its_point_and_does_the_others() {
    let world = tab();
    let (_, _, run) = running(&world);
    for key in ["one", "two", "three"] {
        run.step(key, key).unwrap();
    }
    run.returns(done(1));
    let fork = forked(&world, "p", json!({"step": "two"}));
    assert_eq!(fork.context.attempt(), 1);
    assert_eq!(fork.step("one", "again").unwrap(), Some(Payload::from("one")));
    assert_eq!(fork.step("two", "again").unwrap(), Some(Payload::from("again")));
    assert_eq!(log(&world, "q"), ["process.step", "process.step"]);
    fork.returns(done(2));
    assert_eq!((output(&world, "p")["value"].clone(), output(&world, "q")["value"].clone()), (json!(1), json!(2)));
}

#[test]
fn a_fork_is_in_the_trace_of_its_source_and_has_no_run_before_its_first() {
    let world = tab();
    let trace = |span: &str| json!({"traceparent": format!("00-{:032x}-{span}-01", 7)});
    let context = trace("00000000000000aa");
    register_so(&world, json!({"id": "p", "input": {"type": "engine", "kind": "job"}, "traceContext": context}));
    let runs = Runs::default();
    sweep(&driver(&world, &runs.works()));
    let run = runs.next();
    now(run.context.set_trace_context(read(trace("00000000000000bb")).unwrap())).unwrap();
    run.step("one", "one").unwrap();
    let fork = forked(&world, "p", json!("failed"));
    let record = serde_json::to_value(fork.context.record()).unwrap();
    assert_eq!((&record["traceContext"], record.get("runTraceContext")), (&context, None));
}

#[test]
fn a_run_of_a_fork_gets_the_signals_that_were_taken_though_their_sequences_are_others() {
    let world = tab();
    register(&world, "p", "job");
    // A pause is left out of the fork, and so moves all that follows.
    now(world.registry.pause_process(&"p".into(), None)).unwrap();
    now(world.registry.resume_process(&"p".into())).unwrap();
    let runs = Runs::default();
    sweep(&driver(&world, &runs.works()));
    let run = runs.next();
    signal(&world, "p", "go", 1);
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(1));
    let mut second = run.waits("go");
    assert!(second.run().is_none());
    signal(&world, "p", "go", 2);
    assert_eq!(second.run().unwrap().unwrap(), json!(2));
    signal(&world, "p", "go", 3);
    run.returns(done(1));
    let fork = forked(&world, "p", json!("failed"));
    let taken: Vec<_> = (0..3).map(|_| fork.waits("go").run().unwrap().unwrap()).collect();
    assert_eq!(taken, [json!(1), json!(2), json!(3)]);
    assert!(fork.waits("go").run().is_none());
}

#[test]
fn a_run_of_a_fork_waits_for_its_own_children_where_the_source_waited_for_its() {
    let world = tab();
    let (_, _, run) = running(&world);
    register(&world, "p/child", "other");
    register(&world, "elsewhere", "other");
    for id in ["p/child", "elsewhere"] {
        now(world.succeed(id));
    }
    // A signal is waited for, too: so the ends are recorded.
    let mut signalled = run.waits("go");
    assert!(signalled.run().is_none());
    for id in ["p/child", "elsewhere"] {
        assert!(run.awaits(id).run().unwrap().is_ok());
    }
    signal(&world, "p", "go", 1);
    assert!(signalled.run().unwrap().is_ok());
    run.returns(done(1));
    let fork = forked(&world, "p", json!("failed"));
    register(&world, "q/child", "other");
    let mut signalled = fork.waits("go");
    let (mut child, mut elsewhere) = (fork.awaits("q/child"), fork.awaits("elsewhere"));
    assert!(signalled.run().is_none() && child.run().is_none(), "the child has not ended");
    now(world.succeed("q/child"));
    settle(&world);
    seconds(&world, 3);
    assert!(child.run().unwrap().is_ok());
    assert!(elsewhere.run().unwrap().is_ok());
    assert_eq!(signalled.run().unwrap().unwrap(), json!(1));
}

#[test]
fn a_fork_from_the_failure_tries_the_step_that_failed_last_anew_and_keeps_how_the_others_came_out() {
    let world = tab();
    let (_, _, run) = running(&world);
    let once = || Some(RetryPolicy { max_attempts: Some(1), ..RetryPolicy::default() });
    let fails = || {
        let failure = ProcessAwaitOutput::failure(FailureClass::Unavailable, "no_luck", "down");
        StepEnd::Threw(Thrown { failure, advice: Advice::ByPolicy })
    };
    run.step("one", 1).unwrap();
    for key in ["first", "last"] {
        assert_eq!(run.tries(key, once(), move |_| fails()).run().unwrap().unwrap(), fails());
    }
    run.step("after", 1).unwrap();
    run.returns(done(1));
    let fork = forked(&world, "p", json!("failed"));
    assert_eq!(fork.step("one", 2).unwrap(), Some(Payload::from(1)));
    assert_eq!(fork.tries("first", once(), |_| panic!("is tried again")).run().unwrap().unwrap(), fails());
    let gives = || StepEnd::Returned(Some(Payload::from(2)));
    assert_eq!(
        fork.tries("last", once(), move |attempt| {
            assert_eq!(attempt.number, 1);
            gives()
        })
        .run()
        .unwrap()
        .unwrap(),
        gives()
    );
    assert_eq!(fork.step("after", 2).unwrap(), Some(Payload::from(2)));
}

#[test]
fn a_timer_that_was_set_before_the_fork_is_not_set_again() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut slept = run.sleeps("pause", 1_000);
    assert!(slept.run().is_none());
    world.clock.advance(1_000);
    settle(&world);
    assert!(slept.run().unwrap().is_ok());
    run.returns(done(1));
    let fork = forked(&world, "p", json!("failed"));
    assert!(fork.sleeps("pause", 1_000).run().unwrap().is_ok());
}
