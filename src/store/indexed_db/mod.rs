//! Rows in IndexedDB: durable, and shared by every tab and worker of the origin.
//!
//! A transaction reads what its rules need in one or two rounds, runs the rules, and issues their
//! writes at once; nothing else is awaited while it is open, so it cannot commit half-way.
//! It counts only when the browser reports it complete.

mod batch;
mod codec;
mod connection;
pub mod engine;
mod kept;
mod mark;
mod read;
mod requests;
mod write;

use std::{
    cell::{Cell, RefCell, RefMut},
    collections::BTreeSet,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join},
};
use wasm_bindgen_futures::spawn_local;

use self::{
    batch::Batch,
    codec::CommitRow,
    connection::{Connection, Open},
    engine::{Failed, Flush, How, Mode, Round, Step},
    kept::Kept,
    read::Reader,
    requests::Fetched,
};
use super::{Answers, Durability, Query, Reads, Rule, Store};
use crate::{
    domain::key::ProcessId,
    error::{Code, Error, Result},
    host::{Clock, Random, turn},
};

/// A store in IndexedDB. Clones share it.
#[derive(Clone)]
pub struct IndexedDbStore(Rc<Shared>);

struct Shared {
    connection: Connection,
    clock: Rc<dyn Clock>,
    flush: Flush,
    durability: Durability,
    /// The transactions that were begun and have had no answer yet.
    waiting: RefCell<Vec<Batch>>,
    kept: RefCell<Kept>,
    /// Names this store in the `commits` table.
    writer: String,
    commits: Cell<u64>,
    /// What is called with the processes that were passed over, each once.
    on_corruption: RefCell<Option<Rc<OnCorruption>>>,
    reported: RefCell<BTreeSet<Option<ProcessId>>>,
    /// Which rows of that table belong to a commit in flight.
    marks: RefCell<Vec<bool>>,
}

type OnCorruption = dyn Fn(Error);

impl IndexedDbStore {
    /// Opens the database of that name, or makes it.
    pub async fn open(name: &str, flush: Flush, clock: Rc<dyn Clock>, random: &dyn Random) -> Result<Self> {
        let connection = Connection::new(name.to_owned());
        let (opened, persisted) = join(connection.open(), engine::persisted()).await;
        opened?;
        let durability = if persisted { Durability::Persistent } else { Durability::Evictable };
        Ok(Self(Rc::new(Shared {
            connection,
            writer: CommitRow::writer(clock.now(), &random.name()),
            clock,
            flush,
            durability,
            waiting: RefCell::default(),
            kept: RefCell::default(),
            commits: Cell::new(0),
            on_corruption: RefCell::default(),
            reported: RefCell::default(),
            marks: RefCell::default(),
        })))
    }
}

impl IndexedDbStore {
    /// Has something called with what lists and sweeps pass over because it cannot be read: for each process once.
    pub fn on_corruption(&self, report: impl Fn(Error) + 'static) {
        self.0.on_corruption.replace(Some(Rc::new(report)));
    }
}

impl Shared {
    /// Reports in a later turn: what is called may call us, and here is a transaction under way.
    fn report(&self, passed_over: Vec<Error>) {
        let Some(report) = self.on_corruption.borrow().clone() else { return };
        for fault in passed_over {
            if self.reported.borrow_mut().insert(fault.process_id().cloned()) {
                let report = report.clone();
                spawn_local(async move { report(fault) });
            }
        }
    }

    /// Reads in one transaction; once more where the connection turns out to be dead.
    async fn read(self: &Rc<Self>, look: Look) -> Result<Answers> {
        match self.look(look.clone()).await {
            Err(Failed { how: How::Lost, .. }) => self.look(look).await.map_err(|failed| failed.error),
            outcome => outcome.map_err(|failed| failed.error),
        }
    }

    async fn look(self: &Rc<Self>, look: Look) -> Result<Answers, Failed> {
        let open = self.connected().await?;
        let (shared, generation) = (self.clone(), open.generation);
        let found: Rc<RefCell<Option<Answers>>> = Rc::default();
        let keep = found.clone();
        let mut fetched = Fetched::default();
        let step: Step = Box::new(move |results| {
            fetched.rerun(results);
            let mut reader = Reader::new(&shared, generation, &mut fetched);
            let Some(answers) = look(&mut reader) else { return Round::Read(fetched.wanted()) };
            shared.report(std::mem::take(&mut reader.passed_over));
            keep.replace(Some(answers));
            Round::Done
        });
        self.run_over(&open, Mode::Read, step).await?;
        found.take().ok_or_else(|| Failed {
            error: Error::new(Code::Internal, "a read ended without an answer"),
            how: How::Refused,
        })
    }

    async fn connected(&self) -> Result<Rc<Open>, Failed> {
        self.connection.open().await.map_err(|error| Failed { error, how: How::Unopened })
    }

    /// Runs a transaction to its end; forgets the connection where that turns out to be dead.
    async fn run_over(&self, open: &Open, mode: Mode, step: Step) -> Result<(), Failed> {
        let outcome = engine::run(&open.database, mode, self.flush, step).await;
        if let Err(Failed { how: How::Lost, .. }) = outcome {
            self.connection.forget(open.generation);
        }
        outcome
    }

    /// What is kept of that connection.
    fn kept(&self, generation: u64) -> RefMut<'_, Kept> {
        let mut kept = self.kept.borrow_mut();
        if kept.generation != generation {
            *kept = Kept::new(generation);
        }
        kept
    }
}

/// What a read looks for; see [`Fetched`].
type Look = Rc<dyn Fn(&mut Reader) -> Option<Answers>>;

impl Store for IndexedDbStore {
    fn durability(&self) -> Durability {
        self.0.durability
    }

    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        self.0.transact(reads, rule)
    }

    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>> {
        let shared = self.0.clone();
        async move {
            // Writes that were called in the same turn begin in this one: those are to be seen.
            turn().await;
            shared.read(Rc::new(move |reader| reader.answers(&queries))).await
        }
        .boxed_local()
    }

    fn pause(&self) {
        self.0.connection.pause();
    }

    fn resume(&self) {
        self.0.connection.resume();
    }

    fn close(&self) {
        self.0.connection.close();
    }
}
