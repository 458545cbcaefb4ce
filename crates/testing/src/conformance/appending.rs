//! What may be appended, in which order it is judged, and that a refusal leaves no trace.

use futures::future::{join, join_all};
use longwait_core::{Code, model::lease::ProcessLease};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, TTL, World, owner, payloads, refused, sequences};

pub async fn sequences_count_from_one_without_gaps(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    for sequence in 1..=3 {
        assert_eq!(world.note("p").await, sequence);
        world.append("p", json!({"eventType": "nonsense"})).await.unwrap_err();
    }
    assert_eq!(world.note("q").await, 1);
    assert_eq!(sequences(&world.log("p").await), [1, 2, 3]);
}

pub async fn appends_of_two_tabs_interleave_densely(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let appends = (0..20).map(|number| if number % 2 == 0 { &world } else { &other }.note("p"));
    let mut sequences_given = join_all(appends).await;
    sequences_given.sort_unstable();
    let dense: Vec<_> = (1..=20).collect();
    assert_eq!(sequences_given, dense);
    assert_eq!(sequences(&world.log("p").await), dense);
}

pub async fn appends_of_one_tab_are_stored_in_call_order(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let append = |number: u64| world.append("p", json!({"eventType": "note", "payload": number}));
    join_all((0..10).map(append)).await;
    assert_eq!(payloads(&world.log("p").await), (0..10).map(Value::from).collect::<Vec<_>>());
}

pub async fn an_absent_payload_is_null(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let appended = world.append("p", json!({"eventType": "note"})).await.unwrap();
    assert_eq!(appended.event.payload.json(), Value::Null);
    assert_eq!(payloads(&world.log("p").await), [Value::Null]);
}

pub async fn an_event_is_stored_whole(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.clock.advance(9);
    let payload = json!({"": [null, true, 0, -2.5, 1e21, "é\u{0}\u{1F980}"], "b": {"constructor": {}}});
    let request = json!({"eventType": "note", "payload": payload, "replayKey": "k"});
    let appended = world.append("p", request).await.unwrap();
    let expected = json!({
        "processId": "p", "sequence": 1, "eventType": "note", "payload": payload, "replayKey": "k",
        "semantics": {}, "occurredAtMs": START + 9,
    });
    assert_eq!(appended.json(), json!({"event": expected, "replayed": false}));
    assert_eq!(world.another().await.log("p").await.json(), json!([expected]));
}

pub async fn an_append_updates_its_record(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.clock.advance(9);
    world.note("p").await;
    let record = world.record("p").await;
    assert_eq!((record.registered.created_at_ms, record.updated_at_ms), (START, START + 9));
}

pub async fn an_append_to_an_unknown_process_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    assert_eq!(refused(world.append("q", json!({"eventType": "note"})).await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.request_cancel(&"q".into(), None).await), Code::UnknownProcess);
}

pub async fn an_undeclared_event_type_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for undeclared in ["Note", "note ", "", "toString"] {
        let append = world.append("p", json!({"eventType": undeclared, "replayKey": "k"}));
        assert_eq!(refused(append.await), Code::UndeclaredEventType, "{undeclared}");
    }
}

pub async fn an_event_type_may_have_any_name(world: World<impl AnyRegistry>) {
    let names = ["__proto__", "constructor", "ы 😀", "a/b", "\u{0}"];
    world.start_with("p", names.iter().map(|name| json!({"name": name})).collect()).await;
    for name in names {
        world.append("p", json!({"eventType": name, "payload": 1})).await.unwrap();
        world.append("p", json!({"eventType": name, "payload": 2})).await.unwrap();
        assert_eq!(world.registry.count_events(&"p".into(), name, 100).await.unwrap(), 2, "{name}");
    }
}

pub async fn ends_and_cancel_requests_need_a_replay_key(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for event_type in ["done", "process.completed", "process.failed", "process.cancelled", "process.cancel_requested"] {
        for key in [Value::Null, json!("")] {
            let mut request = json!({"eventType": event_type, "payload": {"awaitOutput": 1}});
            if key.is_string() {
                request["replayKey"] = key;
            }
            assert_eq!(refused(world.append("p", request).await), Code::MissingReplayKey, "{event_type}");
        }
    }
}

