//! Hints between tabs: ids alone, few of them, and never more than hints.

use futures::future::join_all;
use longwait_testing::fake::Fate;
use serde_json::json;

use crate::{
    hand::{Hand, now},
    support::{World, memory::Memory, success, tasks},
};

/// Two tabs over one place, with a running process `p`; nothing is on its way.
fn tabs() -> (World, World) {
    let one = now(World::new(std::rc::Rc::new(Memory::default())));
    let other = now(one.another());
    now(one.start("p"));
    tasks().run();
    one.network.decide(&mut || Fate::IsLost);
    one.network.announced();
    one.ticked();
    (one, other)
}

/// What was announced, once every task has run.
fn announced(world: &World) -> Vec<Vec<String>> {
    tasks().run();
    let announced = world.network.announced();
    announced.iter().map(|ids| ids.iter().map(ToString::to_string).collect()).collect()
}

#[test]
fn a_hint_ticks_the_other_tabs_and_goes_no_further() {
    let (one, other) = tabs();
    let third = now(one.another());
    now(one.note("p"));
    assert_eq!(announced(&one), [["p"]]);
    one.network.deliver();
    assert_eq!((one.ticked(), other.ticked(), third.ticked()), (vec!["p".into()], vec!["p".into()], vec!["p".into()]));
    assert_eq!(announced(&one), [[""; 0]; 0]);
}

#[test]
fn a_wait_resolves_when_another_tab_ends_its_process() {
    let (one, other) = tabs();
    let (awaiter, p) = (other.awaiter(), "p".into());
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    assert!(waiting.run().is_none());
    now(one.succeed("p"));
    tasks().run();
    assert!(!waiting.is_woken());
    one.network.deliver();
    assert_eq!(waiting.run().unwrap().unwrap(), success(json!(1)));
}

#[test]
fn what_changes_in_one_turn_is_announced_together_and_once() {
    let (one, _) = tabs();
    now(one.start("q"));
    assert_eq!(announced(&one), [["q"]]);
    now(join_all(["q", "p", "q", "p"].map(|id| one.note(id))));
    assert_eq!(announced(&one), [["p", "q"]]);
    now(one.note("p"));
    assert_eq!(announced(&one), [["p"]]);
}

#[test]
fn what_changes_no_row_is_not_announced() {
    let (one, _) = tabs();
    now(one.start("p"));
    now(one.append("p", json!({"eventType": "nonsense"}))).unwrap_err();
    now(one.registry.clear_wait(&"p".into())).unwrap();
    now(one.grant("s", "p"));
    one.hub.notify(&"p".into());
    assert_eq!(announced(&one), [[""; 0]; 0]);
}

#[test]
fn pruned_processes_are_announced() {
    let (one, _) = tabs();
    now(one.succeed("p"));
    announced(&one);
    now(one.registry.prune(u64::MAX)).unwrap();
    assert_eq!(announced(&one), [["p"]]);
}

#[test]
fn a_hint_that_comes_late_or_twice_is_one_more_look() {
    let (one, other) = tabs();
    let (awaiter, p) = (other.awaiter(), "p".into());
    now(one.note("p"));
    tasks().run();
    let mut waiting = Hand::new(awaiter.await_terminal(&p));
    for fate in [Fate::Waits, Fate::ArrivesTwice, Fate::Arrives] {
        assert!(waiting.run().is_none());
        one.network.decide(&mut || fate);
        assert_eq!(waiting.is_woken(), fate != Fate::Waits);
    }
    assert!(waiting.run().is_none());
}

#[test]
fn a_closed_registry_hears_nothing() {
    let (one, other) = tabs();
    assert_eq!(one.network.listening(), 2);
    other.registry.close();
    assert_eq!(one.network.listening(), 1);
    drop((other, one.registry, one.hub));
    assert_eq!(one.network.listening(), 0);
}
