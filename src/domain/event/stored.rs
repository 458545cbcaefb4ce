//! Events as they are asked for, stored and answered.

use std::rc::Rc;

use super::CANCEL_REQUESTED;
use crate::domain::{
    Millis, canonical,
    grant::SessionScope,
    json::{Fields, FromJson, Object, Reader, ToJson, json, to_json},
    key::{ProcessId, ScopeId, SessionId},
    lease::ProcessLease,
    process::{ProcessAwaitOutput, Terminal},
    value::Json,
};
use crate::text::text;

/// A stored event. Never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessEvent {
    /// The process it belongs to.
    pub process_id: ProcessId,
    /// 1, 2, 3, … within the process.
    pub sequence: u64,
    /// A declared event type.
    pub event_type: String,
    /// What was appended.
    pub payload: Json,
    /// Appending again under this key answers with this event.
    pub replay_key: Option<String>,
    /// What it means, worked out when it was appended.
    pub semantics: Semantics,
    /// The store's time of the append, in epoch milliseconds.
    pub occurred_at_ms: Millis,
}

to_json!(ProcessEvent {
    process_id: "processId",
    sequence: "sequence",
    event_type: "eventType",
    payload: "payload",
    replay_key: "replayKey",
    semantics: "semantics",
    occurred_at_ms: "occurredAtMs",
});

impl FromJson for ProcessEvent {
    /// Reads a stored row; a store may keep more in it than the event.
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        Self {
            process_id: fields.take("processId"),
            sequence: fields.take("sequence"),
            event_type: fields.take("eventType"),
            payload: fields.take("payload"),
            replay_key: fields.take("replayKey"),
            semantics: fields.take("semantics"),
            occurred_at_ms: fields.take("occurredAtMs"),
        }
    }
}

/// What one event means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Semantics {
    /// The outcome it gave its process.
    pub terminal: Option<Terminal>,
    /// The wake it asks for.
    pub wake: Option<Wake>,
}

json!(Semantics { terminal: "terminal", wake: "wake" });

/// A wake, before it has a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Wake {
    /// What the session is told.
    pub input: String,
    /// What makes two wakes the same.
    pub dedupe_key: String,
}

json!(Wake { input: "input", dedupe_key: "dedupeKey" });

/// A wake on its way to a session.
#[derive(Clone, Debug, PartialEq)]
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
    pub process_caused_by: Option<Json>,
    /// What makes two wakes the same.
    pub dedupe_key: String,
    /// What the session is told.
    pub input: String,
    /// When the event was appended, in epoch milliseconds.
    pub created_at_ms: Millis,
}

to_json!(WakeDelivery {
    wake_id: "wakeId",
    target_session_id: "targetSessionId",
    target_scope_id: "targetScopeId",
    process_id: "processId",
    sequence: "sequence",
    event_type: "eventType",
    process_caused_by: "processCausedBy",
    dedupe_key: "dedupeKey",
    input: "input",
    created_at_ms: "createdAtMs",
});

/// Who asks for an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A caller, who is held to the event types and replay keys that are a caller's to take.
    Caller,
    /// The driver, or a completion.
    Driver,
}

/// An event to append.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendRequest {
    /// A declared event type.
    pub event_type: String,
    /// Default: null.
    pub payload: Json,
    /// Makes the append repeatable. Terminal types and cancel requests must have one.
    pub replay_key: Option<String>,
    /// Where a wake goes. Default: the record's wake target.
    pub wake_target_scope: Option<SessionScope>,
    /// Appends only while this lease is held.
    pub lease: Option<ProcessLease>,
    /// A request that was read is a caller's.
    pub author: Author,
}

impl FromJson for AppendRequest {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let request = Self {
            event_type: fields.take("eventType"),
            payload: fields.take_or_default("payload"),
            replay_key: fields.take("replayKey"),
            wake_target_scope: fields.take("wakeTargetScope"),
            lease: fields.take("lease"),
            author: Author::Caller,
        };
        fields.end();
        request
    }
}

impl AppendRequest {
    /// An event of a caller, without a replay key.
    pub fn new(event_type: impl Into<String>, payload: Json) -> Self {
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
    pub(crate) fn by_driver(event_type: &str, payload: Json) -> Self {
        Self { author: Author::Driver, ..Self::new(event_type, payload) }
    }

    /// The same under a replay key.
    #[must_use]
    pub fn keyed(self, replay_key: impl Into<String>) -> Self {
        Self { replay_key: Some(replay_key.into()), ..self }
    }

    /// A request that a process stop. Asking twice for the same reason is one event.
    pub fn cancel(id: &ProcessId, reason: Option<&str>) -> Self {
        let reason = reason.map_or(Json::Null, |reason| reason.to_json());
        let payload = Object::default().with("reason", &reason).build();
        let key = text!["process:", id, ":cancel_requested:", canonical::hash(&payload)];
        Self::by_driver(CANCEL_REQUESTED, payload).keyed(key)
    }

    /// The event that ends a process with `output`.
    pub fn completion(id: &ProcessId, output: &ProcessAwaitOutput) -> Self {
        let event_type = output.state().event_type();
        let payload = Object::default().with("awaitOutput", output).build();
        Self::by_driver(event_type, payload).keyed(text!["process:", id, ":terminal:", event_type])
    }
}

/// What an append answers.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendResult {
    /// The event in the log.
    pub event: Rc<ProcessEvent>,
    /// Whether it was there already, under the same replay key.
    pub replayed: bool,
    /// The wake it asks for, where there is somebody to wake.
    pub wake_delivery: Option<WakeDelivery>,
}

to_json!(AppendResult { event: "event", replayed: "replayed", wake_delivery: "wakeDelivery" });
