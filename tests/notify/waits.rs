//! Waits: no tick is lost, nothing is left behind, and the back-off is the floor.

use std::{cell::Cell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all},
};
use longwait::{
    Code, ProcessAwaiter, Result,
    model::{key::ProcessId, process::ProcessAwaitOutput},
    notify::ProcessAttach,
};
use serde_json::json;

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, refused, sequences, success},
};

/// A world over a store that can be held, with a running process `p`.
fn world() -> (World, Rc<Hold>) {
    let place = Held::default();
    let hold = place.hold.clone();
    let world = now(World::new(Rc::new(place)));
    now(world.start("p"));
    (world, hold)
}

fn p() -> ProcessId {
    "p".into()
}

/// Nothing watches, nothing sleeps.
#[track_caller]
fn assert_nothing_left(world: &World) {
    assert_eq!((world.hub.tracked_processes(), world.clock.timers()), (0, 0));
}

// ── No tick is lost ────────────────────────────────────────────────────────

#[test]
fn a_tick_during_the_first_read_is_not_lost() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    hold.hold_reads();
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    // The answer that is on its way says that the process runs.
    now(world.succeed("p"));
    hold.let_go();
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    assert_eq!(hold.reads(), 2);
    assert_nothing_left(&world);
}

#[test]
fn a_wait_outlasts_a_connection_that_is_away_whether_that_was_lost_before_or_during_the_wait() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    hold.cut_off(true);
    let mut before = Hand::new(awaiter.await_terminal(&p));
    assert!(before.run().is_none());
    hold.cut_off(false);
    let mut during = Hand::new(awaiter.await_terminal(&p));
    assert!(during.run().is_none());
    hold.cut_off(true);
    world.clock.advance(60_000);
    assert!(before.run().is_none() && during.run().is_none());
    now(world.succeed("p"));
    hold.cut_off(false);
    world.clock.advance(1_000);
    assert!([before, during].into_iter().all(|mut wait| wait.run().unwrap().unwrap() == success(json!(1))));
    assert_nothing_left(&world);
}

#[test]
fn a_wait_whose_look_met_no_connection_finds_what_was_there_before_and_never_changes_again() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    let mut other = Hand::new(awaiter.await_event(&p, "note", 0, false));
    assert!(other.run().is_none(), "so that it is known where the changes end");
    now(world.succeed("p"));
    assert!(other.run().is_none());
    hold.cut_off(true);
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    hold.cut_off(false);
    world.clock.advance(25);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    drop(other);
    assert_nothing_left(&world);
}

#[test]
fn a_wait_with_a_limit_ends_in_time_while_the_connection_is_away() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter().within(Some(500)), p());
    hold.cut_off(true);
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    world.clock.advance(500);
    assert_eq!(refused(waiting.run().unwrap()), Code::Timeout);
    assert_nothing_left(&world);
}

#[test]
fn a_tick_during_a_later_read_is_not_lost() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    hold.hold_reads();
    now(world.note("p"));
    assert!(waiting.run().is_none());
    now(world.succeed("p"));
    hold.let_go();
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    assert_nothing_left(&world);
}

#[test]
fn a_tick_between_subscribing_and_waiting_is_seen() {
    let (world, _) = world();
    let changes = world.hub.subscribe(&p());
    now(world.note("p"));
    assert!(changes.changed().now_or_never().is_some());
    assert!(changes.changed().now_or_never().is_none(), "one change is seen once");
}

#[test]
fn a_receiver_hears_nothing_of_what_was_before_it() {
    let (world, _) = world();
    let earlier = world.hub.subscribe(&p());
    now(world.note("p"));
    let later = world.hub.subscribe(&p());
    assert!(later.changed().now_or_never().is_none());
    assert!(earlier.changed().now_or_never().is_some());
}

#[test]
fn a_tick_is_heard_by_a_waiter_that_was_never_polled_since() {
    let (world, _) = world();
    let changes = world.hub.subscribe(&p());
    let mut first = Hand::new(changes.changed());
    assert!(first.run().is_none());
    drop(first);
    now(world.note("p"));
    assert!(changes.changed().now_or_never().is_some());
}

