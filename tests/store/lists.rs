//! Lists of many processes, by a tab that has none of their registrations.

use longwait::store::engine::{Engine, MemoryEngine, Mode, Round, Write};
use longwait_testing::World;
use serde_json::{Value, json};

use crate::place::{run, world};

/// Registers 90 processes, of which every third is of the kind `rare`. Gives the ids of these.
async fn registered(world: &World) -> Vec<String> {
    let mut rare = Vec::new();
    for number in 0..90 {
        let (id, is_rare) = (format!("p{number:02}"), number % 3 == 1);
        let kind = if is_rare { "rare" } else { "usual" };
        world.register(json!({"id": id, "input": {"type": "engine", "kind": kind, "payload": number}})).await.unwrap();
        rare.extend(is_rare.then_some(id));
    }
    rare
}

fn unregister(engine: &MemoryEngine, id: &'static str) {
    use futures::FutureExt;
    let connection = engine.connect().now_or_never().unwrap().unwrap();
    let delete = move |_| Round::Commit(vec![Write::Delete("registrations", vec![id.into()])]);
    connection.run(Mode::Write, Box::new(delete)).now_or_never().unwrap().unwrap();
}

#[test]
fn a_list_is_whole_whatever_lies_between_its_registrations() {
    run(async {
        let (world, ..) = world().await;
        let rare = registered(&world).await;
        let of_kind = json!({"kind": "rare"});
        assert_eq!(world.another().await.list(of_kind.clone()).await, rare);
        assert_eq!(world.another().await.page(of_kind.clone(), json!({"limit": 20})).await, rare[..20]);
        assert_eq!(world.another().await.list(json!({})).await.len(), 90);
        // Each record has its own registration.
        let listed =
            world.another().await.registry.list(&longwait_testing::read(of_kind).unwrap(), Default::default()).await;
        for record in listed.unwrap() {
            let number: Value = record.id().as_str().trim_start_matches('p').parse::<u64>().unwrap().into();
            let input = serde_json::to_value(&record.registered.registration.input).unwrap();
            assert_eq!(input["payload"], number);
        }
    });
}

#[test]
fn a_registration_that_is_missing_takes_its_process_alone_out_of_a_list() {
    run(async {
        let (world, _, engine) = world().await;
        let mut rare = registered(&world).await;
        unregister(&engine, "p40");
        rare.retain(|id| id != "p40");
        assert_eq!(world.another().await.list(json!({"kind": "rare"})).await, rare);
    });
}

/// Makes the row of a process unreadable.
fn spoil(engine: &MemoryEngine, id: &'static str) {
    use futures::FutureExt;
    use longwait::store::engine::{Read, Source};
    let connection = engine.connect().now_or_never().unwrap().unwrap();
    let mut asked = false;
    let step = move |found: Vec<Vec<longwait::Payload>>| {
        if !std::mem::replace(&mut asked, true) {
            return Round::Read(vec![Read::Get(Source { store: "processes", index: None }, vec![id.into()])]);
        }
        let mut row = found[0][0].value();
        row["status"] = json!("spoilt");
        Round::Commit(vec![Write::Put("processes", row.into())])
    };
    connection.run(Mode::Write, Box::new(step)).now_or_never().unwrap().unwrap();
}

#[test]
fn turns_go_on_behind_processes_that_cannot_be_read() {
    use longwait::store::{Answer, Query, TurnsFrom};
    run(async {
        let (world, _, engine) = world().await;
        let mut rare = registered(&world).await;
        let spoilt = ["p01", "p04", "p07", "p31"];
        spoilt.iter().for_each(|id| spoil(&engine, id));
        rare.retain(|id| !spoilt.contains(&id.as_str()));
        let (tab, mut found, mut from) = (world.another().await, Vec::new(), TurnsFrom::Kind("rare".to_owned()));
        loop {
            let answer = tab.registry.read(Query::Turns(from, 3)).await.unwrap();
            let Answer::Turns(turns) = &*answer else { panic!("answers another question") };
            found.extend(turns.turns.iter().map(|turn| turn.id.to_string()));
            match turns.behind.clone() {
                Some(behind) => from = TurnsFrom::Behind(behind),
                None => break,
            }
        }
        assert_eq!(found, rare);
    });
}
