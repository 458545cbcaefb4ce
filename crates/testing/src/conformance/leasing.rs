//! Leases: who may run a process, until when, and on which fence.

use futures::future::join;
use longwait_core::{
    Code,
    model::lease::{LeaseOwner, ProcessLease},
};
use serde_json::json;

use crate::{AnyRegistry, AsJson, START, TTL, World, acquired, busy, made, owner, refused};

async fn held(world: &World<impl AnyRegistry>, id: &str) -> Option<ProcessLease> {
    world.registry.lease(&id.into()).await.unwrap()
}

async fn release(world: &World<impl AnyRegistry>, lease: &ProcessLease) {
    world.registry.release(&lease.process_id, lease.lease_token.clone()).await.unwrap();
}

pub async fn an_unknown_process_cannot_be_leased(world: World<impl AnyRegistry>) {
    assert_eq!(refused(world.claim("p", &owner("o", "1")).await), Code::UnknownProcess);
    assert_eq!(held(&world, "p").await, None);
}

pub async fn an_ended_process_cannot_be_leased(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.succeed("p").await;
    assert_eq!(refused(world.claim("p", &owner("o", "2")).await), Code::AlreadyTerminal);
    assert_eq!(refused(world.claim("p", &lease.owner).await), Code::AlreadyTerminal);
    world.killed.kill("1");
    let reclaim = world.registry.reclaim(lease, owner("o", "2"), TTL).await;
    assert_eq!(refused(reclaim), Code::AlreadyTerminal);
}

pub async fn a_free_process_is_acquired_on_the_first_fence(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.clock.advance(3);
    let lease = world.lease("p", &owner("o", "1")).await;
    let expected = json!({
        "processId": "p",
        "owner": owner("o", "1").json(),
        "leaseToken": lease.lease_token,
        "fencingToken": 1,
        "claimedAtMs": START + 3,
        "expiresAtMs": START + 3 + TTL,
    });
    assert_eq!(lease.json(), expected);
    assert_eq!(held(&world, "p").await, Some(lease));
}

pub async fn a_released_process_is_acquired_on_a_higher_fence(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.lease("p", &owner("o", "1")).await;
    release(&world, &first).await;
    let second = world.lease("p", &owner("o", "1")).await;
    assert_eq!(second.fencing_token, first.fencing_token + 1);
    assert_ne!(second.lease_token, first.lease_token);
}

pub async fn an_expired_lease_is_taken_over_on_a_higher_fence(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.lease("p", &owner("a", "1")).await;
    world.clock.advance(TTL);
    let second = world.lease("p", &owner("b", "2")).await;
    assert_eq!((second.fencing_token, second.claimed_at_ms), (first.fencing_token + 1, START + TTL));
}

pub async fn a_lease_is_held_until_its_last_millisecond(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("a", "1")).await;
    world.clock.advance(TTL - 1);
    assert_eq!(busy(world.claim("p", &owner("b", "2")).await), lease);
    assert_eq!(held(&world, "p").await, Some(lease));
}

pub async fn the_same_incarnation_extends_its_lease(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL - 1);
    let extended = world.lease("p", &owner("o", "1")).await;
    assert_eq!(extended, ProcessLease { expires_at_ms: START + TTL - 1 + TTL, ..lease });
    assert_eq!(held(&world, "p").await, Some(extended));
}

pub async fn the_same_incarnation_gets_a_higher_fence_once_its_lease_expired(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL);
    let second = world.lease("p", &owner("o", "1")).await;
    assert_eq!(second.fencing_token, first.fencing_token + 1);
    assert_ne!(second.lease_token, first.lease_token);
}

pub async fn another_incarnation_of_the_same_owner_is_somebody_else(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    assert_eq!(busy(world.claim("p", &owner("o", "2")).await), lease);
    assert_eq!(busy(world.claim("p", &owner("other", "1")).await), lease);
}

pub async fn two_tabs_that_claim_at_once_have_one_winner(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let (a, b) = (owner("a", "1"), owner("b", "2"));
    let (mine, theirs) = join(world.claim("p", &a), other.claim("p", &b)).await;
    let won = held(&world, "p").await.unwrap();
    let (winner, loser) = if won.owner == a { (mine, theirs) } else { (theirs, mine) };
    assert_eq!(acquired(winner), won);
    assert_eq!(busy(loser), won);
}

pub async fn fences_rise_across_release_reclaim_and_expiry(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let mut fences = Vec::new();
    for round in 0..3 {
        let expires = world.lease("p", &owner("a", &format!("a{round}"))).await;
        world.clock.advance(TTL);
        let released = world.lease("p", &owner("b", &format!("b{round}"))).await;
        release(&world, &released).await;
        let dies = world.lease("p", &owner("c", &format!("c{round}"))).await;
        world.killed.kill(format!("c{round}"));
        let reclaimed = world.registry.reclaim(dies.clone(), owner("d", &format!("d{round}")), TTL).await;
        let reclaimed = acquired(reclaimed);
        fences.extend([expires, released, dies, reclaimed.clone()].map(|lease| lease.fencing_token));
        release(&world, &reclaimed).await;
    }
    assert_eq!(fences, (1..=12).collect::<Vec<_>>());
}

