//! What must be true of the log of a process that was driven, whoever drove it and whatever happened to them.
//!
//! Its runs say of themselves what is needed to tell: the first thing each appends is `signal.begun` of
//! `{ attempt, fence, tab }`; what a step gives is `{ key, fence, run }`; what the process ends with is
//! `{ fence, seen }`, the values of its steps as that run was given them.

use std::{collections::BTreeMap, rc::Rc};

use longwait::domain::{event::ProcessEvent, process::ProcessAwaitOutput};
use serde_json::Value;

/// A process with its whole log.
pub struct Driven {
    pub id: String,
    pub ended: bool,
    pub events: Vec<Rc<ProcessEvent>>,
    /// How often it was begun, where that is known. A run may die before it says so.
    pub attempts: Option<u64>,
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
        let mut seen = Seen::default();
        for (event, number) in self.events.iter().zip(1..) {
            let at = |fault| format!("process `{}`, event {number} (`{}`): {fault}", self.id, event.event_type);
            seen.follows(&self.id, number, event).map_err(at)?;
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
    /// Of the latest run that said that it began.
    fence: u64,
    attempt: u64,
    /// What the latest run calls itself, once a step said so.
    run: Option<String>,
    /// What the steps gave, in the order of their records.
    steps: Vec<Value>,
    signals: BTreeMap<String, u64>,
    /// By what was said of them and their name: the latest wait.
    waits: BTreeMap<(String, String), u64>,
    ended: bool,
    /// Whether a run ended it and gave up its lease with that. Where the host did, a run may write until it learns of it.
    released: bool,
}

impl Seen {
    fn follows(&mut self, id: &str, number: u64, event: &ProcessEvent) -> Checked {
        must!(event.process_id.as_str() == id, "belongs to process `{}`", event.process_id);
        must!(event.sequence == number, "its sequence is {}: the log has a gap", event.sequence);
        let payload = Value::from(&event.payload);
        if let Some(terminal) = &event.semantics.terminal {
            return self.ends(&terminal.await_output);
        }
        if let Some(name) = event.event_type.strip_prefix("signal.") {
            *self.signals.entry(name.to_owned()).or_default() += 1;
        }
        match event.event_type.as_str() {
            "signal.begun" => self.begins(&payload),
            "process.step" => self.steps(&payload),
            "process.waiting" | "process.resumed" => self.waits(&event.event_type, &payload),
            _ => match payload.get("fence") {
                Some(_) => self.writes(number_in(&payload, "fence")?),
                None => Ok(()),
            },
        }
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

    /// It waits for a signal, or does not any more. A wait that is given up before it is on disk is over without having begun.
    fn waits(&mut self, said: &str, payload: &Value) -> Checked {
        let (name, ordinal) = (text_in(payload, "name")?, number_in(payload, "ordinal")?);
        must!(!self.ended, "a wait after the end");
        let came = self.signals.get(name).copied().unwrap_or_default();
        must!(came + 1 >= ordinal, "this is of `{name}` number {ordinal}, and only {came} came before");
        let latest = self.waits.insert((said.to_owned(), name.to_owned()), ordinal).unwrap_or_default();
        must!(ordinal > latest, "this is of `{name}` number {ordinal}, and follows number {latest}");
        Ok(())
    }

    fn ends(&mut self, output: &ProcessAwaitOutput) -> Checked {
        must!(!self.ended, "it ended twice");
        if let ProcessAwaitOutput::Failure { code, .. } = output {
            must!(!TROUBLE.contains(&code.as_str()), "it ended with trouble of the driver, `{code}`");
        }
        if let ProcessAwaitOutput::Success { value, .. } = output {
            let value = Value::from(value);
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

fn number_in(value: &Value, name: &str) -> Result<u64, String> {
    let number = value[name].as_f64().filter(|number| *number >= 1.0 && number.fract() == 0.0);
    number.map(|number| number as u64).ok_or_else(|| format!("says no {name}: {value}"))
}

fn text_in<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().ok_or_else(|| format!("says no {name}: {value}"))
}
