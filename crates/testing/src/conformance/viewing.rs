//! What a session sees: what is granted to it, as if there were nothing else.

use futures::future::join;
use longwait_core::{
    Code,
    model::{event::AppendResult, filter::ListFilter},
};
use serde_json::{Value, json};

use crate::{
    AnyHub, AnyRegistry, AnyView, AsJson, World, after, made, payloads, read, refused, scope, sequences, success, to,
};

fn view<R: AnyRegistry>(world: &World<R>, name: &str) -> R::View {
    world.registry.session(&scope(name)).unwrap()
}

async fn listed(view: &impl AnyView, filter: Value) -> Vec<String> {
    let entries = view.list(&made::<ListFilter>(filter)).await.unwrap();
    entries.iter().map(|entry| entry.record.id().to_string()).collect()
}

async fn signal(view: &impl AnyView, id: &str, name: &str, payload: Value) -> longwait_core::Result<AppendResult> {
    view.signal(&id.into(), name, to(payload), None).await
}

/// Nothing of a process can be told from the view, not even whether it exists.
async fn assert_unknown(view: &impl AnyView, id: &str) {
    let id = id.into();
    assert_eq!(view.process(&id).await.unwrap(), None);
    assert_eq!(refused(view.events(&id, after(0)).await), Code::UnknownProcess);
    assert_eq!(refused(view.await_terminal(&id).await), Code::UnknownProcess);
    assert_eq!(refused(view.await_event(&id, "note", 0, false).await), Code::UnknownProcess);
    assert_eq!(refused(view.signal(&id, "go", to(json!(1)), None).await), Code::UnknownProcess);
    assert_eq!(refused(view.request_cancel(&id, None).await), Code::UnknownProcess);
}

pub async fn a_session_sees_what_is_granted_to_it_and_nothing_else(world: World<impl AnyRegistry>) {
    for id in ["mine", "other"] {
        world.start(id).await;
        world.note(id).await;
        world.succeed(id).await;
    }
    world.grant("s", "mine").await;
    world.grant("t", "other").await;
    let view = view(&world, "s");
    let mine = "mine".into();
    assert_eq!(view.process(&mine).await.unwrap().json(), world.record("mine").await.json());
    assert_eq!(sequences(&view.events(&mine, after(1)).await.unwrap()), [2]);
    assert_eq!(view.await_terminal(&mine).await.unwrap(), success(json!(1)));
    assert_eq!(view.await_event(&mine, "note", 0, false).await.unwrap().sequence, 1);
    let before = world.record("other").await;
    assert_unknown(&view, "other").await;
    assert_unknown(&view, "nobody").await;
    assert_eq!((world.record("other").await, world.log("other").await.len()), (before, 2));
}

pub async fn a_frame_and_its_session_see_each_their_own(world: World<impl AnyRegistry>) {
    for (name, id) in [("s", "session"), ("s/f", "frame"), ("s/g", "another")] {
        world.start(id).await;
        world.grant(name, id).await;
    }
    for (name, own) in [("s", "session"), ("s/f", "frame"), ("s/g", "another")] {
        let view = view(&world, name);
        assert_eq!(listed(&view, json!({})).await, [own]);
        for id in ["session", "frame", "another"] {
            assert_eq!(view.process(&id.into()).await.unwrap().is_some(), id == own, "{name} {id}");
        }
    }
}

