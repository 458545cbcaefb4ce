//! External references and wait states: marks on the record that no event carries.

use longwait_core::Code;
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, made, refused};

async fn refer(world: &World<impl AnyRegistry>, id: &str, external_ref: Value) -> longwait_core::Result<Value> {
    Ok(world.registry.set_external_ref(&id.into(), made(external_ref)).await?.json())
}

pub async fn the_first_external_reference_is_stored(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.clock.advance(7);
    let external_ref = json!({"backend": "b", "id": "1", "metadata": {"x": [null]}});
    let record = refer(&world, "p", external_ref.clone()).await.unwrap();
    assert_eq!((&record["externalRef"], &record["updatedAtMs"]), (&external_ref, &json!(START + 7)));
    assert_eq!(world.record("p").await.json(), record);
    assert_eq!(world.ticked(), ["p", "p"]);
}

pub async fn the_same_external_reference_again_changes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let stored = refer(&world, "p", json!({"backend": "b", "id": "1", "metadata": {"x": 1, "y": 2}})).await.unwrap();
    let (before, bytes) = (world.picture().await, format!("{:?}", world.record("p").await));
    world.clock.advance(7);
    let again = refer(&world, "p", json!({"metadata": {"y": 2.0, "x": 1}, "id": "1", "backend": "b"})).await.unwrap();
    assert_eq!(again, stored);
    assert_eq!(format!("{:?}", world.record("p").await), bytes);
    assert_eq!(world.picture().await, before);
}

pub async fn another_external_reference_is_a_conflict(world: World<impl AnyRegistry>) {
    world.start("p").await;
    refer(&world, "p", json!({"backend": "b", "id": "1"})).await.unwrap();
    let before = world.picture().await;
    for other in [
        json!({"backend": "b", "id": "2"}),
        json!({"backend": "c", "id": "1"}),
        json!({"backend": "b", "id": "1", "metadata": null}),
    ] {
        assert_eq!(refused(refer(&world, "p", other).await), Code::ExternalRefConflict);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn a_mark_on_an_unknown_process_is_an_error(world: World<impl AnyRegistry>) {
    let unknown = Code::UnknownProcess;
    assert_eq!(refused(refer(&world, "p", json!({"backend": "b", "id": "1"})).await), unknown);
    assert_eq!(refused(world.wait("p").await), unknown);
    assert_eq!(refused(world.registry.clear_wait(&"p".into()).await), unknown);
}

pub async fn a_waiting_process_says_so_and_still_runs(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.clock.advance(3);
    let record = world.wait("p").await.unwrap().json();
    assert_eq!((&record["wait"]["kind"], &record["wait"]["name"]), (&json!("signal"), &json!("go")));
    assert_eq!((&record["status"], &record["updatedAtMs"]), (&json!({"state": "running"}), &json!(START + 3)));
    assert_eq!(world.record("p").await.json(), record);
    assert_eq!(world.ticked(), ["p", "p"]);
}

pub async fn a_wait_replaces_the_one_before(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.wait("p").await.unwrap();
    let next = json!({"kind": "signal", "name": "b", "eventType": "signal.b", "key": "k2", "ordinal": 2, "sinceMs": 5});
    world.registry.set_wait(&"p".into(), made(next.clone())).await.unwrap();
    assert_eq!(world.record("p").await.json()["wait"], next);
}

pub async fn a_cleared_wait_is_gone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.wait("p").await.unwrap();
    world.clock.advance(3);
    let record = world.registry.clear_wait(&"p".into()).await.unwrap();
    assert_eq!((record.wait.is_none(), record.updated_at_ms), (true, START + 3));
    assert_eq!(world.record("p").await, record);
}

pub async fn clearing_where_nothing_waits_changes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let before = world.picture().await;
    world.clock.advance(3);
    world.registry.clear_wait(&"p".into()).await.unwrap();
    assert_eq!(world.picture().await, before);
}

pub async fn an_ended_process_cannot_wait(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    let before = world.picture().await;
    assert_eq!(refused(world.wait("p").await), Code::AlreadyTerminal);
    assert_eq!(world.picture().await, before);
}

pub async fn the_end_of_a_process_ends_its_wait(world: World<impl AnyRegistry>) {
    for (id, by_event) in [("p", false), ("q", true)] {
        world.start(id).await;
        world.wait(id).await.unwrap();
        if by_event {
            world.append(id, json!({"eventType": "done", "replayKey": "k"})).await.unwrap();
        } else {
            world.succeed(id).await;
        }
        let record = world.record(id).await;
        assert!(record.is_terminal() && record.wait.is_none(), "{id}");
    }
}

pub async fn a_conflict_of_external_references_says_where_they_differ(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let set = |metadata: serde_json::Value| {
        let external_ref = made(json!({"backend": "b", "id": "1", "metadata": metadata}));
        let registry = world.registry.clone();
        async move { registry.set_external_ref(&"p".into(), external_ref).await }
    };
    set(json!({"host": "one"})).await.unwrap();
    let fault = set(json!({"host": "two"})).await.unwrap_err();
    assert!(fault.message().contains("ref.metadata.host: \"one\" is stored, \"two\" was given"), "{}", fault.message());
}
