//! The change feed: every change of a row, each row at its last place, and what was pruned.

use futures::future::join;
use longwait_core::{
    model::key::sorted,
    store::{Answer, Changes, MOST_CHANGED, Point, Query},
};
use serde_json::json;

use crate::{AnyRegistry, AsJson, START, World, ids, made, owner, scope};

/// Ids that changed after a point, and the next point.
async fn since(world: &World<impl AnyRegistry>, cursor: u64) -> (Vec<String>, u64) {
    let Changes { records, cursor, .. } = world.changes(cursor, None).await;
    (ids(&records), cursor.number)
}

pub async fn the_feed_begins_with_everything_in_change_order(world: World<impl AnyRegistry>) {
    for id in ["b", "a", "c"] {
        world.start(id).await;
    }
    let changes = world.changes(0, None).await;
    assert_eq!((ids(&changes.records), changes.removed.len()), (["b", "a", "c"].map(str::to_owned).to_vec(), 0));
    assert_eq!(changes.records[0], world.record("b").await);
}

pub async fn an_empty_store_has_an_empty_feed(world: World<impl AnyRegistry>) {
    let changes = world.changes(0, None).await;
    assert!(changes.records.is_empty() && changes.removed.is_empty() && changes.cursor.number == 0);
}

pub async fn a_row_changed_twice_stands_once_at_its_last_place(world: World<impl AnyRegistry>) {
    for id in ["a", "b", "c"] {
        world.start(id).await;
    }
    world.note("a").await;
    world.note("b").await;
    world.note("a").await;
    assert_eq!(since(&world, 0).await.0, ["c", "b", "a"]);
}

pub async fn nothing_new_gives_nothing_and_the_same_cursor(world: World<impl AnyRegistry>) {
    world.start("a").await;
    let (_, cursor) = since(&world, 0).await;
    assert_eq!(since(&world, cursor).await, (vec![], cursor));
}

pub async fn every_change_of_a_row_is_in_the_feed(world: World<impl AnyRegistry>) {
    let (_, mut cursor) = since(&world, 0).await;
    let p = "p".into();
    let mut expect = async |what: &str| {
        let (changed, next) = since(&world, cursor).await;
        assert_eq!(changed, ["p"], "{what}");
        cursor = next;
    };
    world
        .register(json!({"id": "p", "wakeTarget": {"sessionId": "s"}, "eventTypes": [{"name": "note"}]}))
        .await
        .unwrap();
    expect("register").await;
    world.note("p").await;
    expect("append").await;
    world.wait("p").await.unwrap();
    expect("wait").await;
    world.registry.clear_wait(&p).await.unwrap();
    expect("clear").await;
    world.registry.set_external_ref(&p, made(json!({"backend": "b", "id": "1"}))).await.unwrap();
    expect("reference").await;
    world.registry.request_cancel(&p, None).await.unwrap();
    expect("cancel").await;
    world.registry.delete_session(&"s".into()).await.unwrap();
    expect("session").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.complete_leased(&lease, json!({"type": "success", "value": 1})).await.unwrap();
    expect("completion").await;
    world.note("p").await;
    expect("late event").await;
}

pub async fn what_changes_no_row_is_not_in_the_feed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "ring", "payload": "x", "replayKey": "k"})).await.unwrap();
    let (_, cursor) = since(&world, 0).await;
    let p = "p".into();
    world.start("p").await;
    world.append("p", json!({"eventType": "ring", "payload": "x", "replayKey": "k"})).await.unwrap();
    world.registry.ack_wake(&p, 1).await.unwrap();
    world.registry.clear_wait(&p).await.unwrap();
    world.grant("s", "p").await;
    world.registry.transfer(scope("s"), scope("t"), vec![p.clone()]).await.unwrap();
    world.registry.revoke(scope("t"), &p).await.unwrap();
    let lease = world.lease("p", &owner("o", "1")).await;
    let lease = world.registry.renew(lease, 5).await.unwrap();
    world.registry.release(&p, lease.lease_token).await.unwrap();
    world.append("p", json!({"eventType": "nonsense"})).await.unwrap_err();
    assert_eq!(since(&world, cursor).await, (vec![], cursor));
}

pub async fn pruned_ids_are_in_the_feed(world: World<impl AnyRegistry>) {
    for id in ["a", "b"] {
        world.start(id).await;
    }
    world.succeed("a").await;
    let (_, cursor) = since(&world, 0).await;
    world.registry.prune(START + 1).await.unwrap();
    let changes = world.changes(cursor, None).await;
    assert_eq!((ids(&changes.records), changes.removed), (vec![], vec!["a".into()]));
    let whole = world.changes(0, None).await;
    assert_eq!((ids(&whole.records), whole.removed), (vec!["b".to_owned()], vec!["a".into()]));
}

pub async fn an_id_registered_again_is_no_longer_removed(world: World<impl AnyRegistry>) {
    world.start("a").await;
    world.succeed("a").await;
    world.registry.prune(START + 1).await.unwrap();
    let (_, cursor) = since(&world, 0).await;
    world.start("a").await;
    for from in [0, cursor] {
        let changes = world.changes(from, None).await;
        assert_eq!((ids(&changes.records), changes.removed.len()), (vec!["a".to_owned()], 0));
    }
}

