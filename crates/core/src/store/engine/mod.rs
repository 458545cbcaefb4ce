//! What a transactional key-value store can do, and no more: where bytes lie is an engine's affair.
//!
//! The vocabulary is that of IndexedDB, since that is the narrowest engine: object stores of rows under a key path, indexes
//! over other paths, transactions that live as long as requests are under way. An engine refuses to know what a row means.

mod layout;
mod memory;

use std::rc::Rc;

use futures::future::LocalBoxFuture;

pub use self::{
    layout::{Index, KeyPath, LAYOUT, ObjectStore},
    memory::MemoryEngine,
};
use super::Durability;
use crate::{
    error::{Error, Result},
    model::{
        attachment::Attachment,
        key::{Part, ProcessId, longer},
        payload::Payload,
    },
};

/// Where rows lie.
pub trait Engine {
    /// How long what is written here lasts.
    fn durability(&self) -> Durability;
    /// What its transactions are like.
    fn traits(&self) -> Traits {
        Traits::default()
    }
    /// The open connection. Callers at the same time share one attempt to open it.
    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>>;
    /// Stores the body of an attachment before the transaction that writes it, where that takes long. `None`: it is stored with that, or was stored
    /// already.
    fn upload(&self, _: &Upload) -> Option<LocalBoxFuture<'static, Result<()>>> {
        None
    }
    /// Removes what was stored for a transaction that wrote nothing.
    fn discard(&self, _: &Upload) {}
    /// Drops a dead connection, by its generation: the next [`connect`](Self::connect) opens another. One that was opened since
    /// is left alone.
    fn forget(&self, generation: u64);
    /// Closes the connection, even one in use: its transactions still end, and a new one waits for [`resume`](Self::resume).
    fn pause(&self) {}
    /// Connections may be opened again.
    fn resume(&self) {}
    /// Closes the connection for good; later calls are [`Code::Closed`](crate::Code::Closed).
    fn close(&self);
}

/// An attachment that is to be written.
#[derive(Clone)]
pub struct Upload {
    /// The process that is to have it.
    pub process_id: ProcessId,
    /// The attachment.
    pub attachment: Rc<Attachment>,
}

/// What the transactions of an engine are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Whether commits of others come between the reads of a transaction and its commit, which then is [`How::Raced`]. Such an engine
    /// gives changes their numbers itself, rising and with gaps, whatever number a row of `processes` comes with, and settles answers that
    /// were lost. No row is written there that many commits share, as each of them would race all others.
    pub is_optimistic: bool,
    /// How many operations share a transaction at most.
    pub most_operations: usize,
}

/// Those of an engine whose transactions keep others out. Others get their turn after so many operations, other tabs too: that many small
/// appends take about a tenth of a second; with a quarter of them each took a fifth longer.
impl Default for Traits {
    fn default() -> Self {
        Self { is_optimistic: false, most_operations: 1_024 }
    }
}

/// A connection to the rows.
pub trait Connection {
    /// Counts connections, so that what was read over one is not trusted over the next.
    fn generation(&self) -> u64;
    /// Runs one transaction in rounds, and resolves once it is complete.
    ///
    /// `step` is called with the results of the round before and gives the next one. Transactions that may write do not
    /// overlap. Every call settles, whatever becomes of the connection.
    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>>;
}

/// Why nothing came of a transaction.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What callers are given.
    pub error: Error,
    /// How far it came.
    pub how: How,
}

/// How far a transaction came that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was not begun: there is no connection.
    Unopened,
    /// The connection is gone, and it is not known whether the transaction was committed.
    Lost,
    /// It was taken back.
    Refused,
    /// Another commit came first that changed what it read: nothing was written. Run again, it sees that change.
    Raced,
    /// It was sent and the connection is gone, and whether it was committed cannot be known now. The engine has tried to settle it.
    Unsettled,
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read what every commit left that was acknowledged when this began.
    Read,
    /// Read, perhaps without what others changed and the engine has not notified anyone of yet.
    ReadHeard,
    /// Read, then write.
    Write,
}

/// Gives the next round of a transaction, with the results of the one before: for each read the rows it found.
pub type Step = Box<dyn FnMut(Vec<Vec<Payload>>) -> Round>;

/// What a transaction does next.
pub enum Round {
    /// Reads, and shows the results to the next step.
    Read(Vec<Read>),
    /// Writes, and takes the next step while the engine still works on it.
    Write(Vec<Write>),
    /// Writes, and is complete.
    Commit(Vec<Write>),
    /// Nothing more.
    Done,
    /// Takes the transaction back, and fails with this.
    Fail(Error),
}

/// Where a read looks: an object store, or one of its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The object store.
    pub store: &'static str,
    /// The index; none for the store's own order.
    pub index: Option<&'static str>,
}

impl Source {
    /// Reads the first row under a key.
    pub fn get(self, key: Key) -> Read {
        Read::Get(self, key)
    }

    /// Reads the rows strictly between two keys, at most `limit`.
    pub fn between(self, after: Key, before: Key, limit: Option<u64>) -> Read {
        // 0 means "no limit" to IndexedDB; a caller that wants nothing does not ask.
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX).max(1));
        Read::All(self, Between { after: Some(after), before: Some(before) }, limit)
    }

    /// Reads the rows whose keys begin with `prefix` and have more parts.
    pub fn under(self, prefix: Key) -> Read {
        Read::All(self, Between::under(prefix), None)
    }
}

/// A compound key; one of a single part belongs to a key path that is no list.
pub type Key = Vec<Part>;

/// A range of keys, strictly between two of them; a missing one leaves its side open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Between {
    /// The range begins behind this key.
    pub after: Option<Key>,
    /// The range ends in front of this key.
    pub before: Option<Key>,
}

impl Between {
    /// The keys that begin with `prefix` and have more parts.
    pub fn under(prefix: Key) -> Self {
        let end = longer(&prefix, Part::End);
        Self { after: Some(prefix), before: Some(end) }
    }
}

/// A read. Rows come in the order of the source's keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// The first row under a key.
    Get(Source, Key),
    /// The rows in a range, at most so many.
    All(Source, Between, Option<u32>),
    /// The rows of an index under exactly this key.
    Only(Source, Key),
    /// The primary keys of the rows in a range, at most so many: each a text.
    Keys(Source, Between, u32),
    /// The last row in a range.
    Last(Source, Between),
    /// The last rows in a range, at most so many: the last one first.
    Back(Source, Between, u32),
    /// How many rows are in a range: a number.
    Count(Source, Between),
    /// The last key of an index before another: a number.
    LastKey(Source, Key),
}

/// A write.
#[derive(Clone, Debug)]
pub enum Write {
    /// Puts a row under its key.
    Put(&'static str, Payload),
    /// Puts a row under its key, which must be free: else the transaction fails.
    Add(&'static str, Payload),
    /// Deletes the row under a key.
    Delete(&'static str, Key),
    /// Deletes the rows in a range.
    Clear(&'static str, Between),
    /// Looks at a place of an index that the writes before it have left. Chromium keeps an index entry that is out of date until
    /// a transaction that may write comes across it, and each list has to step over it.
    Visit(Source, Key),
}
