//! Wakes: whether an event asks for one, what it says, and to whom it goes.

use longwait_core::{Code, model::event::WakeDelivery, store::EventRange};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, refused, sequences, to};

/// A process whose events of type `ring` wake as `spec` says.
async fn ringing(world: &World<impl AnyRegistry>, id: &str, spec: Value) {
    world.start_with(id, json!([{"name": "ring", "semantics": {"wake": spec}}])).await;
}

/// Appends a ring and answers the wake that was stored with it.
async fn ring(world: &World<impl AnyRegistry>, id: &str, payload: Value) -> Value {
    let appended = world.append(id, json!({"eventType": "ring", "payload": payload})).await.unwrap();
    appended.event.json()["semantics"]["wake"].clone()
}

/// Appends a ring to a session and answers the delivery.
async fn deliver(world: &World<impl AnyRegistry>, id: &str, session: &str, payload: Value) -> WakeDelivery {
    let request = json!({"eventType": "ring", "payload": payload, "wakeTargetScope": {"sessionId": session}});
    world.append(id, request).await.unwrap().wake_delivery.unwrap()
}

pub async fn an_event_wakes_always_where_no_condition_is_declared(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"input": "payload"})).await;
    assert_eq!(ring(&world, "p", json!("hello")).await, json!({"input": "hello", "dedupeKey": "p:1"}));
    assert_eq!(ring(&world, "p", json!({"b": 1, "a": null})).await["input"], "{\"a\":null,\"b\":1}");
    assert_eq!(ring(&world, "p", Value::Null).await["input"], "null");
}

pub async fn empty_values_do_not_wake_and_numbers_always_do(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"when": {"pointer": "/w"}, "input": {"const": "hello"}})).await;
    for quiet in [json!(null), json!(false), json!(""), json!([]), json!({})] {
        assert_eq!(ring(&world, "p", json!({"w": quiet})).await, Value::Null, "{quiet}");
    }
    for loud in [json!(0), json!(-1.5), json!(true), json!(" "), json!([null]), json!({"a": 0})] {
        assert_eq!(ring(&world, "p", json!({"w": loud})).await["input"], "hello", "{loud}");
    }
}

pub async fn a_condition_that_finds_nothing_refuses_the_append(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"when": {"pointer": "/w"}, "input": "payload"})).await;
    let append = world.append("p", json!({"eventType": "ring", "payload": {}}));
    assert_eq!(refused(append.await), Code::InvalidPayload);
    assert_eq!(world.log("p").await, []);
}

pub async fn an_input_that_is_not_needed_is_not_selected(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"when": {"present": "/text"}, "input": {"pointer": "/text"}})).await;
    assert_eq!(ring(&world, "p", json!({})).await, Value::Null);
    assert_eq!(ring(&world, "p", json!({"text": "x"})).await["input"], "x");
}

pub async fn a_dedupe_key_is_the_events_identity_a_selected_text_or_fixed(world: World<impl AnyRegistry>) {
    let keys = [
        ("a", json!("event_identity"), "a:2"),
        ("b", json!({"selector": {"pointer": "/k"}}), "{\"x\":1}"),
        ("c", json!({"const": "once"}), "once"),
    ];
    for (id, dedupe_key, expected) in keys {
        ringing(&world, id, json!({"input": {"const": ""}, "dedupeKey": dedupe_key})).await;
        ring(&world, id, json!({"k": "first"})).await;
        assert_eq!(ring(&world, id, json!({"k": {"x": 1}})).await["dedupeKey"], expected);
    }
}

pub async fn a_wake_with_a_target_is_delivered(world: World<impl AnyRegistry>) {
    let provenance = json!({"originator": {"type": "host"}, "causedBy": {"turn": 1}});
    let types = json!([{"name": "ring", "semantics": {"wake": {"input": "payload"}}}]);
    world.register(json!({"id": "p", "eventTypes": types, "provenance": provenance})).await.unwrap();
    world.clock.advance(4);
    let target = json!({"sessionId": "s", "agentFrameId": "f"});
    let request = json!({"eventType": "ring", "payload": "hello", "wakeTargetScope": target});
    let delivery = world.append("p", request).await.unwrap().wake_delivery.unwrap();
    let expected = json!({
        "wakeId": format!("wake:{}", to(json!(["session:s/frame:f", "p:1"])).hash()),
        "targetSessionId": "s",
        "targetScopeId": "session:s/frame:f",
        "processId": "p",
        "sequence": 1,
        "eventType": "ring",
        "processCausedBy": {"turn": 1},
        "dedupeKey": "p:1",
        "input": "hello",
        "createdAtMs": START + 4,
    });
    assert_eq!(delivery.json(), expected);
}

pub async fn a_wake_id_is_the_documented_hash(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"input": "payload", "dedupeKey": {"const": "k"}})).await;
    let delivery = deliver(&world, "p", "s", json!(1)).await;
    // printf '["session:s","k"]' | sha256sum
    let documented = "wake:54b5702312874778f6ced71c7cea3a1c3c01301a03e4f7eac30bba4dee21bf6c";
    assert_eq!(delivery.wake_id, documented);
}

