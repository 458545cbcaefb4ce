//! Forks: a new process that begins where another one was.

use longwait_core::{
    Code,
    model::{event::AppendRequest, payload::Payload},
};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, World, after, payloads, refused, sequences, usual_types};

/// A process `p` with three notes, a ring that wakes session `s`, a cancel request, and an end.
async fn ended(world: &World<impl AnyRegistry>) {
    let registration = json!({
        "id": "p",
        "input": {"type": "engine", "kind": "job", "payload": 1},
        "identity": {"kind": "job", "definition": {"v": 1}},
        "eventTypes": usual_types(),
        "wakeTarget": {"sessionId": "s"},
        "labels": {"user": "u"},
        "version": 3,
        "deadlineAtMs": crate::START + 1_000,
    });
    world.register(registration).await.unwrap();
    for number in 1..=3 {
        world
            .append("p", json!({"eventType": "note", "payload": number, "replayKey": format!("n{number}")}))
            .await
            .unwrap();
        world.clock.advance(1);
    }
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    world.append("p", json!({"eventType": "ring", "payload": "up"})).await.unwrap();
    let failure = json!({"type": "failure", "class": "execution", "code": "c", "message": "m"});
    world.complete("p", failure).await.unwrap();
    world.note("p").await;
}

fn from(new_id: &str, from: Value) -> Value {
    json!({"newId": new_id, "from": from})
}

pub async fn a_fork_of_a_whole_log_lacks_its_end_and_what_asked_for_that(world: World<impl AnyRegistry>) {
    ended(&world).await;
    world.clock.advance(10);
    let source = world.record("p").await;
    let forked = world.registry.fork_json(&"p".into(), from("q", json!("failed"))).await.unwrap();
    assert_eq!(world.record("q").await.json(), forked.json());
    let mut expected = source.json();
    for (field, value) in [
        ("id", json!("q")),
        ("status", json!({"state": "running"})),
        ("createdAtMs", json!(longwait_core::host::Clock::now(&world.clock))),
        ("updatedAtMs", json!(longwait_core::host::Clock::now(&world.clock))),
        ("registrationHash", forked.json()["registrationHash"].clone()),
        ("provenance", json!({"originator": {"type": "host"}, "causedBy": {"forkOf": "p"}})),
    ] {
        expected[field] = value;
    }
    // What was about its time is not that of the fork.
    expected.as_object_mut().unwrap().remove("deadlineAtMs");
    assert_eq!(forked.json(), expected);
    let (of_source, log) = (world.log("p").await, world.log("q").await);
    assert_eq!(sequences(&log), [1, 2, 3, 4, 5]);
    assert_eq!(payloads(&log), [json!(1), json!(2), json!(3), json!("up"), json!(null)]);
    assert!(log.iter().all(|event| event.process_id.as_str() == "q"));
    assert_eq!(log[0].replay_key.as_deref(), Some("n1"));
    assert_eq!(log[2].occurred_at_ms, of_source[2].occurred_at_ms);
    // The source is as it was.
    assert_eq!(world.record("p").await, source);
    assert_eq!(of_source.len(), 7);
}

pub async fn a_fork_goes_on_as_a_process_of_its_own(world: World<impl AnyRegistry>) {
    ended(&world).await;
    world.registry.fork_json(&"p".into(), from("q", json!("failed"))).await.unwrap();
    let replayed = world.append("q", json!({"eventType": "note", "payload": 2, "replayKey": "n2"})).await.unwrap();
    assert_eq!((replayed.replayed, replayed.event.sequence), (true, 2));
    assert_eq!(world.note("q").await, 6);
    assert_eq!(world.registry.count_events(&"q".into(), "note", 6).await.unwrap(), 5);
    assert_eq!(world.registry.count_events(&"q".into(), "note", 3).await.unwrap(), 3);
    assert_eq!(world.registry.count_events(&"q".into(), "process.cancel_requested", 9).await.unwrap(), 0);
    world.succeed("q").await;
    assert_eq!(world.record("q").await.json()["status"]["state"], "completed");
    assert_eq!(world.record("p").await.json()["status"]["state"], "failed");
}

pub async fn a_fork_causes_none_of_the_wakes_of_its_source(world: World<impl AnyRegistry>) {
    ended(&world).await;
    world.registry.fork_json(&"p".into(), from("q", json!("failed"))).await.unwrap();
    assert_eq!(world.unacked("p").await, [5]);
    assert_eq!(world.unacked("q").await, [0; 0]);
    let rung = world.append("q", json!({"eventType": "ring", "payload": "again"})).await.unwrap();
    assert!(rung.wake_delivery.is_some());
}

