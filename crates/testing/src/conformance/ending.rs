//! Completing a process, freely and under a lease.

use futures::future::join;
use longwait_core::{Code, model::lease::ProcessLease};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, TTL, World, owner, refused, success};

fn outputs() -> [(&'static str, Value); 3] {
    let advice = json!({"next": ["x"]});
    [
        ("completed", json!({"type": "success", "value": {"n": 1}, "control": advice})),
        (
            "failed",
            json!({
                "type": "failure", "class": "resource_limit", "code": "c", "message": "m",
                "raw": null, "control": advice,
            }),
        ),
        ("cancelled", json!({"type": "cancelled", "message": "m", "raw": [1], "control": advice})),
    ]
}

pub async fn completing_appends_the_terminal_event_of_that_state(world: World<impl AnyRegistry>) {
    for (state, output) in outputs() {
        world.start(state).await;
        world.clock.advance(1);
        let now = world.clock.clone();
        let record = world.complete(state, output.clone()).await.unwrap();
        let terminal = json!({"state": state, "awaitOutput": output});
        assert_eq!(record.json()["status"], terminal);
        let event_type = format!("process.{state}");
        let expected = json!([{
            "processId": state,
            "sequence": 1,
            "eventType": event_type,
            "payload": {"awaitOutput": output},
            "replayKey": format!("process:{state}:terminal:{event_type}"),
            "semantics": {"terminal": terminal},
            "occurredAtMs": longwait_core::host::Clock::now(&now),
        }]);
        assert_eq!(world.log(state).await.json(), expected);
        assert_eq!(world.record(state).await, record);
    }
}

pub async fn completing_alike_again_is_a_replay(world: World<impl AnyRegistry>) {
    for (state, output) in outputs() {
        world.start(state).await;
        let record = world.complete(state, output.clone()).await.unwrap();
        let before = world.picture().await;
        world.clock.advance(1);
        assert_eq!(world.complete(state, output).await.unwrap(), record);
        assert_eq!(world.picture().await, before);
    }
}

pub async fn completing_otherwise_in_the_same_state_is_a_replay_conflict(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    let before = world.picture().await;
    let other = json!({"type": "success", "value": 2});
    assert_eq!(refused(world.complete("p", other).await), Code::ReplayConflict);
    let advised = json!({"type": "success", "value": 1, "control": null});
    assert_eq!(refused(world.complete("p", advised).await), Code::ReplayConflict);
    assert_eq!(world.picture().await, before);
}

pub async fn completing_in_another_state_is_already_terminal(world: World<impl AnyRegistry>) {
    for (state, output) in outputs() {
        world.start(state).await;
        world.complete(state, output).await.unwrap();
        let before = world.picture().await;
        for (other, output) in outputs() {
            if other != state {
                assert_eq!(refused(world.complete(state, output).await), Code::AlreadyTerminal);
            }
        }
        assert_eq!(world.picture().await, before);
    }
}

pub async fn completing_what_an_event_ended_is_already_terminal(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "done", "replayKey": "k"})).await.unwrap();
    let output = json!({"type": "success", "value": null});
    assert_eq!(refused(world.complete("p", output).await), Code::AlreadyTerminal);
}

pub async fn completing_an_unknown_process_is_an_error(world: World<impl AnyRegistry>) {
    let output = json!({"type": "success", "value": 1});
    assert_eq!(refused(world.complete("p", output.clone()).await), Code::UnknownProcess);
    world.start("q").await;
    let lease = world.lease("q", &owner("o", "1")).await;
    let elsewhere = ProcessLease { process_id: "p".into(), ..lease };
    assert_eq!(refused(world.complete_leased(&elsewhere, output).await), Code::UnknownProcess);
}

pub async fn an_output_of_a_wrong_shape_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for output in [
        json!({"type": "success"}),
        json!({"type": "success", "value": 1, "raw": 1}),
        json!({"type": "failure", "class": "execution", "code": "c"}),
        json!({"type": "failure", "class": "bad_luck", "code": "c", "message": "m"}),
        json!({"type": "done", "value": 1}),
        json!("success"),
    ] {
        assert_eq!(refused(world.complete("p", output).await), Code::InvalidArgument);
    }
    assert_eq!(world.log("p").await, []);
}

