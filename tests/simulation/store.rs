//! One memory store as each tab has it: requests and answers take their time, and what is committed is noted down.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Code, Error, Result,
    host::{Clock, fake::FakeClock},
    store::{Answers, Durability, Query, Reads, Rule, Store, memory::MemoryStore},
};

use crate::{dice::Dice, history::Log};

/// The longest that a request or an answer is on its way.
pub const LAG_MS: u64 = 20;

#[derive(Clone)]
pub struct Remote {
    pub rows: MemoryStore,
    pub clock: FakeClock,
    pub dice: Dice,
    pub log: Log,
    /// Percent of the reads and writes that fail.
    pub faults: Rc<Cell<u64>>,
    /// Whether there is no room for any write, from whichever tab.
    pub full: Rc<Cell<bool>>,
}

impl Remote {
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
            let written = Rc::<RefCell<Vec<_>>>::default();
            let kept = written.clone();
            let noting: Rule = Rc::new(move |seen| {
                let writes = rule(seen)?;
                kept.replace(writes.clone());
                Ok(writes)
            });
            // In memory it happens now, whether or not anybody gets the answer.
            let outcome = store.rows.transact(reads, noting).now_or_never().unwrap();
            if outcome.is_ok() {
                store.log.borrow_mut().committed(store.clock.monotonic(), store.clock.now(), &written.take());
            }
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
            let mut answers = store.rows.read(queries).now_or_never().unwrap()?;
            for answer in &mut answers {
                if fails() {
                    *answer = Err(broken());
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
