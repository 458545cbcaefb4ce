//! Names: how long they may be, and what counts as blank.

use longwait_core::{
    Code,
    model::{event::AppendRequest, payload::Payload},
};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, TTL, World, made, owner, refused, scope};

/// A name that is as long as one may be, and one that is too long by a character.
fn names() -> [String; 2] {
    ["é".repeat(1_024), "é".repeat(1_025)]
}

/// A registration with a name in a place.
fn registrations(name: &str) -> Vec<Value> {
    vec![
        json!({"id": name}),
        json!({"id": "p", "eventTypes": [{"name": name}]}),
        json!({"id": "p", "identity": {"kind": name}}),
        json!({"id": "p", "identity": {"kind": "k", "label": name}}),
        json!({"id": "p", "input": {"type": "engine", "kind": name}}),
        json!({"id": "p", "input": {"type": "tool_call", "call": {"callId": name, "toolName": "t"}}}),
        json!({"id": "p", "input": {"type": "tool_call", "call": {"callId": "c", "toolName": name}}}),
        json!({"id": "p", "input": {"type": "tool_call", "call": {"callId": "c", "toolName": "t", "toolId": name}}}),
        json!({"id": "p", "envRef": name}),
        json!({"id": "p", "wakeTarget": {"sessionId": name}}),
        json!({"id": "p", "wakeTarget": {"sessionId": "s", "agentFrameId": name}}),
        json!({"id": "p", "provenance": {"originator": {"type": "session", "scope": {"sessionId": name}}}}),
    ]
}

pub async fn a_registration_with_a_name_that_is_too_long_is_refused_by_its_path(world: World<impl AnyRegistry>) {
    let [_, too_long] = names();
    for registration in registrations(&too_long) {
        let fault = world.register(registration.clone()).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidArgument, "{registration}");
        assert!(fault.message().contains("has more than 1024 characters"), "{}", fault.message());
    }
    assert_eq!(world.list(json!({"status": "any"})).await, [""; 0]);
}

pub async fn a_registration_with_the_longest_names_is_kept(world: World<impl AnyRegistry>) {
    let [longest, _] = names();
    for (number, mut registration) in registrations(&longest).into_iter().enumerate() {
        if registration["id"] == "p" {
            registration["id"] = json!(format!("p{number}"));
        }
        world.register(registration).await.unwrap();
    }
    assert_eq!(world.list(json!({"kind": longest})).await.len(), 2);
}

pub async fn a_label_that_is_taken_from_a_longer_text_is_its_beginning(world: World<impl AnyRegistry>) {
    let title = format!("{}😀 and so on", "é".repeat(1_023));
    let input = json!({"type": "external", "metadata": {"title": title}});
    let record = world.register(json!({"id": "p", "input": input})).await.unwrap().json();
    assert_eq!(record["identity"]["label"], "é".repeat(1_023), "it is cut between characters");
    assert_eq!(record["input"], input);
}

pub async fn an_append_with_a_name_that_is_too_long_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let [longest, too_long] = names();
    let signal = "s".repeat(1_024);
    for request in [
        json!({"eventType": "note", "replayKey": longest}),
        json!({"eventType": format!("signal.{signal}"), "replayKey": format!("signal:{signal}:{longest}")}),
        json!({"eventType": "ring", "wakeTargetScope": {"sessionId": longest, "agentFrameId": longest}}),
    ] {
        world.append("p", request).await.unwrap();
    }
    let before = world.picture().await;
    for request in [
        json!({"eventType": "note", "replayKey": too_long}),
        json!({"eventType": too_long}),
        json!({"eventType": format!("signal.{signal}s")}),
        json!({"eventType": "signal.go", "replayKey": format!("signal:go:{}", longest.repeat(5))}),
        json!({"eventType": "note", "wakeTargetScope": {"sessionId": too_long}}),
    ] {
        assert_eq!(refused(world.append("p", request.clone()).await), Code::InvalidArgument, "{request}");
    }
    for (name, id) in [(format!("{signal}s"), "1"), ("go".to_owned(), too_long.as_str())] {
        assert_eq!(refused(AppendRequest::signal(&name, Payload::null(), Some(id))), Code::InvalidArgument);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn marks_handles_and_leases_with_names_that_are_too_long_are_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let [_, too_long] = names();
    let before = world.picture().await;
    let (registry, p) = (&world.registry, &"p".into());
    for external_ref in [json!({"backend": too_long, "id": "1"}), json!({"backend": "b", "id": too_long})] {
        assert_eq!(refused(registry.set_external_ref(p, made(external_ref)).await), Code::InvalidArgument);
    }
    let wait =
        json!({"kind": "signal", "name": "go", "eventType": "signal.go", "key": too_long, "ordinal": 1, "sinceMs": 0});
    assert_eq!(refused(registry.set_wait(p, made(wait)).await), Code::InvalidArgument);
    for (session, label) in [(too_long.as_str(), "l"), ("s", &too_long)] {
        let granted = registry.grant(scope(session), p, made(json!({"label": label}))).await;
        assert_eq!(refused(granted), Code::InvalidArgument);
    }
    for (name, life) in [(too_long.as_str(), "1"), ("a", &too_long)] {
        assert_eq!(refused(registry.claim(p, owner(name, life), TTL).await), Code::InvalidArgument);
    }
    assert_eq!(refused(registry.delete_session(&too_long.as_str().into()).await), Code::InvalidArgument);
    assert_eq!(world.picture().await, before);
}

pub async fn a_name_of_white_space_of_any_kind_is_blank(world: World<impl AnyRegistry>) {
    for blank in ["\u{feff}", "\u{85}", "\u{1680}\u{2029}\u{feff}"] {
        for registration in [
            json!({"id": blank}),
            json!({"id": "p", "identity": {"kind": blank}}),
            json!({"id": "p", "eventTypes": [{"name": blank}]}),
            json!({"id": "p", "wakeTarget": {"sessionId": blank}}),
        ] {
            assert_eq!(refused(world.register(registration.clone()).await), Code::InvalidArgument, "{registration}");
        }
    }
    for visible in ["\u{200b}", "\u{180e}", "\u{feff}x", "\0"] {
        world.register(json!({"id": visible})).await.unwrap();
    }
}
