//! Forks: what of a log another process begins with, and how its records read there.

use std::cell::RefCell;

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

/// The names of a process and of what it recorded, where its log is copied to.
#[derive(Debug)]
pub struct Renames {
    processes: Processes,
    /// The sequences that the events have there. Absent: those that they have here.
    sequences: Option<Map<u64, u64>>,
}

/// Which ids processes have there.
#[derive(Debug)]
enum Processes {
    /// Of a fork: those that begin as the ids of its children do where it is not said otherwise begin like those of the fork.
    Children(String, String),
    /// These; all others stay.
    Each(Map<ProcessId, ProcessId>),
    /// Those that they have here, which are noted.
    Noted(RefCell<Vec<ProcessId>>),
}

impl Renames {
    /// From one process to its fork.
    pub fn new(from: &ProcessId, to: &ProcessId) -> Self {
        let processes = Processes::Children(format!("{from}/"), format!("{to}/"));
        Self { processes, sequences: Some(Map::default()) }
    }

    /// From ids to others.
    pub fn of_processes(ids: impl IntoIterator<Item = (ProcessId, ProcessId)>) -> Self {
        let changed = ids.into_iter().filter(|(from, to)| from != to);
        Self { processes: Processes::Each(changed.collect()), sequences: None }
    }

    /// None, but notes the ids that are asked for.
    pub(super) fn noting() -> Self {
        Self { processes: Processes::Noted(RefCell::default()), sequences: None }
    }

    /// The ids that were asked for.
    pub(super) fn noted(self) -> Vec<ProcessId> {
        match self.processes {
            Processes::Noted(noted) => noted.into_inner(),
            Processes::Children(..) | Processes::Each(_) => Vec::new(),
        }
    }

    /// Whether every name stays.
    pub fn is_none(&self) -> bool {
        match &self.processes {
            Processes::Each(ids) => ids.is_empty() && self.sequences.is_none(),
            Processes::Children(..) | Processes::Noted(_) => false,
        }
    }

    /// The id of a process there: a run of the copy awaits it where one of the source awaited `id`.
    pub fn process(&self, id: &ProcessId) -> ProcessId {
        match &self.processes {
            Processes::Children(before, after) => {
                id.strip_prefix(&**before).map_or_else(|| id.clone(), |child| format!("{after}{child}").into())
            }
            Processes::Each(ids) => ids.get(id).unwrap_or(id).clone(),
            Processes::Noted(noted) => {
                noted.borrow_mut().push(id.clone());
                id.clone()
            }
        }
    }

    /// The sequence that an event has there; none where it is not copied.
    pub fn sequence(&self, sequence: u64) -> Option<u64> {
        self.sequences.as_ref().map_or(Some(sequence), |sequences| sequences.get(&sequence).copied())
    }

    fn note_sequence(&mut self, from: u64, to: u64) {
        self.sequences.get_or_insert_default().insert(from, to);
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
        renames.note_sequence(event.sequence, sequence);
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
