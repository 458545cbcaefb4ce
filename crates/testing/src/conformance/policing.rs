//! The run policy as callers see it: what is stored of it, and what it does to the other processes of a concurrency key.

use longwait_core::{Code, model::key::ProcessId};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, refused};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Registers a job with these fields besides its id.
async fn job<R: AnyRegistry>(world: &World<R>, id: &str, more: Value) -> longwait_core::Result<String> {
    Ok(world.job(id, more).await?.id().to_string())
}

async fn keyed<R: AnyRegistry>(world: &World<R>, id: &str, on_conflict: &str) -> longwait_core::Result<String> {
    job(world, id, json!({"concurrencyKey": "k", "onConflict": on_conflict})).await
}

/// The state that a process is in, and the message of its end, if it was cancelled.
async fn end<R: AnyRegistry>(world: &World<R>, id: &str) -> (String, Value) {
    let status = world.record(id).await.json()["status"].clone();
    (status["state"].as_str().unwrap().to_owned(), status["awaitOutput"]["message"].clone())
}

async fn is_asked_to_stop<R: AnyRegistry>(world: &World<R>, id: &str) -> bool {
    world.log(id).await.iter().any(|event| event.event_type == "process.cancel_requested")
}

async fn pause<R: AnyRegistry>(world: &World<R>, id: &str) -> longwait_core::Result<Value> {
    Ok(world.registry.pause_process(&ProcessId::from(id), Some("lunch".to_owned())).await?.json())
}

