//! Attachments and batches, whose commits are not answered or find no room, and attachments whose rows are gone.

use longwait::{Code, store::engine::MemoryEngine};
use longwait_testing::{AnyRegistry, Outcome, World, blob, payloads, refused, sequences};
use serde_json::{Value, json};

use crate::place::{remove, rows, run, world};

const LOSSES: [Outcome; 2] = [Outcome::Lost { committed: true }, Outcome::Lost { committed: false }];

fn external(id: &str, attachments: Value) -> Value {
    json!({"id": id, "input": {"type": "external"}, "attachments": attachments})
}

fn note(payload: u64) -> Value {
    json!({"eventType": "note", "payload": payload})
}

async fn text(world: &World, id: &str, name: &str) -> Option<String> {
    world.registry.attached_text(&id.into(), name).await.unwrap()
}

fn stored(engine: &MemoryEngine) -> usize {
    rows(engine, "attachments").len()
}

#[test]
fn a_registration_with_attachments_that_was_not_answered_is_made_once() {
    for lost in LOSSES {
        run(async {
            let (world, faults, engine) = world().await;
            faults.come([lost]);
            let attachments = json!({"a": blob("one"), "b": blob("two")});
            let record = world.register(external("p", attachments)).await.unwrap();
            assert_eq!(record.attachments.len(), 2);
            assert_eq!((world.record("p").await, stored(&engine)), (record, 2));
        });
    }
}

#[test]
fn an_attachment_that_was_not_answered_is_attached_once() {
    for lost in LOSSES {
        run(async {
            let (world, faults, _) = world().await;
            let other = world.another().await;
            world.start("p").await;
            let before = world.changes(0, None).await.cursor.number;
            faults.come([lost]);
            let info = world.registry.put_text(&"p".into(), "a", "one", None).await.unwrap();
            assert_eq!(world.record("p").await.attachments, [info]);
            assert_eq!(world.changes(0, None).await.cursor.number, before + 1);
            other.registry.put_text(&"p".into(), "a", "other", None).await.unwrap();
            assert_eq!(text(&world, "p", "a").await.as_deref(), Some("other"));
        });
    }
}

#[test]
fn an_attachment_whose_answer_was_lost_does_not_replace_one_that_another_tab_put_behind_it() {
    run(async {
        let (world, faults, _) = world().await;
        let other = world.another().await;
        world.start("p").await;
        faults.come([Outcome::Lost { committed: true }]);
        let id = "p".into();
        let here = world.registry.put_text(&id, "a", "here", None);
        let there = other.registry.put_text(&id, "a", "there", None);
        let (here, there) = futures::future::join(here, there).await;
        here.unwrap();
        there.unwrap();
        assert_eq!(text(&other, "p", "a").await.as_deref(), Some("there"));
    });
}

#[test]
fn registrations_and_events_made_together_that_were_not_answered_are_made_once() {
    for lost in LOSSES {
        run(async {
            let (world, faults, engine) = world().await;
            faults.come([lost.clone()]);
            let registrations = vec![external("b", json!({"a": blob("one")})), external("a", json!({}))];
            let records = world.registry.register_all_json(registrations).await.unwrap();
            assert_eq!(world.list(json!({})).await, ["a", "b"]);
            assert_eq!((world.record("b").await, stored(&engine)), (records[0].clone(), 1));
            world.start("p").await;
            faults.come([lost]);
            let appended = world.registry.append_all_json(&"p".into(), vec![note(1), note(2), note(3)]).await.unwrap();
            assert!(appended.iter().all(|appended| !appended.replayed));
            let log = world.log("p").await;
            assert_eq!((sequences(&log), payloads(&log)), (vec![1, 2, 3], vec![json!(1), json!(2), json!(3)]));
            assert_eq!(world.sink.shown().len(), 3);
        });
    }
}

