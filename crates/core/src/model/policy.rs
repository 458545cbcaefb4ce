//! The run policy of a process: when it is begun, how often, and in which order.
//!
//! A policy stands beside what is registered and is no part of its hash: registering the same data again gives the stored process,
//! whatever policy comes with it. So a page may say "in ten seconds from now" on every load.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Millis, check_given_name, check_name, key::ProcessId, trace::TraceContext};
use crate::{
    error::{Error, Result},
    text::is_blank,
};

/// When a process is begun, how often, and in which order. Every field may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// It is not begun before, in epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at_ms: Option<Millis>,
    /// It fails if it has not ended by then, in epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_at_ms: Option<Millis>,
    /// What becomes of a run that throws. Absent: it ends the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// How many runs in a row may be lost to a crash without having recorded anything. Default: [`CRASH_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_limit: Option<u64>,
    /// The higher one is begun first. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Of the processes with one key, one runs at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<String>,
    /// What becomes of the other processes of the key. Default: it queues behind them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
    /// Has it begin only once no other one was registered under its key for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// What must be there for it to be begun, and for another attempt of it or of a step of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// Which version of an implementation runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// For filters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub labels: BTreeMap<String, String>,
    /// The process that it is a child of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ProcessId>,
    /// What becomes of it when its parent ends. Default: it is asked to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_parent_end: Option<OnParentEnd>,
    /// Where in a distributed trace it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_context: Option<TraceContext>,
}

/// When a failed attempt is repeated. Every field may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// How many attempts there are at most, the first one included. Default: without limit, since what fails while the device is
    /// offline must not be lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u64>,
    /// The first wait, in milliseconds. Default: 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_interval_ms: Option<Millis>,
    /// How many times as long as the one before each wait is. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_coefficient: Option<f64>,
    /// The longest wait, in milliseconds. Default: 60,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_interval_ms: Option<Millis>,
    /// Whether each wait is shortened by chance, to half at most, so that many processes do not try at once. Default: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<bool>,
}

/// What becomes of the processes of a concurrency key that have not ended when another one is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// The new one is begun after them.
    #[default]
    Queue,
    /// The newest of them is the answer, and nothing is registered.
    UseExisting,
    /// Those that have not begun are cancelled.
    ReplacePending,
    /// Those that have not begun are cancelled, and the one that has is asked to stop.
    CancelRunning,
    /// The new one is refused.
    Reject,
}

/// Has a process begin only once no other one was registered under its key for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Debounce {
    /// How long that is, in milliseconds.
    pub delay_ms: Millis,
    /// The longest that the first of a row of replaced ones puts the beginning off, in milliseconds. Absent: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delay_ms: Option<Millis>,
}

/// What must be there for a process to be begun, and tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Requires {
    /// The host does not say that it is offline.
    Network,
}

/// What becomes of a child when its parent ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OnParentEnd {
    /// It is asked to stop.
    #[default]
    Cancel,
    /// Nothing.
    Abandon,
}

/// How many runs in a row may be lost to a crash where a policy does not say it.
pub const CRASH_LIMIT: u64 = 20;

/// The highest priority, and the lowest one below zero: far more than anyone tells apart.
pub const MAX_PRIORITY: u32 = 1_000_000;

/// The most labels of a process: each is an index entry.
const MAX_LABELS: usize = 16;

/// The policy of a process that was registered without one.
pub static NO_POLICY: Policy = Policy {
    start_at_ms: None,
    deadline_at_ms: None,
    retry: None,
    crash_limit: None,
    priority: None,
    concurrency_key: None,
    on_conflict: None,
    debounce: None,
    requires: None,
    version: None,
    labels: BTreeMap::new(),
    parent_id: None,
    on_parent_end: None,
    trace_context: None,
};

