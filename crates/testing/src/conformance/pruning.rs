//! What pruning forgets, what it keeps, and who is told.

use futures::future::{join, join_all};
use longwait_core::{
    Code,
    store::{EventRange, Live},
};
use serde_json::json;

use crate::{AnyAwaiter, AnyRegistry, START, TTL, World, after, owner, refused, scope};

/// Past everything that has happened.
const LATER: u64 = START + 1_000_000;

async fn prune(world: &World<impl AnyRegistry>, cutoff: u64) -> (u64, u64) {
    let report = world.registry.prune(cutoff).await.unwrap();
    (report.pruned_processes, report.pruned_events)
}

pub async fn only_what_was_updated_before_the_cutoff_is_pruned(world: World<impl AnyRegistry>) {
    world.start("a").await;
    world.succeed("a").await;
    world.clock.advance(1);
    world.start("b").await;
    world.succeed("b").await;
    assert_eq!(prune(&world, START).await, (0, 0));
    assert_eq!(prune(&world, START + 1).await, (1, 1));
    assert_eq!(world.list(json!({"status": "any"})).await, ["b"]);
    assert_eq!(prune(&world, START + 1).await, (0, 0));
    assert_eq!(prune(&world, START + 2).await, (1, 1));
}

pub async fn live_processes_are_never_pruned(world: World<impl AnyRegistry>) {
    world.start("runs").await;
    world.start("waits").await;
    world.wait("waits").await.unwrap();
    let before = world.picture().await;
    assert_eq!(prune(&world, LATER).await, (0, 0));
    assert_eq!(world.picture().await, before);
}

pub async fn a_late_event_puts_pruning_off(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    world.clock.advance(10);
    world.note("p").await;
    assert_eq!(prune(&world, START + 10).await, (0, 0));
    assert_eq!(prune(&world, START + 11).await, (1, 2));
}

pub async fn the_report_counts_processes_and_their_events(world: World<impl AnyRegistry>) {
    for (id, notes) in [("a", 0), ("b", 3)] {
        world.start(id).await;
        for _ in 0..notes {
            world.note(id).await;
        }
        world.succeed(id).await;
    }
    assert_eq!(prune(&world, LATER).await, (2, 5));
}

pub async fn a_pruned_process_is_unknown_everywhere(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    world.succeed("p").await;
    prune(&world, LATER).await;
    let p = "p".into();
    assert_eq!(world.registry.process(&p).await.unwrap(), None);
    assert_eq!(world.list(json!({"status": "any"})).await, [""; 0]);
    assert_eq!(refused(world.events("p", after(0)).await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.count_events(&p, "note", 9).await), Code::UnknownProcess);
    assert_eq!(refused(world.registry.grants_of_process(&p).await), Code::UnknownProcess);
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::UnknownProcess);
    assert_eq!(refused(world.complete("p", json!({"type": "success", "value": 1})).await), Code::UnknownProcess);
    assert_eq!(refused(world.claim("p", &owner("o", "1")).await), Code::UnknownProcess);
    assert_eq!(world.granted("s", Live::Any).await, [""; 0]);
    assert!(!world.registry.is_granted(&scope("s"), &p).await.unwrap());
}

pub async fn everything_that_belonged_to_a_pruned_process_is_gone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "ring", "payload": "x", "replayKey": "k"})).await.unwrap();
    world.append("p", json!({"eventType": "ring", "payload": "y"})).await.unwrap();
    world.registry.ack_wake(&"p".into(), 2).await.unwrap();
    world.grant("s", "p").await;
    world.grant("s/f", "p").await;
    world.lease("p", &owner("o", "1")).await;
    world.succeed("p").await;
    prune(&world, LATER).await;
    world.start("p").await;
    let p = "p".into();
    assert_eq!(world.log("p").await, []);
    assert_eq!(world.unacked("p").await, [0; 0]);
    assert_eq!(world.registry.count_events(&p, "ring", 9).await.unwrap(), 0);
    assert_eq!(world.registry.grants_of_process(&p).await.unwrap(), []);
    assert_eq!(world.registry.lease(&p).await.unwrap(), None);
    world.note("p").await;
    assert_eq!(world.unacked("p").await, [0; 0], "the wake of the first life");
    let again = world.append("p", json!({"eventType": "ring", "payload": "z", "replayKey": "k"})).await.unwrap();
    assert_eq!((again.replayed, again.event.sequence), (false, 2));
    assert_eq!(world.unacked("p").await, [2], "the acknowledgement was of the first life");
    assert_eq!(world.registry.count_events(&p, "ring", 9).await.unwrap(), 1);
}

