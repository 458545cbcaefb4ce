//! Rows in memory as each tab has them, through a store of its own over an engine that fails: transactions take their time, and
//! what is committed is noted down. The engine below either locks its rows or is optimistic, as one over a network.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Code, Error, Result,
    host::Clock,
    model::{
        MAX_COUNT,
        key::{Part, ProcessId},
        payload::Payload,
    },
    rules::snapshot,
    store::{
        Answer, Answers, Query, Store,
        engine::{Engine, MemoryEngine, Mode, Read, Round, Source, Write},
        row_store::RowStore,
    },
};
use longwait_testing::{
    Course, FaultyEngine, Outcome, Race, RacingServer,
    fake::{Counter, Dice, FakeClock, Tasks},
};
use serde_json::json;

use crate::history::Log;

/// The longest that a request or an answer is on its way.
pub const LAG_MS: u64 = 20;

/// How long it takes until a transaction that is never answered is given up, as its connection turns out to be dead.
pub const SILENCE_MS: u64 = 150;

/// A store over rows in memory, which nothing makes wait.
#[derive(Clone)]
pub struct Rows {
    store: RowStore,
    tasks: Tasks,
}

impl Rows {
    pub fn over(engine: &MemoryEngine, clock: &FakeClock, names: &Counter) -> Self {
        let tasks = Tasks::default();
        let store = RowStore::new(Rc::new(engine.clone()), Rc::new(clock.clone()), Rc::new(tasks.clone()), names);
        Self { store, tasks }
    }

    pub fn read(&self, queries: Vec<Rc<Query>>) -> Result<Answers> {
        // A call gives way to others of its turn, and there are none.
        let mut reading = self.store.read(queries);
        loop {
            if let Some(outcome) = (&mut reading).now_or_never() {
                return outcome;
            }
            self.tasks.run();
        }
    }
}

/// The rows, and what goes wrong on the way to them.
#[derive(Clone)]
pub struct Remote {
    pub engine: MemoryEngine,
    /// Where the engine is optimistic: what commits to the rows.
    pub server: Option<RacingServer>,
    /// Where it is: the time of the store by which the write was decided that is under way in this tab.
    pub decided_at: Rc<Cell<u64>>,
    /// Whether its caller will not learn whether it was committed.
    pub unsettled: Rc<Cell<bool>>,
    pub rows: Rows,
    pub clock: FakeClock,
    pub dice: Dice,
    pub log: Log,
    /// Percent of the transactions that fail.
    pub faults: Rc<Cell<u64>>,
    /// Percent of the transactions whose connection dies.
    pub silent: Rc<Cell<u64>>,
    /// The row that cannot be read, by whichever tab, as it was before.
    pub unreadable: Rc<RefCell<Option<Payload>>>,
    /// Whether there is no room for any write, from whichever tab.
    pub full: Rc<Cell<bool>>,
}

impl Remote {
    /// The store of a tab with these tasks.
    pub fn store_of(&self, tasks: &Tasks, names: &Counter) -> RowStore {
        let (remote, noting, reporting) = (self.clone(), self.clone(), self.clone());
        let inner: Rc<dyn Engine> = match &self.server {
            Some(server) => {
                let remote = self.clone();
                Rc::new(server.tab(move |mode| remote.race(mode)))
            }
            None => Rc::new(self.engine.clone()),
        };
        let engine = FaultyEngine::new(inner, move |mode| remote.course(mode), move |rows| noting.committed(rows));
        let store = RowStore::new(Rc::new(engine), Rc::new(self.clock.clone()), Rc::new(tasks.clone()), names);
        store.on_corruption(move |_| reporting.count("unreadable, passed over"));
        store
    }

    fn count(&self, what: &'static str) {
        self.log.borrow_mut().tally.count(what);
    }

    /// What becomes of the next transaction.
    fn course(&self, mode: Mode) -> Course {
        let (there, mut back) = (self.lag(), self.lag());
        if mode == Mode::Write {
            self.unsettled.set(false);
        }
        if self.dice.chance(self.faults.get()) {
            let fault = Error::new(Code::StorageFailed, "broken down");
            return Course { there, outcome: Outcome::Aborted(fault), back };
        }
        if self.dice.chance(self.silent.get()) {
            if self.server.is_some() {
                return self.unanswered(mode, there, back);
            }
            let committed = self.dice.chance(50);
            self.count(match (mode, committed) {
                (Mode::Read | Mode::ReadHeard, _) => "unanswered, read again",
                (Mode::Write, true) => "unanswered, committed",
                (Mode::Write, false) => "unanswered, done again",
            });
            if self.dice.chance(70) {
                back = self.clock.sleep(SILENCE_MS);
            }
            return Course { there, outcome: Outcome::Lost { committed }, back };
        }
        if mode == Mode::Write && self.full.get() {
            self.count("write without room");
            return Course { there, outcome: Outcome::Full, back };
        }
        Course { there, outcome: Outcome::Answered, back }
    }

    /// What becomes of a transaction of an optimistic engine that is not answered: it is settled later, or never.
    fn unanswered(&self, mode: Mode, there: LocalBoxFuture<'static, ()>, back: LocalBoxFuture<'static, ()>) -> Course {
        if self.dice.chance(50) {
            self.count("unanswered, settled");
            let back = self.clock.sleep(SILENCE_MS);
            return Course { there, outcome: Outcome::Answered, back };
        }
        let committed = self.dice.chance(50);
        self.unsettled.set(mode == Mode::Write);
        self.count(match (mode, committed) {
            (Mode::Read | Mode::ReadHeard, _) => "unanswered read",
            (Mode::Write, true) => "unsettled, committed",
            (Mode::Write, false) => "unsettled, not committed",
        });
        Course { there, outcome: Outcome::Unsettled { committed }, back }
    }

