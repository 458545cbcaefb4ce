//! What an append under a known replay key answers.

use std::rc::Rc;

use longwait_core::{
    Code,
    model::{
        MAX_COUNT,
        lease::LeaseSlot,
        process::{ProcessRecord, ProcessStatus},
    },
    rules::snapshot::Write,
    store::{Appending, Reads},
};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, TTL, World, owner, refused, sequences};

fn keyed(payload: Value) -> Value {
    json!({"eventType": "note", "payload": payload, "replayKey": "k"})
}

pub async fn a_replay_answers_the_stored_event_and_inserts_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.append("p", keyed(json!({"a": 1}))).await.unwrap();
    world.note("p").await;
    let before = world.picture().await;
    world.clock.advance(5);
    let again = world.append("p", keyed(json!({"a": 1}))).await.unwrap();
    assert_eq!((again.replayed, again.event), (true, first.event));
    assert_eq!(world.picture().await, before);
}

pub async fn a_replay_is_compared_as_json(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", keyed(json!({"a": 1, "b": [100]}))).await.unwrap();
    assert!(world.append("p", keyed(json!({"b": [1e2], "a": 1.0}))).await.unwrap().replayed);
}

pub async fn an_absent_payload_replays_a_null_one(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", keyed(Value::Null)).await.unwrap();
    assert!(world.append("p", json!({"eventType": "note", "replayKey": "k"})).await.unwrap().replayed);
}

pub async fn other_content_under_a_known_key_is_a_conflict(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", keyed(json!([1]))).await.unwrap();
    let before = world.picture().await;
    for other in [keyed(json!([2])), keyed(Value::Null), json!({"eventType": "ring", "payload": [1], "replayKey": "k"})]
    {
        assert_eq!(refused(world.append("p", other).await), Code::ReplayConflict);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn keys_of_different_processes_have_nothing_to_do_with_each_other(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    world.append("p", keyed(json!(1))).await.unwrap();
    assert!(!world.append("q", keyed(json!(2))).await.unwrap().replayed);
}

pub async fn a_replay_answers_after_the_end_too(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let end = json!({"eventType": "done", "payload": 1, "replayKey": "end"});
    world.append("p", keyed(json!(1))).await.unwrap();
    world.append("p", end.clone()).await.unwrap();
    assert!(world.append("p", keyed(json!(1))).await.unwrap().replayed);
    assert!(world.append("p", end).await.unwrap().replayed);
    assert_eq!(sequences(&world.log("p").await), [1, 2]);
}

pub async fn a_replay_under_a_lost_lease_still_answers(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let mut request = keyed(json!(1));
    request["lease"] = lease.json();
    let first = world.append("p", request.clone()).await.unwrap();
    world.clock.advance(TTL);
    world.lease("p", &owner("o", "2")).await;
    let again = world.append("p", request).await.unwrap();
    assert_eq!((again.replayed, again.event), (true, first.event));
}

/// Takes the record back to how it ran, as an implementation would leave it that wrote the
/// event and then died.
async fn tear(world: &World, id: &str) {
    let ended = world.record(id).await;
    let log = longwait_core::model::process::LogHead { terminal_sequence: None, ..ended.log.clone() };
    let torn = ProcessRecord { status: ProcessStatus::Running, log, ..ended };
    let reads = Reads::Process(id.into(), Appending::default());
    world.store.transact(reads, Rc::new(move |_| Ok(vec![Write::Process(torn.clone().into())]))).await.unwrap();
}

pub async fn a_record_that_missed_its_end_is_repaired_by_the_replay(world: World) {
    world.start("p").await;
    world.clock.advance(1);
    let ended = world.succeed("p").await;
    tear(&world, "p").await;
    assert!(!world.record("p").await.is_terminal());
    world.clock.advance(1);
    world.ticked();
    assert_eq!(world.succeed("p").await, ended);
    assert_eq!(world.record("p").await, ended);
    assert_eq!(world.log("p").await.len(), 1);
    assert_eq!(world.ticked(), ["p"]);
    assert_eq!(ended.updated_at_ms, START + 1);
}

pub async fn a_record_that_missed_its_end_is_repaired_by_an_append_too(world: World) {
    world.start("p").await;
    let end = json!({"eventType": "done", "payload": 1, "replayKey": "end"});
    world.append("p", end.clone()).await.unwrap();
    let ended = world.record("p").await;
    tear(&world, "p").await;
    assert!(world.append("p", end).await.unwrap().replayed);
    assert_eq!(world.record("p").await, ended);
    assert_eq!(world.list(json!({})).await, [""; 0]);
}

pub async fn a_replay_conflict_says_what_is_stored(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let append = |event_type: &str, payload: serde_json::Value| {
        world.append("p", json!({"eventType": event_type, "payload": payload, "replayKey": "k"}))
    };
    append("note", json!({"a": [1]})).await.unwrap();
    for (event_type, payload, expected) in [
        ("note", json!({"a": [2]}), "payload.a[0]: 1 is stored, 2 was given"),
        ("ring", json!({"a": [1]}), "one of type `note`, not `ring`"),
    ] {
        let fault = append(event_type, payload).await.unwrap_err();
        assert_eq!(fault.code(), Code::ReplayConflict);
        assert!(fault.message().contains(expected), "{}", fault.message());
    }
}

pub async fn a_counter_at_its_end_refuses_what_would_take_it_further(world: World) {
    for id in ["sequence", "count", "fence"] {
        world.start(id).await;
        world.note(id).await;
    }
    let change = |id: &'static str, change: fn(&mut ProcessRecord)| {
        let rule: longwait_core::store::Rule = Rc::new(move |seen| {
            let mut record = seen.known(&id.into())?.clone();
            change(&mut record);
            Ok(vec![Write::Process(Rc::new(record))])
        });
        world.store.transact(Reads::Process(id.into(), Appending::default()), rule)
    };
    change("sequence", |record| record.log.last_sequence = MAX_COUNT).await.unwrap();
    change("count", |record| record.log.counts[0].count = MAX_COUNT).await.unwrap();
    let lease: longwait_core::store::Rule = Rc::new(|_| {
        let slot = LeaseSlot { last_fence: MAX_COUNT, ..LeaseSlot::default() };
        Ok(vec![Write::Lease("fence".into(), slot)])
    });
    world.store.transact(Reads::Leased("fence".into(), Appending::default()), lease).await.unwrap();
    let before = world.picture().await;
    for id in ["sequence", "count"] {
        assert_eq!(refused(world.append(id, json!({"eventType": "note"})).await), Code::Internal, "{id}");
    }
    assert_eq!(refused(world.registry.claim(&"fence".into(), owner("a", "1"), TTL).await), Code::Internal);
    assert_eq!(world.picture().await, before);
}