pub async fn a_policy_is_read_back_as_it_was_given<R: AnyRegistry>(world: World<R>) {
    let policy = json!({
        "startAtMs": START + 10, "deadlineAtMs": START + 20, "crashLimit": 3, "priority": -7, "version": 2,
        "retry": {"maxAttempts": 4, "initialIntervalMs": 5, "backoffCoefficient": 1.5, "maxIntervalMs": 6, "jitter": false},
        "concurrencyKey": "k", "onConflict": "replace_pending", "debounce": {"delayMs": 1, "maxDelayMs": 2},
        "requires": "network", "labels": {"a": "1", "b": ""},
        "traceContext": {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
    });
    job(&world, "p", policy.clone()).await.unwrap();
    let shown = world.another().await.record("p").await.json();
    for (name, given) in policy.as_object().unwrap() {
        assert_eq!(&shown[name], given, "{name}");
    }
}

pub async fn a_policy_is_no_part_of_what_is_compared<R: AnyRegistry>(world: World<R>) {
    job(&world, "p", json!({"priority": 1})).await.unwrap();
    let plain = world.record("p").await.json();
    job(&world, "p", json!({"priority": 2, "startAtMs": START + 1, "traceContext": {"traceparent": TRACEPARENT}}))
        .await
        .unwrap();
    assert_eq!(world.record("p").await.json(), plain, "the first one wins");
    job(&world.another().await, "p", json!({})).await.unwrap();
    assert_eq!(refused(world.register(json!({"id": "p"})).await), Code::RegistrationConflict);
}

pub async fn a_policy_that_makes_no_sense_is_refused_and_nothing_is_registered<R: AnyRegistry>(world: World<R>) {
    for policy in [
        json!({"crashLimit": 0}),
        json!({"priority": 1_000_001}),
        json!({"onConflict": "queue"}),
        json!({"debounce": {"delayMs": 1}}),
        json!({"concurrencyKey": " "}),
        json!({"concurrencyKey": "k", "onConflict": "queue", "debounce": {"delayMs": 1}}),
        json!({"retry": {"maxAttempts": 0}}),
        json!({"retry": {"backoffCoefficient": 0.5}}),
        json!({"labels": {" ": "blank"}}),
        json!({"onParentEnd": "cancel"}),
        json!({"traceContext": {"traceparent": "00-1-2-01"}}),
        json!({"traceContext": {"traceparent": TRACEPARENT, "tracestate": ""}}),
    ] {
        assert_eq!(refused(job(&world, "p", policy.clone()).await), Code::InvalidArgument, "{policy}");
    }
    assert!(world.registry.process(&"p".into()).await.unwrap().is_none());
}

pub async fn a_process_waits_for_a_start_that_is_to_come_and_for_none_that_has_passed<R: AnyRegistry>(world: World<R>) {
    job(&world, "p", json!({"startAtMs": START + 5})).await.unwrap();
    job(&world, "q", json!({"startAtMs": START})).await.unwrap();
    let wait = json!({"kind": "start", "untilMs": START + 5, "sinceMs": START});
    assert_eq!(world.record("p").await.json()["wait"], wait);
    assert_eq!(world.record("q").await.json()["wait"], Value::Null);
    assert_eq!(world.list(json!({"waiting": true})).await, ["p"]);
}

pub async fn a_process_whose_key_is_taken_is_the_one_that_has_it_where_that_is_wanted<R: AnyRegistry>(world: World<R>) {
    keyed(&world, "p", "queue").await.unwrap();
    world.clock.advance(1);
    keyed(&world, "q", "queue").await.unwrap();
    assert_eq!(keyed(&world, "r", "use_existing").await.unwrap(), "q", "the newest of them");
    assert!(world.registry.process(&"r".into()).await.unwrap().is_none());
    world.succeed("p").await;
    world.succeed("q").await;
    assert_eq!(keyed(&world, "r", "use_existing").await.unwrap(), "r");
}

pub async fn a_process_whose_key_is_taken_is_refused_where_that_is_wanted<R: AnyRegistry>(world: World<R>) {
    keyed(&world, "p", "queue").await.unwrap();
    assert_eq!(refused(keyed(&world, "q", "reject").await), Code::Conflict);
    assert!(world.registry.process(&"q".into()).await.unwrap().is_none());
    assert_eq!(keyed(&world, "p", "queue").await.unwrap(), "p", "what is stored is found before the key is looked at");
    world.succeed("p").await;
    assert_eq!(keyed(&world, "q", "reject").await.unwrap(), "q");
}

pub async fn pending_processes_of_a_key_are_replaced_and_those_of_other_keys_are_not<R: AnyRegistry>(world: World<R>) {
    job(&world, "other", json!({"concurrencyKey": "l"})).await.unwrap();
    keyed(&world, "p", "queue").await.unwrap();
    keyed(&world, "q", "queue").await.unwrap();
    keyed(&world, "r", "replace_pending").await.unwrap();
    for id in ["p", "q"] {
        assert_eq!(end(&world, id).await, ("cancelled".to_owned(), json!("replaced")), "{id}");
    }
    for id in ["r", "other"] {
        assert_eq!(end(&world, id).await.0, "running", "{id}");
    }
}

pub async fn a_debounced_process_starts_after_the_last_of_a_row_and_not_too_late_after_the_first<R: AnyRegistry>(
    world: World<R>,
) {
    let debounced = json!({"concurrencyKey": "k", "debounce": {"delayMs": 100, "maxDelayMs": 250}});
    let mut starts = Vec::new();
    for id in ["a", "b", "c", "d"] {
        job(&world, id, debounced.clone()).await.unwrap();
        starts.push(world.record(id).await.json()["wait"]["untilMs"].as_u64().unwrap() - START);
        world.clock.advance(80);
    }
    assert_eq!(starts, [100, 180, 250, 250]);
    assert_eq!(end(&world, "c").await, ("cancelled".to_owned(), json!("replaced")));
    world.succeed("d").await;
    job(&world, "e", debounced).await.unwrap();
    let start = world.record("e").await.json()["wait"]["untilMs"].as_u64().unwrap();
    assert_eq!(start, START + 4 * 80 + 100, "a new row begins with it");
}

pub async fn a_child_needs_a_parent_that_has_not_ended<R: AnyRegistry>(world: World<R>) {
    assert_eq!(refused(job(&world, "c", json!({"parentId": "p"})).await), Code::UnknownProcess);
    world.start("p").await;
    world.succeed("p").await;
    assert_eq!(refused(job(&world, "c", json!({"parentId": "p"})).await), Code::ProcessTerminal);
}

pub async fn the_children_of_a_process_are_asked_to_stop_when_it_ends_in_whatever_way<R: AnyRegistry>(world: World<R>) {
    for (parent, event) in [("p", "done"), ("q", "")] {
        world.start(parent).await;
        for (id, on_parent_end) in [("stops", "cancel"), ("stays", "abandon")] {
            let child = json!({"parentId": parent, "onParentEnd": on_parent_end});
            job(&world, &format!("{parent}/{id}"), child).await.unwrap();
        }
        match event {
            "" => drop(world.succeed(parent).await),
            event => drop(world.append(parent, json!({"eventType": event, "replayKey": "end"})).await.unwrap()),
        }
        assert!(is_asked_to_stop(&world, &format!("{parent}/stops")).await);
        assert!(!is_asked_to_stop(&world, &format!("{parent}/stays")).await);
    }
}

pub async fn the_children_of_a_process_that_is_deleted_are_asked_to_stop<R: AnyRegistry>(world: World<R>) {
    world.start("p").await;
    job(&world, "c", json!({"parentId": "p"})).await.unwrap();
    world.registry.delete(&"p".into(), true).await.unwrap();
    assert!(is_asked_to_stop(&world, "c").await);
}

pub async fn a_paused_process_says_so_until_it_is_resumed<R: AnyRegistry>(world: World<R>) {
    world.start("p").await;
    let paused = json!({"sinceMs": START, "reason": "lunch"});
    assert_eq!(pause(&world, "p").await.unwrap()["paused"], paused);
    world.clock.advance(1);
    assert_eq!(pause(&world, "p").await.unwrap()["paused"], paused, "it is paused already");
    let resumed = world.registry.resume_process(&"p".into()).await.unwrap().json();
    assert_eq!(resumed["paused"], Value::Null);
    world.registry.resume_process(&"p".into()).await.unwrap();
    let types: Vec<_> = world.log("p").await.iter().map(|event| event.event_type.clone()).collect();
    assert_eq!(types, ["process.paused", "process.unpaused"]);
    assert_eq!(world.log("p").await[0].payload.json(), json!({"reason": "lunch"}));
}

pub async fn what_has_ended_or_is_unknown_cannot_be_paused<R: AnyRegistry>(world: World<R>) {
    assert_eq!(refused(pause(&world, "p").await), Code::UnknownProcess);
    world.start("p").await;
    world.succeed("p").await;
    assert_eq!(refused(pause(&world, "p").await), Code::AlreadyTerminal);
    assert_eq!(refused(world.registry.resume_process(&"p".into()).await), Code::AlreadyTerminal);
}

pub async fn a_pause_takes_the_lease_from_its_holder<R: AnyRegistry>(world: World<R>) {
    job(&world, "p", json!({})).await.unwrap();
    let lease = world.lease("p", &crate::owner("tab", "1")).await;
    pause(&world, "p").await.unwrap();
    let ends = world.complete_leased(&lease, json!({"type": "success", "value": 1})).await;
    assert_eq!(refused(ends), Code::LeaseLost);
    let next = world.lease("p", &crate::owner("tab", "2")).await;
    assert_eq!(next.fencing_token, lease.fencing_token + 2, "the pause raised the fence");
}
