//! Where rows live. A store promises atomicity and durability, and decides nothing.

use std::{cell::RefCell, rc::Rc};

use futures::future::LocalBoxFuture;

use crate::{
    error::{Code, Error, Result},
    model::{
        event::AppendRequest,
        key::{ProcessId, ScopeId, SessionId, sorted},
        retention::Outdated,
    },
    rules::snapshot::{Decision, Snapshot, Write},
};

pub mod engine;
mod plan;
mod query;
pub mod row_store;
pub mod shared;
mod turn;

pub use plan::{Operation, Plan, Reply};
pub use query::{
    Answer, Answers, Changes, ChunkPage, ChunkRange, Due, EventPage, EventRange, Live, MANY_TYPES, MOST_CHANGED, Point,
    Query,
};
pub use turn::{Turn, Turns, TurnsFrom};

/// How long what is written here lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Until the user or the app deletes it.
    Persistent,
    /// Until the browser needs the space.
    Evictable,
    /// As long as the page.
    Memory,
    /// As long as the servers keep it.
    Remote,
}

impl Durability {
    /// Its public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Persistent => "persistent",
            Durability::Evictable => "evictable",
            Durability::Memory => "memory",
            Durability::Remote => "remote",
        }
    }
}

/// What a rule that appends an event needs to see of the log.
#[derive(Clone, Debug, Default)]
pub struct Appending {
    /// The event stored under this replay key.
    pub replay_key: Option<String>,
    /// The count of this event type, where it does not lie in the process's own row.
    pub event_type: Option<String>,
    /// What the end of the process changes of others, whatever the event type: its children, and the next of its concurrency key. Else
    /// where the process declares that the event type ends it.
    pub may_end: bool,
}

impl Appending {
    /// An event under a replay key, of a type that every process has.
    pub fn keyed(replay_key: Option<String>) -> Self {
        Self { replay_key, ..Self::default() }
    }

    /// The event of a request, which ends the process.
    pub fn ended_by(request: &AppendRequest) -> Self {
        Self { replay_key: request.replay_key.clone(), may_end: true, ..Self::default() }
    }

    /// No event, or one without a replay key of a type that every process has; and what the end of the process changes.
    pub fn ending() -> Self {
        Self { may_end: true, ..Self::default() }
    }
}

/// What registering a process needs to see.
#[derive(Clone, Debug)]
pub struct Registering {
    /// Its id: its process and its lease slot, which tells how many lives the id has had.
    pub id: ProcessId,
    /// Its parent, with its lease slot.
    pub parent: Option<ProcessId>,
    /// Its concurrency key, and whether all processes of that are needed that have not ended, or only the first of them.
    pub key: Option<(String, bool)>,
}

/// The rows that a rule needs to see. A store may show it more.
#[derive(Clone, Debug)]
pub enum Reads {
    /// One process, and of its log what an append needs.
    Process(ProcessId, Appending),
    /// Like `Process`, and its lease slot.
    Leased(ProcessId, Appending),
    /// What a claim needs: like `Leased`, with what the end of the process changes. A process that holds its concurrency key must be readable.
    Claim(ProcessId),
    /// What registering a process needs.
    Registering(Registering),
    /// A process with its events, and what registering another one with its concurrency key needs.
    Forking(ProcessId, ProcessId),
    /// The lease slots of processes.
    Leases(Vec<ProcessId>),
    /// Like `Process`, and the grant that one scope has of it.
    Viewed(ScopeId, ProcessId, Appending),
    /// One process, its lease slot, and one of its streams.
    Stream(ProcessId, String),
    /// Processes, and the grants that one scope has of them.
    Granted(ScopeId, Vec<ProcessId>),
    /// The grants of a session, every grant of the processes so granted, those processes,
    /// and the processes whose wakes go to the session.
    Session(SessionId),
    /// One process, its lease slot and its grants. Where its rows cannot be read, it is noted as unreadable.
    Whole(ProcessId),
    /// What several rules need to see.
    Several(Vec<Reads>),
    /// Of the ended processes that are outdated the oldest so many that ended in each way, and their lease slots.
    Outdated(Outdated, usize),
}

impl Reads {
    /// Whether the rule may register, end or remove a process, whatever the rows are.
    pub fn may_end(&self) -> bool {
        match self {
            Reads::Process(_, log) | Reads::Leased(_, log) | Reads::Viewed(_, _, log) => log.may_end,
            Reads::Several(several) => several.iter().any(Reads::may_end),
            Reads::Claim(_) | Reads::Registering(_) | Reads::Forking(..) | Reads::Whole(_) | Reads::Outdated(..) => {
                true
            }
            Reads::Leases(_) | Reads::Granted(..) | Reads::Session(_) | Reads::Stream(..) => false,
        }
    }

