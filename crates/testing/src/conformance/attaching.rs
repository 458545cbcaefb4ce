//! What is attached to processes. Here it is text, which is a Blob in JavaScript.

use futures::future::{join, join3};
use longwait_core::{Code, host::Clock, model::attachment::MAX_ATTACHMENTS};
use serde_json::{Map, Value, json};

use crate::{AnyRegistry, START, TTL, World, blob, owner, refused};

/// Registers an external process `id` with attachments.
async fn started(world: &World<impl AnyRegistry>, id: &str, attachments: Value) {
    world.register(json!({"id": id, "attachments": attachments})).await.unwrap();
}

/// Name and size of each attachment that a record lists.
async fn listed(world: &World<impl AnyRegistry>, id: &str) -> Vec<(String, u64)> {
    let infos = world.record(id).await.attachments;
    assert_eq!(world.registry.attachments(&id.into()).await.unwrap(), infos);
    infos.into_iter().map(|info| (info.name, info.size)).collect()
}

fn sizes<const N: usize>(sizes: [(&str, u64); N]) -> Vec<(String, u64)> {
    sizes.into_iter().map(|(name, size)| (name.to_owned(), size)).collect()
}

async fn put(world: &World<impl AnyRegistry>, id: &str, name: &str, text: &str) {
    world.registry.put_text(&id.into(), name, text, None).await.unwrap();
}

async fn text(world: &World<impl AnyRegistry>, id: &str, name: &str) -> Option<String> {
    world.registry.attached_text(&id.into(), name).await.unwrap()
}

pub async fn what_is_attached_is_listed_by_the_record_and_read_back(world: World<impl AnyRegistry>) {
    let attachments = json!({"a": blob("one"), "b": blob("")});
    let record = world.register(json!({"id": "p", "attachments": attachments})).await.unwrap();
    assert_eq!(listed(&world, "p").await, sizes([("a", 3), ("b", 0)]));
    assert_eq!(record.attachments, world.record("p").await.attachments);
    assert!(record.attachments.iter().all(|info| info.r#type == "text/plain" && info.updated_at_ms == START));
    let other = world.another().await;
    assert_eq!(listed(&other, "p").await, listed(&world, "p").await);
    for tab in [&world, &other] {
        assert_eq!(text(tab, "p", "a").await.as_deref(), Some("one"));
        assert_eq!(text(tab, "p", "b").await.as_deref(), Some(""));
        assert_eq!(text(tab, "p", "c").await, None);
    }
}

pub async fn attachments_are_no_part_of_what_is_compared(world: World<impl AnyRegistry>) {
    let with = |text: &str| json!({"id": "p", "attachments": {"a": blob(text)}});
    let first = world.register(with("one")).await.unwrap();
    assert_eq!(world.register(with("two")).await.unwrap(), first);
    assert_eq!(world.register(json!({"id": "p"})).await.unwrap(), first);
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("one"));
    world.register(json!({"id": "q"})).await.unwrap();
    assert_eq!(world.register(json!({"id": "q", "attachments": {"a": blob("late")}})).await.unwrap().attachments, []);
    assert_eq!(text(&world, "q", "a").await, None);
}

pub async fn an_attachment_replaces_one_of_its_name_in_its_place_and_comes_last_otherwise(
    world: World<impl AnyRegistry>,
) {
    started(&world, "p", json!({"a": blob("one"), "b": blob("two")})).await;
    world.clock.advance(10);
    put(&world, "p", "a", "three").await;
    put(&world, "p", "0", "").await;
    assert_eq!(listed(&world, "p").await, sizes([("a", 5), ("b", 3), ("0", 0)]));
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("three"));
    assert_eq!(text(&world, "p", "b").await.as_deref(), Some("two"));
    let times: Vec<_> = world.record("p").await.attachments.iter().map(|info| info.updated_at_ms).collect();
    assert_eq!(times, [START + 10, START, START + 10]);
}

