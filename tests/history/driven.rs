//! What must be true of the log of a process that was driven, whoever drove it and whatever happened to them.
//!
//! Of its waits the log says how each came out. A wait that is aborted or times out took nothing; what one takes is the first that
//! is left; and no wait comes out twice, so that each run has the same choice.
//!
//! A run that throws is tried again when its time has come, as often as its policy allows. A timer is set once, and over once its time has come. A step is tried again in its turn, never after it came out, and as often as its
//! policy allows.
//!
//! Its runs say of themselves what is needed to tell: the first thing each appends is `signal.begun` of
//! `{ attempt, fence, tab }`; what a step gives is `{ key, fence, run }`, and what an attempt of it throws has that and `most`, how many
//! attempts there are, as its `raw`; what the process ends with is `{ fence, seen }`, what its steps came to as that run was given it.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use longwait::model::{event::ProcessEvent, process::ProcessAwaitOutput};
use serde_json::Value;

/// A process with its whole log.
pub struct Driven {
    pub id: String,
    pub ended: bool,
    pub events: Vec<Rc<ProcessEvent>>,
    /// How often it was begun, where that is known. A run may die before it says so.
    pub attempts: Option<u64>,
    /// How many attempts its policy allows, where it sets a limit.
    pub max_attempts: Option<u64>,
    /// Whether the store's clock was never set back: what was waited for then may be recorded at an earlier time.
    pub steady_clock: bool,
}

/// The codes of what is never a process's own. A run hands its process back instead of ending it so.
const TROUBLE: [&str; 10] = [
    "lease_lost",
    "quota_exceeded",
    "storage_unavailable",
    "storage_blocked",
    "storage_version",
    "storage_failed",
    "conflict",
    "disconnected",
    "closed",
    "internal",
];

/// What is wrong with a log.
pub type Checked = Result<(), String>;

macro_rules! must {
    ($holds:expr, $($otherwise:tt)*) => {
        if !$holds {
            return Err(format!($($otherwise)*));
        }
    };
}

impl Driven {
    /// Refuses a log that no honest history leaves behind.
    pub fn check(&self) -> Checked {
        let mut seen = Seen { steady_clock: self.steady_clock, ..Seen::default() };
        for (event, number) in self.events.iter().zip(1..) {
            let at = |fault| format!("process `{}`, event {number} (`{}`): {fault}", self.id, event.event_type);
            seen.follows(&self.id, number, event).map_err(at)?;
            let most = self.max_attempts.unwrap_or(u64::MAX);
            must!(
                seen.thrown < most,
                "process `{}` is to be tried again after {} of {most} attempts",
                self.id,
                seen.thrown
            );
        }
        self.over(&seen).map_err(|fault| format!("process `{}`: {fault}", self.id))
    }

    fn over(&self, seen: &Seen) -> Checked {
        must!(self.ended, "has not ended");
        must!(seen.ended, "is said to have ended, and its log does not say how");
        let begun = self.attempts.unwrap_or(seen.attempt);
        must!(seen.attempt <= begun, "was begun {begun} times, and its log tells of attempt {}", seen.attempt);
        Ok(())
    }
}

/// A log as far as it was read.
#[derive(Default)]
struct Seen {
    steady_clock: bool,
    /// Of the latest run that said that it began.
    fence: u64,
    attempt: u64,
    /// What the latest run calls itself, once a step said so.
    run: Option<String>,
    /// What the steps gave, in the order of their records.
    steps: Vec<Value>,
    /// The signals in the log: name by sequence.
    signals: BTreeMap<u64, String>,
    waits: Waits,
    /// How many runs threw that another one was to follow, and from when on that may begin.
    thrown: u64,
    not_before: u64,
    /// How many attempts of each step failed, and whether it has failed with that.
    failed: BTreeMap<String, (u64, bool)>,
    /// From when on the next attempt of a step may be over that failed.
    retried_from: BTreeMap<String, u64>,
    /// When each timer is due.
    timers: BTreeMap<String, u64>,
    ended: bool,
    /// Whether a run ended it and gave up its lease with that. Where the host did, a run may write until it learns of it.
    released: bool,
}

