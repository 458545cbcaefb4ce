//! One store over any engine: rows that rules read and write, in transactions of an engine.
//!
//! A transaction reads what its rules need in one or two rounds, runs the rules, and issues their writes at once; nothing
//! else is awaited while it is open, so it cannot commit half-way. It counts only when the engine reports it complete.
//!
//! This module decides which rows answer which question and what a commit is made of. It refuses to know what rows mean,
//! which is the rules' affair, and where their bytes lie, which is the engine's.

mod batch;
mod cache;
mod commit;
mod commit_token;
mod races;
mod read_set;
mod reader;
mod rows;
mod totals;
mod uploads;

use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};

use self::{
    batch::Batch,
    cache::RowCache,
    races::{Chance, MOST_RUNS},
    read_set::ReadSet,
    reader::Reader,
    rows::CommitRow,
    uploads::Uploads,
};
use super::{
    Answers, Durability, Query, Reads, Rule, Store,
    engine::{Connection, Engine, Failed, How, Mode, Round, Step, Traits},
};
use crate::{
    error::{Code, Error, Result},
    host::{Clock, Random, Semaphore, Spawn, turn},
    model::key::ProcessId,
    unordered::Set,
};

/// A store over an engine. Clones share it.
#[derive(Clone)]
pub struct RowStore(Rc<Shared>);

type Report = Rc<dyn Fn(Error)>;

struct Shared {
    engine: Rc<dyn Engine>,
    traits: Traits,
    clock: Rc<dyn Clock>,
    spawn: Rc<dyn Spawn>,
    /// The transactions that were begun and have had no answer yet.
    waiting: RefCell<Vec<Batch>>,
    cache: RefCell<RowCache>,
    /// Names this store in the `commits` table.
    writer: String,
    commits: Cell<u64>,
    /// What is called with the processes that were passed over, each once.
    on_corruption: RefCell<Option<Report>>,
    reported: RefCell<Set<Option<ProcessId>>>,
    /// Which rows of that table belong to a commit in flight.
    tokens: RefCell<Vec<bool>>,
    /// The turn to write, over an optimistic engine.
    writing: Semaphore,
    /// What the transaction under way leaves to another one.
    undecided: RefCell<Vec<batch::Asked>>,
    uploads: Uploads,
    /// How long transactions pause that lose races.
    chance: Chance,
}

impl RowStore {
    /// A store over an engine. The clock is the store's: rows are stamped with its time.
    pub fn new(engine: Rc<dyn Engine>, clock: Rc<dyn Clock>, spawn: Rc<dyn Spawn>, random: &dyn Random) -> Self {
        let name = random.name();
        Self(Rc::new(Shared {
            traits: engine.traits(),
            engine,
            writer: CommitRow::writer(clock.now(), &name),
            clock,
            spawn,
            waiting: RefCell::default(),
            cache: RefCell::default(),
            commits: Cell::new(0),
            on_corruption: RefCell::default(),
            reported: RefCell::default(),
            tokens: RefCell::default(),
            writing: Semaphore::default(),
            undecided: RefCell::default(),
            uploads: Uploads::default(),
            chance: Chance::new(&name),
        }))
    }
}

impl RowStore {
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
                self.spawn.spawn(async move { report(fault) }.boxed_local());
            }
        }
    }

    /// Reads in one transaction; once more where the connection turns out to be dead, and again where another commit came between its rounds.
    async fn read(self: &Rc<Self>, mode: Mode, look: Look) -> Result<Answers> {
        let mut raced = 0;
        loop {
            let outcome = match self.look(mode, look.clone()).await {
                Err(Failed { how: How::Lost, .. }) => self.look(mode, look.clone()).await,
                outcome => outcome,
            };
            let Err(Failed { how: How::Raced, error }) = outcome else {
                return outcome.map_err(|failed| failed.error);
            };
            raced += 1;
            self.lost_race(raced, MOST_RUNS, error).await.map_err(|failed| failed.error)?;
        }
    }

    async fn look(self: &Rc<Self>, mode: Mode, look: Look) -> Result<Answers, Failed> {
        let connection = self.connected().await?;
        let (shared, generation) = (self.clone(), connection.generation());
        let found: Rc<RefCell<Option<Answers>>> = Rc::default();
        let keep = found.clone();
        let mut read_set = ReadSet::default();
        let step: Step = Box::new(move |results| {
            read_set.rerun(results);
            let mut reader = Reader::new(&shared, generation, &mut read_set);
            let Some(answers) = look(&mut reader) else { return Round::Read(read_set.missing()) };
            shared.report(std::mem::take(&mut reader.passed_over));
            keep.replace(Some(answers));
            Round::Done
        });
        self.run_over(&*connection, mode, step).await?;
        found.take().ok_or_else(|| Failed {
            error: Error::new(Code::Internal, "a read ended without an answer"),
            how: How::Refused,
        })
    }

    async fn connected(&self) -> Result<Rc<dyn Connection>, Failed> {
        self.engine.connect().await.map_err(|error| Failed { error, how: How::Unopened })
    }

    /// Runs a transaction to its end; forgets the connection where that turns out to be dead.
    async fn run_over(&self, connection: &dyn Connection, mode: Mode, step: Step) -> Result<(), Failed> {
        let outcome = connection.run(mode, step).await;
        if let Err(Failed { how: How::Lost, .. }) = outcome {
            self.engine.forget(connection.generation());
        }
        outcome
    }

    /// What is known of the rows from that connection.
    fn cached(&self, generation: u64) -> RefMut<'_, RowCache> {
        let mut cache = self.cache.borrow_mut();
        if cache.generation != generation {
            *cache = RowCache::new(generation);
        }
        cache
    }
}

/// What a read looks for; see [`ReadSet`].
type Look = Rc<dyn Fn(&mut Reader) -> Option<Answers>>;

impl Store for RowStore {
    fn durability(&self) -> Durability {
        self.0.engine.durability()
    }

    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>> {
        self.0.transact(reads, rule)
    }

    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>> {
        let shared = self.0.clone();
        async move {
            // A write of an earlier call of this turn begins its transaction first, so this read sees it.
            turn().await;
            if queries.is_empty() {
                // What is asked for is that the writes of earlier calls are over.
                shared.uploads.are_over().await;
            }
            let is_heard = !queries.is_empty() && queries.iter().all(|query| matches!(**query, Query::Heard(_)));
            if shared.traits.is_optimistic && !is_heard {
                // Such an engine would answer from before the writes of earlier calls. What was notified of is committed.
                drop(shared.writing.acquire().await);
            }
            if queries.is_empty() {
                return Ok(Answers::default());
            }
            let mode = if is_heard { Mode::ReadHeard } else { Mode::Read };
            shared.read(mode, Rc::new(move |reader| reader.answers(&queries))).await
        }
        .boxed_local()
    }

    fn pause(&self) {
        self.0.engine.pause();
    }

    fn resume(&self) {
        self.0.engine.resume();
    }

    fn close(&self) {
        self.0.engine.close();
    }
}
