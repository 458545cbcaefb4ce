//! What is called at once: each succeeds or fails for itself, in the order of the calls.

use futures::{
    FutureExt,
    future::{join_all, join3},
};
use longwait_core::{
    Code, operation,
    store::{self, Live},
};
use serde_json::{Value, json};

use crate::{AnyRegistry, START, World, ids, owner, payloads, read, refused, sequences, usual_types};

/// More than share a transaction in any store.
const MANY: u64 = 300;

pub async fn appends_called_at_once_are_dense_and_in_the_order_of_their_calls(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let append = |number: u64| world.append("p", json!({"eventType": "note", "payload": number}));
    let answers = join_all((0..MANY).map(append)).await;
    let answered: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().event.sequence).collect();
    let dense: Vec<_> = (1..=MANY).collect();
    assert_eq!(answered, dense);
    assert_eq!(payloads(&world.log("p").await), (0..MANY).map(Value::from).collect::<Vec<_>>());
    assert_eq!(world.sink.shown().into_iter().map(|(_, sequence)| sequence).collect::<Vec<_>>(), dense);
    assert_eq!(world.registry.count_events(&"p".into(), "note", 120).await.unwrap(), 120);
}

pub async fn a_read_sees_every_one_of_many_writes_called_before_it(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let appends = join_all((0..MANY).map(|_| world.note("p")));
    let (_, log, _) = join3(appends, world.log("p"), world.note("p")).await;
    assert!(log.len() as u64 >= MANY, "saw {} events", log.len());
}

pub async fn a_read_sees_a_write_called_before_it_even_where_another_read_came_first(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (_, _, log) = join3(world.log("p"), world.note("p"), world.log("p")).await;
    assert_eq!(sequences(&log), [1]);
}

pub async fn operations_called_at_once_succeed_and_fail_each_for_itself(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let append = |id: &'static str, event_type: &'static str| world.append(id, json!({"eventType": event_type}));
    let [first, undeclared, unknown, last] =
        join_all([append("p", "note"), append("p", "nonsense"), append("q", "note"), append("p", "note")])
            .await
            .try_into()
            .unwrap();
    assert_eq!((refused(undeclared), refused(unknown)), (Code::UndeclaredEventType, Code::UnknownProcess));
    assert_eq!((first.unwrap().event.sequence, last.unwrap().event.sequence), (1, 2));
    assert_eq!(sequences(&world.another().await.log("p").await), [1, 2]);
}

pub async fn operations_called_at_once_build_on_those_before_them(world: World<impl AnyRegistry>) {
    let wakes = json!({"id": "p", "eventTypes": usual_types(), "wakeTarget": {"sessionId": "s"}});
    let (id, by) = ("p".into(), owner("o", "1"));
    let ((registered, rung, ()), (granted, lease, busy), (ended, again, late)) = join3(
        join3(world.register(wakes.clone()), world.append("p", json!({"eventType": "ring", "payload": "x"})), async {
            world.registry.ack_wake(&id, 1).await.unwrap();
        }),
        join3(world.grant("s", "p"), world.lease("p", &by), world.claim("p", &owner("o", "2"))),
        join3(world.succeed("p"), world.register(wakes.clone()), world.claim("p", &by)),
    )
    .await;
    assert!(!registered.unwrap().is_terminal() && ended.is_terminal() && again.unwrap() == ended);
    assert!(rung.unwrap().wake_delivery.is_some() && world.unacked("p").await.is_empty());
    assert_eq!((granted.process_id.as_str(), lease.fencing_token), ("p", 1));
    assert_eq!((crate::busy(busy), refused(late)), (lease, Code::AlreadyTerminal));
    let other = world.another().await;
    assert_eq!(sequences(&other.log("p").await), [1, 2]);
    assert_eq!((other.record("p").await, other.granted("s", Live::Any).await), (ended, vec!["p".to_owned()]));
    assert_eq!(other.changes(0, None).await.records.len(), 1);
}

pub async fn appends_under_one_key_called_at_once_store_one_event(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let append = |payload: u64| world.append("p", json!({"eventType": "note", "payload": payload, "replayKey": "k"}));
    let [first, replay, conflict] = join_all([1, 1, 2].map(append)).await.try_into().unwrap();
    assert_eq!((first.unwrap().replayed, replay.unwrap().replayed), (false, true));
    assert_eq!(refused(conflict), Code::ReplayConflict);
    assert_eq!(sequences(&world.log("p").await), [1]);
}

pub async fn operations_called_at_once_take_each_their_own_change_numbers(world: World) {
    for id in ["p", "q"] {
        world.start(id).await;
    }
    let before = world.changes(0, None).await.cursor.number;
    let refer = |id: &str, to: &str| {
        let external_ref = read(json!({"backend": "b", "id": to}));
        operation::set_external_ref(id.into(), external_ref.unwrap()).plan()
    };
    let plans = [refer("p", "1"), refer("q", "2"), refer("p", "3"), refer("p", "1")];
    let [p, q, conflict, same] = join_all(plans.map(|plan| store::execute(&*world.store, plan, |_| {}).boxed_local()))
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("four answers"));
    let changed = world.changes(before, None).await;
    // A store whose numbers leave some out cannot say which ones an operation took.
    match (p.unwrap().1.span, q.unwrap().1.span) {
        (None, None) => assert!(changed.cursor.number >= before + 2),
        (p, q) => {
            assert_eq!((p, q), (Some((before, before + 1)), Some((before + 1, before + 2))));
            assert_eq!(changed.cursor.number, before + 2);
        }
    }
    assert_eq!(ids(&changed.records), ["p", "q"]);
    assert_eq!(refused(conflict), Code::ExternalRefConflict);
    assert!(same.unwrap().1.ids.is_empty());
}

pub async fn a_session_deleted_amid_other_calls_loses_what_was_granted_before(world: World<impl AnyRegistry>) {
    for id in ["p", "q"] {
        world.start(id).await;
    }
    let session = "s".into();
    let (_, report, _) =
        join3(world.grant("s", "p"), world.registry.delete_session(&session), world.grant("s", "q")).await;
    assert_eq!(report.unwrap().revoked_handle_count, 1);
    assert_eq!(world.granted("s", Live::Any).await, ["q"]);
}

pub async fn a_prune_amid_other_calls_takes_what_ended_before(world: World<impl AnyRegistry>) {
    for id in ["p", "q", "r"] {
        world.start(id).await;
    }
    let (_, report, _) = join3(world.succeed("p"), world.registry.prune(START + 1), world.succeed("q")).await;
    assert_eq!(report.unwrap().pruned_processes, 1);
    assert_eq!(world.list(json!({"status": "any"})).await, ["q", "r"]);
}
