//! Streams of a run: what shares a row, what waits, what is committed before the end of a process, and what a reader learns of it.

use longwait::{
    Result, RunContext,
    driver::{RunEnd, StreamOptions, StreamWriter},
    model::{
        payload::Payload,
        process::{FailureClass, ProcessAwaitOutput},
        stream::ChunkBatch,
    },
    notify::StreamReader,
    rules::attempt::{Advice, Thrown},
};
use longwait_testing::fake::Fate;
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    runners::{
        Run, another, done, driver, handed_over, held_tab, job, record, refused, register, running, settle, started,
        state, sweep, tab,
    },
    support::{World, tasks},
};

fn opened(context: &RunContext) -> StreamWriter {
    now(context.stream("s", StreamOptions::default())).unwrap()
}

/// A run of `p`, with a stream that it has opened.
fn streaming(world: &World) -> (Run, StreamWriter) {
    let (_, _, run) = running(world);
    let stream = opened(&run.context);
    (run, stream)
}

/// An append that is accepted at once.
#[track_caller]
fn append(stream: &StreamWriter, chunk: impl Into<Value>) -> u64 {
    now(stream.append(Payload::from(chunk.into()))).unwrap()
}

/// An append that is accepted at once, and committed.
#[track_caller]
fn commit(stream: &StreamWriter, chunk: impl Into<Value>) {
    append(stream, chunk);
    now(stream.flush(false)).unwrap();
}

/// A reader that finds nothing yet.
#[track_caller]
fn waits(reader: &StreamReader, from: u64) -> Hand<'_, Result<ChunkBatch>> {
    let mut waiting = Hand::new(reader.next(from));
    assert!(waiting.run().is_none());
    waiting
}

/// Something of a stream, in hand.
fn hand<T: 'static>(
    stream: &StreamWriter,
    call: impl AsyncFnOnce(&StreamWriter) -> Result<T> + 'static,
) -> Hand<'static, Result<T>> {
    let stream = stream.clone();
    Hand::new(async move { call(&stream).await })
}

/// The values of a batch.
fn values(batch: &ChunkBatch) -> Vec<Value> {
    batch.chunks.iter().map(|chunk| chunk.value.value()).collect()
}

/// What a reader is given now.
#[track_caller]
fn read(reader: &StreamReader, from: u64) -> Vec<Value> {
    values(&now(reader.next(from)).unwrap())
}

fn reader(world: &World) -> StreamReader {
    world.registry.read_stream(&"p".into(), "s")
}

#[test]
fn chunks_of_fifty_milliseconds_share_a_commit() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let before = hold.writes();
    assert_eq!([0, 1, 2].map(|number| append(&stream, number)), [0, 1, 2]);
    tasks().run();
    world.clock.advance(49);
    tasks().run();
    append(&stream, 3);
    assert_eq!(hold.writes(), before);
    world.clock.advance(1);
    tasks().run();
    assert_eq!(hold.writes() - before, 1);
    assert_eq!(read(&reader(&world), 0), [0, 1, 2, 3]);
    assert_eq!(stream.next_index(), 4);
    world.clock.advance(1_000);
    tasks().run();
    assert_eq!(hold.writes() - before, 1, "nothing more is to be written");
}

#[test]
fn chunks_of_sixteen_kilobytes_wait_for_no_others() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let before = hold.writes();
    for _ in 0..15 {
        append(&stream, "x".repeat(1_024));
    }
    tasks().run();
    assert_eq!(hold.writes(), before);
    append(&stream, "x".repeat(1_024));
    tasks().run();
    assert_eq!(hold.writes() - before, 1);
}

#[test]
fn what_comes_during_a_commit_goes_into_the_next_one() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    append(&stream, 0);
    hold.hold_writes();
    let mut first = hand(&stream, async |stream| stream.flush(false).await);
    assert!(first.run().is_none());
    let before = hold.writes();
    append(&stream, 1);
    append(&stream, 2);
    world.clock.advance(100);
    tasks().run();
    assert_eq!(hold.writes(), before, "one at a time");
    hold.let_go();
    tasks().run();
    assert!(first.run().unwrap().is_ok());
    assert_eq!(hold.writes() - before, 1);
    assert_eq!(read(&reader(&world), 0), [0, 1, 2]);
}

