//! What of a process's log a caller cannot take: the replay keys and event types of the driver and of completions.

use longwait_core::{
    Code,
    model::event::{AppendRequest, DRIVER_TYPES},
    rules::counted::MAX_UNDECLARED_SIGNALS,
};
use serde_json::{Value, json};

use crate::{AnyRegistry, World, refused, to, usual_types};

async fn append(
    world: &World<impl AnyRegistry>,
    event_type: &str,
    key: &str,
    payload: Value,
) -> longwait_core::Result<bool> {
    let request = json!({"eventType": event_type, "replayKey": key, "payload": payload});
    world.append("p", request).await.map(|appended| appended.replayed)
}

pub async fn a_key_that_begins_like_one_of_the_drivers_is_refused(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let before = world.picture().await;
    for key in [
        "step:download",
        "step:",
        "timer:a",
        "process.waiting:go:1",
        "process.resumed:go:1",
        "process.",
        "process:",
        "signal:go:1",
        "process:p:terminal:process.completed",
        "process:p:cancel_requested:x",
        "process:q:terminal:x",
    ] {
        for event_type in ["note", "process.waiting", "process.resumed", "signal.stop"] {
            let refusal = append(&world, event_type, key, Value::Null).await;
            assert_eq!(refused(refusal), Code::InvalidArgument, "{event_type} under {key}");
        }
    }
    assert_eq!(world.picture().await, before);
}

pub async fn a_key_that_only_looks_like_one_of_the_drivers_is_the_callers_own(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for key in ["steps:a", "Step:a", " step:a", "signals:a:1", "processes", "process", "my step:a"] {
        append(&world, "note", key, Value::Null).await.unwrap();
    }
}

pub async fn an_end_under_the_key_of_a_completion_is_that_completion(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let output = json!({"type": "success", "value": 7});
    let key = "process:p:terminal:process.completed";
    append(&world, "process.completed", key, json!({"awaitOutput": output})).await.unwrap();
    let before = world.picture().await;
    world.complete("p", output).await.unwrap();
    assert_eq!(world.picture().await, before);
}

pub async fn an_end_of_another_type_cannot_take_the_key_of_a_completion(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for (event_type, key) in [
        ("done", "process:p:terminal:process.completed"),
        ("process.failed", "process:p:terminal:process.completed"),
        ("done", "process:p:cancel_requested:x"),
        ("process.cancel_requested", "process:p:terminal:process.completed"),
        ("process.cancel_requested", "process:p:cancel_requested:of another reason"),
    ] {
        let refusal = append(&world, event_type, key, json!({"awaitOutput": 1})).await;
        assert_eq!(refused(refusal), Code::InvalidArgument, "{event_type} under {key}");
    }
    assert!(!append(&world, "done", "process:p:terminal:done", json!(1)).await.unwrap());
}

pub async fn a_cancel_request_under_the_key_of_its_reason_is_that_request(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let asked = AppendRequest::cancel(&"p".into(), Some("enough"));
    let key = asked.replay_key.unwrap();
    assert!(!append(&world, "process.cancel_requested", &key, json!({"reason": "enough"})).await.unwrap());
    assert!(world.registry.request_cancel(&"p".into(), Some("enough")).await.unwrap().replayed);
    assert!(!append(&world, "process.cancel_requested", "a key of mine", json!({"reason": "x"})).await.unwrap());
}

pub async fn a_signal_under_the_key_of_its_name_and_id_is_that_signal(world: World<impl AnyRegistry>) {
    world.start("p").await;
    assert!(!append(&world, "signal.go", "signal:go:1", json!(5)).await.unwrap());
    assert!(world.registry.signal(&"p".into(), "go", to(json!(5)), Some("1")).await.unwrap().replayed);
    for key in ["signal:stop:1", "signal:go", "signal:"] {
        assert_eq!(refused(append(&world, "signal.go", key, Value::Null).await), Code::InvalidArgument, "{key}");
    }
}

pub async fn the_events_of_the_driver_cannot_be_appended_by_others(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for event_type in DRIVER_TYPES {
        for key in ["k", "step:a"] {
            let refusal = append(&world, event_type, key, json!({"key": "a", "value": 1})).await;
            assert_eq!(refused(refusal), Code::InvalidArgument, "{event_type}");
        }
    }
    assert_eq!(world.log("p").await, []);
}

pub async fn the_events_of_the_driver_cannot_be_declared(world: World<impl AnyRegistry>) {
    for event_type in DRIVER_TYPES {
        let refusal = world.register(json!({"id": "p", "eventTypes": [{"name": event_type}]})).await;
        assert_eq!(refused(refusal), Code::InvalidArgument, "{event_type}");
    }
    assert_eq!(world.registry.process(&"p".into()).await.unwrap(), None);
}

pub async fn a_process_knows_which_event_types_it_takes(world: World<impl AnyRegistry>) {
    world.start_with("p", usual_types()).await;
    let record = world.record("p").await;
    for taken in ["note", "process.waiting", "process.completed", "signal.x", "process.step", "process.paused"] {
        assert!(record.takes(taken), "{taken}");
    }
    for other in ["Note", "signal.", "signal.a b", "process.stop", "", "step"] {
        assert!(!record.takes(other), "{other}");
    }
}

pub async fn signals_of_so_many_undeclared_names_are_taken_and_no_more(world: World<impl AnyRegistry>) {
    let types = json!([{"name": "note"}, {"name": "signal.declared"}]);
    world.start_with("p", types).await;
    for number in 0..MAX_UNDECLARED_SIGNALS {
        append(&world, &format!("signal.s{number}"), &format!("{number}"), Value::Null).await.unwrap();
    }
    let before = world.picture().await;
    let one_more = append(&world, "signal.more", "more", Value::Null).await;
    assert_eq!(refused(one_more), Code::InvalidArgument);
    assert_eq!(world.picture().await, before);
    assert!(append(&world, "signal.s0", "0", Value::Null).await.unwrap(), "a replay");
    for known in ["signal.s0", "signal.declared", "note"] {
        assert!(!append(&world, known, &format!("again {known}"), Value::Null).await.unwrap(), "{known}");
    }
}
