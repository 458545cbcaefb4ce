//! Deleting a session's process state.

use longwait_core::{Code, store::Live};
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, refused};

async fn delete(world: &World<impl AnyRegistry>, session: &str) -> Value {
    world.registry.delete_session(&session.into()).await.unwrap().json()
}

fn report(session: &str, revoked: u64, orphaned: &[&str], preserved: &[&str]) -> Value {
    json!({
        "sessionId": session, "revokedHandleCount": revoked, "deletedWakeCount": 0,
        "orphanedProcessIds": orphaned, "preservedProcessIds": preserved,
    })
}

pub async fn a_deleted_session_holds_nothing_in_any_frame(world: World<impl AnyRegistry>) {
    for id in ["a", "b"] {
        world.start(id).await;
        for name in ["s", "s/f", "s/g"] {
            world.grant(name, id).await;
        }
    }
    assert_eq!(delete(&world, "s").await, report("s", 6, &["a", "b"], &[]));
    for name in ["s", "s/f", "s/g"] {
        assert_eq!(world.granted(name, Live::Any).await, [""; 0]);
    }
    assert_eq!(world.registry.grants_of_process(&"a".into()).await.unwrap(), []);
}

pub async fn sessions_of_similar_names_are_left_alone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for name in ["s", "ss", "s0", "S", "s\u{0}", "s/f", "ss/f", "t/s"] {
        world.grant(name, "p").await;
    }
    assert_eq!(delete(&world, "s").await, report("s", 2, &[], &["p"]));
    let holders = world.registry.grants_of_process(&"p".into()).await.unwrap();
    assert_eq!(holders.len(), 6);
    assert!(holders.iter().all(|grant| &*grant.session_id != "s"));
}

pub async fn live_processes_are_orphaned_or_preserved_and_listed_in_order(world: World<impl AnyRegistry>) {
    for id in ["d", "b", "c", "a", "ended", "elsewhere"] {
        world.start(id).await;
    }
    for id in ["d", "b", "c", "a", "ended"] {
        world.grant("s/f", id).await;
    }
    for id in ["b", "d", "elsewhere", "ended"] {
        world.grant("t", id).await;
    }
    world.wait("c").await.unwrap();
    world.succeed("ended").await;
    assert_eq!(delete(&world, "s").await, report("s", 5, &["a", "c"], &["b", "d"]));
}

pub async fn wakes_no_longer_go_to_a_deleted_session(world: World<impl AnyRegistry>) {
    let ring = json!([{"name": "ring", "semantics": {"wake": {"input": "payload"}}}]);
    for (id, target) in [
        ("own", json!({"sessionId": "s"})),
        ("frame", json!({"sessionId": "s", "agentFrameId": "f"})),
        ("other", json!({"sessionId": "ss"})),
    ] {
        world.register(json!({"id": id, "eventTypes": ring, "wakeTarget": target})).await.unwrap();
    }
    world.start("none").await;
    world.clock.advance(5);
    world.ticked();
    assert_eq!(delete(&world, "s").await, report("s", 0, &[], &[]));
    let mut ticked = world.ticked();
    ticked.sort();
    assert_eq!(ticked, ["frame", "own"]);
    for id in ["own", "frame"] {
        let record = world.record(id).await;
        assert_eq!((&record.wake_target, record.updated_at_ms), (&None, START + 5));
        let appended = world.append(id, json!({"eventType": "ring", "payload": "x"})).await.unwrap();
        assert!(appended.wake_delivery.is_none() && appended.event.semantics.wake.is_some());
    }
    let other = world.record("other").await;
    assert_eq!((other.wake_target.is_some(), other.updated_at_ms), (true, START));
}

pub async fn deleting_a_session_deletes_and_cancels_no_process(world: World<impl AnyRegistry>) {
    world.register(json!({"id": "p", "wakeTarget": {"sessionId": "s"}})).await.unwrap();
    world.grant("s", "p").await;
    delete(&world, "s").await;
    assert!(!world.record("p").await.is_terminal());
    assert_eq!(world.log("p").await, []);
}

pub async fn acknowledged_wakes_stay_acknowledged_when_their_session_is_deleted(world: World<impl AnyRegistry>) {
    let ring = json!([{"name": "ring", "semantics": {"wake": {"input": "payload"}}}]);
    world.register(json!({"id": "p", "eventTypes": ring, "wakeTarget": {"sessionId": "s"}})).await.unwrap();
    for _ in 0..2 {
        world.append("p", json!({"eventType": "ring", "payload": "x"})).await.unwrap();
    }
    world.registry.ack_wake(&"p".into(), 1).await.unwrap();
    delete(&world, "s").await;
    assert_eq!(world.unacked("p").await, [2]);
}

pub async fn deleting_a_session_again_finds_nothing(world: World<impl AnyRegistry>) {
    world.register(json!({"id": "p", "wakeTarget": {"sessionId": "s"}})).await.unwrap();
    world.grant("s", "p").await;
    delete(&world, "s").await;
    let before = world.picture().await;
    assert_eq!(delete(&world, "s").await, report("s", 0, &[], &[]));
    assert_eq!(delete(&world, "never seen").await, report("never seen", 0, &[], &[]));
    assert_eq!(world.picture().await, before);
}

pub async fn a_session_without_wake_target_can_be_registered_alike_after_deletion(world: World<impl AnyRegistry>) {
    let registration = || json!({"id": "p", "wakeTarget": {"sessionId": "s"}});
    world.register(registration()).await.unwrap();
    delete(&world, "s").await;
    assert_eq!(world.register(registration()).await.unwrap(), world.record("p").await);
}

pub async fn a_session_id_that_is_blank_or_reads_as_a_frame_is_refused(world: World<impl AnyRegistry>) {
    for bad in ["", " ", "a/frame:b"] {
        assert_eq!(refused(world.registry.delete_session(&bad.into()).await), Code::InvalidArgument, "{bad:?}");
    }
}
