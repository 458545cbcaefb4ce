//! What callers learn, and what is stored, when transactions fail.

use futures::future::join_all;
use longwait::{Code, Error};
use longwait_testing::{Outcome, World, refused, sequences};
use serde_json::json;

use crate::place::{run, world};

const COMMITTED: Outcome = Outcome::Lost { committed: true };
const NOT_COMMITTED: Outcome = Outcome::Lost { committed: false };

fn aborted() -> Outcome {
    Outcome::Aborted(Error::new(Code::StorageFailed, "made up"))
}

async fn log(world: &World, id: &str) -> Vec<u64> {
    sequences(&world.log(id).await)
}

#[test]
fn an_append_that_was_committed_and_not_answered_is_not_made_again() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([COMMITTED]);
        assert_eq!(world.note("p").await, 1);
        assert_eq!(faults.begun(), 2, "the append, and a look for its token");
        assert_eq!(log(&world, "p").await, [1]);
        assert_eq!(world.note("p").await, 2);
    });
}

#[test]
fn a_look_for_a_token_that_fails_is_repeated_until_it_is_known_whether_the_append_was_made() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([COMMITTED, NOT_COMMITTED, NOT_COMMITTED, NOT_COMMITTED]);
        assert_eq!(world.note("p").await, 1);
        assert_eq!(log(&world, "p").await, [1]);
    });
}

#[test]
fn an_append_that_was_lost_before_it_was_committed_is_made_again() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([NOT_COMMITTED]);
        assert_eq!(world.note("p").await, 1);
        assert_eq!(faults.begun(), 3, "the append, a look for its token, and the append");
        assert_eq!(log(&world, "p").await, [1]);
    });
}

#[test]
fn appends_of_one_transaction_that_was_not_answered_are_each_made_once() {
    for lost in [COMMITTED, NOT_COMMITTED] {
        run(async {
            let (world, faults, engine) = world().await;
            world.start("p").await;
            faults.come([lost]);
            let mut appended = join_all((0..5).map(|_| world.note("p"))).await;
            appended.sort_unstable();
            assert_eq!(appended, [1, 2, 3, 4, 5]);
            assert_eq!(log(&world, "p").await, [1, 2, 3, 4, 5]);
            assert_eq!(crate::place::rows(&engine, "commits").len(), 1, "the token of the batch");
        });
    }
}

#[test]
fn a_commit_of_another_tab_does_not_hide_that_an_unanswered_one_was_made() {
    run(async {
        let (world, faults, _) = world().await;
        let other = world.another().await;
        world.start("p").await;
        faults.come([COMMITTED, COMMITTED]);
        let appended = world.append("p", json!({"eventType": "note", "payload": "here"}));
        let elsewhere = other.append("p", json!({"eventType": "note", "payload": "there"}));
        let (appended, elsewhere) = futures::future::join(appended, elsewhere).await;
        appended.unwrap();
        elsewhere.unwrap();
        assert_eq!(log(&world, "p").await, [1, 2]);
    });
}

#[test]
fn a_registration_that_was_not_answered_is_made_once() {
    for lost in [COMMITTED, NOT_COMMITTED] {
        run(async {
            let (world, faults, _) = world().await;
            faults.come([lost]);
            let record = world.start("p").await;
            assert_eq!(world.record("p").await, record);
        });
    }
}

#[test]
fn a_connection_that_dies_twice_under_an_append_fails_it_and_nothing_is_written() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([NOT_COMMITTED, Outcome::Answered, NOT_COMMITTED]);
        assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::StorageFailed);
        assert_eq!(log(&world, "p").await, [0; 0]);
        assert_eq!(world.note("p").await, 1, "the next connection is sound");
    });
}

#[test]
fn a_read_whose_connection_died_is_repeated_once() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([NOT_COMMITTED]);
        assert_eq!(log(&world, "p").await, [0; 0]);
        faults.come([NOT_COMMITTED, NOT_COMMITTED]);
        assert_eq!(refused(world.registry.process(&"p".into()).await), Code::StorageFailed);
    });
}

#[test]
fn operations_of_a_batch_that_is_taken_back_are_tried_one_by_one() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        world.start("q").await;
        faults.come([aborted(), Outcome::Answered, aborted()]);
        let append = |id| world.append(id, json!({"eventType": "note"}));
        let [first, second, third] = futures::future::join3(append("p"), append("q"), append("p")).await.into();
        assert_eq!(first.unwrap().event.sequence, 1);
        let fault = second.unwrap_err();
        assert_eq!((fault.code(), fault.process_id()), (Code::StorageFailed, Some(&"q".into())));
        assert_eq!(third.unwrap().event.sequence, 2);
        assert_eq!(faults.begun(), 4);
    });
}

#[test]
fn a_full_store_refuses_writes_answers_reads_and_takes_writes_again_once_there_is_room() {
    run(async {
        let (world, faults, _) = world().await;
        world.start("p").await;
        faults.come([Outcome::Full]);
        assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::QuotaExceeded);
        assert_eq!(log(&world, "p").await, [0; 0]);
        assert_eq!(world.note("p").await, 1);
    });
}

#[test]
fn a_process_that_another_tab_changed_is_read_anew() {
    run(async {
        let (world, _, _) = world().await;
        let other = world.another().await;
        world.start("p").await;
        assert_eq!(world.note("p").await, 1);
        assert_eq!(other.note("p").await, 2);
        assert_eq!(world.note("p").await, 3);
        other.succeed("p").await;
        let again = world.complete("p", json!({"type": "failure", "code": "late", "message": "", "class": "internal"}));
        assert_eq!(refused(again.await), Code::AlreadyTerminal);
    });
}

#[test]
fn what_is_kept_of_a_lost_connection_is_not_trusted_over_the_next() {
    run(async {
        let (world, faults, _) = world().await;
        let other = world.another().await;
        world.start("p").await;
        assert_eq!(world.note("p").await, 1);
        faults.come([NOT_COMMITTED]);
        // Found dead by a read; another tab writes before the next connection is used.
        world.record("p").await;
        assert_eq!(other.note("p").await, 2);
        assert_eq!(world.note("p").await, 3);
    });
}
