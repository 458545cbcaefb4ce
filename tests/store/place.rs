//! Two tabs over rows in memory: the first over an engine whose transactions fail as the test says, the others over a sound one.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::{
    model::payload::Payload,
    store::{
        Store,
        engine::{Engine, MemoryEngine, Mode, Read, Round, Source, Write},
        row_store::RowStore,
    },
};
use longwait_testing::{
    Course, FaultyEngine, Outcome, Place, World,
    fake::{Counter, FakeClock},
    tasks,
};

/// What becomes of the next transactions of the first tab, and how many it has begun.
#[derive(Clone, Default)]
pub struct Faults {
    next: Rc<RefCell<VecDeque<Outcome>>>,
    begun: Rc<Cell<usize>>,
}

impl Faults {
    /// Says what becomes of the next transactions; those after them are answered.
    pub fn come(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.next.borrow_mut().extend(outcomes);
        self.begun.set(0);
    }

    /// How many transactions were begun since.
    pub fn begun(&self) -> usize {
        self.begun.get()
    }

    fn course(&self) -> Course {
        self.begun.set(self.begun.get() + 1);
        Course::at_once(self.next.borrow_mut().pop_front().unwrap_or(Outcome::Answered))
    }
}

struct Faulty {
    engine: MemoryEngine,
    faults: Faults,
    opened: Cell<bool>,
    names: Counter,
}

impl Place for Faulty {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let sound: Rc<dyn Engine> = Rc::new(self.engine.clone());
        let faults = self.faults.clone();
        let engine = match self.opened.replace(true) {
            true => sound,
            false => Rc::new(FaultyEngine::new(sound, move |_| faults.course(), |_| {})),
        };
        let store = RowStore::new(engine, Rc::new(clock), Rc::new(tasks()), &self.names);
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}

/// The first tab, what goes wrong in it, and the rows.
pub async fn world() -> (World, Faults, MemoryEngine) {
    let (engine, faults) = (MemoryEngine::new("1d"), Faults::default());
    let place =
        Faulty { engine: engine.clone(), faults: faults.clone(), opened: Cell::default(), names: Counter::default() };
    (World::new(Rc::new(place)).await, faults, engine)
}

/// Runs a test to its end.
pub fn run(test: impl Future<Output = ()>) {
    longwait_testing::at_once(test);
}

/// Every row of an object store.
pub fn rows(engine: &MemoryEngine, store: &'static str) -> Vec<Payload> {
    let found = Rc::<RefCell<Vec<Payload>>>::default();
    let (keep, mut asked) = (found.clone(), false);
    transact(engine, move |results| {
        if !std::mem::replace(&mut asked, true) {
            return Round::Read(vec![Read::All(Source { store, index: None }, Default::default(), None)]);
        }
        keep.replace(results.concat());
        Round::Done
    });
    found.take()
}

/// Puts a row past every store.
pub fn put(engine: &MemoryEngine, store: &'static str, row: Payload) {
    transact(engine, move |_| Round::Commit(vec![Write::Put(store, row.clone())]));
}

/// Removes a row under a key of texts past every store.
pub fn remove(engine: &MemoryEngine, store: &'static str, key: &[&str]) {
    let key: Vec<_> = key.iter().map(|&part| part.into()).collect();
    transact(engine, move |_| Round::Commit(vec![Write::Delete(store, key.clone())]));
}

fn transact(engine: &MemoryEngine, step: impl FnMut(Vec<Vec<Payload>>) -> Round + 'static) {
    let connection = engine.connect().now_or_never().unwrap().unwrap();
    connection.run(Mode::Write, Box::new(step)).now_or_never().unwrap().unwrap();
}
