//! What is counted per event type, however many types a log has.

use longwait_core::{Code, model::payload::Payload, store::EventRange};
use serde_json::{Value, json};

use crate::{AnyRegistry, World, refused};

/// More types than are counted in the process's own row.
fn many() -> Vec<String> {
    (0..40).map(|number| format!("type {number:02}")).collect()
}

async fn of_many_types(world: &World<impl AnyRegistry>, id: &str) {
    let types: Vec<_> = many().into_iter().map(|name| json!({"name": name})).collect();
    world.start_with(id, Value::from(types)).await;
}

async fn append_each(world: &World<impl AnyRegistry>, id: &str) {
    for event_type in many() {
        world.append(id, json!({"eventType": event_type})).await.unwrap();
    }
}

async fn count(world: &World<impl AnyRegistry>, id: &str, event_type: &str, up_to: u64) -> u64 {
    world.registry.count_events(&id.into(), event_type, up_to).await.unwrap()
}

pub async fn events_are_counted_by_type_however_many_types_there_are(world: World<impl AnyRegistry>) {
    of_many_types(&world, "p").await;
    for round in 1..=3 {
        append_each(&world, "p").await;
        for (place, event_type) in many().iter().enumerate() {
            assert_eq!(count(&world, "p", event_type, 1_000).await, round);
            assert_eq!(count(&world, "p", event_type, place as u64).await, 0, "before the first");
        }
    }
}

pub async fn appends_of_one_turn_and_of_two_tabs_are_counted_in_their_order(world: World<impl AnyRegistry>) {
    let other = world.another().await;
    of_many_types(&world, "p").await;
    append_each(&world, "p").await;
    let appends = (0..30).map(|number| {
        let world = if number % 3 == 0 { &other } else { &world };
        world.append("p", json!({"eventType": format!("type {}", 39 - number % 2)}))
    });
    for appended in futures::future::join_all(appends).await {
        appended.unwrap();
    }
    assert_eq!([count(&world, "p", "type 39", 1_000).await, count(&other, "p", "type 38", 1_000).await], [16, 16]);
}

pub async fn a_log_of_many_types_is_read_by_any_of_them(world: World<impl AnyRegistry>) {
    of_many_types(&world, "p").await;
    append_each(&world, "p").await;
    append_each(&world, "p").await;
    let some = ["type 00", "type 20", "type 39"].map(str::to_owned);
    let strange = (0..40).map(|number| format!("nothing {number}"));
    let types = some.into_iter().chain(strange).collect();
    let found = world.events("p", EventRange::After { after: 1, limit: None, types: Some(types) }).await.unwrap();
    let sequences: Vec<_> = found.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [21, 40, 41, 61, 80]);
}

pub async fn the_next_life_of_an_id_begins_its_counts_anew(world: World<impl AnyRegistry>) {
    of_many_types(&world, "p").await;
    append_each(&world, "p").await;
    world.registry.delete(&"p".into(), true).await.unwrap();
    of_many_types(&world, "p").await;
    append_each(&world, "p").await;
    assert_eq!(count(&world, "p", "type 39", 1_000).await, 1);
}

pub async fn signals_of_too_many_undeclared_names_are_refused_and_known_ones_go_on(world: World<impl AnyRegistry>) {
    world.start_with("p", json!([{"name": "signal.declared"}])).await;
    let signal = async |name: String| {
        world.registry.signal(&"p".into(), &name, Payload::null(), None).await.map(|sent| sent.event.sequence)
    };
    for number in 1..=256 {
        assert_eq!(signal(format!("s{number}")).await.unwrap(), number);
    }
    assert_eq!(refused(signal("s257".into()).await), Code::InvalidArgument);
    assert_eq!(signal("s256".into()).await.unwrap(), 257);
    assert_eq!(signal("s1".into()).await.unwrap(), 258);
    assert_eq!(signal("declared".into()).await.unwrap(), 259);
    assert_eq!(count(&world, "p", "signal.s256", 1_000).await, 2);
}