#[test]
fn an_append_waits_while_more_than_a_megabyte_is_not_committed_and_the_next_ones_behind_it() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    hold.hold_writes();
    let large = "x".repeat(600_000);
    append(&stream, large.as_str());
    append(&stream, large.as_str());
    let mut waiting = hand(&stream, async |stream| stream.append("waits".into()).await);
    let mut behind = hand(&stream, async |stream| stream.append("small".into()).await);
    let mut flushed = hand(&stream, async |stream| stream.flush(false).await);
    assert!(waiting.run().is_none() && behind.run().is_none() && flushed.run().is_none());
    hold.let_go();
    tasks().run();
    assert_eq!((waiting.run().unwrap().unwrap(), behind.run().unwrap().unwrap()), (2, 3));
    assert!(flushed.run().unwrap().is_ok());
    let batch = now(reader(&world).next(2)).unwrap();
    assert_eq!(values(&batch), ["waits", "small"]);
}

#[test]
fn a_flush_and_a_close_resolve_when_all_before_them_is_committed() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    assert!(now(stream.flush(false)).is_ok(), "there is nothing to wait for");
    hold.hold_writes();
    append(&stream, 0);
    let mut flushed = hand(&stream, async |stream| stream.flush(false).await);
    assert!(flushed.run().is_none());
    let mut closed = hand(&stream, async |stream| stream.flush(true).await);
    assert!(closed.run().is_none());
    assert_eq!(refused(now(stream.append("late".into()))), "invalid_argument");
    hold.let_go();
    tasks().run();
    assert!(flushed.run().unwrap().is_ok() && closed.run().unwrap().is_ok());
    assert!(now(stream.flush(true)).is_ok(), "once more");
    assert!(now(reader(&world).next(0)).unwrap().done);
}

#[test]
fn what_was_accepted_is_committed_before_the_process_ends_or_is_tried_again() {
    for throws in [false, true] {
        let world = tab();
        let works = std::rc::Rc::new(crate::runners::Works::default()).on_end("job", move |context| async move {
            let stream = context.stream("s", StreamOptions::default()).await.unwrap();
            stream.append("last".into()).await.unwrap();
            match throws {
                false => RunEnd::Returned(done(1)),
                true => RunEnd::Threw(Thrown {
                    failure: ProcessAwaitOutput::failure(FailureClass::External, "own", "on purpose"),
                    advice: Advice::Never,
                }),
            }
        });
        register(&world, "p", "job");
        let _driver = started(&world, &works);
        assert_eq!(state(&world, "p"), if throws { "failed" } else { "completed" });
        let batch = now(reader(&world).next(0)).unwrap();
        assert_eq!((values(&batch), batch.done), (vec![json!("last")], true));
    }
}

#[test]
fn a_process_whose_chunks_cannot_be_committed_does_not_end_with_them_missing() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    let stream = opened(&run.context);
    append(&stream, 0);
    hold.fill_up(true);
    run.returns(done(1));
    assert_eq!(state(&world, "p"), "running");
    hold.fill_up(false);
    tasks().run();
    assert_eq!(state(&world, "p"), "running", "a later attempt ends it");
    assert_eq!(now(driver.claim_and_run_pending()).unwrap().failed[0].code, "quota_exceeded");
}

#[test]
fn a_runner_that_knows_that_its_chunks_could_not_be_committed_may_end_its_process_all_the_same() {
    let (world, hold) = held_tab();
    let (run, stream) = streaming(&world);
    append(&stream, 0);
    hold.fill_up(true);
    assert_eq!(refused(now(stream.flush(false))), "quota_exceeded");
    hold.fill_up(false);
    assert_eq!(refused(now(stream.append("more".into()))), "quota_exceeded", "nothing comes behind a gap");
    run.returns(done(1));
    assert_eq!(state(&world, "p"), "completed");
}

