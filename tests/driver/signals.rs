//! Waits for signals: the nth wait for a name gets the nth signal of that name.

use serde_json::{Value, json};

use crate::{
    hand::now,
    runners::{handed_over, held_tab, log, record, refused, register, running, seconds, settle, signal, tab},
    support::{START, World, payloads, tasks},
};

fn wait(world: &World) -> Value {
    record(world, "p")["wait"].clone()
}

#[test]
fn a_signal_that_came_before_the_wait_is_given_at_once_and_is_recorded_as_taken() {
    let world = tab();
    let (_, _, run) = running(&world);
    signal(&world, "p", "go", 1);
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(1));
    assert_eq!(log(&world, "p"), ["signal.go", "process.resumed"]);
    assert_eq!(payloads(&now(world.log("p")))[1], json!({"name": "go", "ordinal": 1, "sequence": 1}));
}

#[test]
fn two_signals_that_come_during_one_wait_are_for_two_waits() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut first = run.waits("go");
    assert!(first.run().is_none());
    signal(&world, "p", "go", 1);
    signal(&world, "p", "go", 2);
    assert_eq!(first.run().unwrap().unwrap(), json!(1));
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(2));
    assert!(run.waits("go").run().is_none());
}

#[test]
fn the_record_says_what_is_waited_for_and_the_log_tells_it_once() {
    let world = tab();
    let (_, _, run) = running(&world);
    signal(&world, "p", "go", 1);
    run.waits("go").run().unwrap().unwrap();
    world.clock.advance(5);
    let mut second = run.waits("go");
    assert!(second.run().is_none());
    let (name, event_type, key) = ("go", "signal.go", "go:2");
    assert_eq!(
        wait(&world),
        json!({
            "kind": "signal", "name": name, "eventType": event_type, "key": key, "ordinal": 2, "sinceMs": START + 5
        })
    );
    signal(&world, "p", "go", 2);
    second.run().unwrap().unwrap();
    assert!(wait(&world).is_null());
    let types = ["signal.go", "process.resumed", "process.waiting", "signal.go", "process.resumed"];
    assert_eq!(log(&world, "p"), types);
    let said = payloads(&now(world.log("p")));
    assert_eq!(said[2], json!({"name": "go", "ordinal": 2}));
    assert_eq!(said[4], json!({"name": "go", "ordinal": 2, "sequence": 4}));
}

#[test]
fn of_two_waits_at_once_the_record_shows_the_later_one_and_then_the_one_that_is_left_since_it_began() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (mut one, mut two) = (run.waits("one"), run.waits("two"));
    assert!(one.run().is_none());
    world.clock.advance(5);
    assert!(two.run().is_none());
    assert_eq!(wait(&world)["name"], "two");
    world.clock.advance(5);
    signal(&world, "p", "two", 2);
    assert_eq!(two.run().unwrap().unwrap(), json!(2));
    assert_eq!((&wait(&world)["name"], &wait(&world)["sinceMs"]), (&json!("one"), &json!(START)));
    signal(&world, "p", "one", 1);
    assert_eq!(one.run().unwrap().unwrap(), json!(1));
    assert!(wait(&world).is_null());
}

#[test]
fn the_record_goes_on_showing_the_later_of_two_waits_when_the_earlier_ends() {
    let world = tab();
    let (_, _, run) = running(&world);
    let (mut one, mut two) = (run.waits("one"), run.waits("two"));
    assert!(one.run().is_none());
    assert!(two.run().is_none());
    signal(&world, "p", "one", 1);
    assert!(one.run().is_some());
    assert_eq!(wait(&world)["name"], "two");
}

#[test]
fn waits_for_one_name_at_once_take_turns_in_the_order_of_asking() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut waits = [run.waits("go"), run.waits("go"), run.waits("go")];
    assert!(waits.iter_mut().all(|wait| wait.run().is_none()));
    assert_eq!(wait(&world)["ordinal"], 3, "of several, the latest is shown");
    for number in 1..=3 {
        signal(&world, "p", "go", number);
        let got: Vec<_> = waits.iter_mut().map(|wait| if wait.is_woken() { wait.run() } else { None }).collect();
        let got: Vec<_> = got.into_iter().flatten().map(Result::unwrap).collect();
        assert_eq!(got, [json!(number)], "signal {number}");
        settle(&world);
    }
    assert!(wait(&world).is_null());
}

#[test]
fn a_wait_that_is_given_up_takes_no_signal_and_is_not_shown_any_more() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut given_up = run.waits("go");
    assert!(given_up.run().is_none());
    drop(given_up);
    settle(&world);
    assert!(wait(&world).is_null());
    signal(&world, "p", "go", 1);
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(1));
    assert_eq!(log(&world, "p"), ["process.waiting", "process.resumed", "signal.go", "process.resumed"]);
    assert_eq!(payloads(&now(world.log("p")))[1], json!({"name": "go", "ordinal": 1, "givenUp": true}));
}

#[test]
fn a_wait_that_is_given_up_with_its_signal_in_hand_leaves_it_to_the_next() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    let mut given_up = run.waits("go");
    assert!(given_up.run().is_none());
    hold.hold_writes();
    let id = "p".into();
    let mut sent = crate::hand::Hand::new(world.registry.signal(&id, "go", json!(1).into(), None));
    assert!(sent.run().is_none());
    hold.let_last_go();
    assert!(sent.run().is_some());
    // It has the signal, and is about to say that it does not wait any more.
    assert!(given_up.run().is_none());
    drop(given_up);
    hold.let_go();
    settle(&world);
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(1));
    assert!(wait(&world).is_null());
}