pub async fn a_sessions_list_holds_what_runs_unless_asked_otherwise(world: World<impl AnyRegistry>) {
    for id in ["b", "a", "ended", "waits"] {
        world.start(id).await;
        world.grant("s", id).await;
    }
    world.start("hidden").await;
    world.register(json!({"id": "k", "input": {"type": "engine", "kind": "k"}})).await.unwrap();
    let identity = json!({"kind": "k", "definition": {"v": 1, "w": 2}});
    world.register(json!({"id": "d", "identity": identity})).await.unwrap();
    world.grant("s", "k").await;
    world.grant("s", "d").await;
    world.succeed("ended").await;
    world.wait("waits").await.unwrap();
    let view = view(&world, "s");
    for (filter, ids) in [
        (json!({}), vec!["a", "b", "d", "k", "waits"]),
        (json!({"status": "completed"}), vec!["ended"]),
        (json!({"status": "any"}), vec!["a", "b", "d", "ended", "k", "waits"]),
        (json!({"status": "failed"}), vec![]),
        (json!({"waiting": true}), vec!["waits"]),
        (json!({"waiting": false, "kind": "external"}), vec!["a", "b"]),
        (json!({"kind": "k"}), vec!["d", "k"]),
        (json!({"definition": {"w": 2, "v": 1}}), vec!["d"]),
        (json!({"definition": {"w": 2, "v": 1}, "kind": "external"}), vec![]),
    ] {
        assert_eq!(listed(&view, filter.clone()).await, ids, "{filter}");
    }
    let entries = view.list(&ListFilter::default()).await.unwrap();
    assert_eq!(
        entries[0].grant.json(),
        json!({"scopeId": "session:s", "sessionId": "s", "processId": "a", "descriptor": {}})
    );
    assert_eq!(entries[0].record, world.record("a").await);
}

pub async fn a_sessions_list_is_narrowed_as_any_other(world: World<impl AnyRegistry>) {
    for (id, more) in [
        ("parent", json!({})),
        ("a", json!({"labels": {"user": "1", "team": "x"}, "parentId": "parent"})),
        ("b", json!({"labels": {"user": "1"}, "version": 2})),
        ("c", json!({"labels": {"user": "2"}, "version": 2})),
    ] {
        let mut registration = more;
        registration["id"] = json!(id);
        world.register(registration).await.unwrap();
        world.grant("s", id).await;
    }
    world.register(json!({"id": "hidden", "labels": {"user": "1"}})).await.unwrap();
    world.registry.pause_process(&"b".into(), None).await.unwrap();
    let view = view(&world, "s");
    for (filter, fitting) in [
        (json!({"labels": {"user": "1"}}), vec!["a", "b"]),
        (json!({"labels": {"user": "1", "team": "x"}}), vec!["a"]),
        (json!({"parentId": "parent"}), vec!["a"]),
        (json!({"version": 2}), vec!["b", "c"]),
        (json!({"version": 2, "paused": false}), vec!["c"]),
        (json!({"paused": true}), vec!["b"]),
    ] {
        assert_eq!(listed(&view, filter.clone()).await, fitting, "{filter}");
    }
}

pub async fn a_session_signals_and_cancels_what_is_granted_to_it(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let view = view(&world, "s");
    let sent = signal(&view, "p", "go-1_A", json!({"x": 1})).await.unwrap();
    let asked = view.request_cancel(&"p".into(), Some("enough")).await.unwrap();
    let again = view.request_cancel(&"p".into(), Some("enough")).await.unwrap();
    assert_eq!((sent.replayed, asked.replayed, again.replayed), (false, false, true));
    let log = world.log("p").await;
    let types: Vec<_> = log.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["signal.go-1_A", "process.cancel_requested"]);
    assert_eq!(payloads(&log), [json!({"x": 1}), json!({"reason": "enough"})]);
    assert_eq!(world.sink.shown(), [("p".to_owned(), 1), ("p".to_owned(), 2)]);
    assert_eq!(world.ticked(), ["p", "p", "p"]);
}

pub async fn a_signal_under_an_id_is_sent_once(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let (view, p) = (view(&world, "s"), "p".into());
    let send = async |name, payload, id| view.signal(&p, name, to(payload), Some(id)).await;
    let first = send("go", json!(1), "1").await.unwrap();
    let again = send("go", json!(1), "1").await.unwrap();
    assert_eq!((again.event.sequence, again.replayed), (first.event.sequence, true));
    assert_eq!(refused(send("go", json!(2), "1").await), Code::ReplayConflict);
    let others = [send("stop", json!(2), "1").await.unwrap(), send("go", json!(1), "2").await.unwrap()];
    assert!(others.iter().all(|sent| !sent.replayed));
    // The host's own are the same ones.
    assert!(world.registry.signal(&p, "go", to(json!(1)), Some("2")).await.unwrap().replayed);
    assert_eq!(refused(send("go", json!(1), " ").await), Code::InvalidArgument);
    assert_eq!(world.log("p").await.len(), 3);
}

