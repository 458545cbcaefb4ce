//! How long ended processes are kept.

use serde::Deserialize;

use super::{Millis, process::TerminalState};

/// How long ended processes are kept before a started driver prunes them, in milliseconds since they were last updated, by how they
/// ended. Absent: for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// Those that ended with a value.
    pub completed_ms: Option<Millis>,
    /// Those that ended with a failure.
    pub failed_ms: Option<Millis>,
    /// Those that were stopped.
    pub cancelled_ms: Option<Millis>,
}

impl Retention {
    /// Whether it keeps everything.
    pub fn is_for_ever(&self) -> bool {
        *self == Self::default()
    }
}

/// Which ended processes are pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Those last updated before this time, in epoch milliseconds.
    Before(Millis),
    /// Those that were kept for longer than this.
    KeptFor(Retention),
}

impl Outdated {
    /// Before which time a process that ended so must have been last updated, in epoch milliseconds; none where it is kept in any case.
    pub fn cutoff(&self, state: TerminalState, now: Millis) -> Option<Millis> {
        match self {
            Outdated::Before(cutoff) => Some(*cutoff),
            Outdated::KeptFor(Retention { completed_ms, failed_ms, cancelled_ms }) => {
                let kept = match state {
                    TerminalState::Completed => completed_ms,
                    TerminalState::Failed => failed_ms,
                    TerminalState::Cancelled => cancelled_ms,
                };
                Some(now.saturating_sub((*kept)?))
            }
        }
    }
}