#[test]
fn chunks_of_a_process_that_others_ended_are_no_trouble_of_the_driver() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    let stream = opened(&run.context);
    append(&stream, 0);
    // The watch of the run does not learn of it before the runner returns.
    hold.hold_reads();
    now(world.succeed("p"));
    run.returns(done(2));
    hold.let_go();
    tasks().run();
    assert!(sweep(&driver).failed.is_empty());
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], 1);
}

#[test]
fn a_run_that_has_lost_its_lease_writes_nothing_and_the_next_attempt_goes_on_behind_what_is_committed() {
    let world = tab();
    let (driver, _, run) = running(&world);
    let stream = opened(&run.context);
    commit(&stream, "committed");
    append(&stream, "lost");
    let (other, _driver, next) = handed_over(&world, &driver);
    assert_eq!(refused(now(stream.flush(false))), "lease_lost");
    assert_eq!(refused(now(stream.append("late".into()))), "lease_lost");
    let stream = opened(&next.context);
    assert_eq!(stream.next_index(), 1);
    append(&stream, "next");
    now(stream.flush(true)).unwrap();
    let batch = now(reader(&other).next(0)).unwrap();
    assert_eq!(values(&batch), ["committed", "next"]);
    assert_eq!(batch.chunks.iter().map(|chunk| chunk.attempt).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_stream_is_opened_once_in_a_run_under_a_name_that_is_one() {
    let world = tab();
    let (_, _, run) = running(&world);
    let open = |name: &str| now(run.context.stream(name, StreamOptions::default())).map(drop);
    open("s").unwrap();
    for name in ["s", "", " ", &"x".repeat(1_025)] {
        assert_eq!(refused(open(name)), "invalid_argument");
    }
    open("t").unwrap();
}

#[test]
fn an_opening_that_failed_may_be_repeated() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    hold.fill_up(true);
    assert_eq!(refused(now(run.context.stream("s", StreamOptions::default())).map(drop)), "quota_exceeded");
    hold.fill_up(false);
    opened(&run.context);
}

#[test]
fn a_reader_in_this_tab_and_one_in_another_get_what_is_committed_without_a_read() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    for place in [&world, &other] {
        let reader = reader(place);
        let from = stream.next_index();
        let mut waiting = waits(&reader, from);
        let before = hold.reads();
        append(&stream, "chunk");
        assert!(waiting.run().is_none(), "before it is committed");
        now(stream.flush(false)).unwrap();
        settle(&world);
        assert_eq!(values(&waiting.run().unwrap().unwrap()), ["chunk"]);
        assert_eq!(hold.reads(), before);
    }
}

#[test]
fn chunks_wake_no_waiter_of_their_process() {
    let world = tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    settle(&world);
    let (here, there) = (world.hub.subscribe(&"p".into()), other.hub.subscribe(&"p".into()));
    commit(&stream, 1);
    settle(&world);
    assert!(Hand::new(here.changed()).poll().is_none() && Hand::new(there.changed()).poll().is_none());
}

#[test]
fn a_reader_that_missed_some_reads_the_store_and_gets_all_in_order() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    settle(&world);
    let reader = reader(&other);
    let mut waiting = waits(&reader, 0);
    commit(&stream, 0);
    world.network.decide(&mut || Fate::IsLost);
    commit(&stream, 1);
    let before = hold.reads();
    settle(&world);
    assert_eq!(values(&waiting.run().unwrap().unwrap()), [0, 1]);
    assert_eq!(hold.reads() - before, 1);
}

