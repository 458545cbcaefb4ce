//! Exports and imports: a process moves with all that makes it what it is, and nothing is taken that no registry wrote.

use futures::future::join;
use longwait_core::Code;
use serde_json::{Value, json};

use crate::{AnyRegistry, AsJson, START, World, blob, owner, refused, sequences, usual_types};

/// A process `p` with a policy, four notes, an acknowledged and another wake, an attachment, a pause and where else it is known.
async fn rich(world: &World<impl AnyRegistry>) {
    let registration = json!({
        "id": "p",
        "input": {"type": "engine", "kind": "job", "payload": {"a": [1, null, "é"]}},
        "eventTypes": usual_types(),
        "wakeTarget": {"sessionId": "s"},
        "labels": {"user": "u"},
        "version": 3,
        "priority": -2,
        "retry": {"maxAttempts": 4},
        "attachments": {"file": blob("bytes"), "other": blob("")},
    });
    world.register(registration).await.unwrap();
    for number in 1..=4 {
        world.clock.advance(1);
        let note = json!({"eventType": "note", "payload": {"n": number}, "replayKey": format!("n{number}")});
        world.append("p", note).await.unwrap();
    }
    for payload in ["up", "again"] {
        world.append("p", json!({"eventType": "ring", "payload": payload})).await.unwrap();
    }
    world.registry.ack_wake(&"p".into(), 5).await.unwrap();
    world.registry.signal(&"p".into(), "go", crate::to(json!({"x": 1})), Some("once")).await.unwrap();
    world.registry.request_cancel(&"p".into(), Some("why")).await.unwrap();
    world.registry.pause_process(&"p".into(), Some("lunch".to_owned())).await.unwrap();
    let external_ref = crate::made(json!({"backend": "b", "id": "i", "metadata": null}));
    world.registry.set_external_ref(&"p".into(), external_ref).await.unwrap();
}

/// What spoils a good document, and the words of the refusal.
type Spoilt = Vec<(fn(&mut Value), &'static str)>;

async fn exported(world: &World<impl AnyRegistry>, id: &str) -> Value {
    world.registry.export_json(&id.into()).await.unwrap()
}

/// Exports `p` and removes it.
async fn taken(world: &World<impl AnyRegistry>) -> Value {
    let document = exported(world, "p").await;
    world.registry.delete(&"p".into(), true).await.unwrap();
    document
}

async fn import(world: &World<impl AnyRegistry>, document: &Value) -> longwait_core::Result<String> {
    world.registry.import_json(document.clone(), json!({})).await
}

async fn import_as(world: &World<impl AnyRegistry>, document: &Value, renames: Value) -> String {
    world.registry.import_json(document.clone(), renames).await.unwrap()
}

/// A document without what another life of an id changes.
fn but_for_its_life(mut document: Value) -> Value {
    document["process"].as_object_mut().unwrap().remove("life");
    document
}

/// Imports documents that differ from a good one by what `spoil` does to it: each must be refused, in words that have `words` in them, and
/// write nothing.
async fn refuses(world: &World<impl AnyRegistry>, good: &Value, spoilt: Spoilt) {
    let before = world.picture().await;
    for (spoil, words) in spoilt {
        let mut document = good.clone();
        spoil(&mut document);
        let fault = import(world, &document).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidArgument, "{words}: {}", fault.message());
        assert!(fault.message().contains(words), "{words}: {}", fault.message());
    }
    assert_eq!(world.picture().await, before);
    assert_eq!(import(world, good).await.unwrap(), "imported");
}

pub async fn an_imported_process_is_what_was_exported(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let (record, log) = (world.record("p").await.json(), world.log("p").await);
    world.clock.advance(50);
    let document = taken(&world).await;
    assert_eq!(import(&world, &document).await.unwrap(), "imported");
    assert_eq!(world.record("p").await.json(), record);
    assert_eq!(world.log("p").await, log);
    assert_eq!(world.registry.attached_text(&"p".into(), "file").await.unwrap().unwrap(), "bytes");
    assert_eq!(world.registry.attached_text(&"p".into(), "other").await.unwrap().unwrap(), "");
    assert_eq!(but_for_its_life(exported(&world, "p").await), document);
}

