//! What decides when a process is begun, beside its policy; and what its record shows of pauses and progress.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// What drivers must know of a process to begin it in its turn. Bookkeeping; not part of the public record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Schedule {
    /// Whether a run of it has begun. Kept of processes with a concurrency key alone, which they hold from then on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub begun: bool,
    /// Whether another process of its concurrency key goes before it. The one that ends takes this off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
    /// Whether it has had children.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_children: bool,
    /// Whether it has had streams.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_streams: bool,
    /// When the first of the row of debounced processes was registered that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounced_since_ms: Option<Millis>,
}

impl Schedule {
    /// Whether it says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Since when a process is paused, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Paused {
    /// Since when, in epoch milliseconds.
    pub since_ms: Millis,
    /// Why, where that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a run says that it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// How much is done, in units of the runner's own.
    pub current: f64,
    /// How much there is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was said, in epoch milliseconds.
    pub at_ms: Millis,
}