pub async fn a_wake_goes_to_the_records_target_unless_the_request_names_one(world: World<impl AnyRegistry>) {
    let types = json!([{"name": "ring", "semantics": {"wake": {"input": "payload"}}}]);
    world.register(json!({"id": "p", "eventTypes": types, "wakeTarget": {"sessionId": "home"}})).await.unwrap();
    let home = world.append("p", json!({"eventType": "ring", "payload": "x"})).await.unwrap();
    assert_eq!(&*home.wake_delivery.unwrap().target_scope_id, "session:home");
    assert_eq!(&*deliver(&world, "p", "away", json!("x")).await.target_scope_id, "session:away");
}

pub async fn a_wake_without_a_target_is_stored_and_not_delivered(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"input": "payload"})).await;
    let appended = world.append("p", json!({"eventType": "ring", "payload": "x"})).await.unwrap();
    assert!(appended.wake_delivery.is_none() && appended.event.semantics.wake.is_some());
    assert_eq!(world.unacked("p").await, [1]);
}

pub async fn an_event_that_does_not_wake_has_no_delivery(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let request = json!({"eventType": "note", "wakeTargetScope": {"sessionId": "s"}});
    assert_eq!(world.append("p", request).await.unwrap().wake_delivery, None);
    assert_eq!(world.unacked("p").await, [0; 0]);
}

pub async fn a_replay_gives_the_same_delivery(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"input": "payload"})).await;
    let target = json!({"sessionId": "s"});
    let request = json!({"eventType": "ring", "payload": "x", "replayKey": "k", "wakeTargetScope": target});
    let first = world.append("p", request.clone()).await.unwrap();
    world.clock.advance(1);
    let again = world.append("p", request).await.unwrap();
    assert_eq!((again.replayed, again.wake_delivery), (true, first.wake_delivery));
}

pub async fn wakes_that_dedupe_alike_share_an_id_per_target(world: World<impl AnyRegistry>) {
    for id in ["p", "q"] {
        ringing(&world, id, json!({"input": "payload", "dedupeKey": {"const": "once"}})).await;
    }
    let first = deliver(&world, "p", "s", json!(1)).await.wake_id;
    assert_eq!(deliver(&world, "q", "s", json!(2)).await.wake_id, first);
    assert_ne!(deliver(&world, "p", "t", json!(3)).await.wake_id, first);
}

pub async fn a_wake_target_of_a_wrong_shape_is_refused(world: World<impl AnyRegistry>) {
    for scope in
        [json!({"sessionId": " "}), json!({"sessionId": "a/frame:b"}), json!({"sessionId": "a", "agentFrameId": ""})]
    {
        let registration = json!({"id": "p", "wakeTarget": scope});
        assert_eq!(refused(world.register(registration).await), Code::InvalidArgument, "{scope}");
    }
}

pub async fn a_wake_target_that_reads_as_a_frame_of_another_session_is_refused(world: World<impl AnyRegistry>) {
    ringing(&world, "p", json!({"input": "payload"})).await;
    for session in ["", "a/frame:b"] {
        let request = json!({"eventType": "ring", "wakeTargetScope": {"sessionId": session}});
        assert_eq!(refused(world.append("p", request).await), Code::InvalidArgument, "{session}");
    }
    assert_eq!(world.log("p").await.len(), 0);
}

pub async fn a_wake_is_listed_until_it_is_acknowledged(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for _ in 0..3 {
        ring(&world, "p", json!("x")).await;
        world.note("p").await;
    }
    let p = "p".into();
    assert_eq!(world.unacked("p").await, [1, 3, 5]);
    world.registry.ack_wake(&p, 3).await.unwrap();
    assert_eq!(world.another().await.unacked("p").await, [1, 5]);
    let later = world.events("p", EventRange::Unacked(1)).await.unwrap();
    assert_eq!(sequences(&later), [5]);
    assert_eq!(later[0].json(), world.log("p").await[4].json());
    assert_eq!(world.events("p", EventRange::Unacked(5)).await.unwrap(), []);
}

pub async fn acknowledging_is_idempotent_and_takes_any_sequence(world: World<impl AnyRegistry>) {
    world.start("p").await;
    ring(&world, "p", json!("x")).await;
    world.note("p").await;
    let p = "p".into();
    for sequence in [1, 1, 2, 99] {
        world.registry.ack_wake(&p, sequence).await.unwrap();
    }
    assert_eq!(world.unacked("p").await, [0; 0]);
    assert_eq!(world.log("p").await.len(), 2);
    assert_eq!(refused(world.registry.ack_wake(&"q".into(), 1).await), Code::UnknownProcess);
}

pub async fn an_acknowledged_wake_stays_so_when_it_is_replayed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let request = json!({"eventType": "ring", "payload": "x", "replayKey": "k"});
    world.append("p", request.clone()).await.unwrap();
    world.registry.ack_wake(&"p".into(), 1).await.unwrap();
    world.append("p", request).await.unwrap();
    assert_eq!(world.unacked("p").await, [0; 0]);
}
