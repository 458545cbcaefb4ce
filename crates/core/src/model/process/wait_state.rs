//! What a process waits for, as its record shows it.

use serde::{Deserialize, Serialize};

use crate::model::{Millis, event::SIGNAL_PREFIX, key::ProcessId};

/// What a process is waiting for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase", try_from = "WaitFields")]
pub enum WaitState {
    /// A signal.
    Signal {
        /// The name of the signal.
        name: String,
        /// The event type that carries it.
        event_type: String,
        /// All names where a signal of any of several will do.
        #[serde(skip_serializing_if = "Option::is_none")]
        names: Option<Vec<String>>,
        /// What names this wait among those of the process.
        key: String,
        /// Its place among the waits for this name, from 1.
        ordinal: u64,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
    /// The time before which it is not begun.
    Start {
        /// That time, in epoch milliseconds.
        until_ms: Millis,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
    /// The next attempt of the run, or of one of its steps.
    Retry {
        /// When that is made, in epoch milliseconds.
        until_ms: Millis,
        /// Its number, from 2.
        attempt: u64,
        /// The key of the step. Absent: the run as a whole.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
    /// A timer of the run.
    Timer {
        /// What names the timer.
        key: String,
        /// When it is due, in epoch milliseconds.
        until_ms: Millis,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
    /// The end of another process.
    Process {
        /// That process.
        process_id: ProcessId,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
}

/// The fields of a wait, whichever it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WaitFields {
    kind: String,
    name: Option<String>,
    event_type: Option<String>,
    names: Option<Vec<String>>,
    key: Option<String>,
    ordinal: Option<u64>,
    until_ms: Option<Millis>,
    attempt: Option<u64>,
    step: Option<String>,
    process_id: Option<ProcessId>,
    since_ms: Millis,
}

impl TryFrom<WaitFields> for WaitState {
    type Error = String;

    fn try_from(fields: WaitFields) -> Result<Self, String> {
        let WaitFields { kind, name, event_type, names, key, ordinal, until_ms, attempt, step, process_id, since_ms } =
            fields;
        let given = [
            ("name", name.is_some()),
            ("eventType", event_type.is_some()),
            ("names", names.is_some()),
            ("key", key.is_some()),
            ("ordinal", ordinal.is_some()),
            ("untilMs", until_ms.is_some()),
            ("attempt", attempt.is_some()),
            ("step", step.is_some()),
            ("processId", process_id.is_some()),
        ];
        let takes: &[&str] = match kind.as_str() {
            "signal" => &["name", "eventType", "names", "key", "ordinal"],
            "start" => &["untilMs"],
            "retry" => &["untilMs", "attempt", "step"],
            "timer" => &["key", "untilMs"],
            "process" => &["processId"],
            _ => return Err("kind must be one of signal, start, retry, timer, process".to_owned()),
        };
        if let Some((name, _)) = given.into_iter().find(|(name, given)| *given && !takes.contains(name)) {
            return Err(format!("{name} is not known here"));
        }
        let missing = |name: &str| format!("{name} is missing");
        let until = until_ms.ok_or_else(|| missing("untilMs"));
        let named = key.ok_or_else(|| missing("key"));
        Ok(match kind.as_str() {
            "start" => Self::Start { until_ms: until?, since_ms },
            "retry" => {
                Self::Retry { until_ms: until?, attempt: attempt.ok_or_else(|| missing("attempt"))?, step, since_ms }
            }
            "timer" => Self::Timer { key: named?, until_ms: until?, since_ms },
            "process" => Self::Process { process_id: process_id.ok_or_else(|| missing("processId"))?, since_ms },
            _ => Self::Signal {
                name: name.ok_or_else(|| missing("name"))?,
                event_type: event_type.ok_or_else(|| missing("eventType"))?,
                names,
                key: named?,
                ordinal: ordinal.ok_or_else(|| missing("ordinal"))?,
                since_ms,
            },
        })
    }
}

impl WaitState {
    /// The wait for a signal of any of these names.
    pub fn signal(names: &[String], key: &str, ordinal: u64, since: Millis) -> Self {
        let name = names.first().cloned().unwrap_or_default();
        Self::Signal {
            event_type: format!("{SIGNAL_PREFIX}{name}"),
            name,
            names: (names.len() > 1).then(|| names.to_vec()),
            key: key.to_owned(),
            ordinal,
            since_ms: since,
        }
    }

    /// Since when it lasts, in epoch milliseconds.
    pub fn since(&self) -> Millis {
        match self {
            Self::Signal { since_ms, .. }
            | Self::Start { since_ms, .. }
            | Self::Retry { since_ms, .. }
            | Self::Timer { since_ms, .. }
            | Self::Process { since_ms, .. } => *since_ms,
        }
    }

    /// The time that it is for, in epoch milliseconds, where it is for one.
    pub fn until(&self) -> Option<Millis> {
        match self {
            Self::Start { until_ms, .. } | Self::Retry { until_ms, .. } | Self::Timer { until_ms, .. } => {
                Some(*until_ms)
            }
            Self::Signal { .. } | Self::Process { .. } => None,
        }
    }

    /// When a driver may begin the process that waits so, in epoch milliseconds. None where the wait is one of a run, which any
    /// driver may repeat at once if its tab was lost.
    pub fn begun_from(&self) -> Option<Millis> {
        match self {
            Self::Start { until_ms, .. } | Self::Retry { until_ms, step: None, .. } => Some(*until_ms),
            Self::Retry { step: Some(_), .. } | Self::Signal { .. } | Self::Timer { .. } | Self::Process { .. } => None,
        }
    }
}
