//! The sweep: one look for all who wait, and nothing that changed is missed.

use std::{cell::RefCell, rc::Rc};

use futures::FutureExt;
use longwait::{
    Code, ProcessAwaiter, ProcessChangeHub, Result,
    model::{key::ProcessId, process::ProcessAwaitOutput},
    store::MOST_CHANGED,
};
use serde_json::json;

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, refused, success, tasks},
};

/// A tab that is watched, and another that changes things unheard, with running processes `p` and `q`.
fn tabs() -> (World, World, Rc<Hold>) {
    let place = Held::default();
    let hold = place.hold.clone();
    let here = now(World::new(Rc::new(place)));
    let there = now(here.another());
    now(there.start("p"));
    now(there.start("q"));
    (here, there, hold)
}

type Waiting<'a> = Hand<'a, Result<ProcessAwaitOutput>>;

/// A wait that has read, and found nothing yet.
fn waiting<'a>(awaiter: &'a ProcessAwaiter, id: &'a ProcessId) -> Waiting<'a> {
    let mut wait = Hand::new(awaiter.await_terminal(id));
    assert!(wait.run().is_none());
    wait
}

/// Lets a span go by, and everything happen that is due then.
fn pass(world: &World, span: u64) {
    world.clock.advance(span);
    tasks().run();
}

/// The span to the next sweep, round after round.
fn spans(world: &World, hold: &Hold, rounds: usize) -> Vec<u64> {
    let mut spans = Vec::new();
    for _ in 0..rounds {
        let (span, before) = (world.clock.next_timer().unwrap(), hold.questions());
        spans.push(span);
        pass(world, span - 1);
        assert_eq!(hold.questions(), before);
        pass(world, 1);
        assert_eq!(hold.questions(), before + 1);
    }
    spans
}

