//! Waits that race: one comes out at a time, those that are given up took nothing, and every run sees the same winner.

use std::rc::Rc;

use futures::future::{Either, select};
use longwait::{
    model::event::{ProcessEvent, Semantics},
    rules::snapshot::Write,
    store::{Appending, Reads, Rule},
};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{Run, handed_over, held_tab, refused, running, settle, signal, tab},
    support::{World, payloads, tasks},
};

/// Waits for any of these names.
fn any<'a>(run: &Run, names: &'static [&'static str]) -> Hand<'a, longwait::Result<Value>> {
    let context = run.context.clone();
    Hand::new(async move {
        let signal = context.wait_for_signals(names, None, false).await?;
        Ok(json!([signal.event_type.clone(), Value::from(&signal.payload)]))
    })
}

/// Waits for one of two names and gives the other wait up.
fn race<'a>(run: &Run) -> Hand<'a, Value> {
    let context = run.context.clone();
    Hand::new(async move {
        let (a, b) = (Box::pin(context.wait_for_signal("a")), Box::pin(context.wait_for_signal("b")));
        match select(a, b).await {
            Either::Left((signal, _)) | Either::Right((signal, _)) => Value::from(&signal.unwrap().payload),
        }
    })
}

/// A wait with a limit.
fn within<'a>(run: &Run, name: &'static str, limit: u64) -> Hand<'a, longwait::Result<Value>> {
    let context = run.context.clone();
    Hand::new(async move {
        let signal = context.wait_for_signals(&[name], Some(limit), false).await?;
        Ok(Value::from(&signal.payload))
    })
}

fn resumed(world: &World) -> Vec<Value> {
    let log = now(world.log("p"));
    payloads(&log.into_iter().filter(|event| event.event_type == "process.resumed").collect::<Vec<_>>())
}

#[test]
fn of_two_waits_whose_signals_are_there_one_comes_out_and_the_other_once_that_was_given() {
    let world = tab();
    let (_, _, run) = running(&world);
    signal(&world, "p", "a", "a1");
    signal(&world, "p", "b", "b1");
    let (mut a, mut b) = (run.waits("a"), run.waits("b"));
    assert_eq!(a.run().unwrap().unwrap(), "a1");
    assert_eq!(b.run().unwrap().unwrap(), "b1");
}

#[test]
fn the_loser_of_a_race_took_nothing_though_its_signal_was_there() {
    let world = tab();
    let (driver, _, run) = running(&world);
    for number in 1..=3 {
        signal(&world, "p", "a", format!("a{number}"));
        signal(&world, "p", "b", format!("b{number}"));
    }
    let won: Vec<_> = (0..3).map(|_| race(&run).run().unwrap()).collect();
    assert_eq!(won, ["a1", "a2", "a3"]);
    // With a hand-over half-way, too.
    let (_, _, next) = handed_over(&world, &driver);
    let won: Vec<_> = (0..6).map(|_| race(&next).run().unwrap()).collect();
    assert_eq!(won, ["a1", "a2", "a3", "b1", "b2", "b3"]);
}

#[test]
fn any_of_several_signals_come_in_the_order_of_the_log_in_every_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    for (name, payload) in [("b", 1), ("a", 2), ("c", 3), ("b", 4)] {
        signal(&world, "p", name, payload);
    }
    let expected = [json!(["signal.b", 1]), json!(["signal.a", 2]), json!(["signal.b", 4])];
    let got: Vec<_> = (0..3).map(|_| any(&run, &["a", "b"]).run().unwrap().unwrap()).collect();
    assert_eq!(got, expected);
    let (other, next_driver, next) = handed_over(&world, &driver);
    let got: Vec<_> = (0..3).map(|_| any(&next, &["b", "a"]).run().unwrap().unwrap()).collect();
    assert_eq!(got, expected, "the order of the names is of no account");
    let mut waits = any(&next, &["a", "b"]);
    assert!(waits.run().is_none());
    signal(&other, "p", "a", 5);
    assert_eq!(waits.run().unwrap().unwrap(), json!(["signal.a", 5]));
    now(next_driver.stop());
}