impl Policy {
    /// The names of its fields, as JavaScript has them beside those of a registration.
    pub const FIELDS: [&str; 14] = [
        "startAtMs",
        "deadlineAtMs",
        "retry",
        "crashLimit",
        "priority",
        "concurrencyKey",
        "onConflict",
        "debounce",
        "requires",
        "version",
        "labels",
        "parentId",
        "onParentEnd",
        "traceContext",
    ];

    /// Whether it says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what makes no sense, with the path of the field.
    pub fn check(&self) -> Result<()> {
        self.retry.as_ref().map_or(Ok(()), |retry| retry.check("registration.retry"))?;
        if self.crash_limit == Some(0) {
            return Err(Error::invalid("registration.crashLimit: must be at least 1"));
        }
        if self.priority.is_some_and(|priority| priority.unsigned_abs() > MAX_PRIORITY.into()) {
            return Err(Error::invalid(format!(
                "registration.priority: must be from -{MAX_PRIORITY} to {MAX_PRIORITY}"
            )));
        }
        self.trace_context.as_ref().map_or(Ok(()), |context| context.check("registration.traceContext"))?;
        self.check_key()?;
        if self.labels.len() > MAX_LABELS {
            return Err(Error::invalid(format!("registration.labels: has more than {MAX_LABELS} labels")));
        }
        for (name, value) in &self.labels {
            if is_blank(name) {
                return Err(Error::invalid("registration.labels: a name must not be blank"));
            }
            check_name("registration.labels: a name", name)?;
            check_name(&format!("registration.labels.{name}"), value)?;
        }
        match (&self.parent_id, self.on_parent_end) {
            (None, Some(_)) => Err(Error::invalid("registration.onParentEnd: needs a parentId")),
            (Some(id), _) => check_given_name("registration.parentId", id),
            (None, None) => Ok(()),
        }
    }

    fn check_key(&self) -> Result<()> {
        let Some(key) = &self.concurrency_key else {
            let needs = |field: &str| Err(Error::invalid(format!("registration.{field}: needs a concurrencyKey")));
            return match (self.on_conflict, self.debounce) {
                (Some(_), _) => needs("onConflict"),
                (None, Some(_)) => needs("debounce"),
                (None, None) => Ok(()),
            };
        };
        check_given_name("registration.concurrencyKey", key)?;
        match (self.debounce, self.on_conflict) {
            (None, _) | (Some(_), None | Some(OnConflict::ReplacePending)) => Ok(()),
            (Some(_), Some(_)) => {
                Err(Error::invalid("registration.debounce: replaces pending processes, and onConflict says otherwise"))
            }
        }
    }

    /// What becomes of the other processes of its key.
    pub fn on_conflict(&self) -> OnConflict {
        match self.debounce {
            Some(_) => OnConflict::ReplacePending,
            None => self.on_conflict.unwrap_or_default(),
        }
    }

    /// Its place in the order of beginning by priority: the lower one is begun first.
    pub fn rank(&self) -> u64 {
        u64::from(MAX_PRIORITY).saturating_add_signed(-self.priority.unwrap_or_default())
    }
}

impl RetryPolicy {
    /// Refuses what makes no sense; `path` says where it stands.
    pub fn check(&self, path: &str) -> Result<()> {
        if self.max_attempts == Some(0) {
            return Err(Error::invalid(format!("{path}.maxAttempts: must be at least 1")));
        }
        match self.backoff_coefficient.is_none_or(|coefficient| coefficient.is_finite() && coefficient >= 1.0) {
            true => Ok(()),
            false => Err(Error::invalid(format!("{path}.backoffCoefficient: must be at least 1"))),
        }
    }

    /// Whether another attempt follows the `failed`th one, counted from 1.
    pub fn allows_after(&self, failed: u64) -> bool {
        self.max_attempts.is_none_or(|most| failed < most)
    }

