//! What clearing away reports.

use serde::{Deserialize, Serialize};

use super::key::{ProcessId, SessionId};

/// What deleting a session's process state did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SessionDeleteReport {
    /// The session.
    pub session_id: SessionId,
    /// How many grants were taken back, over all frames.
    pub revoked_handle_count: usize,
    /// Always 0: wakes live in the event logs, and those stay.
    pub deleted_wake_count: usize,
    /// Live processes of which no grant is left, in id order.
    pub orphaned_process_ids: Vec<ProcessId>,
    /// Live processes that another session still holds, in id order.
    pub preserved_process_ids: Vec<ProcessId>,
}

/// What a prune removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// How many processes.
    pub pruned_processes: u64,
    /// How many events they had between them.
    pub pruned_events: u64,
    /// Whether there may be more to remove: the rule looked at as many as it may.
    #[serde(skip)]
    pub more: bool,
}
