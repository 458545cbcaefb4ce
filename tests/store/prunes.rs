//! Pruning processes of any size.

use longwait::host::Clock;
use serde_json::json;

use crate::place::{run, world};

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
