//! How many processes there are of each status, as a row has it.

use longwait::model::payload::Payload;
use longwait_testing::World;
use serde_json::{Value, json};

use crate::place::{put, remove, rows, run, world};

fn totals(engine: &longwait::store::engine::MemoryEngine) -> Value {
    let row = rows(engine, "about").into_iter().map(|row| row.value()).find(|row| row["name"] == "totals");
    row.map_or(Value::Null, |row| row["counts"].clone())
}

async fn count(world: &World, status: &str) -> u64 {
    world.registry.count(&serde_json::from_value(json!({"status": status})).unwrap()).await.unwrap()
}

#[test]
fn the_row_has_what_the_lists_have_after_registrations_waits_ends_and_removals() {
    run(async {
        let (world, _, engine) = world().await;
        for id in ["a", "b", "c", "d"] {
            world.start(id).await;
        }
        world.start("a").await;
        assert_eq!(totals(&engine), json!({"running": 4, "completed": 0, "failed": 0, "cancelled": 0}));
        let wait =
            json!({"kind": "signal", "name": "go", "eventType": "signal.go", "key": "k", "ordinal": 1, "sinceMs": 1});
        world.registry.set_wait(&"a".into(), serde_json::from_value(wait).unwrap()).await.unwrap();
        world.succeed("a").await;
        world.succeed("a").await;
        world.complete("b", json!({"type": "cancelled", "message": "m"})).await.unwrap();
        assert_eq!(totals(&engine), json!({"running": 2, "completed": 1, "failed": 0, "cancelled": 1}));
        world.registry.delete(&"a".into(), false).await.unwrap();
        world.registry.delete(&"c".into(), true).await.unwrap();
        assert_eq!(totals(&engine), json!({"running": 1, "completed": 0, "failed": 0, "cancelled": 1}));
        assert_eq!([count(&world, "running").await, count(&world, "any").await], [1, 2]);
    });
}

#[test]
fn a_count_is_that_of_the_row_and_where_there_is_none_that_of_the_index() {
    run(async {
        let (world, _, engine) = world().await;
        world.start("a").await;
        let counts = json!({"running": 7, "completed": 0, "failed": 0, "cancelled": 0});
        put(&engine, "about", Payload::from(json!({"name": "totals", "counts": counts})));
        assert_eq!(count(&world, "running").await, 7);
        remove(&engine, "about", &["totals"]);
        assert_eq!(count(&world, "running").await, 1);
        world.start("b").await;
        assert_eq!(totals(&engine)["running"], 2);
    });
}

#[test]
fn a_process_that_cannot_be_read_leaves_no_wrong_total() {
    run(async {
        let (world, _, engine) = world().await;
        world.start("a").await;
        world.start("b").await;
        let mut row = rows(&engine, "processes")[0].value();
        (row["status"], row["change"]) = (json!("broken"), json!(9));
        put(&engine, "processes", Payload::from(row));
        world.registry.delete(&"a".into(), true).await.unwrap();
        assert_eq!(totals(&engine), Value::Null);
        assert_eq!(count(&world, "any").await, 1);
        world.start("c").await;
        assert_eq!(totals(&engine)["running"], 2);
    });
}