#[test]
fn registrations_made_together_that_were_not_answered_get_the_replies_of_the_run_that_was_committed() {
    let job = |id: &str| {
        let input = json!({"type": "engine", "kind": "job"});
        json!({"id": id, "input": input, "concurrencyKey": "k", "onConflict": "replace_pending"})
    };
    let mut replies = Vec::new();
    for outcome in [Outcome::Answered].into_iter().chain(LOSSES) {
        run(async {
            let (world, faults, _) = world().await;
            faults.come([outcome]);
            let records = world.registry.register_all_json(vec![job("one"), job("two")]).await.unwrap();
            assert_eq!(world.list(json!({"status": "cancelled"})).await, ["one"]);
            assert_eq!(world.log("one").await.len(), 1);
            replies.push(records);
        });
    }
    assert_eq!((&replies[0], &replies[0]), (&replies[1], &replies[2]));
}

#[test]
fn attachments_share_a_transaction_and_begin_one_where_other_rows_were_sent_already() {
    for (characters, transactions) in [(10, 1), (100_000, 2)] {
        run(async {
            let (world, faults, _) = world().await;
            world.start("p").await;
            faults.come([]);
            let large = json!({"eventType": "note", "payload": "x".repeat(characters)});
            let id = "p".into();
            let (noted, attached, last) = futures::future::join3(
                world.append("p", large),
                world.registry.put_text(&id, "a", "one", None),
                world.note("p"),
            )
            .await;
            attached.unwrap();
            assert_eq!((noted.unwrap().event.sequence, last, faults.begun()), (1, 2, transactions));
            assert_eq!(text(&world, "p", "a").await.as_deref(), Some("one"));
        });
    }
}

#[test]
fn what_finds_no_room_is_stored_neither_in_part_nor_without_its_attachments() {
    run(async {
        let (world, faults, engine) = world().await;
        world.start("p").await;
        faults.come([Outcome::Full]);
        let attached = world.register(external("q", json!({"a": blob("one")}))).await;
        assert_eq!(refused(attached), Code::QuotaExceeded);
        faults.come([Outcome::Full]);
        assert_eq!(refused(world.registry.put_text(&"p".into(), "a", "one", None).await), Code::QuotaExceeded);
        faults.come([Outcome::Full]);
        let together = vec![external("q", json!({})), external("r", json!({"a": blob("one")}))];
        assert_eq!(refused(world.registry.register_all_json(together).await), Code::QuotaExceeded);
        faults.come([Outcome::Full]);
        let events = world.registry.append_all_json(&"p".into(), vec![note(1), note(2)]).await;
        assert_eq!(refused(events), Code::QuotaExceeded);
        assert_eq!(world.list(json!({"status": "any"})).await, ["p"]);
        assert_eq!((world.log("p").await.len(), stored(&engine)), (0, 0));
        assert!(world.record("p").await.attachments.is_empty());
    });
}

#[test]
fn an_attachment_that_is_listed_and_whose_row_is_gone_fails_alone() {
    run(async {
        let (world, _, engine) = world().await;
        world.job("p", json!({"attachments": {"a": blob("one"), "b": blob("two")}})).await.unwrap();
        remove(&engine, "attachments", &["p", "a"]);
        let (id, world) = ("p".into(), world.another().await);
        let missing = world.registry.attached_text(&id, "a").await.unwrap_err();
        assert_eq!((missing.code(), missing.process_id()), (Code::StorageFailed, Some(&id)));
        let (found, read) = futures::future::join(text(&world, "p", "b"), world.registry.attached_text(&id, "a")).await;
        assert_eq!((found.as_deref(), refused(read)), (Some("two"), Code::StorageFailed));
        assert_eq!(world.registry.attachments(&id).await.unwrap().len(), 2);
        assert_eq!(world.list(json!({})).await, ["p"]);
        assert_eq!(refused(fork(&world).await), Code::StorageFailed);
        world.registry.put_text(&id, "a", "again", None).await.unwrap();
        assert_eq!(text(&world, "p", "a").await.as_deref(), Some("again"));
        remove(&engine, "attachments", &["p", "b"]);
        world.registry.delete_attachment(&id, "b".into()).await.unwrap();
        assert_eq!(text(&world, "p", "b").await, None);
        fork(&world).await.unwrap();
        world.registry.delete(&id, true).await.unwrap();
        assert_eq!(world.list(json!({"status": "any"})).await, ["q"]);
    });
}

async fn fork(world: &World) -> longwait::Result<longwait::model::process::ProcessRecord> {
    world.registry.fork_json(&"p".into(), json!({"newId": "q", "from": "start"})).await
}
