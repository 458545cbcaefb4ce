//! What runs put into streams, and what readers find there.

use std::rc::Rc;

use futures::FutureExt;
use longwait_core::{
    Code, Payload, Result,
    model::{
        lease::ProcessLease,
        stream::{ChunkBatch, Stream},
    },
    operation,
    rules::stream::Opening,
};
use serde_json::{Value, json};

use crate::{AsJson, START, TTL, World, owner, refused, to};

/// A process that is leased.
async fn leased(world: &World) -> ProcessLease {
    world.start("p").await;
    world.lease("p", &owner("driver", "life")).await
}

fn opening(attempt: u64) -> Opening {
    Opening { name: "s".into(), resume: false, until_terminal: false, attempt }
}

async fn open(world: &World, lease: &ProcessLease, opening: Opening) -> Result<Stream> {
    world.registry.execute(operation::open_stream(lease.clone(), opening)).await
}

/// Adds a row for each list of values.
async fn write(world: &World, lease: &ProcessLease, rows: Value) -> Result<Stream> {
    write_and(world, lease, rows, false).await
}

async fn write_and(world: &World, lease: &ProcessLease, rows: Value, closes: bool) -> Result<Stream> {
    let row = |row: &Value| row.as_array().unwrap().iter().cloned().map(to).collect::<Rc<[Payload]>>();
    let rows = rows.as_array().unwrap().iter().map(row).collect();
    world.registry.execute(operation::write_stream(lease.clone(), "s".into(), rows, closes)).await
}

async fn close(world: &World, lease: &ProcessLease) {
    write_and(world, lease, json!([]), true).await.unwrap();
}

/// What a reader is given next, from an index on.
async fn read(world: &World, from: u64) -> Result<ChunkBatch> {
    world.registry.read_stream(&"p".into(), "s").next(from).await
}

/// Index, attempt and value of everything in the stream, whose reader does not wait.
async fn all(world: &World) -> Vec<(u64, u64, Value)> {
    let reader = world.registry.read_stream(&"p".into(), "s");
    let mut all = Vec::new();
    loop {
        let batch = reader.next(all.len() as u64).await.unwrap();
        all.extend(batch.chunks.iter().map(|chunk| (chunk.index, chunk.attempt, chunk.value.json())));
        if batch.done {
            return all;
        }
    }
}

fn chunk(index: u64, attempt: u64, value: impl Into<Value>) -> (u64, u64, Value) {
    (index, attempt, value.into())
}

pub async fn indexes_go_on_over_all_attempts_whose_numbers_chunks_carry(world: World) {
    let lease = leased(&world).await;
    assert_eq!(open(&world, &lease, opening(1)).await.unwrap().next, 0);
    assert_eq!(write(&world, &lease, json!([["a", "b"], ["c"]])).await.unwrap().next, 3);
    let opened = open(&world, &lease, opening(2)).await.unwrap();
    assert_eq!((opened.next, opened.attempt), (3, 2));
    write(&world, &lease, json!([["d"]])).await.unwrap();
    close(&world, &lease).await;
    assert_eq!(all(&world).await, [chunk(0, 1, "a"), chunk(1, 1, "b"), chunk(2, 1, "c"), chunk(3, 2, "d")]);
}

pub async fn chunks_of_a_stream_that_is_resumed_carry_the_attempt_of_those_before(world: World) {
    let lease = leased(&world).await;
    let resumed = |attempt| Opening { resume: true, ..opening(attempt) };
    assert_eq!(open(&world, &lease, resumed(1)).await.unwrap().attempt, 1);
    assert_eq!(open(&world, &lease, resumed(2)).await.unwrap().attempt, 2, "there was none before");
    write(&world, &lease, json!([["a"]])).await.unwrap();
    assert_eq!(open(&world, &lease, resumed(3)).await.unwrap().attempt, 2);
    write(&world, &lease, json!([["b"]])).await.unwrap();
    open(&world, &lease, opening(4)).await.unwrap();
    write(&world, &lease, json!([["c"]])).await.unwrap();
    assert_eq!(open(&world, &lease, resumed(5)).await.unwrap().attempt, 4);
    close(&world, &lease).await;
    assert_eq!(all(&world).await, [chunk(0, 2, "a"), chunk(1, 2, "b"), chunk(2, 4, "c")]);
}

pub async fn streams_of_a_process_are_apart(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    open(&world, &lease, Opening { name: "s2".into(), ..opening(1) }).await.unwrap();
    write(&world, &lease, json!([["a"]])).await.unwrap();
    let rows = vec![Rc::from([to(json!("other"))])];
    world.registry.execute(operation::write_stream(lease.clone(), "s2".into(), rows, true)).await.unwrap();
    close(&world, &lease).await;
    assert_eq!(all(&world).await, [chunk(0, 1, "a")]);
    let other = world.registry.read_stream(&"p".into(), "s2").next(0).await.unwrap();
    assert_eq!((other.chunks.len(), other.done), (1, true));
}