pub async fn an_append_of_another_shape_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for request in [
        json!({"payload": 1}),
        json!({"eventType": 1}),
        json!({"eventType": "note", "replayKey": 1}),
        json!({"eventType": "note", "lease": {}}),
        json!({"eventType": "note", "wakeTargetScope": "s"}),
    ] {
        assert_eq!(refused(world.append("p", request).await), Code::InvalidArgument);
    }
}

/// Every way to be refused, each with an append that is wrong in several ways at once:
/// the first rule that it breaks answers.
pub async fn an_append_is_judged_in_the_order_of_the_contract(world: World<impl AnyRegistry>) {
    let number = json!({"type": "object", "properties": {"n": {"type": "number"}}});
    let types = json!([
        {"name": "note"},
        {"name": "end", "payloadSchema": number, "semantics": {
            "terminal": {"state": "completed", "awaitOutput": {"pointer": "/n"}}
        }},
    ]);
    world.start_with("p", types).await;
    world.append("p", json!({"eventType": "note", "replayKey": "k"})).await.unwrap();
    world.succeed("p").await;
    let bad = json!({"n": "x"});
    let expectations = [
        ("q", json!({"eventType": "end", "payload": bad}), Code::UnknownProcess),
        ("p", json!({"eventType": "nonsense", "replayKey": "k"}), Code::ReplayConflict),
        ("p", json!({"eventType": "nonsense", "payload": bad}), Code::UndeclaredEventType),
        ("p", json!({"eventType": "end", "payload": bad}), Code::MissingReplayKey),
        ("p", json!({"eventType": "end", "payload": bad, "replayKey": "l"}), Code::InvalidPayload),
        ("p", json!({"eventType": "end", "payload": {}, "replayKey": "l"}), Code::InvalidPayload),
        ("p", json!({"eventType": "end", "payload": {"n": 1}, "replayKey": "l"}), Code::AlreadyTerminal),
    ];
    let before = world.picture().await;
    for (id, request, code) in expectations {
        assert_eq!(refused(world.append(id, request.clone()).await), code, "{request}");
    }
    assert_eq!(world.picture().await, before, "a refused append left a trace");
}

pub async fn a_payload_that_its_schema_refuses_is_not_appended(world: World<impl AnyRegistry>) {
    let schema = json!({"type": "object", "properties": {"n": {"type": "number"}, "s": {"type": "string"}}});
    world.start_with("p", json!([{"name": "note", "payloadSchema": schema}, {"name": "free"}])).await;
    world.append("p", json!({"eventType": "note", "payload": {"n": 1, "s": "x"}})).await.unwrap();
    let before = world.picture().await;
    let refusal = world.append("p", json!({"eventType": "note", "payload": {"n": "1", "s": 1}})).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidPayload);
    let message = refusal.to_string();
    assert!(message.contains("/n: ") && message.contains("/s: "), "{message}");
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::InvalidPayload);
    assert_eq!(world.picture().await, before);
    world.append("p", json!({"eventType": "free", "payload": {"n": "1"}})).await.unwrap();
}

pub async fn a_registration_read_back_keeps_its_schemas(world: World<impl AnyRegistry>) {
    let declared = json!([{"name": "note", "payloadSchema": {"type": "string"}}]);
    world.start_with("p", declared).await;
    let other = world.another().await;
    let refusal = other.append("p", json!({"eventType": "note", "payload": 1})).await;
    assert_eq!(refused(refusal), Code::InvalidPayload);
    other.append("p", json!({"eventType": "note", "payload": "x"})).await.unwrap();
}

pub async fn a_core_type_declared_with_a_schema_is_held_to_it(world: World<impl AnyRegistry>) {
    let schema = json!({"type": "object", "properties": {"reason": {"type": "string"}}});
    world.start_with("p", json!([{"name": "process.cancel_requested", "payloadSchema": schema}])).await;
    assert_eq!(refused(world.registry.request_cancel(&"p".into(), None).await), Code::InvalidPayload);
    world.registry.request_cancel(&"p".into(), Some("x")).await.unwrap();
}

