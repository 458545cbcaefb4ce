//! Reads that begin in one turn: one transaction, each question once, each with its own answer.

use longwait::{
    Code, ProcessRegistry, Result,
    model::{filter::Page, process::ProcessRecord},
    store::EventRange,
};

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, refused, tasks},
};

fn world() -> (World, std::rc::Rc<Hold>) {
    let place = Held::default();
    let hold = place.hold.clone();
    let world = now(World::new(std::rc::Rc::new(place)));
    now(world.start("p"));
    now(world.start("q"));
    (world, hold)
}

type Reading<'a> = Hand<'a, Result<Option<ProcessRecord>>>;

fn get<'a>(registry: &'a ProcessRegistry, id: &'a str) -> Reading<'a> {
    Hand::new(async move { registry.process(&id.into()).await })
}

/// Begins them all before any of them gets further.
fn begin(reads: &mut [Reading]) {
    for read in reads {
        assert!(read.poll().is_none());
    }
}

#[test]
fn reads_that_begin_in_one_turn_share_a_transaction_and_ask_each_question_once() {
    let (world, hold) = world();
    let mut reads = ["p", "q", "p", "nobody", "p"].map(|id| get(&world.registry, id));
    begin(&mut reads);
    assert_eq!(hold.reads(), 0);
    let found = reads.map(|mut read| read.run().unwrap().unwrap().map(|record| record.id().to_string()));
    assert_eq!(found, [Some("p"), Some("q"), Some("p"), None, Some("p")].map(|id| id.map(str::to_owned)));
    assert_eq!((hold.reads(), hold.questions()), (1, 3));
}

#[test]
fn a_read_does_not_join_one_that_has_begun() {
    let (world, hold) = world();
    hold.hold_reads();
    let mut early = get(&world.registry, "p");
    assert!(early.run().is_none());
    now(world.succeed("p"));
    hold.let_go();
    let mut late = get(&world.registry, "p");
    assert!(late.run().unwrap().unwrap().unwrap().is_terminal());
    assert!(!early.run().unwrap().unwrap().unwrap().is_terminal());
    assert_eq!(hold.reads(), 2);
}

#[test]
fn many_questions_go_out_in_several_transactions_in_their_order() {
    let (world, hold) = world();
    let ids: Vec<_> = (0..200).map(|number| format!("p{number}")).collect();
    let mut reads: Vec<_> = ids.iter().map(|id| get(&world.registry, id)).collect();
    begin(&mut reads);
    assert!(reads.iter_mut().all(|read| read.run().unwrap().unwrap().is_none()));
    assert_eq!((hold.reads(), hold.questions()), (4, 200));
}

#[test]
fn a_question_whose_answer_may_be_large_has_a_transaction_of_its_own() {
    let (world, hold) = world();
    let mut list = Hand::new(async { world.registry.list_non_terminal(Page::default()).await });
    let mut log = Hand::new(async { world.registry.events(&"p".into(), EventRange::Last(10)).await });
    let mut first = Hand::new(async { world.registry.events(&"q".into(), EventRange::first("note", 0)).await });
    let mut reads = ["p", "q"].map(|id| get(&world.registry, id));
    assert!(list.poll().is_none() && log.poll().is_none() && first.poll().is_none());
    begin(&mut reads);
    assert!(reads.iter_mut().all(|read| read.run().unwrap().unwrap().is_some()));
    assert!(list.run().is_some_and(|list| list.unwrap().len() == 2));
    assert!(log.run().is_some_and(|log| log.unwrap().is_empty()) && first.run().is_some());
    assert_eq!((hold.reads(), hold.questions()), (3, 5));
}

#[test]
fn a_question_that_nobody_waits_for_any_more_is_not_asked() {
    let (world, hold) = world();
    let mut reads = ["p", "q"].map(|id| get(&world.registry, id));
    begin(&mut reads);
    let [dropped, mut kept] = reads;
    drop(dropped);
    assert!(kept.run().unwrap().unwrap().is_some());
    assert_eq!((hold.reads(), hold.questions()), (1, 1));
    let mut alone = get(&world.registry, "p");
    assert!(alone.poll().is_none());
    drop(alone);
    tasks().run();
    assert_eq!(hold.reads(), 1);
}

#[test]
fn a_question_that_fails_by_itself_leaves_its_neighbours_alone() {
    let (world, hold) = world();
    hold.spoil("q");
    let mut reads = ["p", "q"].map(|id| get(&world.registry, id));
    begin(&mut reads);
    let [mut sound, mut spoilt] = reads;
    assert!(sound.run().unwrap().is_ok());
    assert_eq!(refused(spoilt.run().unwrap()), Code::StorageFailed);
    hold.break_down(true);
    let mut reads = ["p", "q"].map(|id| get(&world.registry, id));
    begin(&mut reads);
    assert!(reads.into_iter().all(|mut read| refused(read.run().unwrap()) == Code::StorageFailed));
}

#[test]
fn a_transaction_that_fails_as_a_whole_is_read_again_question_by_question() {
    let (world, hold) = world();
    hold.fail_together(true);
    let mut reads = ["p", "q", "nobody"].map(|id| get(&world.registry, id));
    begin(&mut reads);
    let found = reads.map(|mut read| read.run().unwrap().unwrap().is_some());
    assert_eq!(found, [true, true, false]);
    assert_eq!((hold.reads(), hold.questions()), (4, 6));
}
