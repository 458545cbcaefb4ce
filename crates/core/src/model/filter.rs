//! Which processes a list holds, in terms that an index can answer.

use std::collections::BTreeMap;

use super::{
    Millis, check_name,
    key::{Key, Part, ProcessId, key},
    payload::{self, Payload},
    process::{ProcessRecord, TerminalState},
};
use serde::Deserialize;

use crate::error::Result;

/// What a list is narrowed to. A process must fit all that is given.
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
    /// Only processes with all of these labels.
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub labels: BTreeMap<String, String>,
    /// Only children of this process.
    pub parent_id: Option<ProcessId>,
    /// Only processes of this version of an implementation.
    pub version: Option<u64>,
    /// Only processes that are paused, or only those that are not.
    pub paused: Option<bool>,
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
    /// Refuses a name that is too long.
    pub fn check(&self) -> Result<()> {
        check_name("filter.kind", self.kind.as_deref().unwrap_or_default())?;
        check_name("filter.parentId", self.parent_id.as_deref().unwrap_or_default())?;
        self.labels.iter().try_for_each(|(name, value)| {
            check_name("filter.labels: a name", name)?;
            check_name(&format!("filter.labels.{name}"), value)
        })
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
    /// Only what follows this id in the order: the last id of the page before.
    #[serde(default)]
    pub cursor: Option<ProcessId>,
    /// Default: by id.
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    #[serde(default)]
    pub order: Order,
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By id.
    #[default]
    Id,
    /// What was registered first comes first; of one millisecond by id.
    Oldest,
    /// What was registered last comes first.
    Newest,
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

/// An index that a list can be read from. In all but [`Created`](Self::Created) the processes of a list status are in id order.
#[derive(Clone, Debug, PartialEq)]
pub enum ListIndex {
    /// By list status alone.
    Status,
    /// By list status, then by age.
    Created,
    /// By kind, then list status.
    Kind(Key),
    /// By the hash of the definition, then list status.
    Definition(Key),
    /// By the hash of the definition and the kind, then list status.
    DefinitionAndKind(Key, Key),
    /// By parent, then list status.
    Parent(ProcessId),
    /// By the name and value of a label, then list status.
    Label(Key, Key),
}

impl ListIndex {
    /// The leading parts of the index key, up to the list status.
    pub fn prefix(&self, status: ListStatus) -> Vec<Part> {
        let mut prefix = match self {
            ListIndex::Status | ListIndex::Created => key![],
            ListIndex::Kind(kind) => key![kind],
            ListIndex::Definition(hash) => key![hash],
            ListIndex::DefinitionAndKind(hash, kind) => key![hash, kind],
            ListIndex::Parent(parent) => key![parent],
            ListIndex::Label(name, value) => key![name, value],
        };
        prefix.push(status.as_str().into());
        prefix
    }

    /// The key of a process in it.
    pub fn place(&self, record: &ProcessRecord) -> Vec<Part> {
        let mut place = self.prefix(record.list_status());
        if *self == ListIndex::Created {
            place.push(record.registered.created_at_ms.into());
        }
        place.push(record.id().into());
        place
    }

    /// Every index that a process has an entry in.
    pub fn entries(record: &ProcessRecord) -> Vec<ListIndex> {
        let mut entries = vec![ListIndex::Status, ListIndex::Created];
        let policy = record.policy();
        entries.extend(policy.parent_id.clone().map(ListIndex::Parent));
        entries.extend(policy.labels.iter().map(|(name, value)| ListIndex::label(name, value)));
        let Some(identity) = record.identity() else { return entries };
        let kind = Key::from(identity.kind.as_str());
        if let Some(hash) = record.definition_hash().cloned() {
            entries.push(ListIndex::Definition(hash.clone()));
            entries.push(ListIndex::DefinitionAndKind(hash, kind.clone()));
        }
        entries.push(ListIndex::Kind(kind));
        entries
    }

    fn label(name: &str, value: &str) -> Self {
        ListIndex::Label(name.into(), value.into())
    }
}

/// What must be so of a process for a list to hold it, besides its list status.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// It has this kind.
    Kind(Key),
    /// Its definition has this hash.
    Definition(Key),
    /// It is a child of this process.
    Parent(ProcessId),
    /// It has a label of this name and value.
    Label(Key, Key),
    /// It is of this version.
    Version(u64),
    /// It is paused, or not.
    Paused(bool),
}

impl Condition {
    /// The index of the processes for which it is so, where there is one.
    pub fn index(&self) -> Option<ListIndex> {
        match self.clone() {
            Condition::Kind(kind) => Some(ListIndex::Kind(kind)),
            Condition::Definition(hash) => Some(ListIndex::Definition(hash)),
            Condition::Parent(parent) => Some(ListIndex::Parent(parent)),
            Condition::Label(name, value) => Some(ListIndex::Label(name, value)),
            Condition::Version(_) | Condition::Paused(_) => None,
        }
    }

