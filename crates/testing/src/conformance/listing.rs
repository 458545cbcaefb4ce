//! Which processes a list holds, and in what order.

use longwait_core::{Code, model::filter::ListFilter};
use serde_json::{Value, json};

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

/// All pages of a list, each behind the last id of the one before.
async fn joined(world: &World<impl AnyRegistry>, filter: &Value, page: Value) -> Vec<String> {
    let mut joined = Vec::<String>::new();
    loop {
        let mut page = page.clone();
        if let Some(last) = joined.last() {
            page["cursor"] = json!(last);
        }
        let next = world.page(filter.clone(), page).await;
        if next.is_empty() {
            return joined;
        }
        joined.extend(next);
    }
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
            let joined = joined(&world, &filter, json!({"limit": limit})).await;
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

/// Nine processes a millisecond or none apart, whose ids are in another order than their ages, of two kinds and parents and three labels;
/// some wait, some are paused, some have ended.
async fn many(world: &World<impl AnyRegistry>) {
    for parent in ["mother", "father"] {
        world.start(parent).await;
    }
    for number in 0..9 {
        let id = format!("p{}", (number * 5) % 9);
        let mut registration = json!({
            "id": id,
            "identity": {"kind": if number % 2 == 0 { "x" } else { "y" }, "definition": number % 2},
            "labels": {"user": format!("u{}", number % 3), "odd": (number % 2 == 1).to_string()},
            "parentId": if number < 4 { "mother" } else { "father" },
        });
        if number % 4 != 0 {
            registration["version"] = json!(number % 4);
        }
        world.register(registration).await.unwrap();
        match number {
            1 | 6 => drop(world.wait(&id).await.unwrap()),
            2 | 5 => drop(world.registry.pause_process(&id.as_str().into(), None).await.unwrap()),
            3 | 7 => drop(world.succeed(&id).await),
            _ => {}
        }
        world.clock.advance(number % 2);
    }
}

/// Filters of every kind, alone and together.
fn filters() -> Vec<serde_json::Value> {
    let mut filters = Vec::new();
    let narrowed = [
        json!({}),
        json!({"labels": {"user": "u1"}}),
        json!({"labels": {"user": "u1", "odd": "true"}}),
        json!({"labels": {"user": "u1", "odd": "no"}}),
        json!({"parentId": "mother"}),
        json!({"parentId": "father", "kind": "x"}),
        json!({"kind": "y"}),
        json!({"kind": "y", "definition": 1}),
        json!({"definition": 0, "labels": {"odd": "false"}}),
        json!({"version": 2}),
        json!({"version": 2, "parentId": "father"}),
        json!({"paused": true}),
        json!({"paused": false, "kind": "x", "labels": {"odd": "false"}}),
    ];
    for status in ["running", "any", "completed"] {
        for mut filter in narrowed.clone() {
            filter["status"] = json!(status);
            filters.push(filter.clone());
            filter["waiting"] = json!(true);
            filters.push(filter);
        }
    }
    filters
}

pub async fn a_list_can_be_of_all_that_have_some_labels(world: World<impl AnyRegistry>) {
    for (id, labels) in [
        ("a", json!({"user": "1", "team": "x"})),
        ("b", json!({"user": "1"})),
        ("c", json!({"user": "11", "team": "x"})),
        ("d", json!({"": "1", "__proto__": "x"})),
    ] {
        let outcome = world.register(json!({"id": id, "labels": labels})).await;
        assert_eq!(outcome.is_ok(), id != "d", "{id}");
    }
    assert_eq!(world.list(json!({"labels": {"user": "1"}})).await, ["a", "b"]);
    assert_eq!(world.list(json!({"labels": {"team": "x", "user": "1"}})).await, ["a"]);
    assert_eq!(world.list(json!({"labels": {"team": "y"}})).await, [""; 0]);
    assert_eq!(world.list(json!({"labels": {"tea": "mx"}})).await, [""; 0]);
    assert_eq!(world.list(json!({"labels": {}})).await, ["a", "b", "c"]);
}

pub async fn a_list_can_be_of_the_children_of_one_process(world: World<impl AnyRegistry>) {
    for (id, parent) in [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("b"))] {
        let mut registration = json!({"id": id});
        if let Some(parent) = parent {
            registration["parentId"] = json!(parent);
        }
        world.register(registration).await.unwrap();
    }
    world.succeed("c").await;
    assert_eq!(world.list(json!({"parentId": "a"})).await, ["b"]);
    assert_eq!(world.list(json!({"parentId": "a", "status": "any"})).await, ["b", "c"]);
    assert_eq!(world.list(json!({"parentId": "c", "status": "any"})).await, [""; 0]);
}

pub async fn a_list_can_be_of_one_version_and_of_what_is_paused_or_is_not(world: World<impl AnyRegistry>) {
    for (id, version) in [("a", json!(1)), ("b", json!(2)), ("c", json!(null)), ("d", json!(2))] {
        let mut registration = json!({"id": id});
        if !version.is_null() {
            registration["version"] = version;
        }
        world.register(registration).await.unwrap();
    }
    world.registry.pause_process(&"b".into(), Some("late".into())).await.unwrap();
    assert_eq!(world.list(json!({"version": 2})).await, ["b", "d"]);
    assert_eq!(world.list(json!({"paused": true})).await, ["b"]);
    assert_eq!(world.list(json!({"paused": false})).await, ["a", "c", "d"]);
    assert_eq!(world.list(json!({"paused": false, "version": 2})).await, ["d"]);
    world.registry.resume_process(&"b".into()).await.unwrap();
    assert_eq!(world.list(json!({"paused": true})).await, [""; 0]);
}