impl Seen {
    fn follows(&mut self, id: &str, number: u64, event: &ProcessEvent) -> Checked {
        must!(event.process_id.as_str() == id, "belongs to process `{}`", event.process_id);
        must!(event.sequence == number, "its sequence is {}: the log has a gap", event.sequence);
        let (payload, now) = (event.payload.value(), event.occurred_at_ms);
        if let Some(terminal) = &event.semantics.terminal {
            return self.ends(&terminal.await_output);
        }
        if let Some(name) = event.event_type.strip_prefix("signal.") {
            self.signals.insert(number, name.to_owned());
        }
        match event.event_type.as_str() {
            "signal.begun" => {
                must!(!self.steady_clock || now >= self.not_before, "a run began at {now}, before {}", self.not_before);
                self.begins(&payload)
            }
            "process.step" => {
                self.is_retried_in_time(&payload, now)?;
                self.steps(&payload)
            }
            "process.attempt_failed" => self.throws(&payload),
            "process.step_failed" => {
                self.is_retried_in_time(&payload, now)?;
                self.step_fails(&payload)
            }
            "process.timer" => {
                must!(!self.ended, "a timer after the end");
                let key = text_in(&payload, "key")?;
                let earlier = self.timers.insert(key.to_owned(), number_in(&payload, "dueAtMs")?);
                must!(earlier.is_none(), "timer `{key}` was set twice");
                Ok(())
            }
            "process.waiting" | "process.resumed" => {
                must!(!self.ended, "a wait after the end");
                self.is_over_in_time(&payload, now)?;
                self.waits.follows(&self.signals, &event.event_type, &payload)
            }
            _ => match payload.get("fence") {
                Some(_) => self.writes(number_in(&payload, "fence")?),
                None => Ok(()),
            },
        }
    }

    /// A run threw, and another one is to follow.
    fn throws(&mut self, payload: &Value) -> Checked {
        must!(!self.ended, "an attempt after the end");
        self.thrown += 1;
        let attempt = number_in(payload, "attempt")?;
        must!(attempt == self.thrown, "failed attempt {} is said to be number {attempt}", self.thrown);
        self.not_before = number_in(payload, "retryAtMs")?;
        Ok(())
    }

    /// An attempt of a step is over: not before it was to be made, if one failed before.
    fn is_retried_in_time(&mut self, payload: &Value, now: u64) -> Checked {
        let key = text_in(payload, "key")?;
        let from = payload["retryAtMs"].as_f64().unwrap_or_default() as u64;
        let from = self.retried_from.insert(key.to_owned(), from).unwrap_or_default();
        must!(!self.steady_clock || now >= from, "step `{key}` is over at {now}, before {from}");
        Ok(())
    }

    /// A run says that it begins.
    fn begins(&mut self, payload: &Value) -> Checked {
        let (fence, attempt) = (number_in(payload, "fence")?, number_in(payload, "attempt")?);
        must!(!self.released, "a run began after the end");
        must!(fence > self.fence, "a run of fence {fence} began after one of fence {}", self.fence);
        must!(attempt > self.attempt, "attempt {attempt} began after attempt {}", self.attempt);
        must!(fence >= attempt, "attempt {attempt} has fence {fence}: not every attempt had a fence of its own");
        (self.fence, self.attempt, self.run) = (fence, attempt, None);
        Ok(())
    }

    /// Something was written under a fence.
    fn writes(&self, fence: u64) -> Checked {
        let latest = self.fence;
        must!(!self.released, "fence {fence} wrote after the end");
        must!(fence >= latest, "fence {fence} wrote after fence {latest} had begun");
        must!(fence == latest, "fence {fence} wrote without having said that it began");
        Ok(())
    }

