//! Which processes a list holds, and in what order.

use longwait_core::{Code, model::filter::ListFilter};
use serde_json::json;

use crate::{AnyRegistry, World, ids, made, read, refused};

/// `active`, `waiting`, and one of every end.
async fn one_of_each(world: &World<impl AnyRegistry>) {
    for id in ["active", "waiting", "completed", "failed", "cancelled"] {
        world.start(id).await;
    }
    world.wait("waiting").await.unwrap();
    world.succeed("completed").await;
    let failure = json!({"type": "failure", "class": "execution", "code": "c", "message": "m"});
    world.complete("failed", failure).await.unwrap();
    world.complete("cancelled", json!({"type": "cancelled", "message": "m"})).await.unwrap();
}

pub async fn a_list_holds_what_runs_waiting_included(world: World<impl AnyRegistry>) {
    one_of_each(&world).await;
    assert_eq!(world.list(json!({})).await, ["active", "waiting"]);
    assert_eq!(world.list(json!({"status": "running"})).await, ["active", "waiting"]);
}

pub async fn a_list_can_be_of_one_state_or_of_any(world: World<impl AnyRegistry>) {
    one_of_each(&world).await;
    for state in ["completed", "failed", "cancelled"] {
        assert_eq!(world.list(json!({"status": state})).await, [state]);
    }
    let all = ["active", "cancelled", "completed", "failed", "waiting"];
    assert_eq!(world.list(json!({"status": "any"})).await, all);
}

pub async fn a_list_can_be_of_those_that_wait_or_do_not(world: World<impl AnyRegistry>) {
    one_of_each(&world).await;
    assert_eq!(world.list(json!({"waiting": true})).await, ["waiting"]);
    assert_eq!(world.list(json!({"waiting": false})).await, ["active"]);
    assert_eq!(world.list(json!({"waiting": true, "status": "any"})).await, ["waiting"]);
    let not_waiting = ["active", "cancelled", "completed", "failed"];
    assert_eq!(world.list(json!({"waiting": false, "status": "any"})).await, not_waiting);
    assert_eq!(world.list(json!({"waiting": true, "status": "failed"})).await, [""; 0]);
}

pub async fn a_process_moves_between_lists_as_it_changes(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.wait("p").await.unwrap();
    assert_eq!(world.list(json!({"waiting": false})).await, [""; 0]);
    world.registry.clear_wait(&"p".into()).await.unwrap();
    assert_eq!(world.list(json!({"waiting": true})).await, [""; 0]);
    assert_eq!(world.list(json!({"waiting": false})).await, ["p"]);
    world.succeed("p").await;
    assert_eq!(world.list(json!({})).await, [""; 0]);
    assert_eq!(world.list(json!({"status": "completed"})).await, ["p"]);
}

pub async fn a_list_can_be_of_one_kind(world: World<impl AnyRegistry>) {
    for (id, kind) in [("a", "x"), ("b", "xy"), ("c", "x")] {
        world.register(json!({"id": id, "identity": {"kind": kind}})).await.unwrap();
    }
    world.succeed("c").await;
    assert_eq!(world.list(json!({"kind": "x"})).await, ["a"]);
    assert_eq!(world.list(json!({"kind": "x", "status": "any"})).await, ["a", "c"]);
    assert_eq!(world.list(json!({"kind": "X"})).await, [""; 0]);
}

pub async fn a_list_can_be_of_one_definition_compared_as_json(world: World<impl AnyRegistry>) {
    let definitions = [
        ("a", json!({"name": "d", "v": [1, {"x": 2}]})),
        ("b", json!({"v": [1.0, {"x": 2e0}], "name": "d"})),
        ("c", json!({"name": "d", "v": [{"x": 2}, 1]})),
        ("d", json!({"name": "d"})),
        ("e", json!(null)),
    ];
    for (id, definition) in definitions {
        world.register(json!({"id": id, "identity": {"kind": "k", "definition": definition}})).await.unwrap();
    }
    world.register(json!({"id": "f", "identity": {"kind": "k"}})).await.unwrap();
    assert_eq!(world.list(json!({"definition": {"v": [1, {"x": 2}], "name": "d"}})).await, ["a", "b"]);
    assert_eq!(world.list(json!({"definition": {"name": "d"}})).await, ["d"]);
    assert_eq!(world.list(json!({"definition": null})).await, ["e"]);
    assert_eq!(world.list(json!({"definition": {}})).await, [""; 0]);
}

