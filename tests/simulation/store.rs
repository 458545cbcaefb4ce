//! Rows in memory as each tab has them, through a store of its own: requests and answers take their time, and what is
//! committed is noted down.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Code, Error, Result,
    domain::{key::ProcessId, snapshot::Write},
    host::Clock,
    store::{Answer, Answers, Durability, Query, Reads, Rule, Store, engine::MemoryEngine, row_store::RowStore},
};
use longwait_testing::fake::{Counter, FakeClock, Tasks};

use crate::{dice::Dice, history::Log};

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
        self.now(self.store.read(queries))
    }

    fn transact(&self, reads: Reads, rule: Rule) -> Result<Option<u64>> {
        self.now(self.store.transact(reads, rule))
    }

    /// What a call comes to: it gives way to others of its turn, and there are none.
    fn now<T>(&self, mut call: LocalBoxFuture<'static, T>) -> T {
        loop {
            if let Some(outcome) = (&mut call).now_or_never() {
                return outcome;
            }
            self.tasks.run();
        }
    }
}

#[derive(Clone)]
pub struct Remote {
    pub engine: MemoryEngine,
    pub rows: Rows,
    pub clock: FakeClock,
    pub dice: Dice,
    pub log: Log,
    /// Percent of the reads and writes that fail.
    pub faults: Rc<Cell<u64>>,
    /// Percent of the reads and writes that are never answered.
    pub silent: Rc<Cell<u64>>,
    /// The process whose row cannot be read, by whichever tab.
    pub unreadable: Rc<RefCell<Option<ProcessId>>>,
    /// Whether there is no room for any write, from whichever tab.
    pub full: Rc<Cell<bool>>,
}

impl Remote {
    fn count(&self, what: &'static str) {
        self.log.borrow_mut().tally.count(what);
    }

    fn commits(&self, reads: Reads, rule: Rule) -> Result<Option<u64>> {
        let written = Rc::<RefCell<Vec<_>>>::default();
        let kept = written.clone();
        let noting: Rule = Rc::new(move |seen| {
            let writes = rule(seen)?;
            kept.replace(writes.clone());
            Ok(writes)
        });
        let outcome = self.rows.transact(reads, noting);
        if outcome.is_ok() {
            self.log.borrow_mut().committed(self.clock.monotonic(), self.clock.now(), &written.take());
        }
        outcome
    }

    /// Makes the row of a process unreadable.
    pub fn spoils(&self, id: ProcessId) {
        self.heals();
        self.unreadable.replace(Some(id));
    }

    /// Writes the row that could not be read anew: a change, by which everyone finds it.
    pub fn heals(&self) {
        let Some(id) = self.unreadable.take() else { return };
        let row = id.clone();
        let again: Rule = Rc::new(move |seen| {
            let stored = seen.rows.shared_process(&row).cloned();
            Ok(stored.map(Write::Process).into_iter().collect())
        });
        self.commits(Reads::Process(id, None), again).unwrap();
    }

    fn is_readable(&self, id: Option<&ProcessId>) -> Result<()> {
        match id.filter(|id| self.unreadable.borrow().as_ref() == Some(id)) {
            Some(id) => {
                self.count("unreadable, refused");
                Err(Error::of(Code::StorageFailed, id, "cannot be read"))
            }
            None => Ok(()),
        }
    }

    /// Leaves out of an answer about many what cannot be read.
    fn passes_over(&self, answer: &mut Result<Answer>) {
        let unreadable = self.unreadable.borrow().clone();
        let records = match answer {
            Ok(Answer::Processes(records)) => records,
            Ok(Answer::Changes(changes)) => &mut changes.records,
            Ok(
                Answer::Process(_)
                | Answer::ChangedIds(..)
                | Answer::Events(_)
                | Answer::Count(_)
                | Answer::Lease(_)
                | Answer::GrantsOfScope(_)
                | Answer::GrantsOfProcess(_)
                | Answer::IsGranted(_),
            )
            | Err(_) => return,
        };
        let all = records.len();
        records.retain(|record| Some(record.id()) != unreadable.as_ref());
        if records.len() < all {
            self.count("unreadable, passed over");
        }
    }

    fn lag(&self) -> LocalBoxFuture<'static, ()> {
        match self.dice.below(3) {
            0 => futures::future::ready(()).boxed_local(),
            _ => self.clock.sleep(self.dice.below(LAG_MS + 1)),
        }
    }
}

impl Store for Remote {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        let (store, there, back) = (self.clone(), self.lag(), self.lag());
        async move {
            there.await;
            if store.dice.chance(store.faults.get()) {
                return Err(broken());
            }
            if store.full.get() {
                store.log.borrow_mut().tally.count("write without room");
                return Err(Error::new(Code::QuotaExceeded, "full"));
            }
            store.is_readable(reads.process_id())?;
            if store.dice.chance(store.silent.get()) {
                // Whether it was committed is found by a look at its mark, once its connection is known to be dead.
                let landed = store.dice.chance(50).then(|| store.commits(reads.clone(), rule.clone()));
                store.clock.sleep(SILENCE_MS).await;
                store.count(if landed.is_some() { "unanswered, committed" } else { "unanswered, done again" });
                if let Some(outcome) = landed {
                    return outcome;
                }
            }
            // In memory it happens now, whether or not anybody gets the answer.
            let outcome = store.commits(reads, rule);
            back.await;
            outcome
        }
        .boxed_local()
    }

    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>> {
        let (store, there, back) = (self.clone(), self.lag(), self.lag());
        async move {
            there.await;
            let fails = || store.dice.chance(store.faults.get());
            if fails() {
                return Err(broken());
            }
            if store.dice.chance(store.silent.get()) {
                store.clock.sleep(SILENCE_MS).await;
                store.count("unanswered, read again");
            }
            let mut answers = store.rows.read(queries.clone())?;
            for (answer, query) in answers.iter_mut().zip(&queries) {
                store.passes_over(answer);
                if fails() {
                    *answer = Err(broken());
                } else if !matches!(**query, Query::Lease(_))
                    && let Err(fault) = store.is_readable(query.process_id())
                {
                    *answer = Err(fault);
                }
            }
            back.await;
            Ok(answers)
        }
        .boxed_local()
    }

    fn close(&self) {}
}

fn broken() -> Error {
    Error::new(Code::StorageFailed, "broken down")
}