pub async fn fences_of_different_processes_have_nothing_to_do_with_each_other(world: World<impl AnyRegistry>) {
    for id in ["p", "q"] {
        world.start(id).await;
        assert_eq!(world.lease(id, &owner("o", "1")).await.fencing_token, 1);
    }
}

pub async fn renewing_extends_the_lease_and_nothing_else(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL - 1);
    let renewed = world.registry.renew(lease.clone(), 3 * TTL).await.unwrap();
    assert_eq!(renewed, ProcessLease { expires_at_ms: START + TTL - 1 + 3 * TTL, ..lease });
    assert_eq!(held(&world, "p").await, Some(renewed));
}

pub async fn only_the_exact_unexpired_lease_is_renewed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.start("q").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let before = world.picture().await;
    for wrong in [
        ProcessLease { owner: owner("o", "2"), ..lease.clone() },
        ProcessLease { owner: owner("other", "1"), ..lease.clone() },
        ProcessLease { lease_token: "guess".into(), ..lease.clone() },
        ProcessLease { fencing_token: lease.fencing_token + 1, ..lease.clone() },
        ProcessLease { process_id: "q".into(), ..lease.clone() },
        ProcessLease { process_id: "unknown".into(), ..lease.clone() },
    ] {
        assert_eq!(refused(world.registry.renew(wrong, TTL).await), Code::LeaseLost);
    }
    world.clock.advance(TTL);
    assert_eq!(refused(world.registry.renew(lease, TTL).await), Code::LeaseLost);
    assert_eq!(world.picture().await, before);
}

pub async fn a_released_or_lost_lease_is_not_renewed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let released = world.lease("p", &owner("o", "1")).await;
    release(&world, &released).await;
    assert_eq!(refused(world.registry.renew(released, TTL).await), Code::LeaseLost);
    let lost = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(TTL);
    let taken = world.lease("p", &owner("b", "2")).await;
    assert_eq!(refused(world.registry.renew(lost, TTL).await), Code::LeaseLost);
    assert_eq!(held(&world, "p").await, Some(taken));
}

pub async fn releasing_with_another_token_changes_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    for (id, token) in [("p", "guess"), ("p", ""), ("unknown", lease.lease_token.as_str())] {
        world.registry.release(&id.into(), token.to_owned()).await.unwrap();
        assert_eq!(held(&world, "p").await.as_ref(), Some(&lease));
    }
}

pub async fn releasing_twice_is_fine_and_does_not_touch_the_next_holder(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let first = world.lease("p", &owner("a", "1")).await;
    release(&world, &first).await;
    release(&world, &first).await;
    assert_eq!(held(&world, "p").await, None);
    let second = world.lease("p", &owner("b", "2")).await;
    release(&world, &first).await;
    assert_eq!(held(&world, "p").await, Some(second));
}

pub async fn an_expired_lease_is_still_shown_and_a_released_one_is_not(world: World<impl AnyRegistry>) {
    world.start("p").await;
    assert_eq!(held(&world, "p").await, None);
    let lease = world.lease("p", &owner("o", "1")).await;
    world.clock.advance(10 * TTL);
    assert_eq!(held(&world, "p").await, Some(lease.clone()));
    release(&world, &lease).await;
    assert_eq!(held(&world.another().await, "p").await, None);
}

pub async fn a_holder_proven_dead_is_replaced_before_its_lease_expires(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let dead = world.lease("p", &owner("a", "1")).await;
    world.killed.kill("1");
    world.clock.advance(1);
    let taken = acquired(world.registry.reclaim(dead.clone(), owner("b", "2"), TTL).await);
    assert_eq!((taken.fencing_token, taken.claimed_at_ms), (dead.fencing_token + 1, START + 1));
    assert_eq!(held(&world, "p").await, Some(taken));
    assert_eq!(refused(world.registry.renew(dead, TTL).await), Code::LeaseLost);
}

pub async fn a_holder_that_is_not_proven_dead_is_left_alone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("a", "1")).await;
    world.killed.kill("somebody else");
    assert_eq!(busy(world.registry.reclaim(lease.clone(), owner("b", "2"), TTL).await), lease);
}

pub async fn an_opaque_holder_is_never_proven_dead(world: World<impl AnyRegistry>) {
    let opaque = json!({"ownerId": "a", "incarnationId": "1", "liveness": {"kind": "opaque"}});
    let unmarked = json!({"ownerId": "a", "incarnationId": "1"});
    world.killed.kill("1");
    for (id, mark) in [("p", opaque), ("q", unmarked)] {
        world.start(id).await;
        let lease = world.lease(id, &made::<LeaseOwner>(mark)).await;
        assert_eq!(busy(world.registry.reclaim(lease.clone(), owner("b", "2"), TTL).await), lease);
    }
}