pub async fn all_filters_must_fit_at_once(world: World<impl AnyRegistry>) {
    for (id, kind, definition) in [("a", "x", 1), ("b", "y", 1), ("c", "x", 2), ("d", "x", 1), ("e", "x", 1)] {
        world.register(json!({"id": id, "identity": {"kind": kind, "definition": definition}})).await.unwrap();
    }
    world.wait("d").await.unwrap();
    world.succeed("e").await;
    assert_eq!(world.list(json!({"kind": "x", "definition": 1})).await, ["a", "d"]);
    assert_eq!(world.list(json!({"kind": "x", "definition": 1, "waiting": true})).await, ["d"]);
    assert_eq!(world.list(json!({"kind": "x", "definition": 1, "status": "completed"})).await, ["e"]);
}

pub async fn lists_are_in_id_order_by_code_unit(world: World<impl AnyRegistry>) {
    let in_order = ["", "A", "a", "a\u{0}", "aa", "b", "é", "\u{D7FF}", "😀", "\u{10FFFF}", "\u{E000}", "\u{FFFF}"];
    for id in in_order.iter().skip(1).rev() {
        world.start(id).await;
    }
    world.wait("b").await.unwrap();
    assert_eq!(world.list(json!({})).await, in_order[1..]);
    assert_eq!(ids(&world.registry.list_non_terminal(Default::default()).await.unwrap()), in_order[1..]);
}

pub async fn a_page_begins_after_its_cursor_and_holds_its_limit(world: World<impl AnyRegistry>) {
    for id in ["a", "b", "c", "d", "e"] {
        world.start(id).await;
    }
    world.wait("b").await.unwrap();
    world.wait("d").await.unwrap();
    world.succeed("e").await;
    let all = json!({"status": "any"});
    assert_eq!(world.page(all.clone(), json!({"limit": 2})).await, ["a", "b"]);
    assert_eq!(world.page(all.clone(), json!({"limit": 2, "cursor": "b"})).await, ["c", "d"]);
    assert_eq!(world.page(all.clone(), json!({"limit": 2, "cursor": "d"})).await, ["e"]);
    assert_eq!(world.page(all.clone(), json!({"cursor": "e"})).await, [""; 0]);
    assert_eq!(world.page(all.clone(), json!({"cursor": "bb"})).await, ["c", "d", "e"]);
    assert_eq!(world.page(all, json!({"limit": 0})).await, [""; 0]);
}

pub async fn pages_of_every_filter_join_without_gap_or_repeat(world: World<impl AnyRegistry>) {
    for number in 0..9 {
        let id = format!("p{number}");
        let identity = json!({"kind": if number % 2 == 0 { "x" } else { "y" }, "definition": number % 3});
        world.register(json!({"id": id, "identity": identity})).await.unwrap();
        if number % 3 == 1 {
            world.wait(&id).await.unwrap();
        }
        if number % 4 == 3 {
            world.succeed(&id).await;
        }
    }
    let kinds = [json!({}), json!({"kind": "x"}), json!({"definition": 1}), json!({"kind": "y", "definition": 0})];
    for mut filter in kinds {
        filter["status"] = json!("any");
        let whole = world.list(filter.clone()).await;
        for limit in 1..4 {
            let mut joined = Vec::<String>::new();
            loop {
                let mut page = json!({"limit": limit});
                if let Some(last) = joined.last() {
                    page["cursor"] = json!(last);
                }
                let next = world.page(filter.clone(), page).await;
                if next.is_empty() {
                    break;
                }
                joined.extend(next);
            }
            assert_eq!(joined, whole, "{filter} by {limit}");
        }
    }
}

pub async fn a_filter_or_page_of_another_shape_is_refused(_world: World) {
    for filter in [json!({"status": "waiting"}), json!({"waiting": "yes"})] {
        assert_eq!(refused(read::<ListFilter>(filter)), Code::InvalidArgument);
    }
    for page in [json!({"limit": -1}), json!({"limit": 1.5}), json!({"cursor": 1})] {
        assert_eq!(refused(read::<longwait_core::model::filter::Page>(page)), Code::InvalidArgument);
    }
}

pub async fn the_non_terminal_are_those_that_have_not_ended_in_pages_too(world: World<impl AnyRegistry>) {
    one_of_each(&world).await;
    let of_page = async |page| ids(&world.registry.list_non_terminal(made(page)).await.unwrap());
    assert_eq!(of_page(json!({})).await, ["active", "waiting"]);
    assert_eq!(of_page(json!({"limit": 1})).await, ["active"]);
    assert_eq!(of_page(json!({"limit": 1, "cursor": "active"})).await, ["waiting"]);
}

pub async fn a_listed_record_is_the_whole_record(world: World<impl AnyRegistry>) {
    one_of_each(&world).await;
    for record in world.registry.list(&made(json!({"status": "any"})), Default::default()).await.unwrap() {
        assert_eq!(record, world.record(record.id()).await);
    }
}
