//! The waits of runs: what one is for, what it writes down, and what later runs read of it.
//!
//! A run may issue several waits at once and abort those that lose. So the log does not only say that a process waits:
//! it says of each wait how it came out, and which waits it came before. A later run gives the same outcomes in the
//! same order, and nothing else is taken before them.

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    event::{AppendRequest, ProcessEvent, RESUMED, WAITING, signal_type},
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

    /// Whether it is for signals: such waits take something, so what they come to is always recorded.
    pub fn is_for_signals(&self) -> bool {
        match self {
            Self::Signals(_) => true,
            Self::Process(_) => false,
        }
    }

    fn text(&self) -> String {
        let text = match self {
            Self::Signals(names) => names.join(","),
            Self::Process(id) => format!("process/{id}"),
        };
        match (self, text.len() > LONGEST_IN_KEY) {
            (Self::Signals(_), true) => format!("signals/{}", Payload::from(text.as_str()).hash()),
            (Self::Process(_), true) => format!("process/{}", Payload::from(text.as_str()).hash()),
            (_, false) => text,
        }
    }
}

impl RunWait {
    /// Names it among the waits of its process.
    pub fn key(&self) -> String {
        format!("{}:{}", self.awaited.text(), self.ordinal)
    }

    /// The names of the signals that it takes; none where it is for a process.
    pub fn names(&self) -> &[String] {
        match &self.awaited {
            Awaited::Signals(names) => names,
            Awaited::Process(_) => &[],
        }
    }

    pub(crate) fn state(&self, since: Millis) -> Option<WaitState> {
        let name = self.names().first()?;
        let event_type = signal_type(name).ok()?;
        Some(WaitState::signal(name, self.names(), &event_type, &self.key(), self.ordinal, since))
    }

    fn facts(&self) -> WaitFacts {
        let ordinal = Some(self.ordinal);
        match &self.awaited {
            Awaited::Signals(names) => match names.as_slice() {
                [name] => WaitFacts { name: Some(name.clone()), ordinal, ..WaitFacts::default() },
                names => WaitFacts { names: names.to_vec(), ordinal, ..WaitFacts::default() },
            },
            Awaited::Process(id) => WaitFacts { process_id: Some(id.clone()), ordinal, ..WaitFacts::default() },
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
            Outcome::TimedOut => WaitFacts { timed_out: true, ..facts },
            Outcome::GivenUp => WaitFacts { given_up: true, ..facts },
        };
        let request = AppendRequest::by_driver(RESUMED, Payload::of(&facts)?).keyed(self.over_key(outcome));
        Ok(AppendRequest { lease: Some(held.clone()), ..request })
    }
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
    ordinal: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    given_up: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
}

impl ProcessEvent {
    /// What it says of a wait that came out. Nothing where it is of version 0.1.0, which did not say how, and where a caller
    /// appended it, who cannot have the replay key that the driver writes under.
    pub fn as_resumed(&self) -> Option<Resumed> {
        let facts: WaitFacts = self.payload.read().ok()?;
        let awaited = match (&facts.name, facts.process_id) {
            (Some(name), _) => Awaited::signals(&[name.as_str()]),
            (None, Some(id)) => Ok(Awaited::Process(id)),
            (None, None) => Awaited::signals(&facts.names),
        };
        let wait = RunWait { awaited: awaited.ok()?, ordinal: facts.ordinal? };
        let outcome = match (facts.sequence, &wait.awaited) {
            (Some(sequence), _) => Outcome::Took(sequence),
            (None, _) if facts.timed_out => Outcome::TimedOut,
            (None, _) if facts.given_up => Outcome::GivenUp,
            (None, Awaited::Process(_)) => Outcome::Ended,
            (None, Awaited::Signals(_)) => return None,
        };
        let is_of_driver = self.replay_key.as_deref() == Some(wait.over_key(outcome).as_str());
        is_of_driver.then(|| Resumed { key: wait.key(), outcome, before: facts.before })
    }
}