#[test]
fn a_waiter_wakes_for_its_own_process_alone() {
    let (world, _) = world();
    now(world.start("q"));
    let (awaiter, p) = (world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    now(world.note("q"));
    assert!(!waiting.is_woken());
    now(world.note("p"));
    assert!(waiting.is_woken());
}

#[test]
fn ticks_that_come_together_cost_one_read() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    let before = hold.reads();
    for _ in 0..5 {
        now(world.note("p"));
    }
    assert!(waiting.run().is_none());
    assert_eq!(hold.reads(), before + 1);
}

// ── The back-off ───────────────────────────────────────────────────────────

/// How long the waiter sleeps, round after round.
fn spans(world: &World, waiting: &mut Hand<Result<ProcessAwaitOutput>>, rounds: usize) -> Vec<u64> {
    let mut spans = Vec::new();
    for _ in 0..rounds {
        assert!(waiting.run().is_none());
        let span = world.clock.next_timer().unwrap();
        spans.push(span);
        world.clock.advance(span - 1);
        assert!(!waiting.is_woken());
        world.clock.advance(1);
        assert!(waiting.is_woken());
    }
    spans
}

#[test]
fn a_polling_waiter_looks_again_after_25_ms_doubling_up_to_a_second() {
    let (world, hold) = world();
    let (awaiter, p) = (world.polling(), p());
    let before = hold.reads();
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    let expected = [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000];
    assert_eq!(spans(&world, &mut waiting, expected.len()), expected);
    assert_eq!(hold.reads() - before, expected.len() as u64);
    drop(waiting);
    assert_nothing_left(&world);
}