#[test]
fn a_wait_that_is_given_up_and_begun_anew_at_once_is_shown() {
    let world = tab();
    let (_, _, run) = running(&world);
    for ordinal in [1, 2, 3] {
        let mut wait_of_this_round = run.waits("go");
        assert!(wait_of_this_round.run().is_none());
        assert_eq!(wait(&world)["ordinal"], ordinal);
    }
    // Whichever comes first: the end of the old wait, or the beginning of the new one.
    let (mut old, mut new) = (run.waits("go"), run.waits("go"));
    assert!(old.run().is_none());
    assert!(new.run().is_none());
    drop(old);
    assert!(new.run().is_none());
    settle(&world);
    assert_eq!(wait(&world)["ordinal"], 5, "the new wait is not shown");
    signal(&world, "p", "go", 1);
    assert_eq!(new.run().unwrap().unwrap(), json!(1));
    settle(&world);
    assert!(wait(&world).is_null());
}

#[test]
fn a_wait_that_goes_on_in_another_run_has_lasted_since_the_first() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let mut first = run.waits("go");
    assert!(first.run().is_none());
    let before = wait(&world);
    world.clock.advance(5_000);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(wait(&world), before, "nobody runs it, and it is still not doing anything else");
    let mut second = next.waits("go");
    assert!(second.run().is_none());
    assert_eq!(wait(&world), before);
    assert_eq!(refused(first.run().unwrap()), "lease_lost");
    settle(&world);
    assert_eq!(wait(&world), before, "the end of the old run is not the end of the wait");
    signal(&world, "p", "go", 1);
    assert_eq!(second.run().unwrap().unwrap(), json!(1));
    assert_eq!(log(&world, "p"), ["process.waiting", "signal.go", "process.resumed"]);
}

#[test]
fn a_signal_that_comes_while_nobody_runs_the_process_is_given_to_the_next_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    signal(&world, "p", "go", 1);
    run.waits("go").run().unwrap().unwrap();
    let mut second = run.waits("go");
    assert!(second.run().is_none());
    now(driver.stop());
    signal(&world, "p", "go", 2);
    let (_, _, next) = handed_over(&world, &driver);
    // It begins anew, and counts anew.
    assert_eq!(next.waits("go").run().unwrap().unwrap(), json!(1));
    assert_eq!(next.waits("go").run().unwrap().unwrap(), json!(2));
}

#[test]
fn a_wait_whose_signal_came_while_nobody_ran_the_process_is_over_for_the_next_run() {
    let world = tab();
    let (driver, _, run) = running(&world);
    assert!(run.waits("go").run().is_none());
    now(driver.stop());
    signal(&world, "p", "go", 1);
    let (_, _, next) = handed_over(&world, &driver);
    assert_eq!(next.waits("go").run().unwrap().unwrap(), json!(1));
    assert!(wait(&world).is_null(), "it goes on, and is shown as waiting");
    assert_eq!(log(&world, "p"), ["process.waiting", "signal.go", "process.resumed"]);
}

#[test]
fn a_signal_whose_hint_is_lost_is_found_by_the_sweep() {
    let world = tab();
    let other = crate::runners::another(&world);
    let (_, _, run) = running(&world);
    let mut waits = run.waits("go");
    assert!(waits.run().is_none());
    now(other.registry.signal(&"p".into(), "go", json!(1).into(), None)).unwrap();
    assert!(waits.run().is_none());
    seconds(&world, 2);
    assert_eq!(waits.run().unwrap().unwrap(), json!(1));
}

#[test]
fn a_name_that_is_none_is_refused_and_nothing_is_said_of_a_wait() {
    let world = tab();
    let (_, _, run) = running(&world);
    for name in ["", "a b", "a.b", "\u{e9}"] {
        assert_eq!(refused(run.waits(name).run().unwrap()), "invalid_argument");
    }
    assert!(log(&world, "p").is_empty());
}

#[test]
fn a_wait_that_cannot_be_written_is_refused_and_the_next_one_gets_the_signal() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    assert_eq!(refused(run.waits("go").run().unwrap()), "quota_exceeded");
    tasks().run();
    hold.fill_up(false);
    signal(&world, "p", "go", 1);
    assert_eq!(run.waits("go").run().unwrap().unwrap(), json!(1));
    assert_eq!(log(&world, "p"), ["signal.go", "process.resumed"]);
    let said = payloads(&now(world.log("p")));
    assert_eq!(
        said[1]["ordinal"], 1,
        "a wait that failed is counted, and another run would not find this one's outcome"
    );
}

#[test]
fn a_process_that_ends_while_it_waits_waits_no_more() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut waits = run.waits("go");
    assert!(waits.run().is_none());
    // Its runner returns, and leaves the wait behind.
    let context = run.context.clone();
    run.returns(crate::runners::done(1));
    settle(&world);
    assert!(wait(&world).is_null());
    assert_eq!(refused(waits.run().unwrap()), "lease_lost");
    assert_eq!(
        refused(now(context.append(longwait::model::event::AppendRequest::new("signal.x", json!(1).into())))),
        "lease_lost"
    );
    register(&world, "q", "job");
    assert_eq!(log(&world, "p"), ["process.waiting", "process.completed"]);
}
