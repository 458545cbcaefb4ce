//! Histories of processes that were driven in real browsers, held to what must be true of any.
//!
//! `LONGWAIT_HISTORY=history.json cargo test --test history` checks that file. Without it, a small sample is.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod driven;
mod read;

use serde_json::{Value, json};

fn sample() -> Value {
    serde_json::from_str(include_str!("sample.json")).unwrap()
}

#[test]
fn a_history_keeps_the_promises_of_the_driver() {
    let (name, history) = match std::env::var("LONGWAIT_HISTORY") {
        Ok(file) => {
            let text = std::fs::read_to_string(&file).unwrap_or_else(|fault| panic!("{file} cannot be read: {fault}"));
            let history = serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{file} is no JSON: {fault}"));
            (file, history)
        }
        Err(_) => ("the sample".to_owned(), sample()),
    };
    match read::check(&history) {
        Ok(count) => println!("{name}: {count} processes"),
        Err(faults) => panic!("{name} breaks a promise of the driver:\n{faults}"),
    }
}

/// What the checker says of the sample once it was changed so.
#[track_caller]
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut history = sample();
    change(&mut history["processes"][0]);
    assert_ne!(history, sample(), "nothing was changed");
    read::check(&history).expect_err("is not refused")
}

fn events(process: &mut Value) -> &mut Vec<Value> {
    process["events"].as_array_mut().unwrap()
}

/// Puts an event at a place of the log, and numbers the log anew.
fn insert(process: &mut Value, place: usize, event: Value) {
    events(process).insert(place, event);
    number(process);
}

fn number(process: &mut Value) {
    for (event, sequence) in events(process).iter_mut().zip(1..) {
        event["sequence"] = json!(sequence);
    }
}

#[track_caller]
fn says(fault: &str, what: &str) {
    assert!(fault.contains(what), "{fault}");
}

// The log of the sample: begun 1, a, b, waiting, begun 2, the signal, resumed, c, begun 4, d, e, note, end.

#[test]
fn a_log_with_a_gap_is_refused() {
    says(&refused(|process| drop(events(process).remove(3))), "the log has a gap");
    says(&refused(|process| events(process).swap(1, 2)), "the log has a gap");
}

#[test]
fn fences_that_write_in_turns_are_refused() {
    let late = refused(|process| events(process)[7]["payload"]["value"]["fence"] = json!(1));
    says(&late, "fence 1 wrote after fence 2 had begun");
    let note = refused(|process| events(process)[11]["payload"]["fence"] = json!(2));
    says(&note, "fence 2 wrote after fence 4 had begun");
    let again = refused(|process| insert(process, 8, sample()["processes"][0]["events"][0].clone()));
    says(&again, "a run of fence 1 began after one of fence 2");
    let ends =
        refused(|process| events(process)[12]["semantics"]["terminal"]["awaitOutput"]["value"]["fence"] = json!(2));
    says(&ends, "fence 2 wrote after fence 4 had begun");
}

#[test]
fn a_fence_that_never_began_is_refused() {
    let unheard = refused(|process| {
        events(process).remove(8);
        number(process);
    });
    says(&unheard, "fence 4 wrote without having said that it began");
}

#[test]
fn a_fence_that_two_attempts_or_two_runs_share_is_refused() {
    says(&refused(|process| events(process)[8]["payload"]["attempt"] = json!(2)), "attempt 2 began after attempt 2");
    says(&refused(|process| events(process)[4]["payload"]["attempt"] = json!(3)), "a fence of its own");
    says(&refused(|process| events(process)[10]["payload"]["value"]["run"] = json!("z")), "of run `r4` and of run `z`");
}

#[test]
fn a_step_that_was_recorded_twice_is_refused() {
    let twice = refused(|process| {
        let mut step = sample()["processes"][0]["events"][1].clone();
        step["payload"]["value"]["fence"] = json!(4);
        insert(process, 9, step);
    });
    says(&twice, "step `a` was recorded twice");
}