#[test]
fn the_sweep_looks_after_25_ms_doubling_up_to_a_second() {
    let (here, _, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let waiting = waiting(&awaiter, &p);
    assert_eq!(spans(&here, &hold, 9), [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
    assert!(!waiting.is_woken());
}

#[test]
fn a_tick_takes_the_back_off_to_its_beginning() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    assert_eq!(spans(&here, &hold, 4), [25, 50, 100, 200]);
    pass(&here, 300);
    here.hub.notify(&p);
    assert!(waiting.run().is_none());
    assert_eq!(spans(&here, &hold, 3), [25, 50, 100]);
    here.hub.notify(&"q".into());
    assert_eq!(spans(&here, &hold, 1), [200], "nobody waits for that one");
    // What it finds itself is as good as a tick.
    now(there.note("p"));
    assert_eq!(spans(&here, &hold, 1), [400]);
    assert!(waiting.run().is_none());
    assert_eq!(spans(&here, &hold, 2), [25, 50]);
}

#[test]
fn a_tab_that_is_busy_with_its_own_changes_still_looks() {
    let (here, there, _) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    now(there.succeed("p"));
    let looked = (0..3).any(|_| {
        here.hub.notify(&p);
        here.hub.notify(&"q".into());
        pass(&here, 10);
        waiting.run().is_some()
    });
    assert!(looked);
}

#[test]
fn ten_thousand_idle_waiters_cost_one_timer_and_one_look_a_sweep() {
    let (here, there, hold) = tabs();
    let ids: Vec<ProcessId> = (0..10_000).map(|number| format!("p{number}").into()).collect();
    for id in &ids {
        now(there.start(id));
    }
    let awaiter = here.awaiter();
    let mut waits: Vec<_> = ids.iter().map(|id| Hand::new(awaiter.await_terminal(id))).collect();
    waits.iter_mut().for_each(|wait| assert!(wait.poll().is_none()));
    assert!(waits.iter_mut().all(|wait| wait.run().is_none()));
    assert_eq!((here.clock.timers(), hold.questions()), (1, 10_001));
    spans(&here, &hold, 10);
    assert_eq!(waits.iter().filter(|wait| wait.is_woken()).count(), 0);
    now(there.succeed("p77"));
    pass(&here, 1_000);
    assert_eq!(waits.iter_mut().filter_map(Hand::run).count(), 1);
    drop(waits);
    assert_eq!((here.clock.timers(), here.hub.tracked_processes()), (0, 0));
}

// ── Nothing is missed ──────────────────────────────────────────────────────

#[test]
fn a_change_between_a_read_and_the_first_look_is_found() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    hold.hold_reads();
    let mut waiting = waiting(&awaiter, &p);
    now(there.succeed("p"));
    hold.let_go();
    assert!(waiting.run().is_none());
    pass(&here, 25);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

#[test]
fn a_change_while_a_look_is_under_way_is_found() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    hold.hold_reads();
    pass(&here, 25);
    now(there.succeed("p"));
    hold.let_go();
    assert!(waiting.run().is_none());
    pass(&here, 50);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

#[test]
fn a_waiter_that_joins_while_a_look_is_under_way_misses_nothing() {
    let (here, there, hold) = tabs();
    let (awaiter, p, q) = (here.awaiter(), "p".into(), "q".into());
    let first = waiting(&awaiter, &p);
    hold.hold_reads();
    pass(&here, 25);
    let mut joined = waiting(&awaiter, &q);
    now(there.succeed("q"));
    hold.let_go();
    assert!(joined.run().is_none());
    pass(&here, 50);
    assert_eq!(joined.run().unwrap().unwrap(), success(json!(1)));
    assert!(!first.is_woken());
}

#[test]
fn a_sweep_that_could_not_tell_where_to_begin_has_everyone_look() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let receiver = RefCell::new(here.hub.subscribe(&p));
    hold.break_down(true);
    tasks().run();
    hold.break_down(false);
    let mut waiting = waiting(&awaiter, &p);
    now(there.succeed("p"));
    pass(&here, 25);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
    drop(receiver);
}

#[test]
fn what_changed_while_nobody_waited_is_heard_of_by_listeners_later() {
    let (here, there, _) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    drop(waiting(&awaiter, &p));
    here.ticked();
    now(there.note("q"));
    pass(&here, 60_000);
    assert_eq!(here.ticked(), [""; 0]);
    let _waiting = waiting(&awaiter, &p);
    pass(&here, 25);
    assert_eq!(here.ticked(), ["q"]);
}

#[test]
fn only_the_watchers_of_what_changed_look_again() {
    let (here, there, hold) = tabs();
    let (awaiter, p, q) = (here.awaiter(), "p".into(), "q".into());
    let (mut on_p, on_q) = (waiting(&awaiter, &p), waiting(&awaiter, &q));
    now(there.note("p"));
    pass(&here, 25);
    let before = hold.questions();
    assert!(on_p.run().is_none());
    assert_eq!((hold.questions(), on_q.is_woken()), (before + 1, false));
}

#[test]
fn what_was_changed_here_is_not_found_once_more() {
    let (here, there, _) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    now(here.note("p"));
    now(here.note("q"));
    assert_eq!(here.ticked(), ["p", "q"]);
    assert!(waiting.run().is_none());
    pass(&here, 25);
    assert_eq!((here.ticked(), waiting.is_woken()), (vec![], false));
    // Unless it came after something that was not heard of.
    now(there.note("q"));
    now(here.note("p"));
    pass(&here, 50);
    assert_eq!(here.ticked(), ["p", "q", "p"]);
}

#[test]
fn after_very_many_changes_everyone_looks_once() {
    let (here, there, hold) = tabs();
    let (awaiter, p, q) = (here.awaiter(), "p".into(), "q".into());
    let (mut on_p, mut on_q) = (waiting(&awaiter, &p), waiting(&awaiter, &q));
    for number in 0..MOST_CHANGED {
        now(there.start(&format!("new{number}")));
    }
    pass(&here, 25);
    assert!(!on_p.is_woken() && !on_q.is_woken());
    for number in 0..=MOST_CHANGED {
        now(there.start(&format!("newer{number}")));
    }
    here.ticked();
    pass(&here, 1_000);
    assert!(on_p.run().is_none() && on_q.run().is_none());
    assert_eq!(here.ticked(), ["p", "q"]);
    let before = hold.questions();
    pass(&here, 25);
    assert!(!on_p.is_woken() && !on_q.is_woken());
    assert_eq!(hold.questions(), before + 1);
}

#[test]
fn a_receiver_alone_learns_of_what_another_tab_changed() {
    let (here, there, _) = tabs();
    let receiver = here.hub.subscribe(&"p".into());
    tasks().run();
    let mut changed = Hand::new(receiver.changed());
    assert!(changed.run().is_none());
    pass(&here, 25);
    assert!(changed.run().is_none());
    now(there.note("p"));
    pass(&here, 50);
    assert!(changed.run().is_some());
}

#[test]
fn a_hub_of_its_own_is_swept_as_well() {
    let (here, _, _) = tabs();
    let (unheard, p) = (ProcessChangeHub::new(), "p".into());
    let early = unheard.subscribe(&p);
    let awaiter = ProcessAwaiter::new(here.registry.clone(), unheard.clone());
    assert!(Hand::new(early.changed()).run().is_some(), "nobody knows since when it has not looked");
    let mut waiting = waiting(&awaiter, &p);
    let mut lost = 0;
    while lost < 20_000 {
        let span = here.clock.next_timer().unwrap();
        lost += span;
        pass(&here, span);
        assert!(waiting.run().is_none());
    }
    now(here.succeed("p"));
    assert!(waiting.run().is_none());
    pass(&here, 1_000);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

// ── Faults and ends ────────────────────────────────────────────────────────

#[test]
fn a_fault_of_the_sweep_is_met_by_those_who_wait() {
    let (here, _, hold) = tabs();
    let (awaiter, p, q) = (here.awaiter(), "p".into(), "q".into());
    let (mut on_p, mut on_q) = (waiting(&awaiter, &p), waiting(&awaiter, &q));
    hold.break_down(true);
    pass(&here, 25);
    assert_eq!(refused(on_p.run().unwrap()), Code::StorageFailed);
    assert_eq!(refused(on_q.run().unwrap()), Code::StorageFailed);
    drop((on_p, on_q));
    assert_eq!((here.clock.timers(), here.hub.tracked_processes()), (0, 0));
}

#[test]
fn a_fault_of_the_sweep_that_does_not_last_ends_no_wait() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    here.ticked();
    hold.break_down(true);
    pass(&here, 25);
    hold.break_down(false);
    assert!(waiting.is_woken() && waiting.run().is_none());
    assert_eq!(here.ticked(), [""; 0], "nothing is known to have changed");
    now(there.succeed("p"));
    pass(&here, 50);
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

#[test]
fn a_wait_that_finds_what_it_looks_for_starts_no_sweep() {
    let (here, there, hold) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    now(there.succeed("p"));
    for (round, questions) in [(1, 2), (2, 1)] {
        let before = hold.questions();
        let mut ended = Hand::new(awaiter.await_terminal(&p));
        hold.hold_reads();
        assert!(ended.run().is_none());
        assert_eq!(here.clock.timers(), 0);
        hold.let_go();
        assert_eq!(ended.run().unwrap().unwrap(), success(json!(1)));
        // Where the change sequence ends is asked once.
        assert_eq!(hold.questions() - before, questions, "in round {round}");
        assert_eq!((here.clock.timers(), tasks().len()), (0, 0));
    }
}

#[test]
fn what_changed_before_a_receiver_waits_is_found_when_it_does() {
    let (here, there, _) = tabs();
    let receiver = here.hub.subscribe(&"p".into());
    tasks().run();
    now(there.note("p"));
    pass(&here, 5_000);
    let mut changed = Hand::new(receiver.changed());
    assert!(changed.run().is_none());
    pass(&here, 25);
    assert!(changed.run().is_some());
}

#[test]
fn the_sweep_ends_with_the_last_receiver_wherever_it_was() {
    let (here, _, hold) = tabs();
    let (awaiter, p, q) = (here.awaiter(), "p".into(), "q".into());
    let (on_p, on_q) = (waiting(&awaiter, &p), waiting(&awaiter, &q));
    drop(on_p);
    assert_eq!(here.clock.timers(), 1);
    drop(on_q);
    assert_eq!(here.clock.timers(), 0);
    let looking = waiting(&awaiter, &p);
    hold.hold_reads();
    pass(&here, 25);
    drop(looking);
    hold.let_go();
    tasks().run();
    assert_eq!((here.clock.timers(), tasks().len()), (0, 0));
}

#[test]
fn a_listener_may_drop_the_last_receiver_while_the_sweep_tells_it() {
    let (here, there, _) = tabs();
    let receiver = here.hub.subscribe(&"p".into());
    assert!(receiver.changed().now_or_never().is_none());
    let receiver = Rc::new(RefCell::new(Some(receiver)));
    let held = receiver.clone();
    here.hub.listen(move |_| drop(held.take()));
    tasks().run();
    now(there.note("p"));
    pass(&here, 25);
    assert!(receiver.borrow().is_none());
    assert_eq!((here.clock.timers(), tasks().len()), (0, 0));
}

#[test]
fn waits_end_when_the_registry_is_closed() {
    let (here, _, _) = tabs();
    let (awaiter, p) = (here.awaiter(), "p".into());
    let mut waiting = waiting(&awaiter, &p);
    here.registry.close();
    assert_eq!(refused(waiting.run().unwrap()), Code::Closed);
    drop(waiting);
    tasks().run();
    assert_eq!((here.clock.timers(), tasks().len()), (0, 0));
}
