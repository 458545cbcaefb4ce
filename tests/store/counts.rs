//! Where the counts of event types lie.

use longwait::model::payload::Payload;
use longwait_testing::World;
use serde_json::{Value, json};

use crate::place::{put, rows, run, world};

async fn of_types(world: &World, id: &str, count: usize) {
    let types: Vec<_> = (0..count).map(|number| json!({"name": format!("t{number}")})).collect();
    world.start_with(id, Value::from(types)).await;
}

async fn append(world: &World, id: &str, number: usize) {
    world.append(id, json!({"eventType": format!("t{number}")})).await.unwrap();
}

async fn count(world: &World, number: usize) -> u64 {
    world.registry.count_events(&"p".into(), &format!("t{number}"), 1_000_000).await.unwrap()
}

#[test]
fn the_row_of_a_process_does_not_grow_with_the_number_of_event_types() {
    run(async {
        let (world, _, engine) = world().await;
        of_types(&world, "p", 1_000).await;
        let mut weights = Vec::new();
        for number in 0..1_000 {
            append(&world, "p", number).await;
            weights.push(rows(&engine, "processes")[0].weight());
        }
        assert!(weights[999] <= weights[20], "{} bytes with 20 types, {} with 1,000", weights[20], weights[999]);
        assert_eq!(rows(&engine, "counts").len(), 984);
    });
}

#[test]
fn types_that_every_process_has_are_counted_in_its_row_however_many_others_there_are() {
    run(async {
        let (world, _, engine) = world().await;
        of_types(&world, "p", 20).await;
        for number in 0..20 {
            append(&world, "p", number).await;
        }
        world.registry.request_cancel(&"p".into(), None).await.unwrap();
        world.succeed("p").await;
        let counted: Vec<_> = rows(&engine, "counts").iter().map(|row| row.value()["eventType"].clone()).collect();
        assert_eq!(counted, ["t16", "t17", "t18", "t19"]);
    });
}

#[test]
fn a_process_whose_row_has_more_counts_than_fit_into_it_goes_on_counting() {
    run(async {
        let (world, _, engine) = world().await;
        of_types(&world, "p", 40).await;
        append(&world, "p", 0).await;
        // As version 0.1 had it: all counts in the process's row.
        let mut row = rows(&engine, "processes")[0].value();
        let counts = (0..40).map(|number| json!({"eventType": format!("t{number}"), "count": 3}));
        row["log"]["counts"] = counts.collect();
        row["log"]["lastSequence"] = json!(120);
        row["change"] = json!(7);
        put(&engine, "processes", Payload::from(row));
        append(&world, "p", 39).await;
        append(&world, "p", 39).await;
        append(&world, "p", 0).await;
        append(&world, "p", 20).await;
        assert_eq!([count(&world, 39).await, count(&world, 0).await, count(&world, 20).await], [5, 4, 4]);
        let in_row = rows(&engine, "processes")[0].value()["log"]["counts"].as_array().unwrap().len();
        assert_eq!((in_row, rows(&engine, "counts").len()), (16, 24));
    });
}

#[test]
fn nothing_is_left_of_the_counts_of_a_process_that_is_deleted() {
    run(async {
        let (world, _, engine) = world().await;
        of_types(&world, "p", 40).await;
        for number in 0..40 {
            append(&world, "p", number).await;
        }
        world.registry.delete(&"p".into(), true).await.unwrap();
        assert!(rows(&engine, "counts").is_empty());
    });
}