pub async fn streams_are_listed_with_what_is_known_of_each(world: World) {
    assert_eq!(refused(world.registry.streams(&"p".into()).await), Code::UnknownProcess);
    let lease = leased(&world).await;
    assert_eq!(world.registry.streams(&"p".into()).await.unwrap(), []);
    open(&world, &lease, opening(1)).await.unwrap();
    write_and(&world, &lease, json!([["a", "b"], ["c"]]), true).await.unwrap();
    open(&world, &lease, Opening { name: "a".into(), until_terminal: true, ..opening(2) }).await.unwrap();
    let listed = world.registry.streams(&"p".into()).await.unwrap();
    let expected = json!([
        {"name": "a", "chunks": 0, "attempt": 2, "closed": false, "keep": "untilTerminal"},
        {"name": "s", "chunks": 3, "attempt": 1, "closed": true, "keep": "process"},
    ]);
    assert_eq!(listed.iter().map(AsJson::json).collect::<Vec<_>>(), *expected.as_array().unwrap());
}

pub async fn a_stream_changes_its_process_at_its_first_opening_and_never_again(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    let (before, updated) = (world.changes(0, None).await.cursor, world.record("p").await.updated_at_ms);
    world.ticked();
    world.clock.advance(10);
    for number in 0..3 {
        write(&world, &lease, json!([[number]])).await.unwrap();
    }
    open(&world, &lease, Opening { name: "another".into(), ..opening(1) }).await.unwrap();
    close(&world, &lease).await;
    assert_eq!(world.changes(0, None).await.cursor, before);
    assert_eq!(world.ticked(), [""; 0]);
    assert_eq!(world.record("p").await.updated_at_ms, updated);
    assert!(world.log("p").await.is_empty());
}

pub async fn a_stream_is_opened_and_written_under_the_lease_alone(world: World) {
    let lost = leased(&world).await;
    open(&world, &lost, opening(1)).await.unwrap();
    write(&world, &lost, json!([["a"]])).await.unwrap();
    world.clock.advance(TTL);
    let lease = world.lease("p", &owner("driver", "next")).await;
    assert_eq!(refused(write(&world, &lost, json!([["late"]])).await), Code::LeaseLost);
    assert_eq!(refused(open(&world, &lost, opening(1)).await), Code::LeaseLost);
    open(&world, &lease, opening(2)).await.unwrap();
    assert_eq!(refused(write_and(&world, &lost, json!([]), true).await), Code::LeaseLost);
    write(&world, &lease, json!([["b"]])).await.unwrap();
    close(&world, &lease).await;
    assert_eq!(all(&world).await, [chunk(0, 1, "a"), chunk(1, 2, "b")]);
}

pub async fn nothing_is_put_into_a_stream_behind_the_end_of_its_process(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write(&world, &lease, json!([["a"]])).await.unwrap();
    world.succeed("p").await;
    assert_eq!(refused(write(&world, &lease, json!([["late"]])).await), Code::AlreadyTerminal);
    assert_eq!(refused(open(&world, &lease, opening(1)).await), Code::AlreadyTerminal);
    assert_eq!(all(&world).await, [chunk(0, 1, "a")]);
}

pub async fn a_reader_begins_at_any_index_and_ends_behind_the_last_chunk(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write(&world, &lease, json!([["a", "b", "c"], ["d"]])).await.unwrap();
    close(&world, &lease).await;
    for from in 0..4 {
        let batch = read(&world, from).await.unwrap();
        assert!(batch.done);
        assert_eq!(batch.chunks.iter().map(|chunk| chunk.index).collect::<Vec<_>>(), (from..4).collect::<Vec<_>>());
    }
    for behind in [4, 100] {
        assert_eq!(read(&world, behind).await.unwrap(), ChunkBatch { done: true, ..ChunkBatch::default() });
    }
}

pub async fn a_stream_of_many_rows_is_read_in_pages(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    let rows: Vec<_> = (0..300).map(|number| json!([number])).collect();
    write(&world, &lease, json!(rows)).await.unwrap();
    let first = read(&world, 0).await.unwrap();
    assert!(first.chunks.len() < 300 && !first.done);
    close(&world, &lease).await;
    assert_eq!(all(&world).await, (0..300).map(|number| chunk(number, 1, number)).collect::<Vec<_>>());
}

pub async fn a_reader_waits_for_a_stream_that_is_not_there_and_ends_with_its_process(world: World) {
    world.start("p").await;
    let reader = world.registry.read_stream(&"p".into(), "s");
    let mut waiting = Box::pin(reader.next(0));
    assert!((&mut waiting).now_or_never().is_none());
    world.succeed("p").await;
    assert_eq!(waiting.await.unwrap(), ChunkBatch { done: true, ..ChunkBatch::default() });
}

