//! The waits of runs: what one is for, what it writes down, and what later runs read of it.
//!
//! A run may issue several waits at once and abort those that lose. So the log does not only say that a process waits:
//! it says of each wait how it came out, and which waits it came before. A later run gives the same outcomes in the
//! same order, and nothing else is taken before them.

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    event::{AppendRequest, ProcessEvent, RESUMED, STEP, STEP_FAILED, TIMER, WAITING, signal_type},
    fork::Renames,
    key::ProcessId,
    lease::ProcessLease,
    payload::Payload,
    process::WaitState,
};
use crate::error::{Error, Result};

/// What a wait is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    /// The next signal of any of these names: at least one, sorted, each once.
    Signals(Vec<String>),
    /// The end of another process.
    Process(ProcessId),
    /// The time of the timer of this key.
    Timer(String),
}

/// When a timer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many milliseconds after it is first set.
    After(Millis),
    /// At this time, in epoch milliseconds.
    At(Millis),
}

/// The `ordinal`th wait, from 1, that a run issues for the same thing. Each run counts anew, so one that repeats what an
/// earlier run did finds the outcomes of that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunWait {
    /// What it is for.
    pub awaited: Awaited,
    /// Its place among the waits of the run for that.
    pub ordinal: u64,
}

/// How a wait came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took the signal of this sequence.
    Took(u64),
    /// The process that it was for had ended.
    Ended,
    /// The time had come that its timer is due at, in epoch milliseconds.
    Due(Millis),
    /// Its limit passed. It took nothing.
    TimedOut,
    /// It was aborted. It took nothing, whatever an earlier record of it says.
    GivenUp,
}

/// What the log says of a wait that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Which one.
    pub key: String,
    /// How.
    pub outcome: Outcome,
    /// The keys of the waits that were under way at that moment: none of them came out before this one.
    pub before: Vec<String>,
}

/// The most names that one wait is for: they stand in the process's row.
const MOST_NAMES: usize = 256;

/// The longest text that stands in a key as it is. Longer ones are hashed: replay keys are bounded.
const LONGEST_IN_KEY: usize = 500;

impl Awaited {
    /// Signals of any of these names. [`Code::InvalidArgument`](crate::Code::InvalidArgument) for no name, and for one that
    /// no signal can have.
    pub fn signals<N: AsRef<str>>(names: &[N]) -> Result<Self> {
        let mut sorted: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        for name in &sorted {
            signal_type(name)?;
        }
        match sorted.len() {
            0 => Err(Error::invalid("a wait for signals needs at least one name")),
            1..=MOST_NAMES => Ok(Self::Signals(sorted)),
            _ => Err(Error::invalid(format!("name: has more than {MOST_NAMES} names"))),
        }
    }

    /// Whether what it comes to is always recorded: it takes a signal, or its time comes whatever the program does in the meantime.
    pub fn is_recorded(&self) -> bool {
        match self {
            Self::Signals(_) | Self::Timer(_) => true,
            Self::Process(_) => false,
        }
    }

    fn text(&self) -> String {
        let text = match self {
            Self::Signals(names) => names.join(","),
            Self::Process(id) => format!("process/{id}"),
            Self::Timer(key) => format!("timer/{key}"),
        };
        let hashed = |kind| format!("{kind}/{}", Payload::from(text.as_str()).hash());
        match (self, text.len() > LONGEST_IN_KEY) {
            (Self::Signals(_), true) => hashed("signals"),
            (Self::Process(_), true) => hashed("process"),
            (Self::Timer(_), true) => hashed("timer"),
            (_, false) => text,
        }
    }
}

impl RunWait {
    /// Names it among the waits of its process.
    pub fn key(&self) -> String {
        format!("{}:{}", self.awaited.text(), self.ordinal)
    }

    /// The names of the signals that it takes; none where it is for something else.
    pub fn names(&self) -> &[String] {
        match &self.awaited {
            Awaited::Signals(names) => names,
            Awaited::Process(_) | Awaited::Timer(_) => &[],
        }
    }

