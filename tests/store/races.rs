//! What callers learn, and what is stored, over an optimistic engine whose commits lose races.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all, ready},
};
use longwait::{
    Code,
    host::{Spawn, turn},
    store::{
        Store,
        engine::{Engine, MemoryEngine, Mode},
        row_store::RowStore,
    },
};
use longwait_testing::{
    Course, FaultyEngine, Outcome, Place, Race, RacingServer, World,
    fake::{Counter, FakeClock},
    payloads, refused, tasks,
};
use serde_json::json;

use crate::place::{rows, run};

/// What happens between the reads of a write of the first tab and its commit.
type Between = Box<dyn Fn() -> LocalBoxFuture<'static, ()>>;

/// What becomes of the next writes of the first tab.
#[derive(Clone, Default)]
struct Next {
    races: Rc<RefCell<VecDeque<Between>>>,
    outcomes: Rc<RefCell<VecDeque<Outcome>>>,
    begun: Rc<Cell<u32>>,
}

impl Next {
    /// The next writes lose their race, so many times.
    fn lose(&self, server: &RacingServer, times: usize) {
        for _ in 0..times {
            let server = server.clone();
            self.meets(move || {
                let server = server.clone();
                async move { server.disturb() }.boxed_local()
            });
        }
    }

    fn meets(&self, between: impl Fn() -> LocalBoxFuture<'static, ()> + 'static) {
        self.races.borrow_mut().push_back(Box::new(between));
    }

    fn race(&self, mode: Mode) -> Race {
        if mode != Mode::Write {
            return Race::alone();
        }
        self.begun.set(self.begun.get() + 1);
        let between = self.races.borrow_mut().pop_front();
        Race { lag: 0, between: between.map_or(ready(()).boxed_local(), |between| between()) }
    }

    fn course(&self, mode: Mode) -> Course {
        let outcome = if mode == Mode::Write { self.outcomes.borrow_mut().pop_front() } else { None };
        Course::at_once(outcome.unwrap_or(Outcome::Answered))
    }
}

struct Racing {
    server: RacingServer,
    next: Next,
    opened: Cell<bool>,
    names: Counter,
}

impl Place for Racing {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let (racing, failing) = (self.next.clone(), self.next.clone());
        let engine: Rc<dyn Engine> = match self.opened.replace(true) {
            true => Rc::new(self.server.tab(|_| Race::alone())),
            false => {
                let tab = Rc::new(self.server.tab(move |mode| racing.race(mode)));
                Rc::new(FaultyEngine::new(tab, move |mode| failing.course(mode), |_| {}))
            }
        };
        let store = RowStore::new(engine, Rc::new(clock), Rc::new(tasks()), &self.names);
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}

/// The first tab, what becomes of its writes, the server and its rows.
async fn world() -> (World, Next, RacingServer, MemoryEngine) {
    let (engine, next) = (MemoryEngine::new("1d"), Next::default());
    let server = RacingServer::new(engine.clone(), || 2, || 0);
    let place =
        Racing { server: server.clone(), next: next.clone(), opened: Cell::default(), names: Counter::default() };
    (World::new(Rc::new(place)).await, next, server, engine)
}

fn note(payload: &str) -> serde_json::Value {
    json!({"eventType": "note", "payload": payload})
}

async fn log(world: &World, id: &str) -> serde_json::Value {
    json!(payloads(&world.log(id).await))
}

/// Moves time on until everything that was begun is over.
async fn passes(world: &World, over: impl Future<Output = ()> + 'static) {
    let done = Rc::new(Cell::new(false));
    let ended = done.clone();
    tasks().spawn(over.map(move |()| ended.set(true)).boxed_local());
    while !done.get() {
        turn().await;
        world.clock.advance(1);
    }
}

#[test]
fn an_append_that_loses_a_race_is_run_again_on_what_the_other_commit_left() {
    run(async {
        let (world, next, ..) = world().await;
        let other = Rc::new(world.another().await);
        world.start("p").await;
        let rival = other.clone();
        next.meets(move || {
            let rival = rival.clone();
            async move { drop(rival.append("p", note("rival")).await.unwrap()) }.boxed_local()
        });
        assert_eq!(world.append("p", note("mine")).await.unwrap().event.sequence, 2);
        assert_eq!(log(&other, "p").await, json!(["rival", "mine"]));
    });
}

#[test]
fn a_refusal_that_lost_a_race_is_decided_again() {
    run(async {
        let (world, next, ..) = world().await;
        let other = Rc::new(world.another().await);
        other.start("q").await;
        let rival = other.clone();
        next.meets(move || {
            let rival = rival.clone();
            async move { drop(rival.start("p").await) }.boxed_local()
        });
        assert_eq!(world.note("p").await, 1, "it was unknown when it was looked for first");
    });
}

