//! What the sink is shown.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{AnyRegistry, World, owner};

pub async fn the_sink_is_shown_every_appended_event(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    world.append("p", json!({"eventType": "ring", "payload": 1})).await.unwrap();
    world.append("p", json!({"eventType": "done", "replayKey": "k"})).await.unwrap();
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    assert_eq!(shown(&world), ["p 1", "p 2", "p 3", "p 4"]);
}

pub async fn the_sink_is_not_shown_what_was_refused_or_replayed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for payload in [json!(1), json!(1), json!(2), Value::Null] {
        let _ = world.append("p", json!({"eventType": "note", "payload": payload, "replayKey": "k"})).await;
        let _ = world.append("p", json!({"eventType": "nonsense"})).await;
    }
    assert_eq!(shown(&world), ["p 1"]);
}

pub async fn the_sink_is_not_shown_completions(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    world.succeed("p").await;
    let lease = world.lease("q", &owner("o", "1")).await;
    world.complete_leased(&lease, json!({"type": "success", "value": 1})).await.unwrap();
    assert_eq!(shown(&world), [""; 0]);
}

pub async fn the_sink_is_not_shown_what_another_tab_appends(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    other.note("p").await;
    world.note("p").await;
    assert_eq!([shown(&world), shown(&other)], [["p 2"], ["p 1"]]);
}

pub async fn the_sink_is_shown_each_process_in_append_order(world: World<impl AnyRegistry>) {
    for id in ["p", "q"] {
        world.start(id).await;
    }
    join_all((0..20).map(|number| world.note(if number % 2 == 0 { "p" } else { "q" }))).await;
    for id in ["p", "q"] {
        let of_process: Vec<_> = shown(&world).into_iter().filter(|event| event.starts_with(id)).collect();
        let expected: Vec<_> = (1..=10).map(|sequence| format!("{id} {sequence}")).collect();
        assert_eq!(of_process, expected);
    }
}

/// Process and sequence of every event shown so far.
fn shown(world: &World<impl AnyRegistry>) -> Vec<String> {
    world.sink.shown().into_iter().map(|(id, sequence)| format!("{id} {sequence}")).collect()
}