    fn steps(&mut self, payload: &Value) -> Checked {
        let (key, value) = (text_in(payload, "key")?, &payload["value"]);
        let (fence, run) = (number_in(value, "fence")?, text_in(value, "run")?);
        must!(value["key"] == key, "step `{key}` gave the value of another one: {value}");
        must!(!self.steps.iter().any(|step| step["key"] == key), "step `{key}` was recorded twice");
        self.writes(fence)?;
        let latest = self.run.get_or_insert_with(|| run.to_owned());
        must!(latest == run, "fence {fence} is of run `{latest}` and of run `{run}`");
        self.steps.push(value.clone());
        Ok(())
    }

    /// An attempt of a step failed.
    fn step_fails(&mut self, payload: &Value) -> Checked {
        let (key, attempt, thrown) =
            (text_in(payload, "key")?, number_in(payload, "attempt")?, &payload["error"]["raw"]);
        let (failed, is_over) = self.failed.get(key).copied().unwrap_or_default();
        must!(!is_over, "step `{key}` was tried again after it had failed");
        must!(!self.steps.iter().any(|step| step["key"] == key), "step `{key}` failed after it had given a value");
        must!(attempt == failed + 1, "attempt {attempt} of step `{key}` followed attempt {failed}");
        let most = number_in(thrown, "most")?;
        let is_last = payload["retryAtMs"].is_null();
        must!(attempt <= most, "attempt {attempt} of step `{key}`, of {most}");
        must!(
            is_last == (attempt == most),
            "attempt {attempt} of step `{key}`, of {most}, was followed by none or by another"
        );
        self.writes(number_in(thrown, "fence")?)?;
        self.failed.insert(key.to_owned(), (attempt, is_last));
        if is_last {
            self.steps.push(thrown.clone());
        }
        Ok(())
    }

    /// A timer is over once its time has come.
    fn is_over_in_time(&self, payload: &Value, at: u64) -> Checked {
        // One that is given up may not have been set: it lost before that.
        let Some(key) = payload["timer"].as_str().filter(|_| payload["givenUp"] != true) else { return Ok(()) };
        let Some(due) = self.timers.get(key) else { return Err(format!("timer `{key}` was never set")) };
        let is_over = payload["dueAtMs"].as_f64();
        must!(
            is_over.is_none_or(|said| said as u64 == *due),
            "timer `{key}` is due at {due}, and was over at another time"
        );
        must!(is_over.is_none() || *due <= at, "timer `{key}` was over at {at}, before {due}");
        Ok(())
    }

    fn ends(&mut self, output: &ProcessAwaitOutput) -> Checked {
        must!(!self.ended, "it ended twice");
        if let ProcessAwaitOutput::Failure { code, .. } = output {
            must!(!TROUBLE.contains(&code.as_str()), "it ended with trouble of the driver, `{code}`");
        }
        if let ProcessAwaitOutput::Success { value, .. } = output {
            let value = value.value();
            self.writes(number_in(&value, "fence")?)?;
            must!(value["seen"].is_array(), "the run that ended it does not say what it was given: {value}");
            let (seen, recorded) = (&value["seen"], Value::from(self.steps.clone()));
            must!(*seen == recorded, "the run that ended it was given {seen}, and recorded is {recorded}");
            self.released = true;
        }
        self.ended = true;
        Ok(())
    }
}

/// The waits of all runs, as far as the log was read.
#[derive(Default)]
struct Waits {
    /// Those that were said to be under way.
    begun: BTreeSet<String>,
    /// How each came out, by its key: the latest.
    outcomes: BTreeMap<String, Outcome>,
    /// Which wait took each signal.
    taken: BTreeMap<u64, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Took(u64),
    Ended,
    Due,
    TimedOut,
    GivenUp,
}