#[test]
fn operations_keep_the_order_of_their_calls_where_the_first_one_loses_a_race() {
    run(async {
        let (world, next, server, _) = world().await;
        world.start("p").await;
        let world = Rc::new(world);
        let later = world.clone();
        next.meets(move || {
            let (later, server) = (later.clone(), server.clone());
            async move {
                // It can begin as soon as the first one has lost.
                tasks().spawn(async move { drop(later.append("p", note("2")).await.unwrap()) }.boxed_local());
                for _ in 0..10 {
                    turn().await;
                }
                server.disturb();
            }
            .boxed_local()
        });
        assert_eq!(world.append("p", note("1")).await.unwrap().event.sequence, 1);
        assert_eq!(log(&world, "p").await, json!(["1", "2"]));
    });
}

#[test]
fn one_that_loses_every_race_is_given_up_with_a_conflict_and_writes_nothing() {
    run(async {
        let (world, next, server, _) = world().await;
        world.start("p").await;
        next.begun.set(0);
        next.lose(&server, 100);
        let outcome = Rc::new(RefCell::new(None));
        let (registry, keep) = (world.registry.clone(), outcome.clone());
        let request = longwait::model::event::AppendRequest::new("note", "late".into());
        passes(&world, async move {
            keep.replace(Some(registry.append(&"p".into(), request).await));
        })
        .await;
        let fault = outcome.take().unwrap().unwrap_err();
        assert_eq!((fault.code(), fault.process_id()), (Code::Conflict, Some(&"p".into())));
        assert_eq!(next.begun.get(), 64);
        next.races.take();
        assert_eq!(log(&world, "p").await, json!([]));
    });
}

#[test]
fn processes_that_keep_losing_races_together_are_written_apart() {
    run(async {
        let (world, next, server, _) = world().await;
        world.start("p").await;
        world.start("q").await;
        next.begun.set(0);
        next.lose(&server, 8);
        let world = Rc::new(world);
        let appending = world.clone();
        passes(&world, async move {
            let appends = [("p", "1"), ("q", "2"), ("p", "3")];
            join_all(appends.map(|(id, payload)| appending.append(id, note(payload)))).await;
        })
        .await;
        // Two more: one transaction of each process, and one of what was called in between, which is none.
        assert_eq!(next.begun.get(), 8 + 2);
        assert_eq!((log(&world, "p").await, log(&world, "q").await), (json!(["1", "3"]), json!(["2"])));
    });
}

#[test]
fn a_write_that_is_not_settled_is_not_tried_again_and_its_error_says_so() {
    for committed in [true, false] {
        run(async move {
            let (world, next, ..) = world().await;
            world.start("p").await;
            next.outcomes.borrow_mut().push_back(Outcome::Unsettled { committed });
            let fault = world.append("p", note("once")).await.unwrap_err();
            assert_eq!((fault.code(), fault.is_unsettled()), (Code::Disconnected, true));
            assert_eq!(log(&world, "p").await, if committed { json!(["once"]) } else { json!([]) });
            let keyed = json!({"eventType": "note", "payload": "keyed", "replayKey": "k"});
            next.outcomes.borrow_mut().push_back(Outcome::Unsettled { committed });
            assert_eq!(refused(world.append("p", keyed.clone()).await), Code::Disconnected);
            assert_eq!(world.append("p", keyed).await.unwrap().replayed, committed, "by its key");
        });
    }
}

#[test]
fn no_row_is_written_that_many_commits_would_share() {
    run(async {
        let (world, _, _, engine) = world().await;
        world.start("p").await;
        world.note("p").await;
        world.succeed("p").await;
        assert_eq!(rows(&engine, "commits").len(), 0);
        let about: Vec<_> = rows(&engine, "about").iter().map(|row| row.value()["name"].clone()).collect();
        assert_eq!(about, [json!("identity")], "and so no totals");
        assert_eq!(world.registry.count(&Default::default()).await.unwrap(), 0);
        let any: longwait::model::filter::ListFilter = longwait_testing::made(json!({"status": "any"}));
        assert_eq!(world.registry.count(&any).await.unwrap(), 1);
    });
}

#[test]
fn changes_have_the_numbers_that_the_engine_gave_them() {
    run(async {
        let (world, ..) = world().await;
        world.start("p").await;
        world.start("q").await;
        let changes = world.changes(0, None).await;
        assert_eq!(changes.cursor.number, 6, "each leaves out two");
        world.note("p").await;
        let changed = world.changes(changes.cursor.number, None).await;
        assert_eq!((longwait_testing::ids(&changed.records), changed.cursor.number), (vec!["p".to_owned()], 9));
    });
}