pub async fn a_list_can_be_in_the_order_of_age_either_way(world: World<impl AnyRegistry>) {
    for id in ["b", "c", "a"] {
        world.start(id).await;
        world.clock.advance(1);
    }
    // Of the same millisecond.
    for id in ["f", "e", "d"] {
        world.start(id).await;
    }
    world.wait("c").await.unwrap();
    world.succeed("f").await;
    let ordered = async |filter: serde_json::Value, order: &str| world.page(filter, json!({"order": order})).await;
    assert_eq!(ordered(json!({}), "oldest").await, ["b", "c", "a", "d", "e"]);
    assert_eq!(ordered(json!({}), "newest").await, ["e", "d", "a", "c", "b"]);
    assert_eq!(ordered(json!({"status": "any"}), "newest").await, ["f", "e", "d", "a", "c", "b"]);
    assert_eq!(ordered(json!({}), "id").await, ["a", "b", "c", "d", "e"]);
    let newest = made(json!({"order": "newest", "limit": 2}));
    assert_eq!(ids(&world.registry.list_non_terminal(newest).await.unwrap()), ["e", "d"]);
}

pub async fn a_page_by_age_begins_behind_its_cursor_whatever_became_of_that(world: World<impl AnyRegistry>) {
    for id in ["e", "d", "c", "b", "a"] {
        world.start(id).await;
        world.clock.advance(1);
    }
    let after = async |order: &str, cursor: &str| {
        world.page(json!({}), json!({"order": order, "cursor": cursor, "limit": 2})).await
    };
    assert_eq!(after("oldest", "d").await, ["c", "b"]);
    assert_eq!(after("newest", "b").await, ["c", "d"]);
    world.succeed("c").await;
    assert_eq!(after("oldest", "c").await, ["b", "a"]);
    assert_eq!(after("newest", "c").await, ["d", "e"]);
    world.registry.delete(&"c".into(), false).await.unwrap();
    world.registry.delete(&"d".into(), true).await.unwrap();
    assert_eq!(after("oldest", "c").await, ["b", "a"]);
    assert_eq!(after("newest", "d").await, ["e"]);
}

pub async fn a_cursor_of_no_process_is_refused_in_an_order_by_age(world: World<impl AnyRegistry>) {
    world.start("a").await;
    for order in ["oldest", "newest"] {
        let page = made(json!({"order": order, "cursor": "b"}));
        assert_eq!(refused(world.registry.list(&made(json!({})), page).await), Code::InvalidArgument);
    }
    assert_eq!(world.page(json!({}), json!({"order": "id", "cursor": "A"})).await, ["a"]);
}

pub async fn pages_of_every_filter_and_order_join_without_gap_or_repeat(world: World<impl AnyRegistry>) {
    many(&world).await;
    for filter in filters() {
        let by_id = world.list(filter.clone()).await;
        for order in ["id", "oldest", "newest"] {
            let whole = world.page(filter.clone(), json!({"order": order})).await;
            let mut sorted = whole.clone();
            sorted.sort();
            assert_eq!(sorted, by_id, "{filter}, {order}");
            let joined = joined(&world, &filter, json!({"limit": 2, "order": order})).await;
            assert_eq!(joined, whole, "{filter}, {order}");
        }
        let mut newest = world.page(filter.clone(), json!({"order": "newest"})).await;
        newest.reverse();
        assert_eq!(newest, world.page(filter.clone(), json!({"order": "oldest"})).await, "{filter}");
    }
}

pub async fn a_count_is_that_of_the_list_for_every_filter(world: World<impl AnyRegistry>) {
    many(&world).await;
    for filter in filters() {
        let count = world.registry.count(&made(filter.clone())).await.unwrap();
        assert_eq!(count, world.list(filter.clone()).await.len() as u64, "{filter}");
    }
    assert_eq!(world.registry.count(&made(json!({}))).await.unwrap(), 9);
}

pub async fn a_label_moves_between_lists_with_its_process_and_is_gone_with_it(world: World<impl AnyRegistry>) {
    world.register(json!({"id": "p", "labels": {"user": "1"}})).await.unwrap();
    let labelled = async |status: &str| world.list(json!({"labels": {"user": "1"}, "status": status})).await;
    world.wait("p").await.unwrap();
    assert_eq!(labelled("running").await, ["p"]);
    world.succeed("p").await;
    assert_eq!(labelled("running").await, [""; 0]);
    assert_eq!(labelled("completed").await, ["p"]);
    world.registry.delete(&"p".into(), false).await.unwrap();
    assert_eq!(labelled("any").await, [""; 0]);
    assert_eq!(world.registry.count(&made(json!({"labels": {"user": "1"}, "status": "any"}))).await.unwrap(), 0);
}