    /// How long to wait after the `failed`th attempt, counted from 1, in milliseconds. `chance` is from 0 to 1.
    pub fn interval(&self, failed: u64, chance: f64) -> Millis {
        let initial = self.initial_interval_ms.unwrap_or(1_000) as f64;
        let longest = self.max_interval_ms.unwrap_or(60_000) as f64;
        let exponent = i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = match initial > 0.0 {
            true => initial * self.backoff_coefficient.unwrap_or(2.0).powi(exponent),
            // Nothing times infinity is not a number.
            false => 0.0,
        };
        let factor = if self.jitter.unwrap_or(true) { 0.5 + chance / 2.0 } else { 1.0 };
        (grown.min(longest) * factor) as Millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady() -> RetryPolicy {
        RetryPolicy { jitter: Some(false), ..RetryPolicy::default() }
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_a_minute() {
        let waits: Vec<_> = (1..=8).map(|failed| steady().interval(failed, 0.0)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(steady().interval(u64::MAX, 0.0), 60_000);
    }

    #[test]
    fn jitter_shortens_a_wait_to_half_at_most() {
        let waits = [0.0, 0.5, 1.0].map(|chance| RetryPolicy::default().interval(1, chance));
        assert_eq!(waits, [500, 750, 1_000]);
    }

    #[test]
    fn a_wait_of_nothing_stays_so_however_often_it_is_doubled() {
        let at_once = RetryPolicy { initial_interval_ms: Some(0), ..steady() };
        assert_eq!(at_once.interval(10_000, 0.0), 0);
    }

    #[test]
    fn the_first_attempt_counts_as_one_of_the_most() {
        let twice = RetryPolicy { max_attempts: Some(2), ..RetryPolicy::default() };
        assert_eq!([1, 2].map(|failed| twice.allows_after(failed)), [true, false]);
        assert!(RetryPolicy::default().allows_after(u64::MAX));
    }

    #[test]
    fn a_higher_priority_has_a_lower_rank() {
        let rank = |priority| Policy { priority: Some(priority), ..Policy::default() }.rank();
        assert!(rank(1) < Policy::default().rank() && Policy::default().rank() < rank(-1));
        assert_eq!(rank(MAX_PRIORITY.into()), 0);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_path() {
        let refused = |policy: Policy| policy.check().unwrap_err().message().to_owned();
        let keyed = || Policy { concurrency_key: Some("k".to_owned()), ..Policy::default() };
        let debounce = Some(Debounce { delay_ms: 1, max_delay_ms: None });
        for (policy, path) in [
            (Policy { crash_limit: Some(0), ..Policy::default() }, "registration.crashLimit"),
            (Policy { priority: Some(1_000_001), ..Policy::default() }, "registration.priority"),
            (Policy { priority: Some(i64::MIN), ..Policy::default() }, "registration.priority"),
            (Policy { on_conflict: Some(OnConflict::Queue), ..Policy::default() }, "registration.onConflict"),
            (Policy { debounce, ..Policy::default() }, "registration.debounce"),
            (Policy { debounce, on_conflict: Some(OnConflict::Queue), ..keyed() }, "registration.debounce"),
            (Policy { concurrency_key: Some(" ".to_owned()), ..Policy::default() }, "registration.concurrencyKey"),
            (Policy { on_parent_end: Some(OnParentEnd::Cancel), ..Policy::default() }, "registration.onParentEnd"),
            (
                Policy { labels: (0..17).map(|n| (n.to_string(), String::new())).collect(), ..Policy::default() },
                "registration.labels",
            ),
            (
                Policy {
                    retry: Some(RetryPolicy { max_attempts: Some(0), ..RetryPolicy::default() }),
                    ..Policy::default()
                },
                "registration.retry.maxAttempts",
            ),
            (
                Policy {
                    retry: Some(RetryPolicy { backoff_coefficient: Some(f64::NAN), ..RetryPolicy::default() }),
                    ..Policy::default()
                },
                "registration.retry.backoffCoefficient",
            ),
        ] {
            let message = refused(policy);
            assert!(message.starts_with(path), "{message}");
        }
        assert!(Policy { debounce, on_conflict: Some(OnConflict::ReplacePending), ..keyed() }.check().is_ok());
    }
}