pub async fn an_attachment_that_is_taken_off_is_gone_and_taking_it_off_again_changes_nothing(
    world: World<impl AnyRegistry>,
) {
    started(&world, "p", json!({"a": blob("one"), "b": blob("two")})).await;
    world.registry.delete_attachment(&"p".into(), "a".into()).await.unwrap();
    assert_eq!(listed(&world, "p").await, sizes([("b", 3)]));
    assert_eq!(text(&world, "p", "a").await, None);
    assert_eq!(text(&world, "p", "b").await.as_deref(), Some("two"));
    let before = world.changes(0, None).await.cursor;
    world.registry.delete_attachment(&"p".into(), "a".into()).await.unwrap();
    assert_eq!(world.changes(0, None).await.cursor, before);
    put(&world, "p", "a", "again").await;
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("again"));
}

pub async fn attaching_changes_the_process_and_appends_no_event(world: World<impl AnyRegistry>) {
    started(&world, "p", json!({})).await;
    let before = world.changes(0, None).await.cursor;
    world.ticked();
    world.clock.advance(10);
    put(&world, "p", "a", "one").await;
    assert_eq!(world.record("p").await.updated_at_ms, START + 10);
    assert_eq!(world.changes(before.number, None).await.records.len(), 1);
    assert_eq!(world.ticked(), ["p"]);
    assert!(world.log("p").await.is_empty());
    assert_eq!(world.sink.shown(), []);
}

pub async fn what_is_attached_beside_other_calls_is_there_and_so_is_what_they_wrote(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let id = "p".into();
    let with_file = world.register(json!({"id": "q", "attachments": {"a": blob("of q")}}));
    let attached = join(world.registry.put_text(&id, "a", "of p", None), with_file);
    let (first, (info, record), last) = join3(world.note("p"), attached, world.note("p")).await;
    assert_eq!((first, last, info.unwrap().size), (1, 2, 4));
    assert_eq!(record.unwrap(), world.record("q").await);
    assert_eq!(world.log("p").await.len(), 2);
    for id in ["p", "q"] {
        assert_eq!(text(&world, id, "a").await, Some(format!("of {id}")));
    }
}

pub async fn attachments_of_names_and_processes_that_begin_alike_are_apart(world: World<impl AnyRegistry>) {
    started(&world, "p", json!({"a": blob("p a"), "ab": blob("p ab")})).await;
    started(&world, "pa", json!({"a": blob("pa a"), "b": blob("pa b")})).await;
    for (id, name) in [("p", "a"), ("p", "ab"), ("pa", "a"), ("pa", "b")] {
        assert_eq!(text(&world, id, name).await, Some(format!("{id} {name}")));
    }
    world.registry.delete(&"p".into(), true).await.unwrap();
    assert_eq!(text(&world, "pa", "a").await.as_deref(), Some("pa a"));
}

pub async fn an_attachment_is_written_under_the_lease_alone_where_one_is_given(world: World<impl AnyRegistry>) {
    started(&world, "p", json!({})).await;
    let id = "p".into();
    let lost = world.lease("p", &owner("o", "1")).await;
    world.registry.put_text(&id, "a", "held", Some(lost.clone())).await.unwrap();
    world.clock.advance(TTL);
    let held = world.lease("p", &owner("o", "2")).await;
    let before = world.record("p").await;
    for name in ["a", "b"] {
        assert_eq!(refused(world.registry.put_text(&id, name, "late", Some(lost.clone())).await), Code::LeaseLost);
    }
    assert_eq!(world.record("p").await, before);
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("held"));
    world.registry.put_text(&id, "a", "new", Some(held)).await.unwrap();
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("new"));
}

pub async fn nothing_is_attached_to_an_ended_process_and_what_is_there_can_be_read_and_taken_off(
    world: World<impl AnyRegistry>,
) {
    started(&world, "p", json!({"a": blob("one"), "b": blob("two")})).await;
    world.succeed("p").await;
    for name in ["a", "c"] {
        assert_eq!(refused(world.registry.put_text(&"p".into(), name, "late", None).await), Code::ProcessTerminal);
    }
    assert_eq!(text(&world, "p", "a").await.as_deref(), Some("one"));
    world.clock.advance(10);
    world.registry.delete_attachment(&"p".into(), "a".into()).await.unwrap();
    assert_eq!(listed(&world, "p").await, sizes([("b", 3)]));
    assert_eq!(world.registry.prune(START + 1).await.unwrap().pruned_processes, 1, "its time is that of its end");
}

