//! Stretches of a log, and reads that begin together.

use futures::future::{join, join_all};
use longwait_core::{
    Code,
    store::{EventRange, Live},
};
use serde_json::json;

use crate::{AnyRegistry, World, after, refused, sequences};

/// A log of `a b a b a b …`, twelve long.
async fn alternating(world: &World<impl AnyRegistry>) {
    world.start_with("p", json!([{"name": "a"}, {"name": "b"}, {"name": "c"}])).await;
    for _ in 0..6 {
        world.append("p", json!({"eventType": "a"})).await.unwrap();
        world.append("p", json!({"eventType": "b"})).await.unwrap();
    }
}

async fn stretch(world: &World<impl AnyRegistry>, after: u64, limit: Option<u64>, types: Option<&[&str]>) -> Vec<u64> {
    let types = types.map(|types| types.iter().map(|&name| name.to_owned()).collect());
    sequences(&world.events("p", EventRange::After { after, limit, types }).await.unwrap())
}

pub async fn events_after_a_sequence_are_strictly_after_and_ascending(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    assert_eq!(stretch(&world, 0, None, None).await, (1..=12).collect::<Vec<_>>());
    assert_eq!(stretch(&world, 9, None, None).await, [10, 11, 12]);
    assert_eq!(stretch(&world, 12, None, None).await, [0; 0]);
    assert_eq!(stretch(&world, 9_007_199_254_740_991, None, None).await, [0; 0]);
}

pub async fn events_are_limited_from_the_front(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    assert_eq!(stretch(&world, 2, Some(3), None).await, [3, 4, 5]);
    assert_eq!(stretch(&world, 10, Some(3), None).await, [11, 12]);
    assert_eq!(stretch(&world, 0, Some(0), None).await, [0; 0]);
}

pub async fn events_can_be_of_some_types_merged_in_order(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    assert_eq!(stretch(&world, 3, None, Some(&["b"])).await, [4, 6, 8, 10, 12]);
    assert_eq!(stretch(&world, 3, Some(4), Some(&["b", "c", "a", "b"])).await, [4, 5, 6, 7]);
    assert_eq!(stretch(&world, 5, Some(2), Some(&["a"])).await, [7, 9]);
    assert_eq!(stretch(&world, 0, None, Some(&["c", "nonsense"])).await, [0; 0]);
    assert_eq!(stretch(&world, 0, None, Some(&[])).await, [0; 0]);
}

pub async fn events_of_more_types_than_a_log_has_are_found_among_them(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    let names: Vec<_> = (0..32_000).map(|number| format!("t{number}")).collect();
    let mut types: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(stretch(&world, 0, None, Some(&types)).await, [0; 0]);
    types.extend(["b", "a"]);
    assert_eq!(stretch(&world, 8, None, Some(&types)).await, [9, 10, 11, 12]);
    assert_eq!(stretch(&world.another().await, 3, Some(2), Some(&types)).await, [4, 5]);
}

pub async fn a_type_is_not_confused_with_one_it_begins(world: World<impl AnyRegistry>) {
    world.start_with("p", json!([{"name": "a"}, {"name": "ab"}, {"name": "a\u{0}"}])).await;
    for name in ["ab", "a", "a\u{0}", "a"] {
        world.append("p", json!({"eventType": name})).await.unwrap();
    }
    assert_eq!(stretch(&world, 0, None, Some(&["a"])).await, [2, 4]);
    assert_eq!(world.registry.count_events(&"p".into(), "a", 9).await.unwrap(), 2);
}

pub async fn a_log_is_not_confused_with_that_of_a_process_it_begins(world: World<impl AnyRegistry>) {
    for id in ["p", "p\u{0}", "pp", "P"] {
        world.start(id).await;
        for _ in 0..id.len() {
            world.note(id).await;
        }
    }
    assert_eq!(stretch(&world, 0, None, None).await, [1]);
    assert_eq!(world.log("pp").await.len(), 2);
}

pub async fn recent_events_are_the_last_ones_ascending(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    let recent = async |count| sequences(&world.events("p", EventRange::Last(count)).await.unwrap());
    assert_eq!(recent(3).await, [10, 11, 12]);
    assert_eq!(recent(1).await, [12]);
    assert_eq!(recent(0).await, [0; 0]);
    assert_eq!(recent(99).await, (1..=12).collect::<Vec<_>>());
}

pub async fn events_are_counted_by_type_up_to_a_sequence(world: World<impl AnyRegistry>) {
    alternating(&world).await;
    let count = async |name: &str, up_to| world.registry.count_events(&"p".into(), name, up_to).await.unwrap();
    assert_eq!([count("a", 0).await, count("a", 1).await, count("a", 2).await, count("a", 3).await], [0, 1, 1, 2]);
    assert_eq!([count("b", 1).await, count("b", 2).await, count("b", 11).await], [0, 1, 5]);
    assert_eq!([count("a", 9_007_199_254_740_991).await, count("c", 99).await], [6, 0]);
}

pub async fn an_empty_log_reads_as_empty(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for range in [after(0), EventRange::Last(5), EventRange::Unacked(0), EventRange::first("note", 0)] {
        assert_eq!(world.events("p", range).await.unwrap(), []);
    }
    assert_eq!(world.registry.count_events(&"p".into(), "note", 9).await.unwrap(), 0);
}

pub async fn every_read_of_a_log_refuses_an_unknown_process(world: World<impl AnyRegistry>) {
    let typed = EventRange::After { after: 0, limit: None, types: Some(vec![]) };
    let none = EventRange::After { after: 0, limit: Some(0), types: None };
    for range in [after(0), typed, none, EventRange::Last(0), EventRange::Last(5), EventRange::Unacked(0)] {
        assert_eq!(refused(world.events("p", range).await), Code::UnknownProcess);
    }
    assert_eq!(refused(world.registry.count_events(&"p".into(), "note", 9).await), Code::UnknownProcess);
}

pub async fn a_read_sees_what_was_written_in_calls_before_it(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for sequence in 1..=5 {
        let (_, log) = join(world.note("p"), world.log("p")).await;
        assert_eq!(log.len(), sequence);
    }
    let (_, record) = join(world.succeed("p"), world.record("p")).await;
    assert!(record.is_terminal());
}

pub async fn reads_of_one_turn_have_each_their_own_answer(world: World<impl AnyRegistry>) {
    for number in 0..100 {
        world.start(&format!("p{number:02}")).await;
    }
    world.note("p07").await;
    world.grant("s", "p08").await;
    let records = join_all((0..100).map(|number| {
        let (world, id) = (&world, format!("p{number:02}"));
        async move { world.record(&id).await.id().to_string() }
    }));
    let logs = join_all(["p06", "p07", "p07"].map(|id| world.log(id)));
    let granted = join_all(["s", "t"].map(|scope| world.granted(scope, Live::Any)));
    let unknown = join(world.events("nobody", after(0)), world.list(json!({"status": "completed"})));
    let ((records, logs), (granted, (unknown, completed))) = join(join(records, logs), join(granted, unknown)).await;
    assert_eq!(records, (0..100).map(|number| format!("p{number:02}")).collect::<Vec<_>>());
    assert_eq!(logs.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(granted, [vec!["p08".to_owned()], vec![]]);
    assert_eq!((refused(unknown), completed), (Code::UnknownProcess, vec![]));
}
