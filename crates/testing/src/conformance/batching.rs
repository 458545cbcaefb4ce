//! Several registrations, and several events of a process, as one: all or nothing.

use futures::future::{join, join3};
use longwait_core::{Code, Error, Result};
use serde_json::{Value, json};

use crate::{AnyRegistry, World, blob, ids, payloads, sequences};

fn external(id: &str) -> Value {
    json!({"id": id, "input": {"type": "external"}})
}

fn note(payload: impl Into<Value>) -> Value {
    json!({"eventType": "note", "payload": payload.into()})
}

fn done(key: &str) -> Value {
    json!({"eventType": "done", "replayKey": key})
}

/// Holds a refusal to its code, and to the place that it names.
#[track_caller]
fn is_refused_at<T>(outcome: Result<Vec<T>>, code: Code, place: &str) -> Error {
    let Err(fault) = outcome else { panic!("was not refused") };
    assert_eq!(fault.code(), code);
    assert!(fault.message().starts_with(place), "{}", fault.message());
    fault
}

pub async fn processes_registered_together_are_there_in_their_order(world: World<impl AnyRegistry>) {
    let mut attached = external("a");
    attached["attachments"] = json!({"file": blob("one")});
    let records = world.registry.register_all_json(vec![external("b"), attached, external("c")]).await.unwrap();
    assert_eq!(ids(&records), ["b", "a", "c"]);
    assert_eq!(world.list(json!({})).await, ["a", "b", "c"]);
    let mut ticked = world.ticked();
    ticked.sort_unstable();
    assert_eq!(ticked, ["a", "b", "c"]);
    let other = world.another().await;
    for record in records {
        assert_eq!(other.record(record.id()).await, record);
    }
    assert_eq!(other.registry.attached_text(&"a".into(), "file").await.unwrap().as_deref(), Some("one"));
}

pub async fn nothing_together_is_nothing(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let before = world.changes(0, None).await.cursor;
    assert_eq!(world.registry.register_all_json(vec![]).await.unwrap(), []);
    assert!(world.registry.append_all_json(&"p".into(), vec![]).await.unwrap().is_empty());
    assert_eq!(world.changes(0, None).await.cursor, before);
}

pub async fn one_registration_that_is_refused_refuses_all_and_is_named_by_its_place(world: World<impl AnyRegistry>) {
    world.register(json!({"id": "taken", "envRef": "e"})).await.unwrap();
    let register = |registrations| world.registry.register_all_json(registrations);
    let taken = register(vec![external("a"), external("taken"), external("b")]).await;
    let conflict = is_refused_at(taken, Code::RegistrationConflict, "registrations[1]");
    assert_eq!(conflict.process_id().map(|id| id.to_string()).as_deref(), Some("taken"));
    let mut schema = external("b");
    schema["eventTypes"] = json!([{"name": "e", "payloadSchema": {"type": "nonsense"}}]);
    is_refused_at(register(vec![external("a"), schema]).await, Code::InvalidSchema, "registrations[1]");
    is_refused_at(register(vec![external("a"), external(" ")]).await, Code::InvalidArgument, "registrations[1]");
    let orphan = json!({"id": "b", "input": {"type": "external"}, "parentId": "unknown"});
    is_refused_at(register(vec![external("a"), orphan]).await, Code::UnknownProcess, "registrations[1]");
    assert_eq!(world.list(json!({"status": "any"})).await, ["taken"]);
}

pub async fn registrations_made_together_see_those_before_them(world: World<impl AnyRegistry>) {
    let register = |registrations| world.registry.register_all_json(registrations);
    let alike = register(vec![external("p"), external("p")]).await.unwrap();
    assert_eq!(alike[0], alike[1]);
    assert_eq!(world.changes(0, None).await.records.len(), 1);
    let child = json!({"id": "child", "input": {"type": "external"}, "parentId": "parent"});
    register(vec![external("parent"), child.clone()]).await.unwrap();
    let early = json!({"id": "early", "input": {"type": "external"}, "parentId": "late"});
    is_refused_at(register(vec![early, external("late")]).await, Code::UnknownProcess, "registrations[0]");
    let job = |id: &str| json!({"id": id, "input": {"type": "engine", "kind": "job"}, "concurrencyKey": "k", "onConflict": "replace_pending"});
    register(vec![job("one"), job("two")]).await.unwrap();
    assert_eq!(world.list(json!({"status": "cancelled"})).await, ["one"]);
    let mut other = external("q");
    other["envRef"] = json!("else");
    is_refused_at(register(vec![external("q"), other]).await, Code::RegistrationConflict, "registrations[1]");
    assert_eq!(world.registry.process(&"q".into()).await.unwrap(), None);
}

