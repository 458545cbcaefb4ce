//! What a run shows of itself in the record.

use longwait::{
    Code, Result,
    model::{payload::Payload, trace::TraceContext},
};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{Run, done, handed_over, held_tab, log, output, record, refused, running, tab},
    support::tasks,
};

fn sets(run: &Run, state: Value) -> Hand<'static, Result<()>> {
    let context = run.context.clone();
    let mut hand = Hand::new(async move { context.set_state(Payload::from(state)).await });
    assert!(hand.run().is_none());
    hand
}

/// The trace context of a span of this number.
fn traced(span: u8) -> TraceContext {
    TraceContext { traceparent: format!("00-{:032x}-{span:016x}-01", 7), tracestate: None }
}

fn shows(run: &Run, current: f64, total: Option<f64>, message: Option<&str>) -> Result<()> {
    now(run.context.progress(current, total, message.map(str::to_owned)))
}

#[test]
fn state_and_progress_stand_in_the_record_and_in_no_event() {
    let world = tab();
    let (_, _, run) = running(&world);
    now(run.context.set_state(Payload::from(json!({"file": 1})))).unwrap();
    world.clock.advance(5);
    shows(&run, 1.0, Some(4.0), Some("one of four")).unwrap();
    let shown = record(&world, "p");
    assert_eq!(shown["state"], json!({"file": 1}));
    let at = longwait_testing::START + 5;
    assert_eq!(shown["progress"], json!({"current": 1, "total": 4, "message": "one of four", "atMs": at}));
    assert_eq!(shown["updatedAtMs"], at);
    shows(&run, 2.5, None, None).unwrap();
    assert_eq!(record(&world, "p")["progress"], json!({"current": 2.5, "atMs": at}));
    now(run.context.set_state(Payload::null())).unwrap();
    assert_eq!(record(&world, "p").get("state"), Some(&Value::Null));
    assert_eq!(log(&world, "p"), [""; 0]);
}

#[test]
fn what_is_set_while_one_is_written_is_merged_and_the_last_one_is_written() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.hold_writes();
    let before = hold.writes();
    let mut first = sets(&run, json!(1));
    tasks().run();
    let mut merged: Vec<_> = [2, 3, 4].map(|number| sets(&run, json!(number))).into();
    let context = run.context.clone();
    let mut progress = Hand::new(async move { context.progress(1.0, None, None).await });
    let context = run.context.clone();
    let mut trace = Hand::new(async move { context.set_trace_context(traced(3)).await });
    assert!(progress.run().is_none() && trace.run().is_none());
    tasks().run();
    assert_eq!(hold.writes() - before, 1);
    hold.let_last_go();
    tasks().run();
    assert!(first.run().unwrap().is_ok());
    assert!(merged.iter_mut().all(|set| set.run().is_none()), "resolves before its own is written");
    assert_eq!(hold.writes() - before, 2);
    hold.let_go();
    tasks().run();
    assert!(merged.iter_mut().all(|set| set.run().unwrap().is_ok()) && progress.run().unwrap().is_ok());
    assert!(trace.run().unwrap().is_ok());
    assert_eq!(hold.writes() - before, 2);
    let shown = record(&world, "p");
    assert_eq!((&shown["state"], &shown["progress"]["current"]), (&json!(4), &json!(1)));
    assert_eq!(shown["runTraceContext"]["traceparent"], traced(3).traceparent);
}

#[test]
fn the_trace_context_of_a_run_stands_in_the_record_beside_that_of_the_registration_until_the_next_run_says_its_own() {
    let world = tab();
    let (driver, _, run) = running(&world);
    now(run.context.set_trace_context(traced(1))).unwrap();
    let shown = record(&world, "p");
    assert_eq!(shown["runTraceContext"], json!({"traceparent": traced(1).traceparent}));
    assert!(shown.get("traceContext").is_none());
    assert_eq!(log(&world, "p"), [""; 0]);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(next.context.record().run_trace_context.as_deref(), Some(&traced(1)), "a later run finds it");
    now(next.context.set_trace_context(traced(2))).unwrap();
    assert_eq!(record(&world, "p")["runTraceContext"]["traceparent"], traced(2).traceparent);
    let nothing = now(next.context.set_trace_context(traced(0))).unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
    assert!(nothing.message().starts_with("traceContext.traceparent: "), "{}", nothing.message());
}

#[test]
fn a_number_that_is_not_finite_is_refused_by_its_name() {
    let world = tab();
    let (_, _, run) = running(&world);
    for (current, total, name) in [(f64::NAN, None, "current"), (1.0, Some(f64::INFINITY), "total")] {
        let fault = shows(&run, current, total, None).unwrap_err();
        assert_eq!(fault.code(), Code::InvalidArgument);
        assert!(fault.message().starts_with(name), "{}", fault.message());
    }
    assert!(record(&world, "p").get("progress").is_none());
}

#[test]
fn a_run_that_lost_its_lease_shows_nothing() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(refused(now(run.context.set_state(Payload::from(1)))), "lease_lost");
    assert!(record(&world, "p").get("state").is_none());
    now(next.context.set_state(Payload::from(2))).unwrap();
    assert_eq!(record(&world, "p")["state"], 2);
}

#[test]
fn what_was_set_is_written_before_the_end_and_stays_behind_it() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.hold_writes();
    let (_first, _last) = (sets(&run, json!("first")), sets(&run, json!("last")));
    let (_more, context) = (sets(&run, json!("more")), run.context.clone());
    run.returns(done("ended"));
    for _ in 0..2 {
        hold.let_last_go();
        tasks().run();
    }
    hold.let_go();
    tasks().run();
    assert_eq!(output(&world, "p")["value"], "ended");
    assert_eq!(record(&world, "p")["state"], "more");
    assert_eq!(refused(now(context.set_state(Payload::null()))), "lease_lost");
}

#[test]
fn a_fault_of_the_storage_is_that_of_every_call_that_was_merged() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.hold_writes();
    let mut written = sets(&run, json!(0));
    let mut merged: Vec<_> = [1, 2].map(|number| sets(&run, json!(number))).into();
    hold.fill_up(true);
    hold.let_go();
    assert!(written.run().unwrap().is_ok());
    for set in &mut merged {
        assert_eq!(set.run().unwrap().unwrap_err().code(), Code::QuotaExceeded);
    }
    hold.fill_up(false);
    now(run.context.set_state(Payload::from(3))).unwrap();
    assert_eq!(record(&world, "p")["state"], 3);
}