#[test]
fn a_run_that_was_given_something_else_than_what_is_recorded_is_refused() {
    let value = "/events/12/semantics/terminal/awaitOutput/value";
    let other = refused(|process| process.pointer_mut(value).unwrap()["seen"][0]["fence"] = json!(2));
    says(&other, "was given");
    let fewer = refused(|process| drop(process.pointer_mut(value).unwrap()["seen"].as_array_mut().unwrap().pop()));
    says(&fewer, "was given");
}

#[test]
fn two_ends_are_refused_and_so_is_whatever_a_run_writes_after_one() {
    let end = |process: &mut Value| events(process)[12].clone();
    let twice = refused(|process| {
        let end = end(process);
        insert(process, 13, end);
    });
    says(&twice, "it ended twice");
    let late = refused(|process| {
        let end = end(process);
        insert(process, 10, end);
    });
    says(&late, "was given");
    let after = refused(|process| {
        let end = events(process).pop().unwrap();
        insert(process, 11, end);
    });
    says(&after, "wrote after the end");
    let begins = refused(|process| {
        let mut begun = events(process)[8].clone();
        begun["payload"] = json!({"attempt": 4, "fence": 5, "tab": "two"});
        insert(process, 13, begun);
    });
    says(&begins, "a run began after the end");
}

#[test]
fn an_end_with_trouble_of_the_driver_is_refused_and_a_failure_of_its_own_is_not() {
    let fails = |code: &str| {
        let mut history = sample();
        let end = &mut events(&mut history["processes"][0])[12];
        end["eventType"] = json!("process.failed");
        let output = json!({"type": "failure", "class": "execution", "code": code, "message": "no"});
        end["semantics"] = json!({"terminal": {"state": "failed", "awaitOutput": output}});
        read::check(&history)
    };
    for code in ["quota_exceeded", "storage_failed", "lease_lost", "closed", "internal", "disconnected"] {
        says(&fails(code).expect_err("is not refused"), "trouble of the driver");
    }
    assert_eq!(fails("process_failed"), fails("timeout"));
    fails("process_failed").unwrap();
}

#[test]
fn a_process_that_did_not_end_is_refused() {
    says(&refused(|process| process["ended"] = json!(false)), "has not ended");
    says(&refused(|process| drop(events(process).pop())), "does not say how");
}

/// Puts another word of the wait that came out at the sixth place behind it, or before.
fn resumed(process: &mut Value, place: usize, payload: Value) {
    let mut event = sample()["processes"][0]["events"][6].clone();
    event["payload"] = payload;
    insert(process, place, event);
}

/// Puts another signal `go` at a place of the log.
fn signalled(process: &mut Value, place: usize) {
    insert(process, place, sample()["processes"][0]["events"][5].clone());
}

#[test]
fn a_wait_that_was_aborted_and_took_a_signal_all_the_same_is_refused() {
    let given_up = json!({"name": "go", "ordinal": 1, "givenUp": true});
    says(
        &refused(|process| resumed(process, 6, given_up.clone())),
        "`go:1` was aborted, and took a signal all the same",
    );
    // Aborted while its signal was being recorded, it has taken nothing, and the signal is another one's.
    let mut history = sample();
    resumed(&mut history["processes"][0], 7, given_up);
    resumed(&mut history["processes"][0], 8, json!({"name": "go", "ordinal": 2, "sequence": 6}));
    assert_eq!(read::check(&history), Ok(1));
}

#[test]
fn a_wait_that_came_to_something_else_in_another_run_is_refused() {
    let again = refused(|process| {
        signalled(process, 7);
        resumed(process, 8, json!({"name": "go", "ordinal": 1, "sequence": 8}));
    });
    says(&again, "`go:1` came out twice");
    let late = refused(|process| resumed(process, 7, json!({"name": "go", "ordinal": 1, "timedOut": true})));
    says(&late, "`go:1` came out twice");
}

#[test]
fn a_race_whose_loser_had_come_out_before_is_refused() {
    let lost = refused(|process| {
        resumed(process, 6, json!({"names": ["go", "stop"], "ordinal": 1, "timedOut": true}));
    });
    says(&lost, "`go:1` is said to come before `go,stop:1`, which had come out");
}

