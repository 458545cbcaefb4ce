//! Writes that share a transaction: who does, and what happens to each when it fails.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{join, join_all, join3},
};
use longwait::{
    Code, Result,
    host::turn,
    model::event::AppendResult,
    store::{Appending, Reads, Rule},
};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Fixture, LOST, bare};
use crate::support::{World, payloads, refused, sequences, usual_types};

/// How many operations share a transaction at most.
const LIMIT: u32 = 1_024;

/// Appends so many numbers to one process at once.
async fn append(world: &World, count: u32) -> Vec<Result<AppendResult>> {
    join_all((0..count).map(|number| world.append("p", json!({"eventType": "note", "payload": number})))).await
}

fn given(answers: Vec<Result<AppendResult>>) -> Vec<u64> {
    answers.into_iter().map(|answer| answer.unwrap().event.sequence).collect()
}

/// What the sink was shown.
fn shown(world: &World) -> Vec<u64> {
    world.sink.shown().into_iter().map(|(_, sequence)| sequence).collect()
}

fn dense(last: u32) -> Vec<u64> {
    (1..=last.into()).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<Value> {
    range.map(Value::from).collect()
}

// ── Sharing ────────────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn what_is_called_at_once_shares_transactions_up_to_a_limit() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    for (count, transactions) in [(1, 1), (LIMIT, 1), (LIMIT + 1, 2), (3 * LIMIT, 3)] {
        let seen = bare::watch_transactions();
        append(world, count).await;
        bare::heal();
        assert_eq!(seen.length(), transactions, "{count} appends");
    }
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn what_is_called_while_a_transaction_decides_shares_the_next_one() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let (store, later) = (world.store.clone(), Rc::<RefCell<Vec<_>>>::default());
    let calls = later.clone();
    let seen = bare::watch_transactions();
    let calling: Rule = Rc::new(move |_| {
        for _ in 0..3 {
            calls
                .borrow_mut()
                .push(store.transact(Reads::Process("p".into(), Appending::default()), Rc::new(|_| Ok(Vec::new()))));
        }
        Ok(Vec::new())
    });
    world.store.transact(Reads::Process("p".into(), Appending::default()), calling).await.unwrap();
    for outcome in join_all(later.take()).await {
        outcome.unwrap();
    }
    assert_eq!(seen.length(), 2);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn what_weighs_too_much_for_one_transaction_goes_on_in_the_next_in_the_order_of_the_calls() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let seen = bare::watch_transactions();
    let heavy = |number: u32| {
        let filled = format!("{number} {}", "x".repeat(1_000_000));
        world.append(
            "p",
            json!({"eventType": "note", "payload": if number.is_multiple_of(2) { json!(number) } else { json!(filled) }}),
        )
    };
    // The last ones are called while the first transaction is at work.
    let (first, last) = join(join_all((0..30).map(heavy)), async {
        turn().await;
        join_all((30..40).map(heavy)).await
    })
    .await;
    assert_eq!(given(first.into_iter().chain(last).collect()), dense(40));
    assert!((4..=12).contains(&seen.length()), "{} transactions", seen.length());
    for (number, payload) in payloads(&world.log("p").await).iter().enumerate() {
        let begins = payload.as_str().map(|text| text.split(' ').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(begins.or_else(|| payload.as_u64().map(|number| number as usize)), Some(number));
    }
    assert_eq!(shown(world), dense(40));
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_row_that_the_browser_finds_too_large_fails_by_itself_and_names_its_process() {
    // Chromium throws `UnknownError` at the put, which elsewhere means a lost connection.
    for fault in ["UnknownError", "DataError", "DataCloneError"] {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        world.start("q").await;
        bare::refuse_long_rows(1_000, fault);
        let large = world.append("q", json!({"eventType": "note", "payload": "x".repeat(2_000)}));
        let (before, large, after) = join3(world.note("p"), large, world.note("q")).await;
        let refusal = large.unwrap_err();
        assert_eq!((refusal.code(), refusal.process_id()), (Code::StorageFailed, Some(&"q".into())), "{fault}");
        assert_eq!((before, after), (1, 1), "{fault}");
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn large_writes_share_a_transaction_too() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let seen = bare::watch_transactions();
    let large = |fill: &str| world.append("p", json!({"eventType": "note", "payload": fill.repeat(700_000)}));
    assert_eq!(given(join_all(["a", "b", "c", "d"].map(large)).await), [1, 2, 3, 4]);
    assert_eq!(seen.length(), 1);
    for (payload, fill) in payloads(&world.log("p").await).iter().zip(["a", "b", "c", "d"]) {
        assert!(payload.as_str().unwrap() == fill.repeat(700_000));
    }
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn one_that_is_given_up_leaves_its_neighbours_alone() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let mut given_up = world.append("p", json!({"eventType": "note"})).boxed_local();
    assert!((&mut given_up).now_or_never().is_none());
    let (answers, ()) = join(append(world, 3), async { drop(given_up) }).await;
    let last = *given(answers).last().unwrap();
    assert_eq!(sequences(&world.log("p").await), (1..=last).collect::<Vec<_>>());
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn what_was_called_before_closing_finishes() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let mut appends = append(world, 2 * LIMIT).boxed_local();
    assert!((&mut appends).now_or_never().is_none());
    turn().await;
    world.registry.close();
    assert_eq!(given(appends.await), dense(2 * LIMIT));
    fixture.end().await;
}

// ── Losing the connection ──────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn several_commits_that_landed_unseen_at_once_are_not_done_again() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    bare::lose_answers(2, "UnknownError");
    assert_eq!(given(append(world, 2 * LIMIT).await), dense(2 * LIMIT));
    assert_eq!(payloads(&world.log("p").await), numbers(0..2 * LIMIT));
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn of_commits_in_flight_at_once_only_those_that_did_not_land_are_done_again() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    // The first transaction aborts, and the other one lands before it is done again.
    bare::abort_writes(1, "UnknownError");
    let mut answered = given(append(world, 2 * LIMIT).await);
    answered.sort_unstable();
    assert_eq!(answered, dense(2 * LIMIT));
    assert_eq!(shown(world), dense(2 * LIMIT));
    let mut stored = payloads(&world.log("p").await);
    stored.sort_by_key(|number| number.as_u64());
    assert_eq!(stored, numbers(0..2 * LIMIT));
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn whoever_landed_unseen_gets_the_answer_of_the_run_that_landed() {
    for fault in LOST {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        let seen = bare::watch_transactions();
        bare::lose_answers(1, fault);
        // Alone, a registration and an end would be recognised without a mark; here they would see each other.
        let register = || world.register(json!({"id": "q", "eventTypes": usual_types()}));
        let (registered, ended, undeclared) =
            join3(register(), world.succeed("q"), world.append("q", json!({"eventType": "nonsense"}))).await;
        assert!(!registered.unwrap().is_terminal() && ended.is_terminal(), "{fault}");
        assert_eq!((refused(undeclared), seen.length()), (Code::UndeclaredEventType, 1), "{fault}");
        assert_eq!(sequences(&world.log("q").await), [1], "{fault}");
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn all_who_shared_a_storage_that_stays_lost_are_told() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    bare::abort_writes(2, "UnknownError");
    for answer in append(world, 3).await {
        assert_eq!(refused(answer), Code::StorageFailed);
    }
    bare::heal();
    assert_eq!(world.note("p").await, 1);
    fixture.end().await;
}

// ── Running full ───────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn a_write_that_does_not_fit_fails_by_itself() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    bare::refuse_long_rows(1_000, "QuotaExceededError");
    let append = |number: u32| {
        let payload = if number == 2 { json!("x".repeat(2_000)) } else { json!(number) };
        world.append("p", json!({"eventType": "note", "payload": payload}))
    };
    // More than one transaction: what is called later stays behind what is tried again.
    let mut answers = join_all((0..2 * LIMIT + 3).map(append)).await;
    assert_eq!(refused(answers.remove(2)), Code::QuotaExceeded);
    let dense = dense(2 * LIMIT + 2);
    assert_eq!(given(answers), dense);
    let log = world.log("p").await;
    assert_eq!((sequences(&log), payloads(&log)), (dense.clone(), [numbers(0..2), numbers(3..2 * LIMIT + 3)].concat()));
    assert_eq!(shown(world), dense);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn no_event_is_ever_written_over_another() {
    let fixture = Fixture::new().await;
    let (world, name) = (&fixture.world, &fixture.name);
    world.start("p").await;
    append(world, 2).await;
    let foreign = json!({"processId": "p", "sequence": 3, "eventType": "note", "payload": "of nobody we know"});
    bare::write(name, "events", &foreign.to_string()).await;
    let before = bare::everything(name).await;
    for answer in append(world, 5).await {
        assert_eq!(refused(answer), Code::StorageFailed);
    }
    assert_eq!(bare::everything(name).await, before);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_commit_that_fails_for_several_is_tried_for_each() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    for (fault, first) in [("QuotaExceededError", 1), ("ConstraintError", 4)] {
        bare::abort_writes(1, fault);
        let seen = bare::watch_transactions();
        assert_eq!(given(append(world, 3).await), [first, first + 1, first + 2], "{fault}");
        bare::heal();
        assert_eq!(seen.length(), 4, "{fault}");
    }
    assert_eq!(payloads(&world.log("p").await), [0, 1, 2, 0, 1, 2].map(Value::from));
    fixture.end().await;
}
