//! What a registration must be, what it is completed with, and what registering again answers.

use futures::future::join;
use longwait_core::{Code, model::process::ProcessRecord};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, refused, usual_types};

pub async fn a_registered_process_runs_from_now_on(world: World<impl AnyRegistry>) {
    world.clock.advance(5);
    let record = world.start("p").await.json();
    assert_eq!(record["id"], "p");
    assert_eq!(record["status"], json!({"state": "running"}));
    assert_eq!([&record["createdAtMs"], &record["updatedAtMs"]], [START + 5, START + 5]);
    for absent in ["wait", "externalRef", "wakeTarget", "envRef", "recovery"] {
        assert_eq!(record.get(absent), None, "{absent}");
    }
}

pub async fn what_was_registered_is_read_back(world: World<impl AnyRegistry>) {
    let registration = json!({
        "id": "проц \u{1F980} /\u{0}\"",
        "input": {"type": "engine", "kind": "k", "payload": {"": [1, -1.5, 1e300, "é\u{FFFF}", null, {"a": {}}]}},
        "identity": {"kind": "other", "label": "l", "definition": {"v": [1, 2]}},
        "provenance": {
            "originator": {"type": "session", "scope": {"sessionId": "s", "agentFrameId": "f"}},
            "causedBy": {"turn": 3},
        },
        "envRef": "env",
        "wakeTarget": {"sessionId": "s"},
        "recovery": "abandon",
    });
    let registered = world.register(registration.clone()).await.unwrap();
    let read = world.another().await.record(registered.id()).await;
    assert_eq!(read.json(), registered.json());
    for (name, value) in registration.as_object().unwrap() {
        assert_eq!(read.json()[name], *value, "{name}");
    }
}

pub async fn every_kind_of_input_is_read_back(world: World<impl AnyRegistry>) {
    let inputs = [
        json!({"type": "external", "metadata": {"label": "x", "n": [1]}}),
        json!({"type": "external"}),
        json!({"type": "engine", "kind": "k"}),
        json!({"type": "tool_call", "call": {"callId": "c", "toolName": "t", "toolId": "i", "args": {"a": 1}, "more": 2}}),
        json!({"type": "session_turn", "createRequest": {"sessionId": "s", "x": {}}, "turnInput": [1]}),
    ];
    for (place, input) in inputs.into_iter().enumerate() {
        let id = format!("p{place}");
        world.register(json!({"id": id, "input": input})).await.unwrap();
        assert_eq!(world.record(&id).await.json()["input"], input);
    }
}

