//! Deadlines of waits, which count over all runs; and what the record shows of waits for processes.

use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{Run, handed_over, held_tab, log, record, refused, register, running, settle, signal, tab},
    support::{START, World},
};

fn wait(world: &World) -> Value {
    record(world, "p")["wait"].clone()
}

fn pass(world: &World, span: u64) {
    world.clock.advance(span);
    settle(world);
}

fn signal_within<'a>(run: &Run, limit: u64) -> Hand<'a, longwait::Result<Value>> {
    let context = run.context.clone();
    Hand::new(async move {
        let signal = context.wait_for_signals(&["go"], Some(limit), false).await?;
        Ok(Value::from(&signal.payload))
    })
}

fn end_within<'a>(run: &Run, id: &'static str, limit: u64) -> Hand<'a, longwait::Result<Value>> {
    let context = run.context.clone();
    Hand::new(async move {
        let output = context.wait_for_end(&id.into(), context.awaiter(), Some(limit), false).await?;
        Ok(serde_json::to_value(&output).unwrap())
    })
}

#[test]
fn the_limit_of_a_wait_for_a_signal_counts_from_when_it_first_began() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut first = signal_within(&run, 10_000);
    assert!(first.run().is_none());
    pass(&world, 7_000);
    let (_, second, next) = handed_over(&world, &driver);
    let mut waits = signal_within(&next, 10_000);
    assert!(waits.run().is_none());
    pass(&world, 2_999);
    assert!(waits.run().is_none());
    pass(&world, 1);
    assert_eq!(refused(waits.run().unwrap()), "timeout");
    // It is so in every later run, and what came since goes to the next wait.
    signal(&world, "p", "go", 1);
    let (_, _, last) = handed_over(&world, &second);
    assert_eq!(refused(signal_within(&last, 10_000).run().unwrap()), "timeout");
    assert_eq!(signal_within(&last, 10_000).run().unwrap().unwrap(), 1);
}

#[test]
fn a_limit_that_passed_while_no_tab_was_open_has_passed_at_once_unless_the_signal_is_there() {
    for sent in [false, true] {
        let world = tab();
        let (driver, _, run) = running(&world);
        let mut first = signal_within(&run, 10_000);
        assert!(first.run().is_none());
        now(driver.stop());
        pass(&world, 60_000);
        if sent {
            signal(&world, "p", "go", 1);
        }
        let (_, _, next) = handed_over(&world, &driver);
        let outcome = signal_within(&next, 10_000).run().unwrap();
        assert_eq!(outcome.is_ok(), sent, "a timer does not overrule what is there");
    }
}

#[test]
fn the_limit_of_a_wait_for_a_process_counts_from_when_it_first_began_and_is_recorded() {
    let world = tab();
    register(&world, "q", "of no runner");
    let (driver, _, run) = running(&world);
    let mut first = end_within(&run, "q", 10_000);
    assert!(first.run().is_none());
    pass(&world, 7_000);
    let (_, second, next) = handed_over(&world, &driver);
    let mut waits = end_within(&next, "q", 10_000);
    assert!(waits.run().is_none());
    assert_eq!(wait(&world), json!({"kind": "process", "processId": "q", "sinceMs": START}));
    pass(&world, 3_000);
    assert_eq!(refused(waits.run().unwrap()), "timeout");
    assert!(wait(&world).is_null());
    now(world.succeed("q"));
    let (_, _, last) = handed_over(&world, &second);
    assert_eq!(refused(end_within(&last, "q", 10_000).run().unwrap()), "timeout");
    assert!(end_within(&last, "q", 10_000).run().unwrap().is_ok());
}

#[test]
fn an_end_that_is_there_comes_before_the_limit() {
    let world = tab();
    register(&world, "q", "of no runner");
    let (driver, _, run) = running(&world);
    let mut first = end_within(&run, "q", 10_000);
    assert!(first.run().is_none());
    now(driver.stop());
    now(world.succeed("q"));
    pass(&world, 60_000);
    let (_, _, next) = handed_over(&world, &driver);
    assert!(end_within(&next, "q", 10_000).run().unwrap().is_ok());
    assert!(wait(&world).is_null());
}

#[test]
fn the_record_shows_the_process_that_is_awaited_as_long_as_it_is() {
    let world = tab();
    register(&world, "q", "of no runner");
    let (_, _, run) = running(&world);
    let mut ends = run.awaits("q");
    assert!(ends.run().is_none());
    assert_eq!(wait(&world), json!({"kind": "process", "processId": "q", "sinceMs": START}));
    assert!(log(&world, "p").is_empty());
    now(world.succeed("q"));
    settle(&world);
    assert!(ends.run().is_some());
    assert!(wait(&world).is_null());
    assert!(log(&world, "p").is_empty());
}

#[test]
fn a_process_that_has_ended_costs_one_read_and_no_write() {
    let (world, hold) = held_tab();
    register(&world, "q", "of no runner");
    now(world.succeed("q"));
    let (_, _, run) = running(&world);
    let (reads, writes) = (hold.reads(), hold.writes());
    assert!(run.awaits("q").run().unwrap().is_ok());
    assert_eq!((hold.reads() - reads, hold.writes() - writes), (1, 0));
}

#[test]
fn of_many_processes_one_is_shown_at_a_time_and_each_is_written_when_the_one_before_has_ended() {
    let (world, hold) = held_tab();
    for id in ["q", "r", "s"] {
        register(&world, id, "of no runner");
    }
    let (_, _, run) = running(&world);
    let writes = hold.writes();
    let mut ends = ["q", "r", "s"].map(|id| run.awaits(id));
    assert!(ends.iter_mut().all(|ends| ends.run().is_none()));
    assert_eq!(hold.writes() - writes, 1);
    assert_eq!(wait(&world)["processId"], "q");
    now(world.succeed("s"));
    settle(&world);
    assert!(ends[2].run().is_some());
    assert_eq!(wait(&world)["processId"], "q");
    now(world.succeed("q"));
    settle(&world);
    assert!(ends[0].run().is_some());
    assert_eq!(wait(&world)["processId"], "r");
    now(world.succeed("r"));
    settle(&world);
    assert!(ends[1].run().is_some());
    assert!(wait(&world).is_null());
}

#[test]
fn a_wait_for_a_process_that_is_given_up_or_fails_is_not_shown_any_more() {
    let world = tab();
    register(&world, "q", "of no runner");
    let (_, _, run) = running(&world);
    let mut given_up = run.awaits("q");
    assert!(given_up.run().is_none());
    drop(given_up);
    settle(&world);
    assert!(wait(&world).is_null());
    let mut fails = run.awaits("q");
    assert!(fails.run().is_none());
    now(world.registry.delete(&"q".into(), true)).unwrap();
    settle(&world);
    assert_eq!(refused(fails.run().unwrap()), "unknown_process");
    assert!(wait(&world).is_null());
}

#[test]
fn a_wait_for_a_process_that_goes_on_in_another_run_has_lasted_since_the_first_and_is_hidden_by_that_one() {
    let world = tab();
    register(&world, "q", "of no runner");
    let (driver, _, run) = running(&world);
    let mut first = run.awaits("q");
    assert!(first.run().is_none());
    pass(&world, 5_000);
    let (_, second, next) = handed_over(&world, &driver);
    let mut again = next.awaits("q");
    assert!(again.run().is_none());
    assert_eq!(wait(&world)["sinceMs"], START);
    now(second.stop());
    now(world.succeed("q"));
    let (_, _, last) = handed_over(&world, &second);
    assert!(last.awaits("q").run().unwrap().is_ok());
    assert!(wait(&world).is_null());
}