    /// What the record shows of it; of a timer, `due` is its time.
    pub fn state(&self, since_ms: Millis, due: Millis) -> WaitState {
        match &self.awaited {
            Awaited::Signals(names) => WaitState::signal(names, &self.key(), self.ordinal, since_ms),
            Awaited::Process(id) => WaitState::Process { process_id: id.clone(), since_ms },
            Awaited::Timer(key) => WaitState::Timer { key: key.clone(), until_ms: due, since_ms },
        }
    }

    fn renamed(&self, renames: &Renames) -> RunWait {
        match &self.awaited {
            Awaited::Process(id) => RunWait { awaited: Awaited::Process(renames.process(id)), ordinal: self.ordinal },
            Awaited::Signals(_) | Awaited::Timer(_) => self.clone(),
        }
    }

    fn facts(&self) -> WaitFacts {
        let ordinal = Some(self.ordinal);
        match &self.awaited {
            Awaited::Signals(names) => match names.as_slice() {
                [name] => WaitFacts { name: Some(name.clone()), ordinal, ..WaitFacts::default() },
                names => WaitFacts { names: names.to_vec(), ordinal, ..WaitFacts::default() },
            },
            Awaited::Process(id) => WaitFacts { process_id: Some(id.clone()), ordinal, ..WaitFacts::default() },
            Awaited::Timer(key) => WaitFacts { timer: Some(key.clone()), ordinal, ..WaitFacts::default() },
        }
    }

    /// The replay key of the event that says that it waits. It is there after a crash, when the same wait begins again.
    pub fn begun_key(&self) -> String {
        format!("{WAITING}:{}", self.key())
    }

    /// The replay key of the event that says how it came out. Each outcome has its own: a wait that is aborted while its
    /// signal is being recorded has two such events, and the later one holds.
    pub fn over_key(&self, outcome: Outcome) -> String {
        let how = match outcome {
            Outcome::Took(_) => "took",
            Outcome::Ended => "ended",
            Outcome::Due(_) => "due",
            Outcome::TimedOut => "timed_out",
            Outcome::GivenUp => "given_up",
        };
        format!("{RESUMED}:{}:{how}", self.key())
    }

    pub(crate) fn begins(&self, held: &ProcessLease) -> Result<AppendRequest> {
        let request = AppendRequest::by_driver(WAITING, Payload::of(&self.facts())?).keyed(self.begun_key());
        Ok(AppendRequest { lease: Some(held.clone()), ..request })
    }

    pub(crate) fn ends(&self, outcome: Outcome, before: &[String], held: &ProcessLease) -> Result<AppendRequest> {
        let facts = WaitFacts { before: before.to_vec(), ..self.facts() };
        let facts = match outcome {
            Outcome::Took(sequence) => WaitFacts { sequence: Some(sequence), ..facts },
            Outcome::Ended => facts,
            Outcome::Due(at) => WaitFacts { due_at_ms: Some(at), ..facts },
            Outcome::TimedOut => WaitFacts { timed_out: true, ..facts },
            Outcome::GivenUp => WaitFacts { given_up: true, ..facts },
        };
        let request = AppendRequest::by_driver(RESUMED, Payload::of(&facts)?).keyed(self.over_key(outcome));
        Ok(AppendRequest { lease: Some(held.clone()), ..request })
    }
}

/// The key of a wait in the log of a fork. One that is a hash, of the id of a process that is longer than is usual, stays: it holds
/// nothing there.
fn renamed_key(key: &str, renames: &Renames) -> String {
    let awaited = key.strip_prefix("process/").and_then(|rest| rest.rsplit_once(':'));
    let wait = awaited.and_then(|(id, ordinal)| {
        Some(RunWait { awaited: Awaited::Process(id.into()), ordinal: ordinal.parse().ok()? })
    });
    wait.map_or_else(|| key.to_owned(), |wait| wait.renamed(renames).key())
}

/// The payload of the events that say that a run waits, and how the wait came out.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WaitFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_id: Option<ProcessId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordinal: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    given_up: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
}

/// The replay key of the event that a timer is set by.
pub fn timer_key(key: &str) -> String {
    format!("timer:{key}")
}

impl AppendRequest {
    /// The record of a timer, which is due at that time. One key is one record.
    pub fn timer(key: &str, due: Millis, held: &ProcessLease) -> Self {
        let payload = Payload::object([("key", Some(key.into())), ("dueAtMs", Some(due.into()))]);
        Self { lease: Some(held.clone()), ..Self::by_driver(TIMER, payload).keyed(timer_key(key)) }
    }
}

