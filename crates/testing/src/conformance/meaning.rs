//! Selectors and semantics: what an event means, worked out when it is appended.

use longwait_core::Code;
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, World, payloads, refused};

/// The await output that a terminal type of that state and selector makes of a payload.
async fn output(
    world: &World<impl AnyRegistry>,
    id: &str,
    state: &str,
    selector: Value,
    payload: Value,
) -> longwait_core::Result<Value> {
    let terminal = json!({"state": state, "awaitOutput": selector});
    world.start_with(id, json!([{"name": "end", "semantics": {"terminal": terminal}}])).await;
    world.append(id, json!({"eventType": "end", "payload": payload, "replayKey": "k"})).await?;
    let status = world.record(id).await.json()["status"].clone();
    assert_eq!(status["state"], state);
    assert_eq!(world.log(id).await[0].json()["semantics"], json!({"terminal": status}));
    Ok(status["awaitOutput"].clone())
}

/// What a selector picks out of a payload.
async fn selected(
    world: &World<impl AnyRegistry>,
    id: &str,
    selector: Value,
    payload: Value,
) -> longwait_core::Result<Value> {
    let output = output(world, id, "completed", selector, payload).await?;
    assert_eq!(output["type"], "success");
    Ok(output["value"].clone())
}

pub async fn a_selector_can_take_the_whole_payload(world: World<impl AnyRegistry>) {
    assert_eq!(selected(&world, "p", json!("payload"), json!([1])).await.unwrap(), json!([1]));
}

pub async fn a_selector_can_point_into_the_payload(world: World<impl AnyRegistry>) {
    let payload = json!({"a/b": [10, {"m~n": null}], "": 30});
    for (pointer, value) in
        [("", payload.clone()), ("/a~1b/0", json!(10)), ("/a~1b/1/m~0n", Value::Null), ("/", json!(30))]
    {
        let found = selected(&world, &format!("p{pointer}"), json!({"pointer": pointer}), payload.clone()).await;
        assert_eq!(found.unwrap(), value, "{pointer}");
    }
}

pub async fn a_pointer_that_finds_nothing_refuses_the_append(world: World<impl AnyRegistry>) {
    for (id, pointer) in [("a", "/x"), ("b", "/a/2"), ("c", "/a/-"), ("d", "/a/01"), ("e", "/a/0/x")] {
        let outcome = selected(&world, id, json!({"pointer": pointer}), json!({"a": [1, 2]})).await;
        assert_eq!(refused(outcome), Code::InvalidPayload, "{pointer}");
        assert_eq!(world.log(id).await, []);
        assert!(!world.record(id).await.is_terminal());
    }
}

pub async fn a_selector_can_be_a_constant(world: World<impl AnyRegistry>) {
    for (id, value) in [("a", json!({"x": 1})), ("b", Value::Null), ("c", json!("payload"))] {
        assert_eq!(selected(&world, id, json!({"const": value}), json!(1)).await.unwrap(), value);
    }
}

pub async fn a_selector_can_tell_whether_something_is_there(world: World<impl AnyRegistry>) {
    for (id, pointer, there) in [("a", "/n", true), ("b", "/x", false), ("c", "", true)] {
        let found = selected(&world, id, json!({"present": pointer}), json!({"n": null})).await;
        assert_eq!(found.unwrap(), json!(there));
    }
}

pub async fn a_template_is_filled_in_one_pass(world: World<impl AnyRegistry>) {
    let template = json!({
        "template": "{a}, {b}; {c} {unknown} {",
        "fields": {"a": {"pointer": "/a"}, "b": {"pointer": "/b"}, "c": {"present": "/c"}},
    });
    let payload = json!({"a": "{b}", "b": {"z": 1, "y": ["{a}"]}});
    let text = selected(&world, "p", template, payload).await.unwrap();
    assert_eq!(text, json!("{b}, {\"y\":[\"{a}\"],\"z\":1}; false {unknown} {"));
}

pub async fn a_template_field_that_finds_nothing_refuses_the_append(world: World<impl AnyRegistry>) {
    let template = json!({"template": "x", "fields": {"a": {"pointer": "/a"}}});
    assert_eq!(refused(selected(&world, "p", template, json!({})).await), Code::InvalidPayload);
}

