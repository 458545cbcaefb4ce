//! Handles: who may see which process.

use longwait_core::{Code, model::grant::HandleDescriptor, store::Live};
use serde_json::json;

use crate::{AnyRegistry, AsJson, World, made, refused, scope};

/// The scope ids that hold a process, in the order of the list.
async fn holders(world: &World<impl AnyRegistry>, id: &str) -> Vec<String> {
    let grants = world.registry.grants_of_process(&id.into()).await.unwrap();
    grants.iter().map(|grant| grant.scope_id.to_string()).collect()
}

pub async fn a_grant_names_its_scope_session_and_process(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let descriptor = json!({"kind": "job", "label": "The job"});
    for (name, scope_id) in [("s", "session:s"), ("s/f", "session:s/frame:f")] {
        let granted = world.registry.grant(scope(name), &"p".into(), made(descriptor.clone())).await.unwrap();
        let expected = json!({"scopeId": scope_id, "sessionId": "s", "processId": "p", "descriptor": descriptor});
        assert_eq!(granted.json(), expected);
        let listed = world.registry.grants(&scope(name), Live::Any).await.unwrap();
        assert_eq!(listed.json(), json!([{"grant": expected, "record": world.record("p").await.json()}]));
    }
}

pub async fn an_unknown_process_cannot_be_granted(world: World<impl AnyRegistry>) {
    let granted = world.registry.grant(scope("s"), &"p".into(), HandleDescriptor::default()).await;
    assert_eq!(refused(granted), Code::UnknownProcess);
    assert_eq!(world.granted("s", Live::Any).await, [""; 0]);
}

pub async fn granting_again_replaces_the_descriptor(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for descriptor in [json!({"label": "a", "kind": "k"}), json!({"label": "b"}), json!({})] {
        world.registry.grant(scope("s"), &"p".into(), made(descriptor.clone())).await.unwrap();
        let listed = world.registry.grants(&scope("s"), Live::Any).await.unwrap();
        assert_eq!((listed.len(), listed[0].grant.descriptor.json()), (1, descriptor));
    }
}

pub async fn an_ended_process_may_be_granted(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    world.grant("s", "p").await;
    assert_eq!(world.granted("s", Live::Any).await, ["p"]);
}

pub async fn revoking_is_idempotent(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    world.grant("t", "p").await;
    for _ in 0..2 {
        world.registry.revoke(scope("s"), &"p".into()).await.unwrap();
        assert_eq!(holders(&world, "p").await, ["session:t"]);
    }
    world.registry.revoke(scope("s"), &"unknown".into()).await.unwrap();
}

pub async fn a_handle_is_held_by_its_very_scope(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s/f", "p").await;
    let has = async |name: &str, id: &str| world.registry.is_granted(&scope(name), &id.into()).await.unwrap();
    assert!(has("s/f", "p").await);
    for (name, id) in [("s", "p"), ("s/g", "p"), ("t/f", "p"), ("s/f", "q"), ("s/", "p")] {
        if name != "s/" {
            assert!(!has(name, id).await, "{name} {id}");
        }
    }
}

pub async fn a_scopes_handles_are_listed_in_id_order_ended_ones_included(world: World<impl AnyRegistry>) {
    for id in ["b", "\u{E000}", "a", "😀", "c"] {
        world.start(id).await;
        world.grant("s", id).await;
    }
    world.start("other").await;
    world.grant("s/f", "other").await;
    world.succeed("b").await;
    assert_eq!(world.granted("s", Live::Any).await, ["a", "b", "c", "😀", "\u{E000}"]);
    assert_eq!(world.granted("s", Live::Only).await, ["a", "c", "😀", "\u{E000}"]);
    assert_eq!(world.granted("s/f", Live::Only).await, ["other"]);
    assert_eq!(world.granted("t", Live::Any).await, [""; 0]);
}

pub async fn a_processs_holders_are_listed_by_session(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for name in ["b/f", "c", "a/x", "b", "a"] {
        world.grant(name, "p").await;
    }
    let expected = ["session:a", "session:a/frame:x", "session:b", "session:b/frame:f", "session:c"];
    assert_eq!(holders(&world, "p").await, expected);
    assert_eq!(refused(world.registry.grants_of_process(&"q".into()).await), Code::UnknownProcess);
}