pub async fn late_events_may_follow_the_end(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let ended = world.succeed("p").await;
    world.clock.advance(1);
    assert_eq!(world.note("p").await, 2);
    let record = world.record("p").await;
    assert_eq!((&record.status, record.updated_at_ms), (&ended.status, START + 1));
}

pub async fn a_second_end_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "done", "replayKey": "k"})).await.unwrap();
    let before = world.picture().await;
    let second = json!({"eventType": "done", "replayKey": "other"});
    assert_eq!(refused(world.append("p", second).await), Code::AlreadyTerminal);
    let core = json!({"eventType": "process.failed", "payload": {"awaitOutput": "x"}, "replayKey": "l"});
    assert_eq!(refused(world.append("p", core).await), Code::AlreadyTerminal);
    assert_eq!(world.picture().await, before);
}

pub async fn a_cancel_request_asks_and_ends_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let asked = world.registry.request_cancel(&"p".into(), Some("enough")).await.unwrap();
    assert_eq!(asked.event.event_type, "process.cancel_requested");
    assert_eq!(asked.event.payload.json(), json!({"reason": "enough"}));
    assert!(!world.record("p").await.is_terminal());
}

pub async fn asking_twice_for_one_reason_is_recorded_once(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let p = "p".into();
    let first = world.registry.request_cancel(&p, Some("a")).await.unwrap();
    let again = world.another().await.registry.request_cancel(&p, Some("a")).await.unwrap();
    assert_eq!((again.replayed, &again.event), (true, &first.event));
    for (reason, sequence) in [(Some("b"), 2), (None, 3), (None, 3), (Some(""), 4), (Some("null"), 5)] {
        assert_eq!(world.registry.request_cancel(&p, reason).await.unwrap().event.sequence, sequence);
    }
    assert_eq!(world.log("p").await.len(), 5);
}

pub async fn an_ended_process_may_still_be_asked_to_stop(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    assert_eq!(world.registry.request_cancel(&"p".into(), None).await.unwrap().event.sequence, 2);
}

pub async fn an_append_under_a_lease_needs_that_lease(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let under = |lease: &ProcessLease| json!({"eventType": "note", "lease": lease.json()});
    world.append("p", under(&lease)).await.unwrap();
    let before = world.picture().await;
    for wrong in [
        ProcessLease { owner: owner("o", "2"), ..lease.clone() },
        ProcessLease { lease_token: "guess".into(), ..lease.clone() },
        ProcessLease { fencing_token: lease.fencing_token + 1, ..lease.clone() },
        ProcessLease { process_id: "q".into(), ..lease.clone() },
    ] {
        assert_eq!(refused(world.append("p", under(&wrong)).await), Code::LeaseLost);
    }
    assert_eq!(refused(world.append("q", under(&lease)).await), Code::LeaseLost);
    world.clock.advance(TTL);
    assert_eq!(refused(world.append("p", under(&lease)).await), Code::LeaseLost);
    assert_eq!(world.picture().await, before);
    assert_eq!(world.note("p").await, 2, "an append without a lease asks for none");
}

pub async fn an_append_under_a_lease_keeps_the_lease(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let request = json!({"eventType": "done", "replayKey": "k", "lease": lease.json()});
    world.append("p", request).await.unwrap();
    assert_eq!(world.registry.lease(&"p".into()).await.unwrap(), Some(lease));
}

pub async fn two_tabs_that_append_under_one_key_store_one_event(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let request = || json!({"eventType": "note", "payload": 1, "replayKey": "k"});
    let (mine, theirs) = join(world.append("p", request()), other.append("p", request())).await;
    let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
    assert_ne!(mine.replayed, theirs.replayed);
    assert_eq!(mine.event, theirs.event);
    assert_eq!(world.log("p").await.len(), 1);
}