#[test]
fn a_signal_that_two_waits_took_or_that_was_not_the_first_or_is_none_is_refused() {
    let twice = refused(|process| resumed(process, 7, json!({"name": "go", "ordinal": 2, "sequence": 6})));
    says(&twice, "`go:2` took 6, which `go:1` had taken");
    let later = refused(|process| {
        signalled(process, 5);
        events(process)[7]["payload"]["sequence"] = json!(7);
    });
    says(&later, "`go:1` took 7 before 6");
    says(&refused(|process| events(process)[6]["payload"]["sequence"] = json!(2)), "which is no signal");
    says(&refused(|process| events(process)[6]["payload"]["name"] = json!("stop")), "which is a `go`");
}

#[test]
fn a_wait_that_began_twice_or_does_not_say_how_it_came_out_is_refused() {
    let again = refused(|process| {
        let said = events(process)[3].clone();
        insert(process, 8, said);
    });
    says(&again, "`go:1` is said to wait twice");
    let silent = refused(|process| drop(events(process)[6]["payload"].as_object_mut().unwrap().remove("sequence")));
    says(&silent, "does not say how it came out");
}

#[test]
fn more_attempts_in_the_log_than_were_counted_are_refused() {
    says(&refused(|process| process["attempts"] = json!(2)), "was begun 2 times, and its log tells of attempt 3");
}

#[test]
fn a_history_of_another_shape_is_refused() {
    assert!(read::check(&json!({})).is_err());
    assert!(read::check(&json!({"processes": []})).is_err());
    says(&refused(|process| drop(process.as_object_mut().unwrap().remove("events"))), "`events` is missing");
    says(
        &refused(|process| drop(events(process)[3].as_object_mut().unwrap().remove("semantics"))),
        "missing field `semantics`",
    );
    says(&refused(|process| events(process)[3]["processId"] = json!("q")), "belongs to process `q`");
}

/// Puts events behind `d`, of the run of fence 4.
fn and_then(process: &mut Value, more: &[(&str, Value)]) {
    for (event_type, payload) in more.iter().rev() {
        let event = json!({
            "processId": "p", "sequence": 0, "eventType": event_type, "payload": payload, "semantics": {},
            "occurredAtMs": 1_700_000_000_095_u64
        });
        insert(process, 10, event);
    }
}

#[test]
fn a_timer_that_is_set_twice_or_over_too_early_or_at_another_time_is_refused() {
    let set = |due: u64| ("process.timer", json!({"key": "t", "dueAtMs": due}));
    let over = |due: u64| ("process.resumed", json!({"timer": "t", "ordinal": 1, "dueAtMs": due}));
    let (due, later) = (1_700_000_000_090, 1_700_000_000_099);
    let mut honest = sample();
    and_then(&mut honest["processes"][0], &[set(due), over(due)]);
    read::check(&honest).unwrap();
    says(&refused(|process| and_then(process, &[set(due), set(later)])), "timer `t` was set twice");
    says(&refused(|process| and_then(process, &[over(due)])), "timer `t` was never set");
    says(
        &refused(|process| and_then(process, &[set(later), over(later)])),
        "timer `t` was over at 1700000000095, before",
    );
    says(&refused(|process| and_then(process, &[set(due), over(due - 1)])), "was over at another time");
    says(&refused(|process| and_then(process, &[set(due), over(due), over(due)])), "`timer/t:1` came out twice");
}

#[test]
fn a_step_that_is_tried_out_of_turn_or_too_often_or_after_its_end_is_refused() {
    let fails = |key: &str, attempt: u64, most: u64, retried: bool| {
        let raw = json!({"key": key, "fence": 4, "run": "r4", "most": most});
        let error = json!({"class": "unavailable", "code": "no_luck", "message": "no luck", "raw": raw});
        let again = json!({"key": key, "attempt": attempt, "error": error, "retryAtMs": 1_700_000_000_095_u64});
        let last = json!({"key": key, "attempt": attempt, "error": error});
        ("process.step_failed", if retried { again } else { last })
    };
    let mut honest = sample();
    and_then(&mut honest["processes"][0], &[fails("e", 1, 3, true), fails("e", 2, 3, true)]);
    read::check(&honest).unwrap();
    let refused = |more: &[_], what| says(&self::refused(|process| and_then(process, more)), what);
    refused(&[fails("e", 2, 3, true)], "attempt 2 of step `e` followed attempt 0");
    refused(&[fails("e", 1, 1, true)], "was followed by none or by another");
    refused(
        &[fails("e", 1, 2, true), fails("e", 2, 2, false), fails("e", 3, 2, false)],
        "was tried again after it had failed",
    );
    refused(&[fails("d", 1, 3, true)], "step `d` failed after it had given a value");
    refused(&[fails("x", 1, 1, false)], "and recorded is");
}