pub async fn every_process_takes_signals_undeclared_and_declared_ones_as_declared(world: World<impl AnyRegistry>) {
    world.start("plain").await;
    let strict = json!([{"name": "signal.go", "payloadSchema": {"type": "string"}}]);
    world.start_with("strict", strict).await;
    let send = async |id: &str, name, payload| world.registry.signal(&id.into(), name, to(payload), None).await;
    send("plain", "go", json!(1)).await.unwrap();
    send("strict", "go", json!("x")).await.unwrap();
    assert_eq!(refused(send("strict", "go", json!(1)).await), Code::InvalidPayload);
    world.append("plain", json!({"eventType": "signal.other"})).await.unwrap();
    world.succeed("plain").await;
    send("plain", "late", json!(null)).await.unwrap();
    assert_eq!(world.registry.count_events(&"plain".into(), "signal.go", 9).await.unwrap(), 1);
    for name in ["", "a b", "a.b", "é", "a:b", "signal.x\n"] {
        assert_eq!(refused(send("plain", name, json!(1)).await), Code::InvalidArgument, "{name:?}");
        let event_type = format!("signal.{name}");
        assert_eq!(refused(world.append("plain", json!({"eventType": event_type})).await), Code::UndeclaredEventType);
    }
    assert_eq!(refused(send("nobody", "go", json!(1)).await), Code::UnknownProcess);
    assert_eq!(world.log("strict").await.len(), 1);
}

pub async fn what_is_taken_back_is_unknown_at_once(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let (view, p) = (view(&world, "s"), "p".into());
    view.signal(&p, "go", to(json!(1)), Some("1")).await.unwrap();
    world.registry.revoke(scope("s"), &p).await.unwrap();
    assert_unknown(&view, "p").await;
    assert_eq!(listed(&view, json!({"status": "any"})).await, [""; 0]);
    let again = view.signal(&p, "go", to(json!(1)), Some("1")).await;
    assert_eq!(refused(again), Code::UnknownProcess, "not even a replay is answered");
    world.grant("s", "p").await;
    assert!(view.process(&p).await.unwrap().is_some());
}

pub async fn a_wait_of_a_session_resolves_as_any_other(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let (view, p) = (view(&world, "s"), "p".into());
    let waits = join(view.await_terminal(&p), view.await_event(&p, "note", 1, false));
    let ((output, event), ()) = join(waits, async {
        world.clock.asleep(1).await;
        world.note("p").await;
        world.note("p").await;
        world.succeed("p").await;
    })
    .await;
    assert_eq!((output.unwrap(), event.unwrap().sequence), (success(json!(1)), 2));
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_wait_of_a_session_for_an_event_may_end_with_the_process(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let (view, p) = (view(&world, "s"), "p".into());
    let (outcome, ()) = join(view.await_event(&p, "note", 0, true), async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
    })
    .await;
    assert_eq!(refused(outcome), Code::ProcessTerminal);
}

pub async fn a_grant_that_is_taken_back_ends_a_wait_when_it_looks_next(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    let (view, p) = (view(&world, "s"), "p".into());
    let (outcome, ()) = join(view.await_terminal(&p), async {
        world.clock.asleep(1).await;
        world.registry.delete_session(&"s".into()).await.unwrap();
        world.succeed("p").await;
    })
    .await;
    assert_eq!(refused(outcome), Code::UnknownProcess);
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_pruned_process_that_is_registered_again_is_not_the_one_that_was_granted(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.grant("s", "p").await;
    world.succeed("p").await;
    world.registry.prune(u64::MAX).await.unwrap();
    world.start("p").await;
    assert_unknown(&view(&world, "s"), "p").await;
}

pub async fn a_view_for_a_scope_that_could_be_taken_for_another_is_refused(world: World<impl AnyRegistry>) {
    for bad in
        [json!({"sessionId": " "}), json!({"sessionId": "a/frame:b"}), json!({"sessionId": "a", "agentFrameId": ""})]
    {
        assert_eq!(refused(world.registry.session(&read(bad).unwrap())), Code::InvalidArgument);
    }
}
