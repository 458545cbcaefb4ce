//! Pruning processes of any size.

use longwait::{host::Clock, model::payload::Payload};
use serde_json::json;

use crate::place::{put, rows, run, world};

#[test]
fn large_processes_are_pruned_some_at_a_time_until_none_is_left() {
    run(async {
        let (world, faults, _) = world().await;
        let large = "x".repeat(2_000_000);
        for number in 0..40 {
            let input = json!({"type": "external", "metadata": {"text": large}});
            world.register(json!({"id": format!("p{number}"), "input": input})).await.unwrap();
            world.succeed(&format!("p{number}")).await;
        }
        world.start("q").await;
        faults.come([]);
        let report = world.registry.prune(world.clock.now() + 1).await.unwrap();
        assert_eq!((report.pruned_processes, report.pruned_events), (40, 40));
        assert!(faults.begun() > 1, "one transaction held all of them");
        assert_eq!(world.list(json!({"status": "any"})).await, ["q"]);
    });
}

#[test]
fn the_children_of_a_process_that_cannot_be_read_are_asked_to_stop_when_it_is_deleted() {
    run(async {
        let (world, _, engine) = world().await;
        world.start("p").await;
        let child = |id: &str, fate: &str| json!({"id": id, "input": {"type": "external"}, "parentId": "p", "onParentEnd": fate});
        world.register(child("asked", "cancel")).await.unwrap();
        world.register(child("left", "abandon")).await.unwrap();
        let mut row = rows(&engine, "processes").into_iter().find(|row| row.value()["id"] == "p").unwrap().value();
        (row["status"], row["change"]) = (json!("broken"), json!(9));
        put(&engine, "processes", Payload::from(row));
        world.registry.delete(&"p".into(), true).await.unwrap();
        assert!(world.record("asked").await.is_cancel_requested());
        assert!(!world.record("left").await.is_cancel_requested());
    });
}
