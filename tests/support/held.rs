//! A store whose answers a test can hold back, count, and turn into faults.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};
use longwait::{
    Code, Error, Result,
    host::Spawn,
    store::{Answers, Durability, Query, Reads, Rule, Store},
};
use longwait_testing::fake::FakeClock;

use crate::support::{Place, memory::Memory, tasks};

/// Rows in memory, held by a `Hold`.
#[derive(Default)]
pub struct Held {
    pub hold: Rc<Hold>,
    rows: Memory,
}

/// What a test does to the store. What happens in the store happens at once; only the answers wait.
#[derive(Default)]
pub struct Hold {
    reads_held: Cell<bool>,
    writes_held: Cell<bool>,
    delayed: Cell<bool>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    reads: Cell<u64>,
    writes: Cell<u64>,
    questions: Cell<usize>,
    faulty: Cell<bool>,
    away: Cell<bool>,
    alone: Cell<bool>,
    full: Cell<bool>,
    unsettled: Cell<bool>,
    spoilt: RefCell<Option<String>>,
}

impl Hold {
    /// Keeps the answers of reads back from now on.
    pub fn hold_reads(&self) {
        self.reads_held.set(true);
    }

    /// Keeps the answers of writes back from now on.
    pub fn hold_writes(&self) {
        self.writes_held.set(true);
    }

    /// Has the next write happen only at [`let_go`](Self::let_go), behind all that come in between, as one that a store repeats after
    /// a lost connection.
    pub fn delay_write(&self) {
        self.delayed.set(true);
    }

    /// Gives every answer out, and keeps none back from now on.
    pub fn let_go(&self) {
        self.reads_held.set(false);
        self.writes_held.set(false);
        drop(self.waiting.take());
    }

    /// How many answers are kept back.
    pub fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Gives out the answer that was kept back last.
    pub fn let_last_go(&self) {
        drop(self.waiting.borrow_mut().pop());
    }

    /// Reads so far: transactions, not questions.
    pub fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// Writes so far.
    pub fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// Questions that were asked in them.
    pub fn questions(&self) -> usize {
        self.questions.get()
    }

    /// Whether every read fails from now on.
    pub fn break_down(&self, faulty: bool) {
        self.faulty.set(faulty);
    }

    /// Whether the store cannot be reached from now on.
    pub fn cut_off(&self, away: bool) {
        self.away.set(away);
    }

    /// Whether every read of more than one question fails from now on.
    pub fn fail_together(&self, alone: bool) {
        self.alone.set(alone);
    }

    /// Whether every write fails from now on, and writes nothing.
    pub fn fill_up(&self, full: bool) {
        self.full.set(full);
    }

    /// Has the next write happen, and its caller receive that this is not known.
    pub fn unsettle_write(&self) {
        self.unsettled.set(true);
    }

    /// Whatever is asked about this process fails from now on.
    pub fn spoil(&self, id: &str) {
        self.spoilt.replace(Some(id.to_owned()));
    }

    fn is_spoilt(&self, query: &Query) -> bool {
        self.spoilt.borrow().is_some() && query.process_id().map(ToString::to_string) == *self.spoilt.borrow()
    }

    fn gate(&self, held: bool) -> impl Future<Output = ()> + use<> {
        let opened = held.then(|| {
            let (open, opened) = oneshot::channel();
            self.waiting.borrow_mut().push(open);
            opened
        });
        async move {
            if let Some(opened) = opened {
                let _ = opened.await;
            }
        }
    }
}

struct HeldStore {
    inner: Rc<dyn Store>,
    hold: Rc<Hold>,
}

impl Store for HeldStore {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        self.hold.writes.set(self.hold.writes.get() + 1);
        if self.hold.full.get() {
            return futures::future::ready(Err(Error::new(Code::QuotaExceeded, "full"))).boxed_local();
        }
        if self.hold.unsettled.take() {
            let done = self.inner.transact(reads, rule);
            let unsettled = Error::new(Code::Disconnected, "the connection is gone").unsettled();
            return done.map(|_| Err(unsettled)).boxed_local();
        }
        if self.hold.delayed.take() {
            let (inner, gate) = (self.inner.clone(), self.hold.gate(true));
            let (give, given) = oneshot::channel();
            let late = async move {
                gate.await;
                let _ = give.send(inner.transact(reads, rule).await);
            };
            tasks().spawn(late.boxed_local());
            return given.map(|outcome| outcome.unwrap()).boxed_local();
        }
        let (done, gate) = (self.inner.transact(reads, rule), self.hold.gate(self.hold.writes_held.get()));
        async move {
            let outcome = done.await;
            gate.await;
            outcome
        }
        .boxed_local()
    }

    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>> {
        self.hold.reads.set(self.hold.reads.get() + 1);
        if self.hold.away.get() {
            return futures::future::ready(Err(Error::new(Code::Disconnected, "cut off"))).boxed_local();
        }
        if self.hold.faulty.get() {
            return futures::future::ready(Err(Error::new(Code::StorageFailed, "broken down"))).boxed_local();
        }
        self.hold.questions.set(self.hold.questions.get() + queries.len());
        if self.hold.alone.get() && queries.len() > 1 {
            return futures::future::ready(Err(Error::new(Code::StorageFailed, "too much at once"))).boxed_local();
        }
        let spoilt: Vec<_> = queries.iter().map(|query| self.hold.is_spoilt(query)).collect();
        let (answers, gate) = (self.inner.read(queries), self.hold.gate(self.hold.reads_held.get()));
        async move {
            let answers = answers.await?.into_iter().zip(spoilt);
            gate.await;
            let spoil = |(answer, spoilt)| if spoilt { Err(Error::new(Code::StorageFailed, "spoilt")) } else { answer };
            Ok(answers.map(spoil).collect())
        }
        .boxed_local()
    }

    fn close(&self) {
        self.inner.close();
    }
}

impl Place for Held {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let (rows, hold) = (self.rows.open(clock), self.hold.clone());
        async move { Rc::new(HeldStore { inner: rows.await, hold }) as Rc<dyn Store> }.boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        futures::future::ready(()).boxed_local()
    }
}
