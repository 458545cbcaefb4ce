//! Histories of processes that were driven in real browsers, held to what must be true of any.
//!
//! `LONGWAIT_HISTORY=history.json cargo test --test history` checks that file. Without it, a small sample is.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "history/driven.rs"]
mod driven;
#[path = "history/read.rs"]
mod read;

use serde_json::{Value, json};

fn sample() -> Value {
    serde_json::from_str(include_str!("history/sample.json")).unwrap()
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

#[test]
fn waits_that_do_not_count_up_are_refused() {
    says(&refused(|process| events(process)[3]["payload"]["ordinal"] = json!(2)), "only 0 came before");
    says(&refused(|process| events(process)[6]["payload"]["ordinal"] = json!(3)), "only 1 came before");
    for said in [3, 6] {
        let again = refused(|process| {
            let said = events(process)[said].clone();
            insert(process, 8, said);
        });
        says(&again, "`go` number 1, and follows number 1");
    }
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
    says(&refused(|process| drop(events(process)[3].as_object_mut().unwrap().remove("semantics"))), "event.semantics");
    says(&refused(|process| events(process)[3]["processId"] = json!("q")), "belongs to process `q`");
}
