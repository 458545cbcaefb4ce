//! Which processes a list holds, in terms that an index can answer.

use super::{
    check_name,
    key::{Key, Part, ProcessId, key},
    payload::{self, Payload},
    process::{ProcessRecord, TerminalState},
};
use serde::Deserialize;

use crate::error::Result;

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListFilter {
    /// Default: running, which includes waiting.
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub status: StatusFilter,
    /// Only processes that wait, or only those that do not.
    pub waiting: Option<bool>,
    /// Only processes whose `identity.definition` is equal to this, as JSON.
    #[serde(deserialize_with = "payload::present")]
    pub definition: Option<Payload>,
    /// Only processes of this `identity.kind`.
    pub kind: Option<String>,
}

/// The states a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum StatusFilter {
    /// Not ended.
    #[default]
    Running,
    /// Ended with a value.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Stopped.
    Cancelled,
    /// All of them.
    Any,
}

impl ListFilter {
    /// Refuses the name of a kind that is too long.
    pub fn check(&self) -> Result<()> {
        check_name("filter.kind", self.kind.as_deref().unwrap_or_default())
    }
}

/// A stretch of a list.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    /// At most so many records. Default: all.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Only ids after this one: the last id of the page before.
    #[serde(default)]
    pub cursor: Option<ProcessId>,
}

/// The one list, of five, that a process stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Running and not waiting.
    Active,
    /// Running, waiting for a signal.
    Waiting,
    /// Ended.
    Ended(TerminalState),
}

impl Lane {
    const ALL: [Lane; 5] = [
        Lane::Active,
        Lane::Waiting,
        Lane::Ended(TerminalState::Completed),
        Lane::Ended(TerminalState::Failed),
        Lane::Ended(TerminalState::Cancelled),
    ];

    /// The status that its processes have.
    fn status(self) -> StatusFilter {
        match self {
            Lane::Active | Lane::Waiting => StatusFilter::Running,
            Lane::Ended(TerminalState::Completed) => StatusFilter::Completed,
            Lane::Ended(TerminalState::Failed) => StatusFilter::Failed,
            Lane::Ended(TerminalState::Cancelled) => StatusFilter::Cancelled,
        }
    }

    /// Its name in stored rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Active => "active",
            Lane::Waiting => "waiting",
            Lane::Ended(TerminalState::Completed) => "completed",
            Lane::Ended(TerminalState::Failed) => "failed",
            Lane::Ended(TerminalState::Cancelled) => "cancelled",
        }
    }
}

/// How a list is further narrowed; every variant is an index of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum ListIndex {
    /// By lane alone.
    Lane,
    /// By kind, then lane.
    Kind(Key),
    /// By the hash of the definition, then lane.
    Definition(Key),
    /// By the hash of the definition and the kind, then lane.
    DefinitionAndKind(Key, Key),
}

impl ListIndex {
    /// The leading parts of the index key, up to the lane.
    pub fn lane(&self, lane: Lane) -> Vec<Part> {
        let mut prefix = match self {
            ListIndex::Lane => key![],
            ListIndex::Kind(kind) => key![kind],
            ListIndex::Definition(hash) => key![hash],
            ListIndex::DefinitionAndKind(hash, kind) => key![hash, kind],
        };
        prefix.push(lane.as_str().into());
        prefix
    }

    /// Whether a process of a kind and with the hash of a definition has an entry in it.
    fn holds(&self, kind: &str, hash: &str) -> bool {
        match self {
            ListIndex::Lane => true,
            ListIndex::Kind(of) => &**of == kind,
            ListIndex::Definition(of) => &**of == hash,
            ListIndex::DefinitionAndKind(of, of_kind) => &**of_kind == kind && &**of == hash,
        }
    }

    /// Every index entry that a process has.
    pub fn entries(record: &ProcessRecord) -> Vec<ListIndex> {
        let mut entries = vec![ListIndex::Lane];
        let Some(identity) = record.identity() else { return entries };
        let kind = Key::from(identity.kind.as_str());
        if let Some(hash) = record.definition_hash().cloned() {
            entries.push(ListIndex::Definition(hash.clone()));
            entries.push(ListIndex::DefinitionAndKind(hash, kind.clone()));
        }
        entries.push(ListIndex::Kind(kind));
        entries
    }
}

/// A list as a store answers it: the lanes of one index, merged in id order.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// The index.
    pub index: ListIndex,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// The stretch.
    pub page: Page,
}

impl ListQuery {
    /// The query that answers exactly `filter`.
    pub fn new(filter: &ListFilter, page: Page) -> Self {
        let hash = filter.definition.as_ref().map(|definition| Key::from(definition.hash()));
        let kind = filter.kind.as_deref().map(Key::from);
        let index = match (hash, kind) {
            (None, None) => ListIndex::Lane,
            (None, Some(kind)) => ListIndex::Kind(kind),
            (Some(hash), None) => ListIndex::Definition(hash),
            (Some(hash), Some(kind)) => ListIndex::DefinitionAndKind(hash, kind),
        };
        Self { index, lanes: lanes(filter), page }
    }

    /// Every process that has not ended.
    pub fn non_terminal(page: Page) -> Self {
        Self::new(&ListFilter::default(), page)
    }
}

impl ListQuery {
    /// Whether the list holds a process in a lane, of a kind, and with the hash of a definition or an empty text; its stretch aside.
    pub fn holds(&self, lane: &str, kind: &str, hash: &str) -> bool {
        self.lanes.iter().any(|of| of.as_str() == lane) && self.index.holds(kind, hash)
    }
}

fn lanes(filter: &ListFilter) -> Vec<Lane> {
    let mut lanes = Vec::from(Lane::ALL);
    lanes.retain(|lane| {
        let fits = filter.status == StatusFilter::Any || filter.status == lane.status();
        fits && filter.waiting.is_none_or(|waiting| waiting == (*lane == Lane::Waiting))
    });
    lanes
}
