//! How often a read goes to the engine, in a tab that has no registrations yet: in a browser each round is a way to another process
//! and back.

use std::{cell::Cell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Result,
    model::{
        filter::ListQuery,
        retention::{Outdated, Retention},
    },
    store::{
        Durability, Query, Reads, Store,
        engine::{Connection, Engine, Failed, MemoryEngine, Mode, Round, Step},
        row_store::RowStore,
    },
};
use longwait_testing::{
    World,
    fake::{Counter, FakeClock},
    tasks,
};
use serde_json::json;

use crate::place::{remove, run, world};

/// Counts the rounds of reads, each of which takes a millisecond.
struct Counting {
    inner: MemoryEngine,
    rounds: Rc<Cell<usize>>,
    clock: FakeClock,
}

impl Engine for Counting {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let (connecting, rounds, clock) = (self.inner.connect(), self.rounds.clone(), self.clock.clone());
        async move { Ok(Rc::new(CountingConnection { inner: connecting.await?, rounds, clock }) as Rc<dyn Connection>) }
            .boxed_local()
    }

    fn forget(&self, generation: u64) {
        self.inner.forget(generation);
    }

    fn close(&self) {
        self.inner.close();
    }
}

struct CountingConnection {
    inner: Rc<dyn Connection>,
    rounds: Rc<Cell<usize>>,
    clock: FakeClock,
}

impl Connection for CountingConnection {
    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn run(&self, mode: Mode, mut step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let (rounds, clock) = (self.rounds.clone(), self.clock.clone());
        let counted = move |results| {
            let round = step(results);
            if matches!(round, Round::Read(_)) {
                rounds.set(rounds.get() + 1);
                assert!(rounds.get() < 10, "it reads for ever");
                clock.advance(1);
            }
            round
        };
        self.inner.run(mode, Box::new(counted))
    }
}

fn counted(engine: &MemoryEngine, rounds: &Rc<Cell<usize>>) -> RowStore {
    let clock = FakeClock::default();
    let counting = Counting { inner: engine.clone(), rounds: rounds.clone(), clock: clock.clone() };
    RowStore::new(Rc::new(counting), Rc::new(clock), Rc::new(tasks()), &Counter::default())
}

/// How many rounds a question takes a store that has read nothing before.
async fn rounds(engine: &MemoryEngine, query: Query) -> usize {
    let rounds = Rc::<Cell<usize>>::default();
    let store = counted(engine, &rounds);
    let answers = store.read(vec![Rc::new(query)]).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    rounds.get()
}

async fn registered(world: &World, count: usize) {
    for number in 0..count {
        world.register(json!({"id": format!("p{number:02}"), "input": {"type": "external"}})).await.unwrap();
    }
}

#[test]
fn both_halves_of_a_process_are_read_in_one_round() {
    run(async {
        let (world, _, engine) = world().await;
        registered(&world, 1).await;
        assert_eq!(rounds(&engine, Query::Process("p00".into())).await, 1);
        assert_eq!(rounds(&engine, Query::Process("unknown".into())).await, 1);
    });
}

#[test]
fn a_list_takes_a_round_for_its_rows_and_one_for_all_of_their_registrations() {
    run(async {
        let (world, _, engine) = world().await;
        registered(&world, 90).await;
        let all = ListQuery::new(&longwait_testing::read(json!({"status": "any"})).unwrap(), Default::default());
        assert_eq!(rounds(&engine, Query::Processes(all)).await, 2);
    });
}

#[test]
fn a_count_by_status_asks_for_the_totals_and_only_where_there_are_none_for_the_entries_of_an_index() {
    run(async {
        let (world, _, engine) = world().await;
        registered(&world, 2).await;
        let count = || {
            let all = ListQuery::new(&longwait_testing::read(json!({"status": "any"})).unwrap(), Default::default());
            Query::CountProcesses(all)
        };
        assert_eq!(rounds(&engine, count()).await, 1);
        remove(&engine, "about", &["totals"]);
        assert_eq!(rounds(&engine, count()).await, 2);
    });
}

#[test]
fn what_is_due_is_read_in_one_round_however_long_that_takes() {
    run(async {
        let (world, _, engine) = world().await;
        registered(&world, 2).await;
        assert_eq!(rounds(&engine, Query::Due(10)).await, 1);
    });
}

#[test]
fn what_is_outdated_is_read_in_a_round_and_its_rows_in_another() {
    run(async {
        let (world, _, engine) = world().await;
        registered(&world, 1).await;
        world.succeed("p00").await;
        let rounds = Rc::<Cell<usize>>::default();
        let kept = Retention { completed_ms: Some(0), ..Retention::default() };
        let reads = Reads::Outdated(Outdated::KeptFor(kept), 10);
        counted(&engine, &rounds).transact(reads, Rc::new(|_| Ok(Vec::new()))).await.unwrap();
        assert!(rounds.get() <= 3, "{} rounds", rounds.get());
    });
}