pub async fn a_pruned_id_may_be_registered_otherwise(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    prune(&world, LATER).await;
    world.clock.advance(5);
    let record = world.register(json!({"id": "p", "envRef": "new"})).await.unwrap();
    assert_eq!(record.registered.created_at_ms, START + 5);
    assert_eq!(world.another().await.record("p").await, record);
    assert_eq!(world.list(json!({"status": "any"})).await, ["p"]);
}

pub async fn fencing_tokens_go_on_rising_after_a_prune(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL);
    let second = world.lease("p", &owner("o", "2")).await;
    world.complete_leased(&second, json!({"type": "success", "value": 1})).await.unwrap();
    prune(&world, LATER).await;
    world.start("p").await;
    let third = world.lease("p", &owner("o", "1")).await;
    assert_eq!([first, second, third].map(|lease| lease.fencing_token), [1, 2, 3]);
}

pub async fn fencing_tokens_go_on_rising_after_a_prune_under_a_lease(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let held = world.lease("p", &owner("o", "1")).await;
    world.succeed("p").await;
    prune(&world, LATER).await;
    world.start("p").await;
    assert_eq!(refused(world.registry.renew(held.clone(), TTL).await), Code::LeaseLost);
    assert_eq!(world.lease("p", &owner("o", "1")).await.fencing_token, held.fencing_token + 1);
}

pub async fn pruning_ticks_every_pruned_process(world: World<impl AnyRegistry>) {
    for id in ["a", "b", "c"] {
        world.start(id).await;
    }
    world.succeed("a").await;
    world.succeed("c").await;
    world.ticked();
    prune(&world, LATER).await;
    let mut ticked = world.ticked();
    ticked.sort();
    assert_eq!(ticked, ["a", "c"]);
}

pub async fn a_waiter_learns_at_once_that_its_process_was_pruned(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let waiting = awaiter.await_event(&p, "note", 0, false);
    let (outcome, ()) = join(waiting, async {
        world.clock.asleep(1).await;
        prune(&world, LATER).await;
    })
    .await;
    assert_eq!(refused(outcome), Code::UnknownProcess);
}

pub async fn a_wait_does_not_go_on_in_the_next_life_of_an_id(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.polling(), "p".into());
    let waits = join(awaiter.await_event(&p, "note", 0, false), awaiter.await_terminal(&p));
    let ((event, output), ()) = join(waits, async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
        prune(&world, LATER).await;
        world.start("p").await;
        world.note("p").await;
        world.clock.advance(1_000);
    })
    .await;
    assert_eq!((refused(event), refused(output)), (Code::UnknownProcess, Code::UnknownProcess));
}

pub async fn a_prune_of_more_than_one_batch_is_whole(world: World<impl AnyRegistry>) {
    let ids: Vec<_> = (0..203).map(|number| format!("p{number:03}")).collect();
    join_all(ids.iter().map(|id| world.start(id))).await;
    join_all(ids.iter().map(|id| world.succeed(id))).await;
    world.start("lives").await;
    assert_eq!(prune(&world, LATER).await, (203, 203));
    assert_eq!(world.list(json!({"status": "any"})).await, ["lives"]);
    assert_eq!(world.changes(0, None).await.removed.len(), 203);
}

pub async fn pruning_leaves_other_processes_whole(world: World<impl AnyRegistry>) {
    for id in ["a", "ab"] {
        world.start(id).await;
        world.append(id, json!({"eventType": "ring", "payload": "x"})).await.unwrap();
        world.grant("s", id).await;
    }
    world.succeed("a").await;
    prune(&world, LATER).await;
    assert_eq!(world.unacked("ab").await, [1]);
    assert_eq!(world.granted("s", Live::Any).await, ["ab"]);
    assert_eq!(world.events("ab", EventRange::Last(9)).await.unwrap().len(), 1);
}