#[test]
fn a_signal_goes_to_the_wait_that_was_issued_first_of_those_that_would_take_it() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (mut one, mut either, mut two) = (run.waits("a"), any(&run, &["a", "b"]), run.waits("b"));
    assert!(one.run().is_none() && either.run().is_none() && two.run().is_none());
    signal(&world, "p", "b", 1);
    assert!(two.run().is_none() && one.run().is_none());
    assert_eq!(either.run().unwrap().unwrap(), json!(["signal.b", 1]));
    signal(&world, "p", "b", 2);
    assert_eq!(two.run().unwrap().unwrap(), 2);
    // What an earlier wait lets go of is for the next.
    let mut later = any(&run, &["a", "b"]);
    assert!(later.run().is_none());
    signal(&world, "p", "a", 3);
    assert!(later.run().is_none());
    drop(one);
    settle(&world);
    assert_eq!(later.run().unwrap().unwrap(), json!(["signal.a", 3]));
}

#[test]
fn a_wait_that_lost_in_an_earlier_run_waits_until_the_winner_is_there_again() {
    let world = tab();
    let (driver, _, run) = running(&world);
    // `stop` is waited for all along, and `next` won twice. Then the tab dies.
    let mut stop = run.waits("stop");
    assert!(stop.run().is_none());
    for number in 1..=2 {
        signal(&world, "p", "next", number);
        assert_eq!(run.waits("next").run().unwrap().unwrap(), number);
    }
    assert_eq!(resumed(&world)[0], json!({"name": "next", "ordinal": 1, "sequence": 2, "before": ["stop:1"]}));
    now(driver.stop());
    signal(&world, "p", "stop", "now");
    let (_, _, next) = handed_over(&world, &driver);
    let mut stop = next.waits("stop");
    assert!(stop.run().is_none(), "it came out before what it lost to");
    assert_eq!(next.waits("next").run().unwrap().unwrap(), 1);
    assert!(stop.run().is_none());
    assert_eq!(next.waits("next").run().unwrap().unwrap(), 2);
    assert_eq!(stop.run().unwrap().unwrap(), "now");
}

#[test]
fn waits_that_came_out_in_an_earlier_run_come_out_in_that_order_however_they_are_issued() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let (mut a, mut b) = (run.waits("a"), run.waits("b"));
    assert!(a.run().is_none() && b.run().is_none());
    signal(&world, "p", "b", 1);
    assert!(b.run().is_some());
    signal(&world, "p", "a", 2);
    assert!(a.run().is_some());
    let (_, _, next) = handed_over(&world, &driver);
    let (mut a, mut b) = (next.waits("a"), next.waits("b"));
    assert!(a.poll().is_none());
    assert!(b.poll().is_none());
    assert!(a.run().is_none(), "the second came out first");
    assert!(b.run().is_some());
    assert!(a.run().is_some());
}

#[test]
fn a_wait_that_is_given_up_in_one_run_takes_nothing_in_the_next() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut given_up = run.waits("a");
    assert!(given_up.run().is_none());
    drop(given_up);
    run.step("went on", 1).unwrap();
    signal(&world, "p", "a", 1);
    let (_, _, next) = handed_over(&world, &driver);
    let mut again = next.waits("a");
    assert!(again.run().is_none(), "another way than the run before");
    drop(again);
    next.step("went on", 1).unwrap();
    assert_eq!(next.waits("a").run().unwrap().unwrap(), 1);
}

#[test]
fn a_wait_that_is_given_up_while_its_signal_is_recorded_took_nothing_in_any_run() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    signal(&world, "p", "a", 1);
    hold.hold_writes();
    let mut given_up = run.waits("a");
    assert!(given_up.run().is_none());
    drop(given_up);
    hold.let_go();
    settle(&world);
    assert_eq!(resumed(&world)[1], json!({"name": "a", "ordinal": 1, "givenUp": true}));
    run.step("went on", 1).unwrap();
    let (_, _, next) = handed_over(&world, &driver);
    let mut again = next.waits("a");
    assert!(again.run().is_none());
    drop(again);
    next.step("went on", 1).unwrap();
    assert_eq!(next.waits("a").run().unwrap().unwrap(), 1);
}

