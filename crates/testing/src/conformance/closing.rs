//! A store that is closed or fails says so, and never passes for an empty one.

use futures::future::join;
use longwait_core::{
    Code,
    model::grant::HandleDescriptor,
    store::{EventRange, Live},
};
use serde_json::json;

use crate::{AnyAwaiter, AnyHub, AnyRegistry, START, TTL, World, after, owner, refused, scope};

pub async fn a_closed_registry_refuses_everything_with_closed(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let closed = Code::Closed;
    let p = "p".into();
    world.registry.close();
    world.registry.close();
    assert_eq!(refused(world.register(json!({"id": "q"})).await), closed);
    assert_eq!(refused(world.registry.process(&p).await), closed);
    assert_eq!(refused(world.registry.process(&"unknown".into()).await), closed);
    assert_eq!(refused(world.registry.list(&Default::default(), Default::default()).await), closed);
    assert_eq!(refused(world.registry.list_non_terminal(Default::default()).await), closed);
    assert_eq!(refused(world.registry.changed_since(None, None).await), closed);
    assert_eq!(refused(world.wait("p").await), closed);
    assert_eq!(refused(world.registry.clear_wait(&p).await), closed);
    assert_eq!(refused(world.complete("p", json!({"type": "success", "value": 1})).await), closed);
    assert_eq!(refused(world.complete_leased(&lease, json!({"type": "success", "value": 1})).await), closed);
    assert_eq!(refused(world.registry.prune(START + 1).await), closed);
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), closed);
    assert_eq!(refused(world.registry.request_cancel(&p, None).await), closed);
    assert_eq!(refused(world.events("p", after(0)).await), closed);
    assert_eq!(refused(world.events("p", EventRange::Last(1)).await), closed);
    assert_eq!(refused(world.registry.count_events(&p, "note", 1).await), closed);
    assert_eq!(refused(world.registry.ack_wake(&p, 1).await), closed);
    assert_eq!(refused(world.registry.grant(scope("s"), &p, HandleDescriptor::default()).await), closed);
    assert_eq!(refused(world.registry.revoke(scope("s"), &p).await), closed);
    assert_eq!(refused(world.registry.transfer(scope("s"), scope("t"), vec![]).await), closed);
    assert_eq!(refused(world.registry.grants(&scope("s"), Live::Any).await), closed);
    assert_eq!(refused(world.registry.is_granted(&scope("s"), &p).await), closed);
    assert_eq!(refused(world.registry.grants_of_process(&p).await), closed);
    assert_eq!(refused(world.registry.delete_session(&"s".into()).await), closed);
    assert_eq!(refused(world.claim("p", &owner("o", "2")).await), closed);
    assert_eq!(refused(world.registry.reclaim(lease.clone(), owner("o", "2"), TTL).await), closed);
    assert_eq!(refused(world.registry.renew(lease.clone(), TTL).await), closed);
    assert_eq!(refused(world.registry.release(&p, lease.lease_token).await), closed);
    assert_eq!(refused(world.registry.lease(&p).await), closed);
    assert_eq!(refused(world.awaiter().await_terminal(&p).await), closed);
    assert_eq!(refused(world.awaiter().await_event(&p, "note", 0, false).await), closed);
}

pub async fn a_store_fault_ends_a_wait(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (outcome, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        world.registry.close();
        world.hub.notify(&p);
    })
    .await;
    assert_eq!(refused(outcome), Code::Closed);
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_refusal_leaves_the_registry_working(world: World<impl AnyRegistry>) {
    world.register(json!({"id": ""})).await.unwrap_err();
    world.append("p", json!({"eventType": "note"})).await.unwrap_err();
    world.start("p").await;
    world.append("p", json!({"eventType": "nonsense"})).await.unwrap_err();
    assert_eq!(world.note("p").await, 1);
}
