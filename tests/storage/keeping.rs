//! What a store keeps of processes between transactions: less to read, and never out of date.

use futures::future::join;
use longwait::Code;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Fixture, bare};
use crate::support::{refused, sequences};

#[wasm_bindgen_test]
async fn a_process_that_was_just_written_is_not_read_again_to_append_to_it() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    world.start("q").await;
    // The first transaction after the last connection was opened asks in any case.
    world.note("p").await;
    bare::count_rows();
    world.note("p").await;
    world.note("q").await;
    // Each asks for the number of the last change.
    assert_eq!(bare::counted_rows(), 2);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn two_tabs_that_write_by_turns_see_what_the_other_wrote() {
    let fixture = Fixture::new().await;
    let (world, other) = (&fixture.world, fixture.world.another().await);
    world.start("p").await;
    world.start("q").await;
    for sequence in (1..9).step_by(2) {
        assert_eq!(world.note("p").await, sequence);
        assert_eq!(other.note("p").await, sequence + 1);
        // What both know of it is no longer the last change.
        other.note("q").await;
    }
    other.succeed("p").await;
    assert_eq!(world.note("p").await, 10);
    assert!(world.succeed("p").await.is_terminal());
    assert_eq!(sequences(&world.log("p").await), (1..=10).collect::<Vec<_>>());
    assert_eq!(sequences(&world.log("q").await), [1, 2, 3, 4]);
    other.registry.close();
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_process_that_was_pruned_here_or_elsewhere_is_not_written_any_more() {
    let fixture = Fixture::new().await;
    let (world, other) = (&fixture.world, fixture.world.another().await);
    for pruner in [world, &other] {
        world.start("p").await;
        world.note("p").await;
        world.succeed("p").await;
        world.clock.advance(1);
        assert_eq!(pruner.registry.prune(u64::MAX).await.unwrap().pruned_processes, 1);
        assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::UnknownProcess);
        assert_eq!(world.start("p").await.log.last_sequence, 0);
        assert_eq!(world.note("p").await, 1);
        world.succeed("p").await;
        world.registry.prune(u64::MAX).await.unwrap();
    }
    other.registry.close();
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn what_was_not_committed_is_not_kept() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    assert_eq!(world.note("p").await, 1);
    bare::abort_writes(1, "QuotaExceededError");
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::QuotaExceeded);
    assert_eq!(world.note("p").await, 2);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn an_event_of_another_tab_is_not_taken_for_one_that_did_not_land() {
    let fixture = Fixture::new().await;
    let (world, other) = (&fixture.world, fixture.world.another().await);
    // Both tabs are at their second commit then.
    world.start("p").await;
    other.start("q").await;
    bare::abort_writes(1, "UnknownError");
    let (mine, theirs) = join(world.note("p"), other.note("p")).await;
    assert_eq!((mine, theirs), (2, 1));
    assert_eq!(sequences(&world.log("p").await), [1, 2]);
    other.registry.close();
    fixture.end().await;
}