#[test]
fn a_wait_that_is_given_up_while_its_record_is_on_its_way_took_nothing_though_the_store_writes_that_late() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    signal(&world, "p", "a", 1);
    hold.delay_write();
    let mut given_up = run.waits("a");
    assert!(given_up.run().is_none());
    drop(given_up);
    settle(&world);
    hold.let_go();
    settle(&world);
    let given_up = resumed(&world).pop().unwrap();
    assert_eq!(given_up, json!({"name": "a", "ordinal": 1, "givenUp": true}));
    assert_eq!(run.waits("a").run().unwrap().unwrap(), 1);
}

#[test]
fn what_a_run_writes_is_written_behind_the_waits_that_it_gave_up_or_not_at_all() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    let mut given_up = run.waits("a");
    assert!(given_up.run().is_none());
    hold.fill_up(true);
    drop(given_up);
    settle(&world);
    assert_eq!(refused(run.step("one", 1)), "quota_exceeded");
    hold.fill_up(false);
    run.step("one", 1).unwrap();
    assert_eq!(crate::runners::log(&world, "p"), ["process.waiting", "process.resumed", "process.step"]);
}

#[test]
fn a_wait_that_timed_out_does_so_in_every_later_run_and_its_signal_goes_to_the_next() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut late = within(&run, "a", 30);
    assert!(late.run().is_none());
    world.clock.advance(30);
    assert_eq!(refused(late.run().unwrap()), "timeout");
    assert_eq!(resumed(&world), [json!({"name": "a", "ordinal": 1, "timedOut": true})]);
    signal(&world, "p", "a", 1);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(refused(within(&next, "a", 30).run().unwrap()), "timeout");
    assert_eq!(within(&next, "a", 30).run().unwrap().unwrap(), 1);
}

#[test]
fn a_signal_that_is_there_is_taken_whatever_the_limit_and_one_whose_hint_was_lost_by_the_last_look() {
    let world = tab();
    let (_, _, run) = running(&world);
    signal(&world, "p", "a", 1);
    assert_eq!(within(&run, "a", 0).run().unwrap().unwrap(), 1);
    assert_eq!(refused(within(&run, "a", 0).run().unwrap()), "timeout");
    let other = crate::runners::another(&world);
    let mut waits = within(&run, "a", 10);
    assert!(waits.run().is_none());
    now(other.registry.signal(&"p".into(), "a", json!(2).into(), None)).unwrap();
    world.clock.advance(10);
    assert_eq!(waits.run().unwrap().unwrap(), 2);
}

#[test]
fn a_recorded_step_is_given_behind_the_wait_that_came_out_before_it() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut waits = run.waits("a");
    assert!(waits.run().is_none());
    signal(&world, "p", "a", 1);
    assert!(waits.run().is_some());
    run.step("work", 2).unwrap();
    let (_, _, next) = handed_over(&world, &driver);
    let (mut step, mut waits) =
        (Hand::new(next.context.step("work", async || panic!("is done again"))), next.waits("a"));
    // Both are under way before either is given.
    assert!(step.poll().is_none());
    assert!(waits.poll().is_none());
    assert!(step.run().is_none(), "the step came first, and in the run before the wait did");
    assert!(waits.run().is_some());
    assert!(step.run().is_some());
}