pub async fn what_is_imported_continues_where_it_stood(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = taken(&world).await;
    import(&world, &document).await.unwrap();
    let replayed =
        world.append("p", json!({"eventType": "note", "payload": {"n": 2}, "replayKey": "n2"})).await.unwrap();
    assert_eq!((replayed.replayed, replayed.event.sequence), (true, 2));
    let other = world.append("p", json!({"eventType": "note", "replayKey": "n2"})).await;
    assert_eq!(refused(other), Code::ReplayConflict);
    let length = document["events"].as_array().unwrap().len() as u64;
    assert_eq!(world.note("p").await, length + 1);
    assert_eq!(world.registry.count_events(&"p".into(), "note", length + 1).await.unwrap(), 5);
    world.registry.resume_process(&"p".into()).await.unwrap();
    world.succeed("p").await;
    assert_eq!(world.record("p").await.json()["status"]["state"], "completed");
}

pub async fn what_is_imported_is_found_by_lists_filters_and_counts(world: World<impl AnyRegistry>) {
    let types: Vec<_> = (0..40).map(|number| json!({"name": format!("t{number}")})).collect();
    world.register(json!({"id": "p", "eventTypes": types, "labels": {"user": "u"}})).await.unwrap();
    for number in (0..40).chain(0..40) {
        world.append("p", json!({"eventType": format!("t{number}")})).await.unwrap();
    }
    let document = taken(&world).await;
    assert_eq!(world.list(json!({"labels": {"user": "u"}})).await, [""; 0]);
    import(&world, &document).await.unwrap();
    assert_eq!(world.list(json!({"labels": {"user": "u"}})).await, ["p"]);
    assert_eq!(world.registry.count(&crate::made(json!({"status": "any"}))).await.unwrap(), 1);
    for number in [0, 15, 16, 39] {
        let event_type = format!("t{number}");
        assert_eq!(
            world.registry.count_events(&"p".into(), &event_type, 79).await.unwrap(),
            1 + u64::from(number < 39)
        );
        world.append("p", json!({"eventType": event_type})).await.unwrap();
        assert_eq!(world.registry.count_events(&"p".into(), &event_type, 999).await.unwrap(), 3);
    }
}

pub async fn importing_again_changes_nothing(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = exported(&world, "p").await;
    let before = world.picture().await;
    assert_eq!(import(&world, &document).await.unwrap(), "existing");
    assert_eq!(world.picture().await, before);
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "imported");
    let before = world.picture().await;
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "existing");
    assert_eq!(world.picture().await, before);
}

pub async fn other_content_under_the_id_is_a_conflict(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = exported(&world, "p").await;
    world.register(json!({"id": "q"})).await.unwrap();
    let other = world.registry.import_json(document.clone(), json!({"p": "q"})).await;
    assert_eq!(refused(other), Code::RegistrationConflict);
    for change in ["payload", "occurredAtMs"] {
        let mut changed = document.clone();
        changed["events"][1][change] = json!(7);
        assert_eq!(refused(import(&world, &changed).await), Code::RegistrationConflict, "{change}");
    }
    let mut changed = document.clone();
    changed["attachments"][0]["info"]["updatedAtMs"] = json!(1);
    assert_eq!(refused(import(&world, &changed).await), Code::RegistrationConflict);
    world.note("p").await;
    let before = world.picture().await;
    assert_eq!(refused(import(&world, &document).await), Code::RegistrationConflict);
    assert_eq!(world.picture().await, before);
}

pub async fn an_ended_process_is_imported_with_its_end(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    world.succeed("p").await;
    world.note("p").await;
    let (record, document) = (world.record("p").await.json(), exported(&world, "p").await);
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "imported");
    assert_eq!(world.record("q").await.json()["status"], record["status"]);
    assert_eq!(world.record("q").await.json()["updatedAtMs"], record["updatedAtMs"]);
    // Its own key is the one that its end has.
    assert_eq!(world.succeed("q").await.json()["status"], record["status"]);
    let other = world.complete("q", json!({"type": "success", "value": 2})).await;
    assert_eq!(refused(other), Code::ReplayConflict);
    assert_eq!(world.list(json!({"status": "completed"})).await, ["p", "q"]);
    assert_eq!(world.registry.prune(START + 10_000).await.unwrap().pruned_processes, 2);
}

