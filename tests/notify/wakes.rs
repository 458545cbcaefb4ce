//! What woke which wait: the source comes with the notification, and the span begins there.

use std::{cell::RefCell, rc::Rc};

use longwait::{
    Code,
    model::key::ProcessId,
    notify::{WaitFor, WokenBy, WokenWait},
};
use longwait_testing::fake::Fate;
use serde_json::json;

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, memory::Memory, refused, tasks},
};

fn p() -> ProcessId {
    "p".into()
}

/// Everything that a registry says of its waits from now on.
fn heard(world: &World) -> Rc<RefCell<Vec<WokenWait>>> {
    let heard = Rc::<RefCell<Vec<WokenWait>>>::default();
    let hears = heard.clone();
    world.registry.on_wake(move |woken| hears.borrow_mut().push(woken.clone()));
    heard
}

fn woken(wait: WaitFor, by: WokenBy, after_ms: u64) -> WokenWait {
    WokenWait { process_id: p(), wait, by, after_ms }
}

/// A world over a store that can be held, with a running process `p`.
fn world() -> (World, Rc<Hold>) {
    let place = Held::default();
    let hold = place.hold.clone();
    let world = now(World::new(Rc::new(place)));
    now(world.start("p"));
    (world, hold)
}

/// Two tabs over one place, with a running process `p`; nothing is on its way.
fn tabs() -> (World, World) {
    let one = now(World::new(Rc::new(Memory::default())));
    let other = now(one.another());
    now(one.start("p"));
    tasks().run();
    one.network.decide(&mut || Fate::IsLost);
    one.network.announced();
    (one, other)
}

#[test]
fn a_commit_of_the_registry_itself_is_a_tick() {
    let (world, _) = world();
    let (heard, awaiter, p) = (heard(&world), world.awaiter(), p());
    let mut terminal = Hand::new(awaiter.await_terminal(&p));
    let mut event = Hand::new(awaiter.await_event(&p, "note", 0, false));
    let mut feed = Hand::new(awaiter.await_events(&p, 0, None, false));
    assert!(terminal.run().is_none() && event.run().is_none() && feed.run().is_none());
    now(world.note("p"));
    event.run().unwrap().unwrap();
    feed.run().unwrap().unwrap();
    assert!(terminal.run().is_none());
    now(world.succeed("p"));
    terminal.run().unwrap().unwrap();
    let ticks = [WaitFor::Event, WaitFor::Events, WaitFor::Terminal].map(|wait| woken(wait, WokenBy::Tick, 0));
    assert_eq!(*heard.borrow(), ticks);
}

#[test]
fn a_notification_of_another_tab_is_a_hint() {
    let (one, other) = tabs();
    let (heard, awaiter, p) = (heard(&other), other.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    now(one.succeed("p"));
    tasks().run();
    one.network.deliver();
    waiting.run().unwrap().unwrap();
    assert_eq!(*heard.borrow(), [woken(WaitFor::Terminal, WokenBy::Hint, 0)]);
}

#[test]
fn a_change_whose_notification_is_lost_is_found_by_the_poll() {
    let (one, other) = tabs();
    let (heard, awaiter, p) = (heard(&other), other.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    tasks().run();
    now(one.succeed("p"));
    tasks().run();
    one.network.decide(&mut || Fate::IsLost);
    assert!(waiting.run().is_none());
    other.clock.advance(25);
    tasks().run();
    waiting.run().unwrap().unwrap();
    assert_eq!(*heard.borrow(), [woken(WaitFor::Terminal, WokenBy::Poll, 0)]);
}

#[test]
fn the_span_goes_from_the_wake_to_the_answer() {
    let (world, hold) = world();
    let (heard, awaiter, p) = (heard(&world), world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    world.clock.advance(10);
    hold.hold_reads();
    now(world.succeed("p"));
    assert!(waiting.run().is_none());
    world.clock.advance(7);
    hold.let_go();
    waiting.run().unwrap().unwrap();
    assert_eq!(*heard.borrow(), [woken(WaitFor::Terminal, WokenBy::Tick, 7)]);
}

#[test]
fn a_rejection_is_an_answer_too() {
    let (world, _) = world();
    let (heard, awaiter, p) = (heard(&world), world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_event(&p, "note", 0, false));
    assert!(waiting.run().is_none());
    now(world.registry.delete(&p, true)).unwrap();
    assert_eq!(refused(waiting.run().unwrap()), Code::UnknownProcess);
    assert_eq!(*heard.borrow(), [woken(WaitFor::Event, WokenBy::Tick, 0)]);
}

#[test]
fn a_wait_that_nothing_woke_is_not_shown() {
    let (world, _) = world();
    let (heard, p) = (heard(&world), p());
    let limited = world.awaiter().within(Some(10));
    let mut waiting = Hand::new(limited.await_terminal(&p));
    assert!(waiting.run().is_none());
    // It wakes the wait, and is not the answer.
    now(world.note("p"));
    assert!(waiting.run().is_none());
    world.clock.advance(10);
    assert_eq!(refused(waiting.run().unwrap()), Code::Timeout);
    now(world.succeed("p"));
    now(world.awaiter().await_terminal(&p)).unwrap();
    assert_eq!(*heard.borrow(), []);
}

#[test]
fn a_listener_that_came_after_the_wake_or_was_taken_off_is_not_called() {
    let (world, hold) = world();
    let (awaiter, p) = (world.awaiter(), p());
    let mut waiting = Hand::new(awaiter.await_event(&p, "note", 0, false));
    assert!(waiting.run().is_none());
    hold.hold_reads();
    now(world.note("p"));
    assert!(waiting.run().is_none());
    let late = heard(&world);
    hold.let_go();
    waiting.run().unwrap().unwrap();
    let gone = Rc::<RefCell<u32>>::default();
    let counts = gone.clone();
    let number = world.registry.on_wake(move |_| *counts.borrow_mut() += 1);
    world.registry.off_wake(number);
    let mut again = Hand::new(awaiter.await_event(&p, "note", 1, false));
    assert!(again.run().is_none());
    now(world.note("p"));
    again.run().unwrap().unwrap();
    assert_eq!((late.borrow().len(), *gone.borrow()), (1, 0));
}

#[test]
fn a_reader_of_a_stream_is_woken_by_what_its_notification_came_from() {
    use longwait::{operation, rules::stream::Opening};
    use longwait_testing::{owner, to};

    let (one, other) = tabs();
    let lease = now(one.lease("p", &owner("driver", "life")));
    let opening = Opening { name: "s".into(), resume: false, until_terminal: false, attempt: 1 };
    now(one.registry.execute(operation::open_stream(lease.clone(), opening))).unwrap();
    let heard = heard(&other);
    let reader = other.registry.read_stream(&p(), "s");
    let mut waiting = Hand::new(reader.next(0));
    assert!(waiting.run().is_none());
    let rows = vec![Rc::from([to(json!("a"))])];
    now(one.registry.execute(operation::write_stream(lease, "s".into(), rows, false))).unwrap();
    other.clock.advance(25);
    waiting.run().unwrap().unwrap();
    assert_eq!(*heard.borrow(), [woken(WaitFor::Stream, WokenBy::Poll, 0)]);
}