pub async fn the_feed_pages_without_gap_or_repeat(world: World<impl AnyRegistry>) {
    for number in 0..7 {
        world.start(&format!("p{number}")).await;
    }
    world.succeed("p2").await;
    world.succeed("p5").await;
    world.registry.prune(START + 1).await.unwrap();
    world.note("p0").await;
    for limit in 1..4 {
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            let Changes { records, removed, cursor: Point { number: next, .. }, .. } =
                world.changes(cursor, Some(limit)).await;
            assert!(records.len() + removed.len() <= limit as usize);
            if records.is_empty() && removed.is_empty() {
                assert_eq!(next, cursor);
                break;
            }
            seen.extend(ids(&records));
            seen.extend(removed.iter().map(|id| format!("-{id}")));
            cursor = next;
        }
        seen.sort();
        assert_eq!(seen, ["-p2", "-p5", "p0", "p1", "p3", "p4", "p6"], "by {limit}");
    }
    let changes = world.changes(3, Some(0)).await;
    assert!(changes.records.is_empty() && changes.cursor.number == 3);
}

pub async fn a_reader_in_another_tab_misses_nothing(world: World<impl AnyRegistry>) {
    let other = world.another().await;
    let mut cursor = 0;
    for round in 0..5 {
        let (mine, theirs) = (format!("a{round}"), format!("b{round}"));
        join(world.start(&mine), other.start(&theirs)).await;
        let (mut changed, next) = since(&other, cursor).await;
        changed.sort();
        assert_eq!(changed, [mine, theirs]);
        cursor = next;
    }
    assert_eq!(world.changes(0, None).await.json(), other.changes(0, None).await.json());
}

pub async fn one_commit_that_changes_several_rows_gives_each_its_own_place(world: World<impl AnyRegistry>) {
    for id in ["c", "a", "b"] {
        world.register(json!({"id": id, "wakeTarget": {"sessionId": "s"}})).await.unwrap();
    }
    let (_, cursor) = since(&world, 0).await;
    world.registry.delete_session(&"s".into()).await.unwrap();
    let mut seen = Vec::new();
    let mut at = cursor;
    for _ in 0..3 {
        let changes = world.changes(at, Some(1)).await;
        seen.extend(ids(&changes.records));
        at = changes.cursor.number;
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
}

pub async fn changed_ids_are_named_unless_they_are_too_many_or_their_beginning_is_unknown(world: World) {
    let beginning = world.changes(0, None).await.cursor;
    let changed = async |after: Option<u64>| {
        let after = after.map(|number| Point { number, ..beginning });
        let answer = world.registry.read(Query::ChangedIds(after)).await.unwrap();
        let Answer::ChangedIds(ids, end) = &*answer else { panic!("answers another question") };
        (ids.as_ref().map(|ids| sorted(ids).json()), end.number)
    };
    assert_eq!(changed(Some(0)).await, (Some(json!([])), 0));
    // Numbers rise, and a store may leave some out.
    let end = async || world.changes(0, None).await.cursor.number;
    let mut ends = Vec::new();
    for id in ["a", "b", "c"] {
        world.start(id).await;
        ends.push(end().await);
    }
    world.note("a").await;
    let last = end().await;
    assert_eq!(changed(Some(0)).await, (Some(json!(["a", "b", "c"])), last));
    assert_eq!(changed(Some(ends[1])).await, (Some(json!(["a", "c"])), last));
    assert_eq!(changed(Some(last)).await, (Some(json!([])), last));
    assert_eq!((changed(None).await, changed(Some(last + 1)).await), ((None, last), (None, last)));
    let foreign = Query::ChangedIds(Some(Point { database: beginning.database ^ 1, number: 1 }));
    let answer = world.registry.read(foreign).await.unwrap();
    assert!(matches!(&*answer, Answer::ChangedIds(None, end) if end.number == last), "of another database");
    world.succeed("b").await;
    let ended = end().await;
    world.registry.prune(u64::MAX).await.unwrap();
    let pruned = end().await;
    assert_eq!(changed(Some(ended)).await, (Some(json!(["b"])), pruned), "a pruned one has changed as well");
    for number in 0..MOST_CHANGED {
        world.start(&format!("p{number}")).await;
    }
    assert_eq!(changed(Some(pruned)).await.0.map(|ids| ids.as_array().unwrap().len()), Some(MOST_CHANGED));
    assert_eq!(changed(Some(ended)).await, (None, end().await));
}

pub async fn a_point_of_another_database_begins_anew_and_says_so(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let known = world.registry.changed_since(None, None).await.unwrap();
    assert!(!known.reset);
    let same = world.registry.changed_since(Some(known.cursor), None).await.unwrap();
    assert_eq!((same.records.len(), same.reset, same.cursor), (0, false, known.cursor));
    let foreign = Point { database: known.cursor.database ^ 1, number: 1 };
    let anew = world.registry.changed_since(Some(foreign), None).await.unwrap();
    assert_eq!((ids(&anew.records), anew.reset, anew.cursor), (vec!["p".to_owned()], true, known.cursor));
}

pub async fn a_cursor_is_a_text_that_reads_back(_: World) {
    let point = Point { database: 0x00ff_ee00, number: 12 };
    assert_eq!(Point::parse(&point.text()), Some(point));
    assert_eq!(Point::parse("12"), Some(Point { database: 0, number: 12 }), "of version 0.1");
    for wrong in ["", ":", "x:1", "1:", ":1", "1:x", "1:2:3", "+1:1", "-1", "1.5"] {
        assert_eq!(Point::parse(wrong), None, "{wrong}");
    }
}