pub async fn a_lease_is_not_imported_and_fencing_tokens_rise_above_those_of_before(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    for life in ["one", "two", "three"] {
        let lease = world.lease("p", &owner("driver", life)).await;
        if life != "three" {
            world.registry.release(&"p".into(), lease.lease_token).await.unwrap();
        }
    }
    let document = exported(&world, "p").await;
    assert_eq!(document["process"]["fence"], 3);
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "imported");
    assert_eq!(world.registry.lease(&"q".into()).await.unwrap(), None);
    assert_eq!(world.lease("q", &owner("driver", "four")).await.fencing_token, 4);
    // What is remembered of the id here is higher.
    world.registry.delete(&"q".into(), true).await.unwrap();
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "imported");
    assert_eq!(world.lease("q", &owner("driver", "five")).await.fencing_token, 5);
}

pub async fn acknowledged_wakes_stay_acknowledged_and_others_do_not(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = taken(&world).await;
    import(&world, &document).await.unwrap();
    assert_eq!(world.unacked("p").await, [6]);
    world.registry.ack_wake(&"p".into(), 6).await.unwrap();
    let rung = world.append("p", json!({"eventType": "ring", "payload": "more"})).await.unwrap();
    assert_eq!(world.unacked("p").await, [rung.event.sequence]);
}

pub async fn other_ids_stand_wherever_the_process_names_them(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let policy = json!({"parentId": "p", "onParentEnd": "abandon"});
    world.job("p/c", policy).await.unwrap();
    world.registry.request_cancel(&"p/c".into(), None).await.unwrap();
    let mut document = exported(&world, "p/c").await;
    document["process"]["wait"] = json!({"kind": "process", "processId": "other", "sinceMs": START});
    for event in [
        waiting("process.waiting:process/other:1", json!({"processId": "other", "ordinal": 1})),
        waiting(
            "process.resumed:process/other:1:ended",
            json!({"processId": "other", "ordinal": 1, "before": ["process/p:1", "go:1"]}),
        ),
    ] {
        push(&mut document, event);
    }
    let renames = json!({"p": "P", "p/c": "P/c", "other": "Other"});
    assert_eq!(import_as(&world, &document, renames).await, "imported");
    let record = world.record("P/c").await.json();
    assert_eq!((&record["parentId"], &record["wait"]["processId"]), (&json!("P"), &json!("Other")));
    let log = world.log("P/c").await;
    let keys: Vec<_> = log.iter().map(|event| event.replay_key.clone().unwrap()).collect();
    assert!(keys[0].starts_with("process:P/c:cancel_requested:"), "{}", keys[0]);
    assert_eq!(keys[1..], ["process.waiting:process/Other:1", "process.resumed:process/Other:1:ended"]);
    assert_eq!(log[2].payload.json()["before"], json!(["process/P:1", "go:1"]));
    let asked = world.registry.request_cancel(&"P/c".into(), None).await.unwrap();
    assert!(asked.replayed);
    let fork = json!({"newId": "f", "from": "start"});
    world.registry.fork_json(&"p/c".into(), fork).await.unwrap();
    let document = exported(&world, "f").await;
    import_as(&world, &document, json!({"f": "F", "p/c": "P/c"})).await;
    assert_eq!(world.record("F").await.json()["provenance"]["causedBy"], json!({"forkOf": "P/c"}));
}

fn waiting(key: &str, payload: Value) -> Value {
    let event_type = key.split(':').next().unwrap();
    json!({
        "eventType": event_type, "payload": payload, "replayKey": key, "semantics": {}, "occurredAtMs": START
    })
}

/// Adds an event to a document.
fn push(document: &mut Value, mut event: Value) {
    let events = document["events"].as_array_mut().unwrap();
    event["sequence"] = json!(events.len() + 1);
    events.push(event);
    document["process"]["lastSequence"] = json!(events.len());
}