pub async fn a_blank_id_is_refused(world: World<impl AnyRegistry>) {
    let before = world.picture().await;
    for blank in ["", " ", "\t\n", "\u{2003}"] {
        assert_eq!(refused(world.register(json!({"id": blank})).await), Code::InvalidArgument);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn the_core_event_types_are_added(world: World<impl AnyRegistry>) {
    let types = event_types(&world.register(json!({"id": "p"})).await.unwrap());
    let names: Vec<_> = types.iter().map(|declared| declared["name"].as_str().unwrap()).collect();
    for plain in ["process.cancel_requested", "process.waiting", "process.resumed"] {
        let declared = types.iter().find(|declared| declared["name"] == plain).unwrap();
        assert_eq!(*declared, json!({"name": plain}));
    }
    for state in ["completed", "failed", "cancelled"] {
        let name = format!("process.{state}");
        let terminal = json!({"state": state, "awaitOutput": {"pointer": "/awaitOutput"}});
        let declared = types.iter().find(|declared| declared["name"] == *name).unwrap();
        assert_eq!(*declared, json!({"name": name, "semantics": {"terminal": terminal}}));
    }
    assert_eq!(names.len(), 6);
}

pub async fn a_core_type_that_the_caller_declares_stays_as_declared(world: World<impl AnyRegistry>) {
    let declared = json!({"name": "process.waiting", "payloadSchema": {"type": "object"}});
    let types = event_types(&world.start_with("p", json!([declared])).await);
    assert_eq!(types.iter().filter(|one| one["name"] == "process.waiting").collect::<Vec<_>>(), [&declared]);
    assert_eq!(types.len(), 6);
}

pub async fn a_core_terminal_type_cannot_be_declared_with_another_meaning(world: World<impl AnyRegistry>) {
    let plain = json!({"name": "process.failed"});
    let swapped = json!({"name": "process.failed", "semantics": {"terminal": {"state": "completed"}}});
    for declared in [plain, swapped] {
        let registration = json!({"id": "p", "eventTypes": [declared]});
        assert_eq!(refused(world.register(registration).await), Code::InvalidArgument);
    }
}

pub async fn a_blank_event_type_name_is_refused(world: World<impl AnyRegistry>) {
    for name in ["", "  "] {
        let registration = json!({"id": "p", "eventTypes": [{"name": name}]});
        assert_eq!(refused(world.register(registration).await), Code::InvalidArgument);
    }
}

pub async fn an_event_type_declared_twice_is_refused(world: World<impl AnyRegistry>) {
    let registration = json!({"id": "p", "eventTypes": [{"name": "a"}, {"name": "b"}, {"name": "a"}]});
    assert_eq!(refused(world.register(registration).await), Code::InvalidArgument);
}

pub async fn a_terminal_type_must_say_what_waiters_get_unless_it_completes(world: World<impl AnyRegistry>) {
    let ending = |id: &str, state: &str| json!({"id": id, "eventTypes": [{"name": "end", "semantics": {"terminal": {"state": state}}}]});
    for state in ["failed", "cancelled"] {
        assert_eq!(refused(world.register(ending("p", state)).await), Code::InvalidArgument, "{state}");
    }
    world.register(ending("p", "completed")).await.unwrap();
}

pub async fn an_uncompilable_schema_is_refused(world: World<impl AnyRegistry>) {
    let before = world.picture().await;
    let registration = json!({"id": "p", "eventTypes": [{"name": "a", "payloadSchema": {"type": "nonsense"}}]});
    assert_eq!(refused(world.register(registration).await), Code::InvalidSchema);
    assert_eq!(world.picture().await, before);
}

pub async fn provenance_defaults_to_the_host(world: World<impl AnyRegistry>) {
    assert_eq!(world.start("p").await.json()["provenance"], json!({"originator": {"type": "host"}}));
}

pub async fn an_external_process_is_labelled_by_its_metadata(world: World<impl AnyRegistry>) {
    let cases = [
        (json!({"label": "l", "name": "n", "title": "t"}), json!("l")),
        (json!({"name": "n", "title": "t"}), json!("n")),
        (json!({"title": "t"}), json!("t")),
        (json!({"other": "o"}), Value::Null),
        (json!("text"), Value::Null),
    ];
    for (place, (metadata, label)) in cases.into_iter().enumerate() {
        let input = json!({"type": "external", "metadata": metadata});
        let identity = identity(&world, &format!("p{place}"), input).await;
        assert_eq!((&identity["kind"], &identity["label"]), (&json!("external"), &label));
    }
}

pub async fn a_tool_call_is_named_after_its_tool(world: World<impl AnyRegistry>) {
    let input = json!({"type": "tool_call", "call": {"callId": "c", "toolName": "search"}});
    assert_eq!(identity(&world, "p", input).await, json!({"kind": "tool", "label": "search"}));
}

pub async fn an_engine_process_is_of_its_engines_kind(world: World<impl AnyRegistry>) {
    assert_eq!(identity(&world, "p", json!({"type": "engine", "kind": "video"})).await, json!({"kind": "video"}));
}

pub async fn a_session_turn_is_labelled_by_its_request(world: World<impl AnyRegistry>) {
    let cases = [
        (json!({"subagent": {"capability": "c"}, "usageSource": "u", "sessionId": "s"}), json!("c")),
        (json!({"subagent": {}, "usageSource": "u", "sessionId": "s"}), json!("u")),
        (json!({"sessionId": "s"}), json!("s")),
        (json!({}), Value::Null),
    ];
    for (place, (request, label)) in cases.into_iter().enumerate() {
        let input = json!({"type": "session_turn", "createRequest": request, "turnInput": null});
        let identity = identity(&world, &format!("p{place}"), input).await;
        assert_eq!((&identity["kind"], &identity["label"]), (&json!("session_turn"), &label));
    }
}

pub async fn a_blank_kind_is_refused(world: World<impl AnyRegistry>) {
    let blank_engine = json!({"id": "p", "input": {"type": "engine", "kind": " "}});
    let blank_identity = json!({"id": "p", "identity": {"kind": ""}});
    for registration in [blank_engine, blank_identity] {
        assert_eq!(refused(world.register(registration).await), Code::InvalidArgument);
    }
}

pub async fn a_registration_is_hashed_over_its_canonical_form(world: World<impl AnyRegistry>) {
    let hash = |record: &ProcessRecord| record.registered.registration_hash.clone();
    let one = world.register(json!({"id": "p", "identity": {"kind": "k", "definition": {"b": 1, "a": [100]}}})).await;
    let two = world.register(json!({"id": "p", "identity": {"definition": {"a": [1e2], "b": 1.0}, "kind": "k"}})).await;
    let (one, two) = (hash(&one.unwrap()), hash(&two.unwrap()));
    assert_eq!(one, two);
    assert!(one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{one}");
}

pub async fn registering_the_same_again_returns_the_stored_record(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    world.wait("p").await.unwrap();
    let stored = world.record("p").await;
    let before = world.picture().await;
    world.clock.advance(10);
    assert_eq!(world.start("p").await.json(), stored.json());
    assert_eq!(world.picture().await, before);
}

pub async fn registering_an_ended_process_again_returns_its_outcome(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let ended = world.succeed("p").await;
    assert_eq!(world.start("p").await, ended);
}

pub async fn registering_otherwise_is_a_conflict(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let before = world.picture().await;
    let types = usual_types();
    for other in [
        json!({"id": "p"}),
        json!({"id": "p", "eventTypes": types, "input": {"type": "external", "metadata": null}}),
        json!({"id": "p", "eventTypes": types, "envRef": "e"}),
        json!({"id": "p", "eventTypes": types, "wakeTarget": {"sessionId": "s"}}),
        json!({"id": "p", "eventTypes": types, "recovery": "rerun"}),
        json!({"id": "p", "eventTypes": types, "identity": {"kind": "external", "label": "l"}}),
    ] {
        assert_eq!(refused(world.register(other).await), Code::RegistrationConflict);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn two_tabs_that_register_alike_share_one_process(world: World<impl AnyRegistry>) {
    let other = world.another().await;
    let (mine, theirs) = join(world.start("p"), other.start("p")).await;
    assert_eq!(mine, theirs);
    assert_eq!(world.changes(0, None).await.records, [mine]);
}

pub async fn two_tabs_that_register_differently_have_one_winner(world: World<impl AnyRegistry>) {
    let other = world.another().await;
    let with_env = |env: &str| json!({"id": "p", "envRef": env});
    let (mine, theirs) = join(world.register(with_env("a")), other.register(with_env("b"))).await;
    let (won, lost) = match mine {
        Ok(won) => (won, refused(theirs)),
        Err(fault) => (theirs.unwrap(), fault.code()),
    };
    assert_eq!(lost, Code::RegistrationConflict);
    assert_eq!(world.record("p").await, won);
}

pub async fn a_registration_grants_nothing(world: World<impl AnyRegistry>) {
    let scope = json!({"sessionId": "s"});
    let provenance = json!({"originator": {"type": "session", "scope": scope}});
    world.register(json!({"id": "p", "wakeTarget": scope, "provenance": provenance})).await.unwrap();
    assert_eq!(world.registry.grants_of_process(&"p".into()).await.unwrap(), []);
}

pub async fn an_unknown_process_is_an_absence_and_not_an_error(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for unknown in ["q", "P", "p "] {
        assert_eq!(world.registry.process(&unknown.into()).await.unwrap(), None, "{unknown:?}");
    }
}

pub async fn a_blank_id_is_of_no_process(world: World) {
    world.start("p").await;
    assert_eq!(world.registry.process(&"".into()).await.unwrap(), None);
}

async fn identity(world: &World<impl AnyRegistry>, id: &str, input: Value) -> Value {
    let record = world.register(json!({"id": id, "input": input})).await.unwrap();
    record.json()["identity"].clone()
}

fn event_types(record: &ProcessRecord) -> Vec<Value> {
    record.json()["eventTypes"].as_array().unwrap().clone()
}

pub async fn a_conflict_says_where_the_registrations_first_differ(world: World<impl AnyRegistry>) {
    let with = |more: &str, schema: Value| {
        let types = json!([{"name": "note"}, {"name": "typed", "payloadSchema": schema}]);
        json!({"id": "p", "input": {"type": "external", "metadata": {"a b": more}}, "eventTypes": types})
    };
    world.register(with("x", json!({"type": "number", "title": "t"}))).await.unwrap();
    for (registration, expected) in [
        (
            with("y", json!({"type": "string"})),
            "registration.input.metadata[\"a b\"]: \"x\" is stored, \"y\" was given",
        ),
        (
            with("x", json!({"type": "string", "title": "t"})),
            "registration.eventTypes[1].payloadSchema.type: \"number\" is stored, \"string\" was given",
        ),
        (
            with("x", json!({"type": "number"})),
            "registration.eventTypes[1].payloadSchema.title: \"t\" is stored, nothing was given",
        ),
    ] {
        let fault = world.register(registration).await.unwrap_err();
        assert_eq!(fault.code(), Code::RegistrationConflict);
        assert!(fault.message().contains(expected), "{}", fault.message());
    }
    let fault = world.register(with(&"z".repeat(100_000), json!({"type": "string"}))).await.unwrap_err();
    assert!(fault.message().len() < 300, "{}", fault.message());
}

/// A selector that doubles its text at each of so many levels.
fn doubling(levels: usize, innermost: Value) -> Value {
    (0..levels).fold(innermost, |inner, _| json!({"template": "{x}{x}", "fields": {"x": inner}}))
}

pub async fn schemas_that_are_too_large_too_deep_or_too_many_are_refused(world: World<impl AnyRegistry>) {
    let types = |schemas: Vec<Value>| -> Value {
        let types = schemas.into_iter().enumerate();
        types.map(|(place, schema)| json!({"name": format!("t{place}"), "payloadSchema": schema})).collect()
    };
    let large = |characters: usize| json!({"type": "object", "title": "x".repeat(characters)});
    let deep =
        |levels: usize| (0..levels).fold(json!({"type": "object"}), |inner, _| json!({"type": "object", "x": inner}));
    for (place, fine) in [vec![large(262_000)], vec![deep(62)], vec![large(0); 256]].into_iter().enumerate() {
        world.register(json!({"id": format!("p{place}"), "eventTypes": types(fine)})).await.unwrap();
    }
    for refused_ones in [vec![large(262_144)], vec![deep(64)], vec![large(0); 257], vec![large(262_000); 5]] {
        let fault = world.register(json!({"id": "q", "eventTypes": types(refused_ones)})).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidSchema, "{}", fault.message());
    }
}

pub async fn an_event_type_of_too_many_selectors_is_refused(world: World<impl AnyRegistry>) {
    let fields = |count: usize| (0..count).map(|place| (format!("f{place}"), json!("payload"))).collect::<Value>();
    let types = |count: usize| {
        let template = json!({"template": "{f0}", "fields": {"nested": {"template": "", "fields": fields(count)}}});
        json!([{"name": "ring", "semantics": {"wake": {"input": template, "when": "payload"}}}])
    };
    // Two templates and the condition.
    world.register(json!({"id": "p", "eventTypes": types(997)})).await.unwrap();
    let fault = world.register(json!({"id": "q", "eventTypes": types(998)})).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidArgument);
    assert!(fault.message().starts_with("registration.eventTypes[0].semantics.wake.input"), "{}", fault.message());
    let long_name = json!({"template": "", "fields": {"n".repeat(1_025): "payload"}});
    let types = json!([{"name": "ring", "semantics": {"wake": {"input": long_name}}}]);
    assert_eq!(refused(world.register(json!({"id": "q", "eventTypes": types})).await), Code::InvalidArgument);
}

pub async fn a_selector_that_makes_too_much_of_any_payload_is_refused(world: World<impl AnyRegistry>) {
    let explodes = doubling(40, json!({"const": "x"}));
    for semantics in [
        json!({"wake": {"input": explodes}}),
        json!({"wake": {"input": "payload", "when": explodes}}),
        json!({"wake": {"input": "payload", "dedupeKey": {"selector": explodes}}}),
        json!({"terminal": {"state": "failed", "awaitOutput": explodes}}),
    ] {
        let types = json!([{"name": "note"}, {"name": "boom", "semantics": semantics}]);
        let fault = world.register(json!({"id": "p", "eventTypes": types})).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidArgument);
        assert!(fault.message().starts_with("registration.eventTypes[1].semantics."), "{}", fault.message());
    }
    let types = json!([{"name": "ring", "semantics": {"wake": {"input": doubling(40, json!("payload"))}}}]);
    world.start_with("p", types).await;
}