#[test]
fn a_process_that_ended_and_a_signal_race_alike_in_every_run() {
    let world = tab();
    crate::runners::register(&world, "q", "nobody's");
    let (driver, _, run) = running(&world);
    let (mut end, mut signalled) = (run.awaits("q"), run.waits("a"));
    assert!(end.run().is_none() && signalled.run().is_none());
    signal(&world, "p", "a", 1);
    assert!(signalled.run().is_some());
    now(driver.stop());
    now(world.succeed("q"));
    // The end is there before the signal is waited for again. It lost, and loses again.
    let (_, next_driver, next) = handed_over(&world, &driver);
    let (mut end, mut signalled) = (next.awaits("q"), next.waits("a"));
    assert!(end.poll().is_none());
    assert!(end.run().is_none());
    assert!(signalled.run().is_some());
    assert!(end.run().is_some());
    // And the other way round.
    let (mut end, mut signalled) = (next.awaits("q"), next.waits("b"));
    assert!(signalled.run().is_none());
    assert!(end.run().is_some());
    assert_eq!(resumed(&world).last().unwrap(), &json!({"processId": "q", "ordinal": 2, "before": ["b:1"]}));
    now(next_driver.stop());
    signal(&world, "p", "b", 2);
    let (_, _, last) = handed_over(&world, &next_driver);
    let (mut first_end, mut first) = (last.awaits("q"), last.waits("a"));
    assert!(first.run().is_some());
    assert!(first_end.run().is_some());
    let mut signalled = last.waits("b");
    assert!(signalled.run().is_none(), "the signal came out before the end that it lost to");
    assert!(last.awaits("q").run().is_some());
    assert!(signalled.run().is_some());
}

#[test]
fn ends_of_processes_cost_no_write_where_no_signal_is_waited_for() {
    let (world, hold) = held_tab();
    for id in ["q", "r"] {
        crate::runners::register(&world, id, "nobody's");
        now(world.succeed(id));
    }
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    assert!(run.awaits("q").run().unwrap().is_ok());
    assert!(run.awaits("r").run().unwrap().is_ok());
}

#[test]
fn the_log_of_a_run_of_version_0_1_0_is_gone_through_by_the_count_of_its_signals() {
    let world = tab();
    let (driver, _, _run) = running(&world);
    // It said of a wait that it was over, and not how; and nothing of one whose signal was there.
    signal(&world, "p", "go", 1);
    recorded_by_0_1_0(&world, "process.waiting", 2);
    signal(&world, "p", "go", 2);
    recorded_by_0_1_0(&world, "process.resumed", 2);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(next.waits("go").run().unwrap().unwrap(), 1);
    assert_eq!(next.waits("go").run().unwrap().unwrap(), 2);
    assert!(next.waits("go").run().is_none());
}

/// Writes an event as version 0.1.0 did, past the rules of this one.
fn recorded_by_0_1_0(world: &World, event_type: &'static str, ordinal: u64) {
    let reads = Reads::Process("p".into(), Appending::default());
    let rule: Rule = Rc::new(move |seen| {
        let mut record = seen.rows.process(&"p".into()).unwrap().clone();
        record.log.last_sequence += 1;
        let event = ProcessEvent {
            process_id: "p".into(),
            sequence: record.log.last_sequence,
            event_type: event_type.into(),
            payload: json!({"name": "go", "ordinal": ordinal}).into(),
            replay_key: Some(format!("{event_type}:go:{ordinal}")),
            semantics: Semantics::default(),
            occurred_at_ms: seen.now,
        };
        Ok(vec![Write::Event { event: Rc::new(event), ordinal: 1 }, Write::Process(Rc::new(record))])
    });
    now(world.store.transact(reads, rule)).unwrap();
}

#[test]
fn a_wait_whose_record_cannot_be_read_for_a_while_is_not_overtaken_by_a_new_one() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    let mut first = run.waits("a");
    assert!(first.run().is_none());
    signal(&world, "p", "a", "a1");
    assert_eq!(first.run().unwrap().unwrap(), "a1");
    signal(&world, "p", "b", "b1");
    let (_, _, next) = handed_over(&world, &driver);
    hold.break_down(true);
    let (mut first, mut new) = (next.waits("a"), any(&next, &["a", "b"]));
    assert!(first.run().is_none() && new.run().is_none());
    hold.break_down(false);
    // The new one tries again first.
    assert!(new.run().is_none());
    world.clock.advance(25);
    tasks().run();
    assert!(new.run().is_none(), "it takes what comes after the record");
    assert_eq!(first.run().unwrap().unwrap(), "a1");
    tasks().run();
    assert_eq!(new.run().unwrap().unwrap(), json!(["signal.b", "b1"]));
}