#[test]
fn a_polling_waiter_hears_no_tick() {
    let (world, _) = world();
    let (awaiter, p) = (world.polling(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert_eq!(spans(&world, &mut waiting, 3), [25, 50, 100]);
    assert!(waiting.run().is_none());
    now(world.succeed("p"));
    assert!(!waiting.is_woken());
    world.clock.advance(200);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

// ── Nothing is left behind ─────────────────────────────────────────────────

type Wait<'a> = fn(&'a ProcessAwaiter, &'a ProcessId) -> LocalBoxFuture<'a, Result<()>>;

/// Each kind of wait, for something that never comes.
fn kinds<'a>() -> [Wait<'a>; 3] {
    [
        |awaiter, id| awaiter.await_terminal(id).map(|outcome| outcome.map(drop)).boxed_local(),
        |awaiter, id| awaiter.await_event(id, "ring", 0, false).map(|outcome| outcome.map(drop)).boxed_local(),
        |awaiter, id| awaiter.await_events(id, 99, None, false).map(|outcome| outcome.map(drop)).boxed_local(),
    ]
}

#[test]
fn a_wait_that_is_given_up_releases_everything_wherever_it_was() {
    let (world, hold) = world();
    let p = p();
    for awaiter in [world.awaiter(), world.polling()] {
        for kind in kinds() {
            drop(Hand::new(kind(&awaiter, &p)));
            assert_nothing_left(&world);

            hold.hold_reads();
            let mut reading = Hand::new(kind(&awaiter, &p));
            assert!(reading.run().is_none());
            drop(reading);
            hold.let_go();
            assert_nothing_left(&world);

            let mut sleeping = Hand::new(kind(&awaiter, &p));
            assert!(sleeping.run().is_none());
            assert_eq!(world.clock.timers(), 1);
            drop(sleeping);
            assert_nothing_left(&world);

            let mut woken = Hand::new(kind(&awaiter, &p));
            assert!(woken.run().is_none());
            now(world.note("p"));
            drop(woken);
            assert_nothing_left(&world);
        }
    }
    assert!(!now(world.record("p")).is_terminal());
}

#[test]
fn a_wait_that_times_out_releases_everything() {
    let (world, _) = world();
    let p = p();
    for awaiter in [world.awaiter(), world.polling()] {
        let awaiter = awaiter.within(Some(30));
        for kind in kinds() {
            let mut waiting = Hand::new(kind(&awaiter, &p));
            assert!(waiting.run().is_none());
            world.clock.advance(29);
            assert!(waiting.run().is_none());
            world.clock.advance(1);
            assert_eq!(refused(waiting.run().unwrap()), Code::Timeout);
            drop(waiting);
            assert_nothing_left(&world);
        }
    }
}

#[test]
fn what_is_there_already_beats_a_timeout_of_nothing() {
    let (world, _) = world();
    now(world.succeed("p"));
    let (awaiter, p) = (world.awaiter(), p());
    assert_eq!(now(awaiter.clone().within(Some(0)).await_terminal(&p)).unwrap(), success(json!(1)));
    assert_eq!(now(awaiter.within(None).await_terminal(&p)).unwrap(), success(json!(1)));
    assert_nothing_left(&world);
}

#[test]
fn a_slow_first_look_finds_what_is_there_though_the_limit_has_passed() {
    let (world, hold) = world();
    now(world.succeed("p"));
    let p = p();
    for awaiter in [world.awaiter(), world.polling()] {
        let awaiter = awaiter.within(Some(5));
        hold.hold_reads();
        let mut waiting = Hand::new(awaiter.await_terminal(&p));
        assert!(waiting.run().is_none());
        world.clock.advance(10);
        assert!(waiting.run().is_none());
        hold.let_go();
        assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    }
    assert_nothing_left(&world);
}

#[test]
fn a_change_whose_tick_is_lost_is_found_by_the_last_look_when_the_limit_passes() {
    let (world, _) = world();
    let (awaiter, p) = (world.polling().within(Some(10)), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    now(world.succeed("p"));
    assert!(waiting.run().is_none(), "the back-off is longer than the limit");
    world.clock.advance(10);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    assert_nothing_left(&world);
}

#[test]
fn a_store_fault_ends_the_wait_with_that_fault() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    for kind in kinds() {
        let mut waiting = Hand::new(kind(&awaiter, &p));
        assert!(waiting.run().is_none());
        hold.break_down(true);
        world.hub.notify(&p);
        assert_eq!(refused(waiting.run().unwrap()), Code::StorageFailed);
        hold.break_down(false);
        drop(waiting);
        assert_nothing_left(&world);
    }
}

#[test]
fn a_process_pruned_meanwhile_is_unknown() {
    let (world, _) = world();
    now(world.succeed("p"));
    let p = p();
    for awaiter in [world.awaiter(), world.polling()] {
        now(world.start("p"));
        now(world.succeed("p"));
        let mut waiting = Hand::new(awaiter.await_event(&p, "note", 0, false));
        assert!(waiting.run().is_none());
        now(world.registry.prune(u64::MAX)).unwrap();
        world.clock.advance(25);
        assert_eq!(refused(waiting.run().unwrap()), Code::UnknownProcess);
    }
    assert_nothing_left(&world);
}

#[test]
fn dropped_receivers_leave_the_others_alone() {
    let (world, _) = world();
    let p = p();
    let mut receivers: Vec<_> = (0..10).map(|_| world.hub.subscribe(&p)).collect();
    for receiver in &mut receivers {
        assert!(receiver.changed().now_or_never().is_none());
    }
    let mut kept: Vec<_> = receivers.into_iter().skip(7).collect();
    // Those that come later take the places of those that went.
    kept.extend((0..3).map(|_| world.hub.subscribe(&p)));
    now(world.note("p"));
    for receiver in &mut kept {
        assert!(receiver.changed().now_or_never().is_some());
    }
    assert_eq!(world.hub.tracked_processes(), 1);
    drop(kept);
    assert_nothing_left(&world);
}

// ── Many ───────────────────────────────────────────────────────────────────

#[test]
fn ten_thousand_waiters_on_one_process_all_learn_its_end() {
    let (world, _) = world();
    let (awaiter, p) = (world.awaiter(), p());
    let mut waits: Vec<_> = (0..10_000).map(|_| Hand::new(awaiter.await_terminal(&p))).collect();
    assert!(waits.iter_mut().all(|wait| wait.run().is_none()));
    assert_eq!(world.hub.tracked_processes(), 1);
    waits.truncate(9_000);
    now(world.succeed("p"));
    assert!(waits.iter_mut().all(|wait| wait.run().unwrap().unwrap() == success(json!(1))));
    drop(waits);
    assert_nothing_left(&world);
}

#[test]
fn ten_thousand_processes_are_watched_and_forgotten() {
    let (world, _) = world();
    let awaiter = world.awaiter();
    let ids: Vec<ProcessId> = (0..10_000).map(|number| format!("p{number}").into()).collect();
    for id in &ids {
        now(world.start(id));
    }
    let mut waits: Vec<_> = ids.iter().map(|id| Hand::new(awaiter.await_terminal(id))).collect();
    assert!(waits.iter_mut().all(|wait| wait.run().is_none()));
    assert_eq!((world.hub.tracked_processes(), world.clock.timers()), (10_000, 1));
    for id in ids.iter().step_by(2) {
        now(world.succeed(id));
    }
    let woken = waits.iter().filter(|wait| wait.is_woken()).count();
    assert_eq!(woken, 5_000);
    assert_eq!(waits.iter_mut().filter_map(Hand::run).filter(|outcome| outcome.is_ok()).count(), 5_000);
    assert_eq!((world.hub.tracked_processes(), world.clock.timers()), (5_000, 1));
    drop(waits);
    assert_nothing_left(&world);
}

// ── Following a log ────────────────────────────────────────────────────────

#[test]
fn a_log_longer_than_a_batch_is_followed_without_gap_or_repeat() {
    let (world, _) = world();
    let (awaiter, p) = (world.awaiter(), p());
    now(join_all((0..600).map(|_| world.note("p"))));
    let (mut after, mut seen, mut batches) = (0, Vec::new(), 0);
    while seen.len() < 600 {
        let batch = now(awaiter.await_events(&p, after, None, false)).unwrap();
        // More is written while the log is read.
        if batches == 1 {
            now(world.note("p"));
        }
        seen.extend(sequences(&batch.events));
        after = *seen.last().unwrap();
        batches += 1;
    }
    assert_eq!(seen, (1..=601).collect::<Vec<_>>());
    let mut waiting = Hand::new(awaiter.await_events(&p, after, None, false));
    assert!(waiting.run().is_none());
    now(world.note("p"));
    now(world.note("p"));
    assert_eq!(sequences(&waiting.run().unwrap().unwrap().events), [602, 603]);
}

#[test]
fn a_long_log_is_followed_to_its_end_and_no_further() {
    let (world, _) = world();
    let awaiter = world.awaiter();
    for before_end in [255, 256, 257] {
        let id = format!("p{before_end}");
        now(world.start(&id));
        now(join_all((0..before_end).map(|_| world.note(&id))));
        now(world.succeed(&id));
        now(join_all((0..300).map(|_| world.note(&id))));
        let (mut after, mut seen, id) = (0, Vec::new(), id.as_str().into());
        loop {
            let batch = now(awaiter.await_events(&id, after, None, true)).unwrap();
            seen.extend(sequences(&batch.events));
            after = seen.last().copied().unwrap_or(after);
            if batch.done {
                break;
            }
            assert!(!batch.events.is_empty());
        }
        assert_eq!(seen, (1..=before_end + 1).collect::<Vec<u64>>());
    }
}

// ── An attached engine ─────────────────────────────────────────────────────

/// Counts how often it is asked, and never answers.
#[derive(Default)]
struct Engine {
    asked: Rc<Cell<u32>>,
    waiting: Rc<Cell<u32>>,
}

struct Leaves(Rc<Cell<u32>>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl ProcessAttach for Engine {
    fn await_terminal(&self, _: &ProcessId) -> LocalBoxFuture<'static, Result<ProcessAwaitOutput>> {
        self.asked.set(self.asked.get() + 1);
        self.waiting.set(self.waiting.get() + 1);
        let leaves = Leaves(self.waiting.clone());
        async move {
            let _leaves = leaves;
            futures::future::pending().await
        }
        .boxed_local()
    }
}

#[test]
fn an_attached_engine_owns_the_wait() {
    let (world, hold) = world();
    let engine = Rc::new(Engine::default());
    let (asked, waits) = (engine.asked.clone(), engine.waiting.clone());
    let (awaiter, p) = (world.awaiter().with_attach(engine), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    let before = hold.reads();
    assert!(waiting.run().is_none());
    assert_eq!((asked.get(), hold.reads() - before), (1, 1));
    // Neither the hub nor the clock moves it: there is no fall-back to polling.
    assert_nothing_left(&world);
    now(world.succeed("p"));
    world.clock.advance(60_000);
    assert!(!waiting.is_woken());
    drop(waiting);
    assert_eq!(waits.get(), 0, "the engine's wait is given up with ours");
    assert_eq!(now(awaiter.await_terminal(&p)).unwrap(), success(json!(1)));
    assert_eq!(asked.get(), 1, "an ended process is no question for the engine");
}