pub async fn a_parent_that_is_here_learns_of_an_imported_child(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.job("c", json!({"parentId": "p"})).await.unwrap();
    let document = exported(&world, "c").await;
    world.registry.delete(&"c".into(), true).await.unwrap();
    world.registry.delete(&"p".into(), true).await.unwrap();
    world.start("p").await;
    import(&world, &document).await.unwrap();
    world.succeed("p").await;
    assert_eq!(world.log("c").await.len(), 1);
    assert_eq!(world.log("c").await[0].event_type, "process.cancel_requested");
}

pub async fn a_parent_need_not_be_here(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.job("c", json!({"parentId": "p"})).await.unwrap();
    let (parent, child) = (exported(&world, "p").await, exported(&world, "c").await);
    world.registry.delete(&"c".into(), true).await.unwrap();
    world.registry.delete(&"p".into(), true).await.unwrap();
    assert_eq!(import(&world, &child).await.unwrap(), "imported");
    assert_eq!(import(&world, &parent).await.unwrap(), "imported");
    assert_eq!(world.list(json!({"parentId": "p"})).await, ["c"]);
    world.succeed("p").await;
    assert_eq!(world.log("c").await[0].event_type, "process.cancel_requested");
}

pub async fn one_process_of_a_key_has_begun_whatever_is_imported(world: World<impl AnyRegistry>) {
    world.job("p", json!({"concurrencyKey": "k"})).await.unwrap();
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    let mut document = taken(&world).await;
    document["process"]["begun"] = json!(true);
    assert_eq!(import(&world, &document).await.unwrap(), "imported");
    assert_eq!(exported(&world, "p").await["process"]["begun"], true);
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "imported");
    assert_eq!(exported(&world, "q").await["process"]["begun"], Value::Null);
    assert_eq!(import_as(&world, &document, json!({"p": "q"})).await, "existing");
}

pub async fn a_process_whose_time_has_not_come_waits_for_it_as_before(world: World<impl AnyRegistry>) {
    world.job("p", json!({"startAtMs": START + 500, "deadlineAtMs": START + 900})).await.unwrap();
    let record = world.record("p").await.json();
    assert_eq!(record["wait"]["untilMs"], START + 500);
    world.clock.advance(100);
    let document = taken(&world).await;
    import(&world, &document).await.unwrap();
    assert_eq!(world.record("p").await.json(), record);
    assert_eq!(world.list(json!({"waiting": true})).await, ["p"]);
}

pub async fn an_import_is_counted_as_a_change_and_notified(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = taken(&world).await;
    let before = world.changes(0, None).await.cursor;
    world.ticked();
    import(&world, &document).await.unwrap();
    assert_eq!(world.ticked(), ["p"]);
    let changes = world.registry.changed_since(Some(before), None).await.unwrap();
    assert_eq!((crate::ids(&changes.records), changes.removed.len()), (vec!["p".to_owned()], 0));
}

pub async fn two_tabs_that_import_one_process_put_it_there_once(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let document = taken(&world).await;
    let other = world.another().await;
    let (one, two) = join(import(&world, &document), import(&other, &document)).await;
    let mut outcomes = [one.unwrap(), two.unwrap()];
    outcomes.sort();
    assert_eq!(outcomes, ["existing", "imported"]);
    let length = document["events"].as_array().unwrap().len() as u64;
    assert_eq!(sequences(&world.log("p").await), (1..=length).collect::<Vec<_>>());
}

pub async fn what_registering_would_refuse_is_refused(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let good = taken(&world).await;
    let spoilt: Spoilt = vec![
        (|d| d["process"]["registrationHash"] = json!("0".repeat(64)), "registrationHash"),
        (|d| d["process"]["registration"]["input"]["payload"] = json!(2), "registrationHash"),
        (|d| d["process"]["registration"]["id"] = json!(" "), "registration.id"),
        (|d| d["process"]["registration"]["eventTypes"][0]["name"] = json!("process.step"), "eventTypes[0].name"),
        (|d| d["process"]["policy"]["priority"] = json!(1_000_001), "priority"),
        (|d| d["process"]["policy"]["onConflict"] = json!("queue"), "onConflict"),
        (|d| d["process"]["policy"]["parentId"] = json!("p"), "parentId"),
        (|d| d["process"]["begun"] = json!(true), "begun"),
        (|d| d["process"]["runTraceContext"] = json!({"traceparent": "x"}), "runTraceContext.traceparent"),
        (|d| d["process"]["wait"] = json!({"kind": "timer", "untilMs": 1, "sinceMs": 1}), "key"),
    ];
    refuses(&world, &good, spoilt).await;
}

