//! Where rows live. A store promises atomicity and durability, and decides nothing.

use std::{cell::RefCell, rc::Rc};

use futures::future::LocalBoxFuture;

use crate::{
    domain::{
        Millis,
        key::{ProcessId, ScopeId, SessionId},
        snapshot::{Decision, Snapshot, Write},
        table::sorted,
    },
    error::{Code, Error, Result},
    operation::Operation,
};

#[cfg(target_family = "wasm")]
pub mod indexed_db;
pub mod memory;
mod query;

pub use query::{Answer, Changes, EventPage, EventRange, Live, Query};

/// How long what is written here lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Until the user or the app deletes it.
    Persistent,
    /// Until the browser needs the space.
    Evictable,
    /// As long as the page.
    Memory,
}

impl Durability {
    /// Its public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Persistent => "persistent",
            Durability::Evictable => "evictable",
            Durability::Memory => "memory",
        }
    }
}

/// The rows that a rule needs to see. A store may show it more.
#[derive(Clone, Debug)]
pub enum Reads {
    /// One process and, under a replay key, the event stored there.
    Process(ProcessId, Option<String>),
    /// The same, and its lease slot.
    Leased(ProcessId, Option<String>),
    /// Processes, and the grants that one scope has of them.
    Granted(ScopeId, Vec<ProcessId>),
    /// The grants of a session, every grant of the processes so granted, those processes,
    /// and the processes whose wakes go to the session.
    Session(SessionId),
    /// The oldest so many ended processes last updated before a time, and their lease slots.
    Retained(Millis, usize),
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
///   tries again. An error means that nothing was written.
/// - **Change numbers.** Every [`Write::Process`] and [`Write::Prune`] takes the next number of one
///   store-wide sequence in the same transaction.
///
/// Futures are `'static`: a caller may drop its handle, or the future, at any time. A transaction
/// whose future is dropped either happens wholly or not at all.
pub trait Store {
    /// How long what is written here lasts.
    fn durability(&self) -> Durability;
    /// Runs a rule on the rows it needs, and writes what it decides.
    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<()>>;
    /// Answers a question, from one moment.
    fn read(&self, query: Query) -> LocalBoxFuture<'static, Result<Answer>>;
    /// Lets go of connections; until [`resume`](Store::resume), new ones wait.
    fn pause(&self) {}
    /// Connections may be opened again.
    fn resume(&self) {}
    /// Lets go of connections. Later calls are [`Code::Closed`].
    fn close(&self);
}

/// Runs an operation and gives back its reply, with the ids of the processes it changed.
pub async fn execute<T: 'static>(store: &dyn Store, operation: Operation<T>) -> Result<(T, Vec<ProcessId>)> {
    let Operation { reads, rule } = operation;
    let kept = Rc::new(RefCell::new(None));
    let decided = kept.clone();
    let rule: Rule = Rc::new(move |seen| {
        let Decision { reply, writes } = rule(seen)?;
        decided.replace(Some((reply, changed_processes(&writes))));
        Ok(writes)
    });
    store.transact(reads, rule).await?;
    kept.take().ok_or_else(|| Error::new(Code::Internal, "the store committed without running the rule"))
}

/// The processes whose rows some writes change; grants, leases and acks change none.
fn changed_processes(writes: &[Write]) -> Vec<ProcessId> {
    let changed = writes.iter().filter_map(|write| match write {
        Write::Process(record) => Some(record.id()),
        Write::Prune(id) => Some(id),
        Write::Event { .. } | Write::AckWake(..) | Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) => None,
    });
    sorted(changed)
}