pub async fn only_the_observed_holder_is_replaced(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let observed = world.lease("p", &owner("a", "1")).await;
    world.killed.kill("1");
    release(&world, &observed).await;
    let present = world.lease("p", &owner("b", "2")).await;
    assert_eq!(busy(world.registry.reclaim(observed.clone(), owner("c", "3"), TTL).await), present);
    for other in [
        ProcessLease { lease_token: "guess".into(), ..present.clone() },
        ProcessLease { fencing_token: present.fencing_token - 1, ..present.clone() },
        ProcessLease { owner: owner("b", "1"), ..present.clone() },
    ] {
        assert_eq!(busy(world.registry.reclaim(other, owner("c", "3"), TTL).await), present);
    }
}

pub async fn a_holder_is_replaced_only_by_the_lock_that_it_chose_itself(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("a", "1")).await;
    world.killed.kill("1");
    // Of another lock there could be a proof at any time: nobody ever held it.
    let mut other = owner("a", "1");
    other.liveness = owner("a", "2").liveness;
    let observed = ProcessLease { owner: other, ..lease.clone() };
    assert_eq!(busy(world.registry.reclaim(observed, owner("b", "2"), TTL).await), lease);
}

pub async fn a_race_to_replace_a_dead_holder_has_one_winner(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let dead = world.lease("p", &owner("a", "1")).await;
    world.killed.kill("1");
    let other = world.another().await;
    let (b, c) = (owner("b", "2"), owner("c", "3"));
    let mine = world.registry.reclaim(dead.clone(), b.clone(), TTL);
    let theirs = other.registry.reclaim(dead.clone(), c, TTL);
    let (mine, theirs) = join(mine, theirs).await;
    let won = held(&world, "p").await.unwrap();
    assert_eq!(won.fencing_token, dead.fencing_token + 1);
    let (winner, loser) = if won.owner == b { (mine, theirs) } else { (theirs, mine) };
    assert_eq!(acquired(winner), won);
    assert_eq!(busy(loser), won);
}

pub async fn an_expired_or_released_holder_needs_no_proof(world: World<impl AnyRegistry>) {
    for (id, expires) in [("p", true), ("q", false)] {
        world.start(id).await;
        let lease = world.lease(id, &owner("a", "1")).await;
        if expires {
            world.clock.advance(TTL);
        } else {
            release(&world, &lease).await;
        }
        let taken = acquired(world.registry.reclaim(lease, owner("b", "2"), TTL).await);
        assert_eq!(taken.fencing_token, 2);
    }
}

pub async fn that_an_owner_is_gone_is_found_whatever_the_limit_and_waited_for_no_longer_than_that(
    world: World<impl AnyRegistry>,
) {
    let (gone, lives) = (owner("a", "1"), owner("a", "2"));
    world.killed.kill("1");
    world.registry.owner_gone_within(&gone, Some(0)).await.unwrap();
    let waiting = world.registry.owner_gone_within(&lives, Some(30));
    let (outcome, ()) = join(waiting, async {
        world.clock.asleep(1).await;
        world.clock.advance(30);
    })
    .await;
    assert_eq!(refused(outcome), Code::Timeout);
}

pub async fn leases_leave_record_log_and_hub_alone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let record = world.record("p").await;
    world.ticked();
    world.clock.advance(1);
    let lease = world.lease("p", &owner("a", "1")).await;
    let lease = world.registry.renew(lease, TTL).await.unwrap();
    world.killed.kill("1");
    let taken = acquired(world.registry.reclaim(lease, owner("b", "2"), TTL).await);
    release(&world, &taken).await;
    assert_eq!((world.record("p").await, world.log("p").await.len()), (record, 0));
    assert_eq!(world.ticked(), [""; 0]);
}

pub async fn a_lease_time_out_of_range_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    for ttl in [0, 1 << 31, 9_007_199_254_740_991] {
        let p = "p".into();
        assert_eq!(refused(world.registry.claim(&p, owner("o", "2"), ttl).await), Code::InvalidArgument);
        assert_eq!(refused(world.registry.renew(lease.clone(), ttl).await), Code::InvalidArgument);
        assert_eq!(refused(world.registry.reclaim(lease.clone(), owner("o", "2"), ttl).await), Code::InvalidArgument);
    }
    assert_eq!(held(&world, "p").await, Some(lease));
}

pub async fn an_owner_without_a_name_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for nameless in [owner("", "1"), owner("o", " ")] {
        assert_eq!(refused(world.claim("p", &nameless).await), Code::InvalidArgument);
    }
    assert_eq!(held(&world, "p").await, None);
}
