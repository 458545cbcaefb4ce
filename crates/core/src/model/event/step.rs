//! Steps: parts of a run whose results are kept, so that another run need not repeat them.
//!
//! Every process takes them without declaring them, as runners come and go while a registration stays.

use super::{AppendRequest, ProcessEvent};
use crate::model::payload::Payload;

/// The event type of a recorded step; its payload is `{ key, value }`, without a value where the step gave none.
pub const STEP: &str = "process.step";

impl AppendRequest {
    /// The record of a step. One key is one record: its replay key sees to that.
    pub fn step(key: &str, value: &Option<Payload>) -> Self {
        let payload = Payload::object([("key", Some(key.into())), ("value", value.clone())]);
        Self::by_driver(STEP, payload).keyed(format!("step:{key}"))
    }
}

impl ProcessEvent {
    /// The key and the value of a recorded step. Nothing where a caller appended it, which version 0.1.0 allowed.
    pub fn as_step(&self) -> Option<(String, Option<Payload>)> {
        let key = self.payload.member("key")?.as_str()?;
        let is_of_driver = self.replay_key.as_deref()?.strip_prefix("step:") == Some(&key);
        is_of_driver.then(|| (key, self.payload.member("value")))
    }
}