pub async fn a_fork_from_the_start_has_an_empty_log_and_may_have_another_input(world: World<impl AnyRegistry>) {
    ended(&world).await;
    let mut options = from("q", json!("start"));
    options["input"] = json!({"type": "engine", "kind": "job", "payload": 2});
    let forked = world.registry.fork_json(&"p".into(), options).await.unwrap();
    assert_eq!(forked.json()["input"]["payload"], 2);
    assert_eq!(world.log("q").await.len(), 0);
    assert_eq!(world.note("q").await, 1);
    assert_eq!(world.list(json!({"labels": {"user": "u"}, "version": 3})).await, ["q"]);
}

pub async fn an_input_of_another_shape_makes_no_fork(world: World<impl AnyRegistry>) {
    ended(&world).await;
    for input in [json!({"type": "external"}), json!({"type": "engine", "kind": "other"}), json!({"type": "engine"})] {
        let mut options = from("q", json!("start"));
        options["input"] = input;
        assert_eq!(refused(world.registry.fork_json(&"p".into(), options).await), Code::InvalidArgument);
    }
    assert_eq!(world.list(json!({})).await, [""; 0]);
}

pub async fn the_fork_repeated_is_the_stored_record_and_another_one_a_conflict(world: World<impl AnyRegistry>) {
    ended(&world).await;
    world.register(json!({"id": "taken"})).await.unwrap();
    let fork = async |new_id| world.registry.fork_json(&"p".into(), from(new_id, json!("failed"))).await;
    fork("q").await.unwrap();
    world.note("q").await;
    let stored = world.record("q").await;
    assert_eq!(fork("q").await.unwrap(), stored);
    assert_eq!(world.record("q").await, stored);
    for taken in ["taken", "p"] {
        assert_eq!(refused(fork(taken).await), Code::RegistrationConflict);
    }
    let other = world.registry.fork_json(&"q".into(), from("q2", json!("failed"))).await.unwrap();
    assert_eq!(other.json()["provenance"]["causedBy"], json!({"forkOf": "q"}));
}

pub async fn a_fork_of_what_is_unknown_or_before_an_unknown_step_is_refused(world: World<impl AnyRegistry>) {
    let fork = async |at: Value| world.registry.fork_json(&"p".into(), from("q", at)).await;
    assert_eq!(refused(fork(json!("start")).await), Code::UnknownProcess);
    ended(&world).await;
    assert_eq!(refused(fork(json!({"step": "n1"})).await), Code::InvalidArgument);
    assert_eq!(refused(fork(json!("end")).await), Code::InvalidArgument);
    assert!(world.registry.process(&"q".into()).await.unwrap().is_none());
}

pub async fn a_fork_counts_its_types_however_many_there_are(world: World<impl AnyRegistry>) {
    let types: Vec<_> = (0..20).map(|number| json!({"name": format!("t{number}")})).collect();
    world.start_with("p", json!(types)).await;
    for round in 0..2 {
        for number in 0..20 {
            world.append("p", json!({"eventType": format!("t{number}"), "payload": round})).await.unwrap();
        }
    }
    world.registry.fork_json(&"p".into(), from("q", json!("failed"))).await.unwrap();
    world.append("q", json!({"eventType": "t19"})).await.unwrap();
    for (event_type, count) in [("t0", 2), ("t19", 3)] {
        assert_eq!(world.registry.count_events(&"q".into(), event_type, 99).await.unwrap(), count);
    }
    assert_eq!(world.registry.count_events(&"p".into(), "t19", 99).await.unwrap(), 2);
}

pub async fn a_fork_queues_behind_the_processes_of_its_key(world: World<impl AnyRegistry>) {
    let registration = |id: &str| json!({"id": id, "concurrencyKey": "k", "onConflict": "queue"});
    world.register(registration("p")).await.unwrap();
    world.succeed("p").await;
    world.register(registration("other")).await.unwrap();
    let forked = world.registry.fork_json(&"p".into(), from("q", json!("start"))).await.unwrap();
    assert_eq!(forked.json()["concurrencyKey"], "k");
    assert!(forked.json().get("onConflict").is_none());
}

pub async fn a_fork_begins_before_the_record_of_a_step(world: World) {
    world
        .register(json!({"id": "p", "input": {"type": "engine", "kind": "job"}, "eventTypes": usual_types()}))
        .await
        .unwrap();
    for key in ["one", "two", "three"] {
        let step = AppendRequest::step(key, &Some(Payload::from(key)));
        world.registry.append(&"p".into(), step).await.unwrap();
        world.note("p").await;
    }
    let types = async |id: &str| {
        let log = world.events(id, after(0)).await.unwrap();
        log.iter().map(|event| event.event_type.clone()).collect::<Vec<_>>()
    };
    world.registry.fork_json(&"p".into(), from("q", json!({"step": "two"}))).await.unwrap();
    assert_eq!(types("q").await, ["process.step", "note"]);
    world.registry.fork_json(&"p".into(), from("r", json!({"step": "one"}))).await.unwrap();
    assert_eq!(types("r").await, [""; 0]);
    world.registry.fork_json(&"p".into(), from("s", json!("failed"))).await.unwrap();
    assert_eq!(types("s").await.len(), 6);
}