    /// The process that the rule is about, where it is about one.
    pub fn process_id(&self) -> Option<&ProcessId> {
        match self {
            Reads::Process(id, _) | Reads::Leased(id, _) | Reads::Viewed(_, id, _) | Reads::Whole(id) => Some(id),
            Reads::Stream(id, _) => Some(id),
            Reads::Claim(id) | Reads::Registering(Registering { id, .. }) | Reads::Forking(id, _) => Some(id),
            Reads::Several(_) | Reads::Leases(_) | Reads::Granted(..) | Reads::Session(_) | Reads::Outdated(..) => None,
        }
    }
}

/// A rule as a store runs it: rows in, writes out.
pub type Rule = Rc<dyn Fn(&Snapshot) -> Result<Vec<Write>>>;

/// A store of processes, events, leases and grants.
///
/// # What an implementation promises
///
/// - **Atomicity.** [`transact`](Store::transact) shows the rule one consistent state, and writes
///   all that it asked for or nothing. Transactions that touch the same rows do not overlap.
/// - **Durability.** It resolves once the writes would survive what [`Store::durability`] says.
/// - **Time.** The store supplies `now`. It never runs backwards within one store by design of
///   the rules: they compare leases with it and stamp rows with it, nothing else.
/// - **Repetition.** A rule is pure and may run several times, on fresher rows. Only the run
///   whose writes were kept counts.
/// - **Certainty.** Where a commit's outcome is unknown, the store finds out by reading before it
///   tries again. An error means that nothing was written, unless it says that this could not be found out
///   ([`Error::is_unsettled`]).
/// - **Change numbers.** Every [`Write::Process`] and [`Write::Prune`] takes the next number of one
///   store-wide sequence in the same transaction.
///
/// Futures are `'static`: a caller may drop its handle, or the future, at any time. A transaction
/// whose future is dropped either happens wholly or not at all.
pub trait Store {
    /// How long what is written here lasts.
    fn durability(&self) -> Durability;
    /// Runs a rule on the rows it needs, and writes what it decides. Gives the last change number that this took,
    /// if it took any and that is known.
    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<Option<u64>>>;
    /// Answers questions in their order, all of them from one moment. What is wrong with one alone is its own
    /// answer; an error of the whole is that nothing could be read.
    fn read(&self, queries: Vec<Rc<Query>>) -> LocalBoxFuture<'static, Result<Answers>>;
    /// Lets go of connections; until [`resume`](Store::resume), new ones wait.
    fn pause(&self) {}
    /// Connections may be opened again.
    fn resume(&self) {}
    /// Lets go of connections. Later calls are [`Code::Closed`].
    fn close(&self);
}

/// The processes whose rows a commit changed; grants, leases and acks change none.
#[derive(Debug, Default)]
pub struct Changed {
    /// In id order, each once.
    pub ids: Vec<ProcessId>,
    /// The point of the change sequence that they came after, and the one that they took it to; none where
    /// there was no change, or the numbers are not known.
    pub span: Option<(u64, u64)>,
}

/// Runs an operation and gives back its reply, with what it changed. `changing` is told which processes are about to
/// change, once that is decided and before it is committed, if it ever is.
pub async fn execute(
    store: &dyn Store,
    plan: Plan,
    changing: impl Fn(&[ProcessId]) + 'static,
) -> Result<(Box<dyn Reply>, Changed)> {
    let Plan { reads, rule } = plan;
    let (kept, every) = (Rc::new(RefCell::new(None)), Rc::<RefCell<Vec<ProcessId>>>::default());
    let (decided, met) = (kept.clone(), every.clone());
    let rule: Rule = Rc::new(move |seen| {
        let Decision { reply, writes } = rule(seen)?;
        let mut changes = Vec::new();
        for write in &writes {
            if let Some((id, _)) = write.changed() {
                changes.push(id.clone());
            }
        }
        changing(&changes);
        let count = changes.len();
        met.borrow_mut().append(&mut changes);
        decided.replace(Some((reply, count)));
        Ok(writes)
    });
    let last = store.transact(reads, rule).await?;
    let kept = kept.take();
    let (reply, count) =
        kept.ok_or_else(|| Error::new(Code::Internal, "the store committed without running the rule"))?;
    // Of a run whose answer was lost, too: what it wrote is there, and the next one had nothing left to write.
    let ids = sorted(&every.borrow());
    Ok((reply, Changed { ids, span: last.map(|last| (last.saturating_sub(count as u64), last)) }))
}