pub async fn two_tabs_that_complete_differently_have_one_winner(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let [(_, succeed), (_, fail), _] = outputs();
    let (mine, theirs) = join(world.complete("p", succeed), other.complete("p", fail)).await;
    let (won, lost) = match mine {
        Ok(won) => (won, refused(theirs)),
        Err(fault) => (theirs.unwrap(), fault.code()),
    };
    assert_eq!(lost, Code::AlreadyTerminal);
    assert_eq!(world.record("p").await, won);
    assert_eq!(world.log("p").await.len(), 1);
}

pub async fn completing_under_a_lease_releases_it(world: World<impl AnyRegistry>) {
    for (state, output) in outputs() {
        world.start(state).await;
        let lease = world.lease(state, &owner("o", "1")).await;
        let record = world.complete_leased(&lease, output.clone()).await.unwrap();
        assert_eq!(record.json()["status"], json!({"state": state, "awaitOutput": output}));
        assert_eq!(world.registry.lease(&state.into()).await.unwrap(), None);
        assert_eq!(world.log(state).await.len(), 1);
    }
}

pub async fn completing_under_a_lease_again_is_a_replay(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let output = success(json!(1)).json();
    let record = world.complete_leased(&lease, output.clone()).await.unwrap();
    let before = world.picture().await;
    world.clock.advance(2 * TTL);
    assert_eq!(world.complete_leased(&lease, output).await.unwrap(), record);
    let other = success(json!(2)).json();
    assert_eq!(refused(world.complete_leased(&lease, other).await), Code::ReplayConflict);
    assert_eq!(world.picture().await, before);
}

pub async fn a_lease_that_matches_in_all_but_one_thing_completes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let before = world.picture().await;
    let wrong = [
        ProcessLease { owner: owner("other", "1"), ..lease.clone() },
        ProcessLease { owner: owner("o", "2"), ..lease.clone() },
        ProcessLease { lease_token: "guess".into(), ..lease.clone() },
        ProcessLease { fencing_token: lease.fencing_token + 1, ..lease.clone() },
        ProcessLease { fencing_token: lease.fencing_token - 1, ..lease.clone() },
        ProcessLease { process_id: "q".into(), ..lease.clone() },
    ];
    for wrong in wrong {
        let completed = world.complete_leased(&wrong, success(json!(1)).json()).await;
        assert_eq!(refused(completed), Code::LeaseLost, "{wrong:?}");
    }
    assert_eq!(world.picture().await, before);
}

pub async fn an_expired_lease_completes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL);
    let before = world.picture().await;
    // Claiming that it lasts longer is of no help: what counts is the stored lease.
    let stretched = ProcessLease { expires_at_ms: START + 10 * TTL, ..lease.clone() };
    for lease in [lease, stretched] {
        assert_eq!(refused(world.complete_leased(&lease, success(json!(1)).json()).await), Code::LeaseLost);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn a_lease_completes_until_the_last_millisecond(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL - 1);
    assert!(world.complete_leased(&lease, success(json!(1)).json()).await.unwrap().is_terminal());
}

pub async fn a_released_lease_completes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.registry.release(&"p".into(), lease.lease_token.clone()).await.unwrap();
    assert_eq!(refused(world.complete_leased(&lease, success(json!(1)).json()).await), Code::LeaseLost);
    assert_eq!(world.log("p").await, []);
}

pub async fn a_lease_that_was_taken_over_completes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let old = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL);
    let new = world.another().await.lease("p", &owner("o", "2")).await;
    assert_eq!(refused(world.complete_leased(&old, success(json!(1)).json()).await), Code::LeaseLost);
    let record = world.complete_leased(&new, success(json!(2)).json()).await.unwrap();
    assert_eq!(record.terminal().unwrap().await_output, success(json!(2)));
    assert_eq!(world.log("p").await.len(), 1);
}

pub async fn a_renewed_lease_still_completes_with_the_lease_as_it_was(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL - 1);
    world.registry.renew(lease.clone(), TTL).await.unwrap();
    world.clock.advance(TTL - 1);
    assert!(world.complete_leased(&lease, success(json!(1)).json()).await.unwrap().is_terminal());
}

pub async fn a_leased_process_can_still_be_completed_by_the_host(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.succeed("p").await;
    let fail = json!({"type": "failure", "class": "execution", "code": "c", "message": "m"});
    assert_eq!(refused(world.complete_leased(&lease, fail).await), Code::AlreadyTerminal);
}
