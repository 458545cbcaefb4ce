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
pub enum ListStatus {
    /// Running and not waiting.
    Active,
    /// Running, waiting for a signal.
    Waiting,
    /// Ended.
    Ended(TerminalState),
}

impl ListStatus {
    const ALL: [ListStatus; 5] = [
        ListStatus::Active,
        ListStatus::Waiting,
        ListStatus::Ended(TerminalState::Completed),
        ListStatus::Ended(TerminalState::Failed),
        ListStatus::Ended(TerminalState::Cancelled),
    ];

    /// The status that its processes have.
    fn status(self) -> StatusFilter {
        match self {
            ListStatus::Active | ListStatus::Waiting => StatusFilter::Running,
            ListStatus::Ended(TerminalState::Completed) => StatusFilter::Completed,
            ListStatus::Ended(TerminalState::Failed) => StatusFilter::Failed,
            ListStatus::Ended(TerminalState::Cancelled) => StatusFilter::Cancelled,
        }
    }

    /// Its name in stored rows.
    pub fn as_str(self) -> &'static str {
        match self {
            ListStatus::Active => "active",
            ListStatus::Waiting => "waiting",
            ListStatus::Ended(TerminalState::Completed) => "completed",
            ListStatus::Ended(TerminalState::Failed) => "failed",
            ListStatus::Ended(TerminalState::Cancelled) => "cancelled",
        }
    }
}

/// How a list is further narrowed; every variant is an index of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum ListIndex {
    /// By list status alone.
    Status,
    /// By kind, then list status.
    Kind(Key),
    /// By the hash of the definition, then list status.
    Definition(Key),
    /// By the hash of the definition and the kind, then list status.
    DefinitionAndKind(Key, Key),
}

impl ListIndex {
    /// The leading parts of the index key, up to the list status.
    pub fn prefix(&self, status: ListStatus) -> Vec<Part> {
        let mut prefix = match self {
            ListIndex::Status => key![],
            ListIndex::Kind(kind) => key![kind],
            ListIndex::Definition(hash) => key![hash],
            ListIndex::DefinitionAndKind(hash, kind) => key![hash, kind],
        };
        prefix.push(status.as_str().into());
        prefix
    }

    /// Whether a process of a kind and with the hash of a definition has an entry in it.
    fn holds(&self, kind: &str, hash: &str) -> bool {
        match self {
            ListIndex::Status => true,
            ListIndex::Kind(of) => &**of == kind,
            ListIndex::Definition(of) => &**of == hash,
            ListIndex::DefinitionAndKind(of, of_kind) => &**of_kind == kind && &**of == hash,
        }
    }

    /// Every index entry that a process has.
    pub fn entries(record: &ProcessRecord) -> Vec<ListIndex> {
        let mut entries = vec![ListIndex::Status];
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

/// A list as a store answers it: the statuses of one index, merged in id order.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// The index.
    pub index: ListIndex,
    /// The statuses.
    pub statuses: Vec<ListStatus>,
    /// The stretch.
    pub page: Page,
}

impl ListQuery {
    /// The query that answers exactly `filter`.
    pub fn new(filter: &ListFilter, page: Page) -> Self {
        let hash = filter.definition.as_ref().map(|definition| Key::from(definition.hash()));
        let kind = filter.kind.as_deref().map(Key::from);
        let index = match (hash, kind) {
            (None, None) => ListIndex::Status,
            (None, Some(kind)) => ListIndex::Kind(kind),
            (Some(hash), None) => ListIndex::Definition(hash),
            (Some(hash), Some(kind)) => ListIndex::DefinitionAndKind(hash, kind),
        };
        Self { index, statuses: statuses(filter), page }
    }

    /// Every process that has not ended.
    pub fn non_terminal(page: Page) -> Self {
        Self::new(&ListFilter::default(), page)
    }
}

impl ListQuery {
    /// Whether the list holds a process of that list status, of a kind, and with the hash of a definition or an empty text; its stretch aside.
    pub fn holds(&self, status: &str, kind: &str, hash: &str) -> bool {
        self.statuses.iter().any(|of| of.as_str() == status) && self.index.holds(kind, hash)
    }
}

fn statuses(filter: &ListFilter) -> Vec<ListStatus> {
    let mut statuses = Vec::from(ListStatus::ALL);
    statuses.retain(|one| {
        let fits = filter.status == StatusFilter::Any || filter.status == one.status();
        fits && filter.waiting.is_none_or(|waiting| waiting == (*one == ListStatus::Waiting))
    });
    statuses
}