pub async fn events_appended_together_are_dense_and_in_their_order(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.ticked();
    let appended = world.registry.append_all_json(&"p".into(), vec![note(1), note(2), note(3)]).await.unwrap();
    let events: Vec<_> = appended.iter().map(|appended| appended.event.clone()).collect();
    assert_eq!((sequences(&events), payloads(&events)), (vec![1, 2, 3], vec![json!(1), json!(2), json!(3)]));
    assert_eq!(world.another().await.log("p").await, events);
    assert_eq!(world.registry.count_events(&"p".into(), "note", 2).await.unwrap(), 2);
    assert_eq!(world.ticked(), ["p"]);
}

pub async fn one_event_that_is_refused_refuses_all_and_is_named_by_its_place(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let before = world.record("p").await;
    let id = "p".into();
    let append = |requests| world.registry.append_all_json(&id, requests);
    let undeclared = json!({"eventType": "nonsense"});
    is_refused_at(append(vec![note(1), undeclared, note(2)]).await, Code::UndeclaredEventType, "requests[1]");
    let keyless = json!({"eventType": "done"});
    is_refused_at(append(vec![note(1), note(2), keyless]).await, Code::MissingReplayKey, "requests[2]");
    is_refused_at(append(vec![note(1), done("a"), done("b")]).await, Code::AlreadyTerminal, "requests[2]");
    assert_eq!((world.record("p").await, world.log("p").await.len()), (before, 0));
    assert_eq!(world.sink.shown(), []);
    let unknown = world.registry.append_all_json(&"unknown".into(), vec![note(1)]).await;
    is_refused_at(unknown, Code::UnknownProcess, "requests[0]");
}

pub async fn events_appended_together_see_those_before_them(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let keyed = |payload: u64| json!({"eventType": "note", "payload": payload, "replayKey": "k"});
    let id = "p".into();
    let append = |requests| world.registry.append_all_json(&id, requests);
    is_refused_at(append(vec![keyed(1), keyed(2)]).await, Code::ReplayConflict, "requests[1]");
    let appended = append(vec![keyed(1), done("d"), keyed(1), done("d"), note("late")]).await.unwrap();
    let seen: Vec<_> = appended.iter().map(|appended| (appended.event.sequence, appended.replayed)).collect();
    assert_eq!(seen, [(1, false), (2, false), (1, true), (2, true), (3, false)]);
    assert!(world.record("p").await.is_terminal());
    assert_eq!(sequences(&world.log("p").await), [1, 2, 3]);
    let again = append(vec![keyed(1), done("d")]).await.unwrap();
    assert!(again.iter().all(|appended| appended.replayed));
}

pub async fn the_sink_is_shown_events_appended_together_in_their_order(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let id = "p".into();
    let batch = || world.registry.append_all_json(&id, vec![note(1), note(2)]);
    let (first, single, second) = join3(batch(), world.note("p"), batch()).await;
    let of = |appended: Vec<longwait_core::model::event::AppendResult>| -> Vec<u64> {
        appended.iter().map(|appended| appended.event.sequence).collect()
    };
    assert_eq!((of(first.unwrap()), single, of(second.unwrap())), (vec![1, 2], 3, vec![4, 5]));
    let shown: Vec<_> = world.sink.shown().into_iter().map(|(_, sequence)| sequence).collect();
    assert_eq!(shown, [1, 2, 3, 4, 5]);
}

pub async fn events_that_two_tabs_append_together_do_not_mix(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let of = |who: &str| (1..=20).map(|number| note(format!("{who} {number}"))).collect::<Vec<_>>();
    let id = "p".into();
    let here = world.registry.append_all_json(&id, of("here"));
    let there = other.registry.append_all_json(&id, of("there"));
    let (here, there) = join(here, there).await;
    here.unwrap();
    there.unwrap();
    let log = world.log("p").await;
    assert_eq!(sequences(&log), (1..=40).collect::<Vec<_>>());
    let texts: Vec<_> = payloads(&log).iter().map(|payload| payload.as_str().unwrap().to_owned()).collect();
    for (half, first) in texts.chunks(20).zip([&texts[0], &texts[20]]) {
        let who = first.split_once(' ').unwrap().0;
        assert_eq!(half, (1..=20).map(|number| format!("{who} {number}")).collect::<Vec<_>>());
    }
}