pub async fn a_log_that_no_registry_wrote_is_refused(world: World<impl AnyRegistry>) {
    rich(&world).await;
    world.succeed("p").await;
    let good = taken(&world).await;
    let spoilt: Spoilt = vec![
        (|d| d["events"][1]["sequence"] = json!(3), "sequence: must be 2, not 3"),
        (|d| drop(d["events"].as_array_mut().unwrap().remove(1)), "sequence: must be 2, not 3"),
        (|d| drop(d["events"].as_array_mut().unwrap().pop()), "lastSequence"),
        (|d| d["events"][1]["replayKey"] = json!("n1"), "replayKey: `n1` is that of an event before"),
        (|d| d["events"][1]["replayKey"] = json!(""), "replayKey: must not be empty"),
        (|d| d["events"][1]["eventType"] = json!("other"), "eventType: `other` is not declared"),
        (|d| d["events"][1]["replayKey"] = json!("process:p:terminal:process.failed"), "replayKey"),
        (|d| d["events"][1]["replayKey"] = json!("step:s"), "replayKey"),
        (|d| d["events"][6]["replayKey"] = json!("signal:other:once"), "replayKey"),
        (|d| drop(d["events"][7].as_object_mut().unwrap().remove("replayKey")), "replayKey: is missing"),
        (|d| d["events"][4]["semantics"] = json!({}), "semantics.wake"),
        (|d| d["events"][4]["semantics"]["wake"]["input"] = json!("down"), "semantics.wake"),
        (|d| d["events"][4]["semantics"]["wake"]["dedupeKey"] = json!("p:6"), "semantics.wake"),
        (|d| d["events"][1]["acked"] = json!(true), "acked"),
        (
            |d| d["events"][1]["semantics"] = d["events"].as_array().unwrap().last().unwrap()["semantics"].clone(),
            "semantics.terminal",
        ),
        (
            |d| {
                let last = d["events"].as_array_mut().unwrap().last_mut().unwrap();
                last["semantics"]["terminal"]["awaitOutput"]["value"] = json!(2);
            },
            "semantics.terminal",
        ),
        (
            |d| {
                let mut end = d["events"].as_array().unwrap().last().unwrap().clone();
                end["replayKey"] = json!("process:another:terminal:process.completed");
                push(d, end);
            },
            "the process has ended by an event before",
        ),
        (|d| d["process"]["wait"] = json!({"kind": "start", "untilMs": 1, "sinceMs": 1}), "process.wait"),
    ];
    refuses(&world, &good, spoilt).await;
}

pub async fn events_that_no_driver_wrote_are_refused(world: World<impl AnyRegistry>) {
    world.job("p", json!({})).await.unwrap();
    let empty = taken(&world).await;
    let event = |event_type: &str, key: Option<&str>, payload: Value| {
        let mut event = json!({"eventType": event_type, "payload": payload, "semantics": {}, "occurredAtMs": START});
        if let Some(key) = key {
            event["replayKey"] = json!(key);
        }
        event
    };
    let step = json!({"key": "s", "value": 1});
    let failed = json!({"key": "s", "attempt": 1, "error": {}, "retryAtMs": 1});
    let took = |sequence: u64| json!({"name": "go", "ordinal": 1, "sequence": sequence});
    let resumed = "process.resumed:go:1:took";
    for refused_event in [
        event("process.step", None, step.clone()),
        event("process.step", Some("step:t"), step.clone()),
        event("process.step", Some("step:s"), json!(null)),
        event("process.step_failed", None, json!({"key": "s"})),
        event("process.step_failed", Some("step:s"), json!({"key": "t", "attempt": 1, "error": {}})),
        event("process.timer", None, json!({"key": "t", "dueAtMs": 1})),
        event("process.timer", Some("timer:t"), json!({"key": "t", "dueAtMs": "soon"})),
        event("process.timer", Some("timer:t"), json!({"key": "u", "dueAtMs": 1})),
        event("process.attempt_failed", None, json!({"attempt": -1})),
        event("process.waiting", Some("process.waiting:go:1"), json!({"name": "stop", "ordinal": 1})),
        event("process.resumed", Some(resumed), took(0)),
        event("process.resumed", Some(resumed), took(1)),
        event("process.resumed", Some(resumed), took(7)),
        event("process.resumed", Some("process.resumed:go:1"), took(1)),
        event("signal.go", Some("step:s"), step.clone()),
    ] {
        let mut document = empty.clone();
        push(&mut document, refused_event.clone());
        let outcome = import(&world, &document).await;
        assert_eq!(refused(outcome), Code::InvalidArgument, "{refused_event}");
    }
    assert_eq!(world.list(json!({"status": "any"})).await, [""; 0]);
    let mut document = empty;
    for accepted in [
        event("process.step", Some("step:s"), step),
        event("process.step_failed", None, failed),
        event("process.timer", Some("timer:t"), json!({"key": "t", "dueAtMs": 1})),
        event("process.attempt_failed", None, json!({"attempt": 1, "error": {}, "retryAtMs": 1})),
        event("signal.go", None, json!(1)),
        event("process.waiting", Some("process.waiting:go:1"), json!({"name": "go", "ordinal": 1})),
        event("process.resumed", Some(resumed), took(5)),
        // Of a host, in whatever form.
        event("process.waiting", None, json!("for the postman")),
    ] {
        push(&mut document, accepted);
    }
    assert_eq!(import(&world, &document).await.unwrap(), "imported");
}

