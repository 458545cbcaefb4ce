//! Steps: parts of a run whose results are kept, so that another run need not repeat them.
//!
//! Every process takes them without declaring them, as runners come and go while a registration stays.

use super::{AppendRequest, ProcessEvent};
use crate::model::{Millis, payload::Payload};

/// The replay key under which the outcome of a step is recorded, whether it gave a value or failed.
pub fn step_key(key: &str) -> String {
    format!("step:{key}")
}

/// The event type of a recorded step; its payload is `{ key, value }`, without a value where the step gave none.
pub const STEP: &str = "process.step";

impl AppendRequest {
    /// The record of a step. One key is one record: its replay key sees to that.
    pub fn step(key: &str, value: &Option<Payload>) -> Self {
        let payload = Payload::object([("key", Some(key.into())), ("value", value.clone())]);
        Self::by_driver(STEP, payload).keyed(step_key(key))
    }
}

impl ProcessEvent {
    /// The key and the value of a recorded step. Nothing where a caller appended it, which version 0.1.0 allowed.
    pub fn as_step(&self) -> Option<(String, Option<Payload>)> {
        let key = self.payload.member("key")?.as_str()?;
        let is_of_driver = self.replay_key.as_deref()?.strip_prefix("step:") == Some(&key);
        is_of_driver.then(|| (key, self.payload.member("value")))
    }

    /// What it says of an attempt of a step that failed.
    pub fn as_step_failed(&self) -> Option<StepFailure> {
        let key = self.payload.member("key")?.as_str()?;
        let is_last = self.replay_key.as_deref() == Some(&step_key(&key));
        let (attempt, error) = (self.payload.member("attempt")?.as_u64()?, self.payload.member("error")?);
        let retry_at = self.payload.member("retryAtMs").and_then(|at| at.as_u64());
        Some(StepFailure { key, attempt, error, retry_at, is_last })
    }
}

/// An attempt of a step that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFailure {
    /// The key of the step.
    pub key: String,
    /// Which attempt it was, from 1.
    pub attempt: u64,
    /// What it threw.
    pub error: Payload,
    /// When the next attempt is to be made, in epoch milliseconds.
    pub retry_at: Option<Millis>,
    /// Whether there is none: this is how the step came out.
    pub is_last: bool,
}