    fn fits(&self, listed: &Listed) -> bool {
        match self {
            Condition::Kind(kind) => listed.kind == *kind,
            Condition::Definition(hash) => listed.definition_hash.as_ref() == Some(hash),
            Condition::Parent(parent) => listed.parent_id.as_ref() == Some(parent),
            Condition::Label(name, value) => listed.labels.iter().any(|label| (&label.0, &label.1) == (name, value)),
            Condition::Version(version) => listed.version == Some(*version),
            Condition::Paused(paused) => listed.paused == *paused,
        }
    }
}

/// What of a process decides whether a list holds it, and where.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: ProcessId,
    /// The name of its list status.
    pub status: String,
    /// Its kind.
    pub kind: Key,
    /// The hash of its definition, where it has one.
    pub definition_hash: Option<Key>,
    /// Its parent, where it has one.
    pub parent_id: Option<ProcessId>,
    /// Its labels, by name and value.
    pub labels: Vec<(Key, Key)>,
    /// Its version, where it has one.
    pub version: Option<u64>,
    /// Whether it is paused.
    pub paused: bool,
    /// When it was registered, in epoch milliseconds.
    pub created_at_ms: Millis,
}

/// A list as a store answers it: the statuses of one index, merged in one order.
///
/// A store reads the index of one condition, or of a definition and a kind, and looks at each row whether it fits the others. So what a
/// page costs beyond what it returns is what the index holds before the end of the page that does not fit: for the version and for
/// pauses, which have no index, all that the other conditions leave. Of the conditions the parent goes first, then a label, as most
/// processes have neither. By age there is one index, of all processes: a list of children or of a label is read whole and
/// sorted; any other reads the index by age and passes over what does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// What is read.
    pub index: ListIndex,
    /// What a process must fit, what the index answers included.
    pub conditions: Vec<Condition>,
    /// The statuses.
    pub statuses: Vec<ListStatus>,
    /// The stretch.
    pub page: Page,
}

impl ListQuery {
    /// The query that answers exactly `filter`.
    pub fn new(filter: &ListFilter, page: Page) -> Self {
        let mut conditions = Vec::new();
        conditions.extend(filter.parent_id.clone().map(Condition::Parent));
        let label = |(name, value): (&String, &String)| Condition::Label(name.as_str().into(), value.as_str().into());
        conditions.extend(filter.labels.iter().map(label));
        let hash = filter.definition.as_ref().map(|definition| Key::from(definition.hash()));
        conditions.extend(hash.map(Condition::Definition));
        conditions.extend(filter.kind.as_deref().map(|kind| Condition::Kind(kind.into())));
        conditions.extend(filter.version.map(Condition::Version));
        conditions.extend(filter.paused.map(Condition::Paused));
        let index = match (conditions.as_slice(), page.order) {
            ([Condition::Parent(_) | Condition::Label(..), ..], _) | (_, Order::Id) => best(&conditions),
            (_, Order::Oldest | Order::Newest) => ListIndex::Created,
        };
        Self { index, conditions, statuses: statuses(filter), page }
    }

    /// Every process that has not ended.
    pub fn non_terminal(page: Page) -> Self {
        Self::new(&ListFilter::default(), page)
    }

    /// Whether every process of the index and the statuses is in the list.
    pub fn is_exact(&self) -> bool {
        let answered = match self.index {
            ListIndex::Status | ListIndex::Created => 0,
            ListIndex::Kind(_) | ListIndex::Definition(_) | ListIndex::Parent(_) | ListIndex::Label(..) => 1,
            ListIndex::DefinitionAndKind(..) => 2,
        };
        self.conditions.len() == answered
    }

    /// Whether the index gives the processes in the order of the list.
    pub fn is_sorted(&self) -> bool {
        self.page.order == Order::Id || self.index == ListIndex::Created
    }

    /// Whether the list holds a process; its stretch aside.
    pub fn holds(&self, listed: &Listed) -> bool {
        self.statuses.iter().any(|status| status.as_str() == listed.status) && self.fits(listed)
    }

    /// Whether a process fits the conditions.
    pub fn fits(&self, listed: &Listed) -> bool {
        self.conditions.iter().all(|condition| condition.fits(listed))
    }

    /// The place of a process in the order, as the trailing parts of an index key. The newest one comes last.
    pub fn place(&self, id: &ProcessId, created_at_ms: Millis) -> Vec<Part> {
        match self.page.order {
            Order::Id => key![id],
            Order::Oldest | Order::Newest => key![created_at_ms, id],
        }
    }
}

/// The index that holds the fewest processes besides those that fit, judged by the conditions alone.
fn best(conditions: &[Condition]) -> ListIndex {
    if let [Condition::Definition(hash), Condition::Kind(kind), ..] = conditions {
        return ListIndex::DefinitionAndKind(hash.clone(), kind.clone());
    }
    conditions.iter().find_map(Condition::index).unwrap_or(ListIndex::Status)
}

fn statuses(filter: &ListFilter) -> Vec<ListStatus> {
    let mut statuses = Vec::from(ListStatus::ALL);
    statuses.retain(|one| {
        let fits = filter.status == StatusFilter::Any || filter.status == one.status();
        fits && filter.waiting.is_none_or(|waiting| waiting == (*one == ListStatus::Waiting))
    });
    statuses
}
