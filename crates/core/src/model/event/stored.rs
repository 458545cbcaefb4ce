//! Events as they are asked for, stored and answered.

use serde::{Deserialize, Serialize};
use std::rc::Rc;

use super::CANCEL_REQUESTED;
use crate::model::{
    Millis,
    grant::SessionScope,
    key::{ProcessId, ScopeId, SessionId},
    lease::ProcessLease,
    payload::Payload,
    process::{ProcessAwaitOutput, Terminal},
};

/// A stored event. Never changes. A stored row may have more in it than the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ProcessEvent {
    /// The process it belongs to.
    pub process_id: ProcessId,
    /// 1, 2, 3, … within the process.
    pub sequence: u64,
    /// A declared event type.
    pub event_type: String,
    /// What was appended.
    pub payload: Payload,
    /// Appending again under this key answers with this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_key: Option<String>,
    /// What it means, worked out when it was appended.
    pub semantics: Semantics,
    /// The store's time of the append, in epoch milliseconds.
    pub occurred_at_ms: Millis,
}

/// What one event means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Semantics {
    /// The outcome it gave its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Terminal>,
    /// The wake it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<Wake>,
}

/// A wake, before it has a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wake {
    /// What the session is told.
    pub input: String,
    /// What makes two wakes the same.
    pub dedupe_key: String,
}

/// A wake on its way to a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WakeDelivery {
    /// `wake:` and a hash of target and dedupe key: delivering it twice is seen to be once.
    pub wake_id: String,
    /// The session to wake.
    pub target_session_id: SessionId,
    /// The scope to wake in it.
    pub target_scope_id: ScopeId,
    /// The process that woke it.
    pub process_id: ProcessId,
    /// The event that woke it.
    pub sequence: u64,
    /// Its type.
    pub event_type: String,
    /// What led to the process, where its registration says.
    #[serde(default, deserialize_with = "crate::model::payload::present", skip_serializing_if = "Option::is_none")]
    pub process_caused_by: Option<Payload>,
    /// What makes two wakes the same.
    pub dedupe_key: String,
    /// What the session is told.
    pub input: String,
    /// When the event was appended, in epoch milliseconds.
    pub created_at_ms: Millis,
}

/// Who asks for an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Author {
    /// A caller, who is held to the event types and replay keys that are a caller's to take.
    #[default]
    Caller,
    /// The driver, or a completion.
    Driver,
}

/// An event to append.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppendRequest {
    /// A declared event type.
    pub event_type: String,
    /// Default: null.
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    #[serde(default)]
    pub payload: Payload,
    /// Makes the append repeatable. Terminal types and cancel requests must have one.
    pub replay_key: Option<String>,
    /// Where a wake goes. Default: the record's wake target.
    pub wake_target_scope: Option<SessionScope>,
    /// Appends only while this lease is held.
    pub lease: Option<ProcessLease>,
    /// A request that was read is a caller's.
    #[serde(skip)]
    pub author: Author,
}

impl AppendRequest {
    /// An event of a caller, without a replay key.
    pub fn new(event_type: impl Into<String>, payload: Payload) -> Self {
        Self {
            event_type: event_type.into(),
            payload,
            replay_key: None,
            wake_target_scope: None,
            lease: None,
            author: Author::Caller,
        }
    }

    /// An event of the driver's own, without a replay key.
    pub(crate) fn by_driver(event_type: &str, payload: Payload) -> Self {
        Self { author: Author::Driver, ..Self::new(event_type, payload) }
    }

    /// The same under a replay key.
    #[must_use]
    pub fn keyed(self, replay_key: impl Into<String>) -> Self {
        Self { replay_key: Some(replay_key.into()), ..self }
    }

    /// A request that a process stop. Asking twice for the same reason is one event.
    pub fn cancel(id: &ProcessId, reason: Option<&str>) -> Self {
        let payload = Payload::object([("reason", Some(reason.map_or_else(Payload::null, Payload::from)))]);
        let key = format!("process:{id}:cancel_requested:{}", payload.hash());
        Self::by_driver(CANCEL_REQUESTED, payload).keyed(key)
    }

    /// The event that ends a process with `output`.
    pub fn completion(id: &ProcessId, output: &ProcessAwaitOutput) -> Self {
        let event_type = output.state().event_type();
        let payload = Payload::object([("awaitOutput", Some(output.to_payload()))]);
        Self::by_driver(event_type, payload).keyed(format!("process:{id}:terminal:{event_type}"))
    }
}

/// What an append answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct AppendResult {
    /// The event in the log.
    pub event: Rc<ProcessEvent>,
    /// Whether it was there already, under the same replay key.
    pub replayed: bool,
    /// The wake it asks for, where there is a session to wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_delivery: Option<WakeDelivery>,
}