/// A process of a key with one run, from and to these times.
fn keyed(id: &str, created: u64, begun: u64, over: u64) -> Value {
    let event = |sequence: u64, at: u64, event_type: &str, payload: Value| json!({"processId": id, "sequence": sequence, "eventType": event_type, "payload": payload, "occurredAtMs": at, "semantics": {}});
    let mut end = event(2, over, "process.failed", json!({}));
    let output = json!({"type": "failure", "class": "execution", "code": "no", "message": "no"});
    end["semantics"] = json!({"terminal": {"state": "failed", "awaitOutput": output}});
    let begins = event(1, begun, "signal.begun", json!({"attempt": 1, "fence": 1, "tab": "one"}));
    json!({"id": id, "ended": true, "createdAtMs": created, "policy": {"concurrencyKey": "k"}, "events": [begins, end]})
}

/// Puts events of these types and payloads in the middle of a process of a key, all at one time, and answers what the checker says.
fn retried(most: u64, at: u64, events: &[(&str, Value)]) -> Result<usize, String> {
    let mut process = keyed("p", 1, 1, 9);
    let [begins, end] = [0, 1].map(|place| process["events"][place].clone());
    let middle = events.iter().map(|(event_type, payload)| {
        let mut event = begins.clone();
        event["eventType"] = json!(event_type);
        event["payload"] = payload.clone();
        event["occurredAtMs"] = json!(at);
        event
    });
    process["events"] = Value::from_iter([begins.clone()].into_iter().chain(middle).chain([end]));
    number(&mut process);
    process["policy"]["retry"] = json!({"maxAttempts": most});
    read::check(&json!({"processes": [process]}))
}

#[test]
fn a_retry_before_its_time_or_over_the_budget_is_refused() {
    let failed = ("process.attempt_failed", json!({"attempt": 1, "error": {}, "retryAtMs": 5}));
    let again = ("signal.begun", json!({"attempt": 2, "fence": 2, "tab": "two"}));
    assert_eq!(retried(2, 5, &[failed.clone(), again.clone()]), Ok(1));
    says(&retried(2, 4, &[failed.clone(), again.clone()]).unwrap_err(), "a run began at 4, before 5");
    says(&retried(1, 5, &[failed, again]).unwrap_err(), "after 1 of 1 attempts");
}

#[test]
fn a_step_that_is_tried_again_before_its_time_is_refused() {
    let thrown = json!({"raw": {"key": "a", "fence": 1, "run": "r", "most": 3}});
    let failed = |attempt: u64| {
        ("process.step_failed", json!({"key": "a", "attempt": attempt, "error": thrown, "retryAtMs": 5}))
    };
    assert_eq!(retried(1, 5, &[failed(1), failed(2)]), Ok(1));
    says(&retried(1, 4, &[failed(1), failed(2)]).unwrap_err(), "step `a` is over at 4, before 5");
}

#[test]
fn two_processes_of_a_key_at_once_or_out_of_order_are_refused() {
    let both = |other: Value| read::check(&json!({"processes": [keyed("a", 1, 10, 20), other]}));
    assert_eq!(both(keyed("b", 2, 20, 30)), Ok(2));
    says(&both(keyed("b", 2, 19, 30)).unwrap_err(), "process `b` of key `k` began before the end of `a`");
    says(&both(keyed("b", 2, 1, 9)).unwrap_err(), "process `b` of key `k` began before the end of `a`");
}