pub async fn attachments_go_with_their_process_and_are_not_those_of_its_next_life(world: World<impl AnyRegistry>) {
    for id in ["pruned", "deleted", "forced", "stays"] {
        started(&world, id, json!({"a": blob(id), "b": blob("two")})).await;
    }
    for id in ["pruned", "deleted"] {
        world.succeed(id).await;
    }
    world.registry.delete(&"deleted".into(), false).await.unwrap();
    world.registry.delete(&"forced".into(), true).await.unwrap();
    world.registry.prune(START + 1).await.unwrap();
    for id in ["pruned", "deleted", "forced"] {
        let gone = id.into();
        assert_eq!(refused(world.registry.attached_text(&gone, "a").await), Code::UnknownProcess);
        assert_eq!(refused(world.registry.attachments(&gone).await), Code::UnknownProcess);
        started(&world, id, json!({"b": blob("new")})).await;
        assert_eq!(listed(&world, id).await, sizes([("b", 3)]));
        assert_eq!(text(&world, id, "a").await, None);
        assert_eq!(text(&world, id, "b").await.as_deref(), Some("new"));
    }
    assert_eq!(text(&world, "stays", "a").await.as_deref(), Some("stays"));
}

pub async fn a_fork_has_the_attachments_of_its_source_and_keeps_them_without_it(world: World<impl AnyRegistry>) {
    world.job("p", json!({"attachments": {"a": blob("one"), "b": blob("two")}})).await.unwrap();
    world.registry.fork_json(&"p".into(), json!({"newId": "q", "from": "start"})).await.unwrap();
    put(&world, "p", "a", "changed").await;
    assert_eq!(listed(&world, "q").await, sizes([("a", 3), ("b", 3)]));
    assert_eq!(text(&world, "q", "a").await.as_deref(), Some("one"));
    world.registry.delete(&"p".into(), true).await.unwrap();
    assert_eq!(text(&world, "q", "b").await.as_deref(), Some("two"));
}

pub async fn a_process_has_a_thousand_attachments_at_most(world: World<impl AnyRegistry>) {
    let many = |count: usize| (0..count).map(|n| (format!("a{n}"), blob(""))).collect::<Map<_, _>>();
    let too_many = world.register(json!({"id": "q", "attachments": many(MAX_ATTACHMENTS + 1)})).await;
    assert_eq!(refused(too_many), Code::InvalidArgument);
    assert_eq!(world.registry.process(&"q".into()).await.unwrap(), None);
    started(&world, "p", json!(many(MAX_ATTACHMENTS))).await;
    assert_eq!(refused(world.registry.put_text(&"p".into(), "more", "x", None).await), Code::InvalidArgument);
    put(&world, "p", "a7", "replaced").await;
    world.registry.delete_attachment(&"p".into(), "a8".into()).await.unwrap();
    put(&world, "p", "more", "x").await;
    assert_eq!(listed(&world, "p").await.len(), MAX_ATTACHMENTS);
    assert_eq!(text(&world, "p", "a7").await.as_deref(), Some("replaced"));
}

pub async fn what_has_no_name_or_no_process_is_not_attached(world: World<impl AnyRegistry>) {
    for name in ["", " ", &"n".repeat(1_025)] {
        let unnamed = world.register(json!({"id": "p", "attachments": {name: blob("x")}})).await;
        assert_eq!(refused(unnamed), Code::InvalidArgument);
    }
    assert_eq!(world.registry.process(&"p".into()).await.unwrap(), None);
    let unknown = "unknown".into();
    assert_eq!(refused(world.registry.put_text(&unknown, "a", "x", None).await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.attached_text(&unknown, "a").await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.attachments(&unknown).await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.delete_attachment(&unknown, "a".into()).await), Code::UnknownProcess);
    started(&world, "p", json!({})).await;
    assert_eq!(refused(world.registry.put_text(&"p".into(), " ", "x", None).await), Code::InvalidArgument);
    assert_eq!(world.clock.now(), START);
}