    /// How the next transaction of an optimistic engine goes. One whose message was lost is sent again, when others had their turn.
    fn race(&self, mode: Mode) -> Race {
        if mode == Mode::Write {
            self.decided_at.set(self.clock.now());
        }
        let is_sent_again = self.dice.chance(self.silent.get());
        let between = if is_sent_again { self.clock.sleep(SILENCE_MS) } else { self.lag() };
        Race { lag: self.dice.below(LAG_MS + 1), between }
    }

    fn lag(&self) -> LocalBoxFuture<'static, ()> {
        match self.dice.below(3) {
            0 => futures::future::ready(()).boxed_local(),
            _ => self.clock.sleep(self.dice.below(LAG_MS + 1)),
        }
    }

    /// Notes down what a transaction wrote. A process that it registered is there before its events.
    fn committed(&self, written: &[Write]) {
        let (mut processes, mut others) = (Vec::new(), Vec::new());
        for write in written {
            let (Write::Put(store, row) | Write::Add(store, row)) = write else { continue };
            match *store {
                "processes" if is(row, "lane", "pruned") => others.push(snapshot::Write::Prune(id_of(row))),
                "processes" => processes.push(snapshot::Write::Process(Rc::new(self.process(id_of(row))))),
                "events" => others.push(snapshot::Write::Event { event: row.read().unwrap(), ordinal: 0 }),
                "chunks" => others.push(snapshot::Write::Chunks(row.read().unwrap())),
                "leases" => {
                    let slot = row.member("slot").unwrap().read().unwrap();
                    others.push(snapshot::Write::Lease(row.member("processId").unwrap().read().unwrap(), slot));
                }
                _ => {}
            }
        }
        processes.append(&mut others);
        if self.unsettled.get() {
            let ids = processes.iter().filter_map(|write| write.changed()).map(|(id, _)| id.to_string());
            self.log.borrow_mut().unsettled.extend(ids);
        }
        let unreadable = self.unreadable.borrow().as_ref().map(id_of);
        let decided_at = if self.server.is_some() { self.decided_at.get() } else { self.clock.now() };
        self.log.borrow_mut().committed(self.clock.monotonic(), decided_at, &processes, unreadable.as_ref());
    }

    fn process(&self, id: ProcessId) -> longwait::model::process::ProcessRecord {
        let found = self.rows.read(vec![Query::Process(id).into()]).unwrap().remove(0).unwrap();
        let Answer::Process(Some(record)) = found else { panic!("what was written cannot be read: {found:?}") };
        record
    }

    /// Makes the row of a process unreadable.
    pub fn spoils(&self, id: &str) {
        self.heals();
        let Some(row) = self.row(id).filter(|row| !is(row, "lane", "pruned")) else { return };
        let mut spoilt = row.value();
        // No rule can take such a row out of the queue of its key; outside of simulations, it stays unreadable.
        if spoilt["schedule"]["queued"] == true {
            return;
        }
        spoilt["status"] = json!("spoilt");
        self.put(spoilt);
        self.unreadable.replace(Some(row));
    }

    /// Writes the row that could not be read anew, unless the process was deleted.
    pub fn heals(&self) {
        let Some(row) = self.unreadable.take() else { return };
        if self.row(&id_of(&row)).is_some_and(|now| is(&now, "status", "spoilt")) {
            self.put(row.value());
        }
    }

    fn row(&self, id: &str) -> Option<Payload> {
        let get = Read::Get(Source { store: "processes", index: None }, vec![Part::from(id)]);
        self.raw(vec![get], |_| Round::Done).pop()
    }

    /// Puts a row of `processes` past every store: a change, by which all of them find it.
    fn put(&self, mut row: serde_json::Value) {
        if let Some(server) = &self.server {
            return server.write(vec![Write::Put("processes", row.into())]);
        }
        let last = Read::LastKey(Source { store: "processes", index: Some("byChange") }, vec![Part::Number(MAX_COUNT)]);
        self.raw(vec![last], move |found| {
            row["change"] = json!(found.first().and_then(Payload::as_u64).unwrap_or_default() + 1);
            Round::Commit(vec![Write::Put("processes", row.clone().into())])
        });
    }

    /// A transaction past every store.
    fn raw(&self, reads: Vec<Read>, mut then: impl FnMut(&[Payload]) -> Round + 'static) -> Vec<Payload> {
        let connection = self.engine.connect().now_or_never().unwrap().unwrap();
        let (found, mut reads) = (Rc::<RefCell<Vec<Payload>>>::default(), Some(reads));
        let keep = found.clone();
        let step = move |results: Vec<Vec<Payload>>| match reads.take() {
            Some(reads) => Round::Read(reads),
            None => {
                let round = then(&results.concat());
                keep.replace(results.concat());
                round
            }
        };
        connection.run(Mode::Write, Box::new(step)).now_or_never().unwrap().unwrap();
        found.take()
    }
}

pub fn id_of(row: &Payload) -> ProcessId {
    row.member("id").unwrap().read().unwrap()
}

fn is(row: &Payload, name: &str, value: &str) -> bool {
    row.member(name).and_then(|member| member.as_str()).as_deref() == Some(value)
}