pub async fn a_transfer_moves_handles_with_their_descriptors(world: World<impl AnyRegistry>) {
    for id in ["a", "b", "c"] {
        world.start(id).await;
        world.registry.grant(scope("s"), &id.into(), made(json!({"label": id}))).await.unwrap();
    }
    world.registry.transfer(scope("s"), scope("t/f"), vec!["a".into(), "c".into()]).await.unwrap();
    assert_eq!(world.granted("s", Live::Any).await, ["b"]);
    assert_eq!(world.granted("t/f", Live::Any).await, ["a", "c"]);
    let moved = world.registry.grants_of_process(&"c".into()).await.unwrap();
    let expected = json!([{
        "scopeId": "session:t/frame:f", "sessionId": "t", "processId": "c", "descriptor": {"label": "c"},
    }]);
    assert_eq!(moved.json(), expected);
}

pub async fn a_transfer_of_one_handle_that_is_not_there_moves_none(world: World<impl AnyRegistry>) {
    for id in ["a", "b"] {
        world.start(id).await;
        world.grant("s", id).await;
    }
    world.start("c").await;
    world.grant("t", "c").await;
    let before = world.picture().await;
    for missing in ["c", "unknown"] {
        let ids = vec!["a".into(), missing.into(), "b".into()];
        assert_eq!(refused(world.registry.transfer(scope("s"), scope("t"), ids).await), Code::NotGranted);
    }
    assert_eq!(world.picture().await, before);
}

pub async fn a_transfer_onto_a_handle_or_onto_itself_leaves_one(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.registry.grant(scope("s"), &"p".into(), made(json!({"label": "new"}))).await.unwrap();
    world.registry.grant(scope("t"), &"p".into(), made(json!({"label": "old"}))).await.unwrap();
    world.registry.transfer(scope("s"), scope("t"), vec!["p".into(), "p".into()]).await.unwrap();
    world.registry.transfer(scope("t"), scope("t"), vec!["p".into()]).await.unwrap();
    let grants = world.registry.grants_of_process(&"p".into()).await.unwrap();
    assert_eq!((grants.len(), grants[0].descriptor.json()), (1, json!({"label": "new"})));
    world.registry.transfer(scope("t"), scope("u"), vec![]).await.unwrap();
    assert_eq!(holders(&world, "p").await, ["session:t"]);
}

pub async fn handles_leave_process_and_log_alone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (record, ticks) = (world.record("p").await, world.ticked());
    world.clock.advance(5);
    world.grant("s", "p").await;
    world.registry.transfer(scope("s"), scope("t"), vec!["p".into()]).await.unwrap();
    world.registry.revoke(scope("t"), &"p".into()).await.unwrap();
    assert_eq!((world.record("p").await, world.log("p").await.len(), ticks), (record, 0, vec!["p".to_owned()]));
    assert_eq!(world.ticked(), [""; 0]);
}

pub async fn a_scope_that_could_be_taken_for_another_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let p = "p".into();
    for bad in [
        json!({"sessionId": ""}),
        json!({"sessionId": "  "}),
        json!({"sessionId": "a/frame:b"}),
        json!({"sessionId": "a", "agentFrameId": ""}),
    ] {
        let bad = || made(bad.clone());
        let invalid = Code::InvalidArgument;
        assert_eq!(refused(world.registry.grant(bad(), &p, HandleDescriptor::default()).await), invalid);
        assert_eq!(refused(world.registry.revoke(bad(), &p).await), invalid);
        assert_eq!(refused(world.registry.grants(&bad(), Live::Any).await), invalid);
        assert_eq!(refused(world.registry.is_granted(&bad(), &p).await), invalid);
        assert_eq!(refused(world.registry.transfer(bad(), scope("s"), vec![]).await), invalid);
        assert_eq!(refused(world.registry.transfer(scope("s"), bad(), vec![]).await), invalid);
    }
}