pub async fn a_reader_of_an_unknown_process_is_refused(world: World) {
    assert_eq!(refused(read(&world, 0).await), Code::UnknownProcess);
}

pub async fn a_reader_does_not_follow_an_id_into_its_next_life(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write(&world, &lease, json!([["a"]])).await.unwrap();
    let reader = world.registry.read_stream(&"p".into(), "s");
    assert_eq!(reader.next(0).await.unwrap().chunks.len(), 1);
    let mut waiting = Box::pin(reader.next(1));
    assert!((&mut waiting).now_or_never().is_none());
    world.registry.delete(&"p".into(), true).await.unwrap();
    world.start("p").await;
    assert_eq!(refused(waiting.await), Code::UnknownProcess);
}

pub async fn streams_are_pruned_with_their_process_and_begin_anew_with_its_next_life(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write(&world, &lease, json!([["a"], ["b"]])).await.unwrap();
    world.start("p2").await;
    let other = world.lease("p2", &owner("driver", "life")).await;
    open(&world, &other, opening(1)).await.unwrap();
    world.succeed("p").await;
    assert_eq!(world.registry.prune(START + 1).await.unwrap().pruned_processes, 1);
    let lease = leased(&world).await;
    assert_eq!(open(&world, &lease, opening(1)).await.unwrap().next, 0);
    write(&world, &lease, json!([["new"]])).await.unwrap();
    close(&world, &lease).await;
    assert_eq!(all(&world).await, [chunk(0, 1, "new")]);
    assert_eq!(write(&world, &other, json!([["stays"]])).await.unwrap().next, 1);
}

pub async fn chunks_that_are_kept_until_then_are_gone_when_their_process_has_ended(world: World) {
    let until_terminal = || Opening { until_terminal: true, ..opening(1) };
    for by_event in [true, false] {
        let lease = leased(&world).await;
        open(&world, &lease, until_terminal()).await.unwrap();
        let kept = Opening { name: "kept".into(), ..opening(1) };
        open(&world, &lease, kept).await.unwrap();
        write(&world, &lease, json!([["a"], ["b"]])).await.unwrap();
        let rows = vec![Rc::from([to(json!("stays"))])];
        world.registry.execute(operation::write_stream(lease.clone(), "kept".into(), rows, false)).await.unwrap();
        assert_eq!(read(&world, 0).await.unwrap().chunks.len(), 2);
        if by_event {
            world.append("p", json!({"eventType": "done", "replayKey": "done"})).await.unwrap();
        } else {
            world.complete_leased(&lease, json!({"type": "success", "value": 1})).await.unwrap();
        }
        assert_eq!(read(&world, 0).await.unwrap(), ChunkBatch { done: true, ..ChunkBatch::default() });
        assert_eq!(world.registry.read_stream(&"p".into(), "kept").next(0).await.unwrap().chunks.len(), 1);
        world.registry.delete(&"p".into(), false).await.unwrap();
    }
}

pub async fn the_last_opening_says_how_long_chunks_are_kept(world: World) {
    for (openings, left) in [([true, false], 1), ([false, true], 0)] {
        let lease = leased(&world).await;
        for until_terminal in openings {
            open(&world, &lease, Opening { until_terminal, ..opening(1) }).await.unwrap();
        }
        write(&world, &lease, json!([["a"]])).await.unwrap();
        world.succeed("p").await;
        assert_eq!(all(&world).await.len(), left);
        world.registry.delete(&"p".into(), false).await.unwrap();
    }
}

pub async fn a_closed_stream_is_open_again_where_a_later_attempt_opens_it(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write_and(&world, &lease, json!([["a"]]), true).await.unwrap();
    assert!(read(&world, 1).await.unwrap().done);
    open(&world, &lease, opening(2)).await.unwrap();
    let reader = world.registry.read_stream(&"p".into(), "s");
    assert!(reader.next(1).now_or_never().is_none());
    write_and(&world, &lease, json!([["b"]]), true).await.unwrap();
    assert_eq!(all(&world).await, [chunk(0, 1, "a"), chunk(1, 2, "b")]);
}

pub async fn a_fork_has_none_of_the_streams(world: World) {
    let lease = leased(&world).await;
    open(&world, &lease, opening(1)).await.unwrap();
    write(&world, &lease, json!([["a"]])).await.unwrap();
    world.succeed("p").await;
    world.registry.fork(&"p".into(), crate::made(json!({"newId": "fork", "from": "start"}))).await.unwrap();
    let fork = world.lease("fork", &owner("driver", "life")).await;
    assert_eq!(open(&world, &fork, opening(1)).await.unwrap().next, 0);
}
