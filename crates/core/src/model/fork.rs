//! Forks: what of a log another process begins with, and how its records read there.

use serde::Deserialize;

use super::{
    event::{ATTEMPT_FAILED, CANCEL_REQUESTED, PAUSED, ProcessEvent, Semantics, UNPAUSED, step_key},
    key::ProcessId,
    process::ProcessInput,
};
use crate::{error::Result, unordered::Map};

/// How a process is forked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fork {
    /// The id of the new process.
    pub new_id: ProcessId,
    /// Before which record of the log it begins.
    pub from: ForkPoint,
    /// What it is to do instead; of the same type, and for the same runner.
    #[serde(default)]
    pub input: Option<ProcessInput>,
}

/// Before which record of the log a fork begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ForkPoint {
    /// The first one: it has nothing of the log.
    Start,
    /// That of the step whose failure is recorded last; none where no step failed.
    Failed,
    /// That of the step of this key.
    Step(String),
}

impl ForkPoint {
    /// How many events of a log are before it; none where the log has no record of the step.
    pub fn place<'a>(
        &self,
        log: impl DoubleEndedIterator<Item = &'a ProcessEvent> + ExactSizeIterator,
    ) -> Option<usize> {
        let length = log.len();
        let mut places = log.enumerate();
        match self {
            ForkPoint::Start => Some(0),
            ForkPoint::Failed => {
                let mut failures =
                    places.rev().filter(|(_, event)| event.as_step_failed().is_some_and(|failed| failed.is_last));
                Some(failures.next().map_or(length, |(place, _)| place))
            }
            ForkPoint::Step(key) => {
                let key = step_key(key);
                places.find(|(_, event)| event.replay_key.as_ref() == Some(&key)).map(|(place, _)| place)
            }
        }
    }
}

/// The names of a process and of what it recorded, in the log of its fork.
#[derive(Debug)]
pub struct Renames {
    /// How the ids of its children begin where it is not said otherwise, and how those of the fork begin.
    children: (String, String),
    /// The sequences that the events have there.
    sequences: Map<u64, u64>,
}

impl Renames {
    /// From one process to another.
    pub fn new(from: &ProcessId, to: &ProcessId) -> Self {
        Self { children: (format!("{from}/"), format!("{to}/")), sequences: Map::default() }
    }

    /// The id of a process that a run of the fork awaits where one of the source awaited `id`.
    pub fn process(&self, id: &ProcessId) -> ProcessId {
        let (before, after) = &self.children;
        id.strip_prefix(&**before).map_or_else(|| id.clone(), |child| format!("{after}{child}").into())
    }

    /// The sequence that an event has there; none where it is not copied.
    pub fn sequence(&self, sequence: u64) -> Option<u64> {
        self.sequences.get(&sequence).copied()
    }
}

/// The events of a log that a process is forked with, as those of `to`, in order and numbered anew from 1.
///
/// Cancel requests, pauses, the failed attempts of the process and of steps, and what ended it are left out: the fork is to do better. How a step came
/// out stays. The copies cause no wakes: those were of the source.
pub fn copies<'a>(
    log: impl Iterator<Item = &'a ProcessEvent>,
    from: &ProcessId,
    to: &ProcessId,
) -> Result<Vec<ProcessEvent>> {
    let mut renames = Renames::new(from, to);
    let mut copies = Vec::new();
    for event in log.filter(|event| is_copied(event)) {
        let sequence = copies.len() as u64 + 1;
        renames.sequences.insert(event.sequence, sequence);
        let semantics = Semantics { wake: None, ..event.semantics.clone() };
        let copy = event.renamed(&renames)?;
        copies.push(ProcessEvent { process_id: to.clone(), sequence, semantics, ..copy });
    }
    Ok(copies)
}

fn is_copied(event: &ProcessEvent) -> bool {
    let is_left_out = [CANCEL_REQUESTED, PAUSED, UNPAUSED, ATTEMPT_FAILED].contains(&event.event_type.as_str());
    let is_attempt = event.as_step_failed().is_some_and(|failed| !failed.is_last);
    !is_left_out && !is_attempt && event.semantics.terminal.is_none()
}