pub async fn what_lies_beside_a_process_must_fit_it(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let mut good = taken(&world).await;
    good["streams"] = json!([
        {"name": "s", "chunks": 3, "attempt": 2, "closed": false, "keep": "process"},
        {"name": "t", "chunks": 0, "attempt": 1, "closed": true, "keep": "untilTerminal"},
    ]);
    good["chunks"] = json!([
        {"stream": "s", "first": 0, "attempt": 1, "values": ["a", null]},
        {"stream": "s", "first": 2, "attempt": 2, "values": [{"c": 1}]},
    ]);
    let spoilt: Spoilt = vec![
        (|d| d["chunks"][1]["first"] = json!(1), "first: must be 2, not 1"),
        (|d| d["chunks"][1]["first"] = json!(3), "first: must be 2, not 3"),
        (|d| d["chunks"][0]["values"] = json!([]), "values: must not be empty"),
        (|d| d["streams"][0]["chunks"] = json!(4), "chunks: is 4, and there are 3"),
        (|d| d["streams"][1]["name"] = json!("s"), "name: is that of a stream before"),
        (|d| d["streams"][1]["name"] = json!(""), "name: must not be blank"),
        (|d| d["attachments"][1]["info"]["name"] = json!("file"), "name: is that of an attachment before"),
        (|d| d["attachments"][1]["info"]["name"] = json!(" "), "name: must not be blank"),
    ];
    refuses(&world, &good, spoilt).await;
    let streams = world.registry.streams(&"p".into()).await.unwrap();
    assert_eq!(streams.iter().map(AsJson::json).collect::<Vec<_>>(), *good["streams"].as_array().unwrap());
    assert_eq!(exported(&world, "p").await["chunks"], good["chunks"]);
    assert_eq!(import(&world, &good).await.unwrap(), "existing");
    good["chunks"][1]["values"] = json!([{"c": 2}]);
    assert_eq!(refused(import(&world, &good).await), Code::RegistrationConflict);
}

pub async fn numbers_beyond_reason_are_refused(world: World<impl AnyRegistry>) {
    rich(&world).await;
    let good = taken(&world).await;
    // The id must not be left with a fence or a life that nothing follows.
    let spoilt: Spoilt = vec![
        (|d| d["process"]["fence"] = json!(1_u64 << 52), "fence"),
        (|d| d["process"]["attempts"] = json!(1_u64 << 52), "attempts"),
        (|d| d["process"]["life"] = json!(1_u64 << 52), "life"),
        (|d| d["process"]["life"] = json!(1), "life"),
        (|d| d["process"]["begunAt"] = json!(99), "begunAt"),
        (|d| d["process"]["lastSequence"] = json!(99), "lastSequence"),
    ];
    refuses(&world, &good, spoilt).await;
}