impl Waits {
    fn follows(&mut self, signals: &BTreeMap<u64, String>, said: &str, payload: &Value) -> Checked {
        let names = names_in(payload);
        let other = || match (payload["processId"].as_str(), payload["timer"].as_str()) {
            (Some(id), _) => format!("process/{id}"),
            (None, Some(key)) => format!("timer/{key}"),
            (None, None) => "?".to_owned(),
        };
        let what = names.as_ref().map_or_else(other, |names| names.join(","));
        let key = format!("{what}:{}", number_in(payload, "ordinal")?);
        if said == "process.waiting" {
            must!(self.begun.insert(key.clone()), "`{key}` is said to wait twice");
            return Ok(());
        }
        let outcome = match (payload["sequence"].as_f64(), &names) {
            (Some(sequence), _) => Outcome::Took(sequence as u64),
            (None, _) if payload["timedOut"] == true => Outcome::TimedOut,
            (None, _) if payload["givenUp"] == true => Outcome::GivenUp,
            (None, None) if payload["timer"].is_string() => Outcome::Due,
            (None, None) => Outcome::Ended,
            (None, Some(_)) => return Err(format!("`{key}` does not say how it came out")),
        };
        self.comes_after(&key, outcome)?;
        if let (Outcome::Took(sequence), Some(names)) = (outcome, &names) {
            self.takes(signals, &key, sequence, names, payload)?;
        }
        if let (Outcome::GivenUp, Some(Outcome::Took(sequence))) = (outcome, self.outcomes.get(&key)) {
            self.taken.remove(sequence);
        }
        for other in payload["before"].as_array().into_iter().flatten() {
            let other = other.as_str().unwrap_or("?");
            let earlier = self.outcomes.get(other);
            must!(earlier.is_none(), "`{key}` is said to come before `{other}`, which had come out");
        }
        self.outcomes.insert(key, outcome);
        Ok(())
    }

    /// A wait comes out once. One that was aborted while its signal was being recorded has taken nothing all the same; and one
    /// that was given up may time out in another run, which is no more.
    fn comes_after(&self, key: &str, outcome: Outcome) -> Checked {
        match (self.outcomes.get(key), outcome) {
            (None, _)
            | (Some(Outcome::Took(_) | Outcome::TimedOut | Outcome::Due), Outcome::GivenUp)
            | (Some(Outcome::GivenUp), Outcome::TimedOut) => Ok(()),
            (Some(Outcome::GivenUp), Outcome::Took(_)) => {
                Err(format!("`{key}` was aborted, and took a signal all the same"))
            }
            (Some(_), _) => Err(format!("`{key}` came out twice")),
        }
    }

    /// The first signal of any of the names that is left.
    fn takes(
        &mut self,
        signals: &BTreeMap<u64, String>,
        key: &str,
        sequence: u64,
        names: &[String],
        payload: &Value,
    ) -> Checked {
        let name = signals.get(&sequence).ok_or(format!("`{key}` took {sequence}, which is no signal"))?;
        must!(names.contains(name), "`{key}` took {sequence}, which is a `{name}`");
        if let Some(other) = self.taken.get(&sequence) {
            return Err(format!("`{key}` took {sequence}, which `{other}` had taken"));
        }
        let before: Vec<_> = payload["before"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_wanted = |name: &str| {
            let wants = |key: &&str| key.rsplit_once(':').is_some_and(|(names, _)| names.split(',').any(|n| n == name));
            before.iter().any(wants)
        };
        for (earlier, other) in signals.range(..sequence) {
            let is_left = names.contains(other) && !self.taken.contains_key(earlier);
            // That of another name may be another wait's, which was there first.
            must!(!is_left || (other != name && is_wanted(other)), "`{key}` took {sequence} before {earlier}");
        }
        self.taken.insert(sequence, key.to_owned());
        Ok(())
    }
}

/// The names of the signals that a wait is for, if it is for signals.
fn names_in(payload: &Value) -> Option<Vec<String>> {
    match (payload["name"].as_str(), payload["names"].as_array()) {
        (Some(name), _) => Some(vec![name.to_owned()]),
        (None, Some(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        (None, None) => None,
    }
}

fn number_in(value: &Value, name: &str) -> Result<u64, String> {
    let number = value[name].as_f64().filter(|number| *number >= 1.0 && number.fract() == 0.0);
    number.map(|number| number as u64).ok_or_else(|| format!("says no {name}: {value}"))
}

fn text_in<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().ok_or_else(|| format!("says no {name}: {value}"))
}