#[test]
fn a_reader_that_is_notified_twice_or_late_gets_each_chunk_once() {
    let world = tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    let reader = reader(&other);
    commit(&stream, 0);
    assert_eq!(read(&reader, 0), [0]);
    world.network.decide(&mut || Fate::ArrivesTwice);
    commit(&stream, 1);
    settle(&world);
    assert_eq!(read(&reader, 1), [1]);
    settle(&world);
    assert!(Hand::new(reader.next(2)).run().is_none());
}

#[test]
fn a_reader_that_is_not_notified_looks_by_itself() {
    let world = tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    let reader = reader(&other);
    let mut waiting = waits(&reader, 0);
    commit(&stream, 0);
    world.network.decide(&mut || Fate::IsLost);
    world.clock.advance(25);
    tasks().run();
    assert_eq!(values(&waiting.run().unwrap().unwrap()), [0]);
}

#[test]
fn a_reader_that_is_notified_looks_by_itself_once_a_second_at_most() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let other = another(&world);
    settle(&world);
    let reader = reader(&other);
    let mut waiting = waits(&reader, 0);
    commit(&stream, 0);
    settle(&world);
    assert!(waiting.run().is_some());
    let mut waiting = waits(&reader, 1);
    let questions = hold.questions();
    world.clock.advance(999);
    tasks().run();
    assert!(waiting.run().is_none());
    let polls = hold.questions() - questions;
    world.clock.advance(1);
    tasks().run();
    assert!(waiting.run().is_none());
    assert!(hold.questions() - questions > polls, "now it looks");
}

#[test]
fn a_reader_that_does_not_come_for_its_chunks_has_them_kept_in_the_store() {
    let world = tab();
    let (_run, stream) = streaming(&world);
    let reader = reader(&world);
    commit(&stream, 0);
    assert_eq!(read(&reader, 0), [0]);
    for number in 1..=100 {
        commit(&stream, number);
    }
    let mut read = Vec::new();
    while read.len() < 100 {
        read.extend(values(&now(reader.next(1 + read.len() as u64)).unwrap()));
    }
    assert_eq!(read, (1..=100).collect::<Vec<_>>());
}

#[test]
fn notifications_of_large_chunks_have_none_and_readers_read_the_store() {
    let (world, hold) = held_tab();
    let (_run, stream) = streaming(&world);
    let reader = reader(&world);
    let mut waiting = waits(&reader, 0);
    append(&stream, "x".repeat(100_000));
    let before = hold.reads();
    now(stream.flush(false)).unwrap();
    assert_eq!(waiting.run().unwrap().unwrap().chunks.len(), 1);
    assert_eq!(hold.reads() - before, 1);
}

#[test]
fn a_reader_that_is_dropped_leaves_nothing_behind() {
    let world = tab();
    now(world.start("outside"));
    let (tracked, timers) = (world.hub.tracked_processes(), world.clock.timers());
    let reader = world.registry.read_stream(&"outside".into(), "s");
    let waiting = waits(&reader, 0);
    drop(waiting);
    drop(reader);
    tasks().run();
    assert_eq!((world.hub.tracked_processes(), world.clock.timers()), (tracked, timers));
}

#[test]
fn chunks_of_many_streams_and_runs_are_apart() {
    let world = tab();
    let works = job(|context| async move {
        let one = context.stream("one", StreamOptions::default()).await.unwrap();
        let two = context.stream("two", StreamOptions::default()).await.unwrap();
        for number in 0..3_u64 {
            one.append(number.into()).await.unwrap();
            two.append(format!("{} {number}", context.record().id()).as_str().into()).await.unwrap();
        }
        done(1)
    });
    for id in ["p", "q"] {
        register(&world, id, "job");
    }
    sweep(&driver(&world, &works));
    tasks().run();
    for id in ["p", "q"] {
        assert_eq!(record(&world, id)["status"]["state"], "completed");
        let read = |name: &str| now(world.registry.read_stream(&id.into(), name).next(0)).unwrap();
        assert_eq!(values(&read("one")), [0, 1, 2]);
        assert_eq!(values(&read("two")), ["0", "1", "2"].map(|number| format!("{id} {number}")));
    }
}
