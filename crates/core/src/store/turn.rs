//! Turns: the places of processes in the order in which drivers begin them.

use crate::model::{Millis, key::ProcessId};

/// The place of a process that a driver may begin: by its kind, and among those of a kind by priority, then age, then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// The lower one is begun first; see [`Policy::rank`](crate::model::policy::Policy::rank).
    pub rank: u64,
    /// When it was registered, in epoch milliseconds.
    pub created_at_ms: Millis,
    /// The process.
    pub id: ProcessId,
    /// Its kind, which selects the runner.
    pub kind: String,
}

/// Turns from a place on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// The turns, without those of processes that cannot be read.
    pub turns: Vec<Turn>,
    /// The place behind which there may be more; none at the end.
    pub behind: Option<Turn>,
}

/// From where on turns are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnsFrom {
    /// The first of a kind.
    Kind(String),
    /// Those of its kind behind this one.
    Behind(Turn),
    /// The first of the next kind in their order; of the first kind where that is empty.
    NextKind(String),
}