/// A life of an id: registers it, rings twice to a session, ends it and prunes it. Answers the wakes' ids and dedupe keys.
async fn live(world: &World<impl AnyRegistry>, id: &str) -> Vec<(String, String)> {
    world.start(id).await;
    let mut wakes = Vec::new();
    for _ in 0..2 {
        let request = json!({"eventType": "ring", "payload": "x", "wakeTargetScope": {"sessionId": "s"}});
        let wake = world.append(id, request).await.unwrap().wake_delivery.unwrap();
        wakes.push((wake.wake_id, wake.dedupe_key));
    }
    world.succeed(id).await;
    prune(world, LATER).await;
    wakes
}

fn keys(wakes: &[(String, String)]) -> Vec<&str> {
    wakes.iter().map(|(_, key)| key.as_str()).collect()
}

pub async fn no_wake_id_repeats_in_a_later_life_of_an_id(world: World<impl AnyRegistry>) {
    let lives = [live(&world, "p").await, live(&world.another().await, "p").await, live(&world, "p").await];
    assert_eq!(lives.each_ref().map(|wakes| keys(wakes)), [["p:1", "p:2"], ["p@2:1", "p@2:2"], ["p@3:1", "p@3:2"]]);
    let ids: std::collections::BTreeSet<_> = lives.iter().flatten().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 6);
}

pub async fn an_id_that_reads_as_a_later_life_of_another_shares_no_wake_id_with_it(world: World<impl AnyRegistry>) {
    live(&world, "p").await;
    assert_eq!(keys(&live(&world, "p").await), ["p@2:1", "p@2:2"]);
    assert_eq!(keys(&live(&world, "p@2").await), ["p@2@1:1", "p@2@1:2"]);
    assert_eq!(keys(&live(&world, "p@2").await), ["p@2@2:1", "p@2@2:2"]);
    assert_eq!(keys(&live(&world, "p@x").await), ["p@x:1", "p@x:2"]);
}

pub async fn deleting_removes_one_process_that_has_ended_with_all_that_belongs_to_it(world: World<impl AnyRegistry>) {
    for id in ["a", "b"] {
        world.start(id).await;
        world.append(id, json!({"eventType": "ring", "payload": "x"})).await.unwrap();
        world.grant("s", id).await;
        world.succeed(id).await;
    }
    world.ticked();
    world.registry.delete(&"a".into(), false).await.unwrap();
    assert_eq!(world.ticked(), ["a"]);
    assert_eq!(refused(world.events("a", EventRange::Last(9)).await), Code::UnknownProcess);
    assert_eq!(world.granted("s", Live::Any).await, ["b"]);
    assert_eq!(world.list(json!({"status": "any"})).await, ["b"]);
    assert_eq!(world.changes(0, None).await.removed, ["a".into()]);
    world.start("a").await;
    assert_eq!(world.note("a").await, 1);
}

pub async fn deleting_one_that_has_not_ended_takes_force_and_ends_its_lease_and_its_waits(
    world: World<impl AnyRegistry>,
) {
    world.start("p").await;
    world.note("p").await;
    let held = world.lease("p", &owner("o", "1")).await;
    let p = "p".into();
    assert_eq!(refused(world.registry.delete(&p, false).await), Code::NotTerminal);
    assert_eq!(world.note("p").await, 2);
    let awaiter = world.awaiter();
    let (outcome, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        world.registry.delete(&p, true).await.unwrap();
    })
    .await;
    assert_eq!(refused(outcome), Code::UnknownProcess);
    world.start("p").await;
    assert_eq!(refused(world.registry.renew(held.clone(), TTL).await), Code::LeaseLost);
    assert_eq!(world.lease("p", &owner("o", "1")).await.fencing_token, held.fencing_token + 1);
}

pub async fn deleting_an_unknown_process_is_refused_with_force_too(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.registry.delete(&"p".into(), true).await.unwrap();
    for id in ["p", "q"] {
        assert_eq!(refused(world.registry.delete(&id.into(), true).await), Code::UnknownProcess);
    }
}