pub async fn a_selector_of_an_unknown_form_is_refused_at_registration(world: World<impl AnyRegistry>) {
    for selector in [
        json!("all"),
        json!({}),
        json!({"pointer": "no-slash"}),
        json!({"pointer": "/a", "const": 1}),
        json!({"jq": ".a"}),
        json!({"template": "x", "fields": {"a": "nonsense"}}),
    ] {
        let terminal = json!({"state": "completed", "awaitOutput": selector});
        let registration = json!({"id": "p", "eventTypes": [{"name": "end", "semantics": {"terminal": terminal}}]});
        assert_eq!(refused(world.register(registration).await), Code::InvalidArgument, "{selector}");
    }
}

pub async fn a_completing_type_without_selector_succeeds_with_its_payload(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "done", "payload": {"a": 1}, "replayKey": "k"})).await.unwrap();
    let status = json!({"state": "completed", "awaitOutput": {"type": "success", "value": {"a": 1}}});
    assert_eq!(world.record("p").await.json()["status"], status);
}

pub async fn a_selected_await_output_is_used_as_it_is(world: World<impl AnyRegistry>) {
    let outputs = [
        json!({"type": "success", "value": null, "control": 1}),
        json!({"type": "failure", "class": "timeout", "code": "c", "message": "m", "raw": [1]}),
        json!({"type": "cancelled", "message": "m"}),
    ];
    for state in ["completed", "failed", "cancelled"] {
        for (place, stored) in outputs.iter().enumerate() {
            let id = format!("{state}{place}");
            let made = output(&world, &id, state, json!({"pointer": "/o"}), json!({"o": stored})).await.unwrap();
            assert_eq!(made, *stored, "{state}");
        }
    }
}

pub async fn a_selected_value_becomes_the_outcome_of_its_state(world: World<impl AnyRegistry>) {
    let values = [json!("text"), json!({"b": 1, "a": 2}), Value::Null, json!({"type": "success"})];
    let texts = ["text", "{\"a\":2,\"b\":1}", "null", "{\"type\":\"success\"}"];
    for (place, (value, text)) in values.iter().zip(texts).enumerate() {
        let made = async |state: &str| {
            output(&world, &format!("{state}{place}"), state, json!("payload"), value.clone()).await.unwrap()
        };
        assert_eq!(made("completed").await, json!({"type": "success", "value": value}));
        let failure = json!({
            "type": "failure", "class": "execution", "code": "process_failed", "message": text, "raw": value,
        });
        assert_eq!(made("failed").await, failure);
        assert_eq!(made("cancelled").await, json!({"type": "cancelled", "message": text, "raw": value}));
    }
}

pub async fn what_an_event_means_is_settled_when_it_is_appended(world: World<impl AnyRegistry>) {
    let both = json!({
        "terminal": {"state": "completed"},
        "wake": {"input": {"template": "got {n}", "fields": {"n": {"pointer": "/n"}}}},
    });
    world.start_with("p", json!([{"name": "end", "semantics": both}])).await;
    world.append("p", json!({"eventType": "end", "payload": {"n": 1}, "replayKey": "k"})).await.unwrap();
    let log = world.another().await.log("p").await;
    let semantics = json!({
        "terminal": {"state": "completed", "awaitOutput": {"type": "success", "value": {"n": 1}}},
        "wake": {"input": "got 1", "dedupeKey": "p:1"},
    });
    assert_eq!((log[0].json()["semantics"].clone(), payloads(&log)), (semantics, vec![json!({"n": 1})]));
}

pub async fn a_text_that_would_be_too_long_refuses_the_append_before_it_is_made(world: World<impl AnyRegistry>) {
    let double = |inner: Value| json!({"template": "{x}{x}", "fields": {"x": inner}});
    let types = json!([
        {"name": "wakes", "semantics": {"wake": {"input": (0..45).fold(json!("payload"), |inner, _| double(inner))}}},
        {"name": "fails", "semantics": {
            "terminal": {"state": "failed", "awaitOutput": (0..45).fold(json!("payload"), |inner, _| double(inner))},
        }},
    ]);
    world.start_with("p", types).await;
    let before = world.picture().await;
    for event_type in ["wakes", "fails"] {
        let append = world.append("p", json!({"eventType": event_type, "payload": "x", "replayKey": event_type}));
        assert_eq!(refused(append.await), Code::InvalidPayload, "{event_type}");
    }
    assert_eq!(world.picture().await, before);
    world.append("p", json!({"eventType": "wakes", "payload": ""})).await.unwrap();
}