impl ProcessEvent {
    /// The key of a recorded timer, and when it is due.
    pub fn as_timer(&self) -> Option<(String, Millis)> {
        Some((self.payload.member("key")?.as_str()?, self.payload.member("dueAtMs")?.as_u64()?))
    }

    /// The event with what it says of waits as in the log of a fork of its process, whose children have other ids and whose events other
    /// sequences.
    pub(crate) fn renamed(&self, renames: &Renames) -> Result<ProcessEvent> {
        let Some((facts, wait)) = self.as_wait() else { return Ok(self.clone()) };
        let outcome = self.as_resumed().map(|resumed| resumed.outcome);
        let key = match outcome {
            None if self.replay_key.as_ref() == Some(&wait.begun_key()) => wait.renamed(renames).begun_key(),
            None => return Ok(self.clone()),
            Some(outcome) => wait.renamed(renames).over_key(outcome),
        };
        let facts = WaitFacts {
            process_id: facts.process_id.map(|id| renames.process(&id)),
            sequence: facts.sequence.and_then(|sequence| renames.sequence(sequence)),
            before: facts.before.iter().map(|key| renamed_key(key, renames)).collect(),
            ..facts
        };
        Ok(ProcessEvent { payload: Payload::of(&facts)?, replay_key: Some(key), ..self.clone() })
    }

    /// Whether it is what the driver records under its replay key.
    pub(crate) fn is_under_key_of_driver(&self) -> bool {
        let is_of = |key: &str| self.replay_key.as_deref() == Some(key);
        match self.event_type.as_str() {
            STEP => self.as_step().is_some(),
            STEP_FAILED => self.as_step_failed().is_some_and(|failed| failed.is_last),
            TIMER => self.as_timer().is_some_and(|(key, _)| is_of(&timer_key(&key))),
            WAITING => self.as_wait().is_some_and(|(_, wait)| is_of(&wait.begun_key())),
            RESUMED => self.as_resumed().is_some_and(|resumed| match resumed.outcome {
                Outcome::Took(sequence) => (1..self.sequence).contains(&sequence),
                Outcome::Ended | Outcome::Due(_) | Outcome::TimedOut | Outcome::GivenUp => true,
            }),
            _ => false,
        }
    }

    /// What it says of a wait, and of which one.
    fn as_wait(&self) -> Option<(WaitFacts, RunWait)> {
        if ![WAITING, RESUMED].contains(&self.event_type.as_str()) {
            return None;
        }
        let facts: WaitFacts = self.payload.read().ok()?;
        let awaited = match (&facts.name, &facts.process_id, &facts.timer) {
            (Some(name), _, _) => Awaited::signals(&[name.as_str()]),
            (None, Some(id), _) => Ok(Awaited::Process(id.clone())),
            (None, None, Some(key)) => Ok(Awaited::Timer(key.clone())),
            (None, None, None) => Awaited::signals(&facts.names),
        };
        let wait = RunWait { awaited: awaited.ok()?, ordinal: facts.ordinal? };
        Some((facts, wait))
    }

    /// What it says of a wait that came out. Nothing where it is of version 0.1.0, which did not say how, and where a caller
    /// appended it, who cannot have the replay key that the driver writes under.
    pub fn as_resumed(&self) -> Option<Resumed> {
        let (facts, wait) = self.as_wait()?;
        let outcome = match (facts.sequence, &wait.awaited) {
            (Some(sequence), _) => Outcome::Took(sequence),
            (None, _) if facts.timed_out => Outcome::TimedOut,
            (None, _) if facts.given_up => Outcome::GivenUp,
            (None, Awaited::Process(_)) => Outcome::Ended,
            (None, Awaited::Timer(_)) => Outcome::Due(facts.due_at_ms?),
            (None, Awaited::Signals(_)) => return None,
        };
        let is_of_driver = self.replay_key.as_deref() == Some(wait.over_key(outcome).as_str());
        is_of_driver.then(|| Resumed { key: wait.key(), outcome, before: facts.before })
    }
}
