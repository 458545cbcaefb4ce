//! The event log: what may be appended, what it means, and what a repeated append answers.

use std::rc::Rc;

use crate::domain::value::Json;

use super::{
    Millis, canonical,
    grant::SessionScope,
    json::{self, Fields, FromJson, Object, Reader, ToJson, json, to_json},
    key::{ProcessId, ScopeId, SessionId},
    lease::{self, ProcessLease},
    process::{ProcessAwaitOutput, ProcessRecord, ProcessStatus, Terminal, TerminalState},
    schema::Schemas,
    selector::{Selector, text, truthy},
    snapshot::{Decision, Snapshot, Write},
};
use crate::error::{Code, Error, Result};

/// The event type that asks a process to stop.
pub const CANCEL_REQUESTED: &str = "process.cancel_requested";

/// An event type that a process may append.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessEventType {
    /// Non-blank, and unique within the process.
    pub name: String,
    /// JSON Schema (2020-12) of the payload. Absent: anything.
    pub payload_schema: Option<Json>,
    /// What an event of this type means. Absent: nothing but itself.
    pub semantics: Option<SemanticsSpec>,
}

json!(ProcessEventType { name: "name", payload_schema: "payloadSchema", semantics: "semantics" });

/// What an event type means for its process and its session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SemanticsSpec {
    /// It ends the process.
    pub terminal: Option<TerminalSpec>,
    /// It wakes a session.
    pub wake: Option<WakeSpec>,
}

json!(SemanticsSpec { terminal: "terminal", wake: "wake" });

/// How an event ends its process.
#[derive(Clone, Debug, PartialEq)]
pub struct TerminalSpec {
    /// The state it ends in.
    pub state: TerminalState,
    /// What waiters are given. May be absent for `completed` alone: then the whole payload.
    pub await_output: Option<Selector>,
}

json!(TerminalSpec { state: "state", await_output: "awaitOutput" });

/// How an event wakes a session.
#[derive(Clone, Debug, PartialEq)]
pub struct WakeSpec {
    /// Wakes only where this is truthy. Absent: always.
    pub when: Option<Selector>,
    /// What the session is told.
    pub input: Selector,
    /// What makes two wakes the same.
    pub dedupe_key: DedupeKey,
}

to_json!(WakeSpec { when: "when", input: "input", dedupe_key: "dedupeKey" });

impl FromJson for WakeSpec {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let (when, input) = (fields.take("when"), fields.take("input"));
        let spec = Self { when, input, dedupe_key: fields.take_or_default("dedupeKey") };
        fields.end();
        spec
    }
}

/// What makes two wakes the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DedupeKey {
    /// `<processId>:<sequence>`: every event wakes once.
    #[default]
    EventIdentity,
    /// Text selected from the payload.
    Selector(Selector),
    /// A fixed text.
    Const(String),
}

impl ToJson for DedupeKey {
    fn to_json(&self) -> Json {
        match self {
            Self::EventIdentity => "event_identity".to_json(),
            Self::Selector(selector) => Object::default().with("selector", selector).build(),
            Self::Const(fixed) => Object::default().with("const", fixed).build(),
        }
    }
}

impl FromJson for DedupeKey {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        if value.as_str() == Some("event_identity") {
            return Self::EventIdentity;
        }
        let mut fields = Fields::of(value, reader);
        let key = if let Some(selector) = fields.take("selector") {
            Self::Selector(selector)
        } else if let Some(fixed) = fields.take("const") {
            Self::Const(fixed)
        } else {
            fields.fault("must be \"event_identity\", {selector} or {const}");
            return Self::EventIdentity;
        };
        fields.end();
        key
    }
}

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
    fn from_json(value: Json, reader: &mut Reader) -> Self {
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
}

impl FromJson for AppendRequest {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let request = Self {
            event_type: fields.take("eventType"),
            payload: fields.take_or_default("payload"),
            replay_key: fields.take("replayKey"),
            wake_target_scope: fields.take("wakeTargetScope"),
            lease: fields.take("lease"),
        };
        fields.end();
        request
    }
}

impl AppendRequest {
    /// An event without a replay key.
    pub fn new(event_type: impl Into<String>, payload: Json) -> Self {
        Self { event_type: event_type.into(), payload, replay_key: None, wake_target_scope: None, lease: None }
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
        let key = format!("process:{id}:cancel_requested:{}", canonical::hash(&payload));
        Self::new(CANCEL_REQUESTED, payload).keyed(key)
    }

    /// The event that ends a process with `output`.
    pub fn completion(id: &ProcessId, output: &ProcessAwaitOutput) -> Self {
        let event_type = output.state().event_type();
        let payload = Object::default().with("awaitOutput", output).build();
        Self::new(event_type, payload).keyed(format!("process:{id}:terminal:{event_type}"))
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

/// Adds the core types that the caller did not declare.
pub fn add_core_types(declared: &mut Vec<ProcessEventType>) {
    let plain = [CANCEL_REQUESTED, "process.waiting", "process.resumed"].map(|name| (name, None));
    let terminal = TerminalState::ALL.map(|state| (state.event_type(), Some(state)));
    for (name, state) in plain.into_iter().chain(terminal) {
        if declared.iter().any(|event_type| event_type.name == name) {
            continue;
        }
        let await_output = Some(Selector::Pointer("/awaitOutput".into()));
        let terminal = state.map(|state| TerminalSpec { state, await_output });
        let semantics = terminal.map(|terminal| SemanticsSpec { terminal: Some(terminal), wake: None });
        declared.push(ProcessEventType { name: name.into(), payload_schema: None, semantics });
    }
}

/// Refuses blank or repeated names and terminal types that could not give an outcome.
pub fn check_types(id: &ProcessId, declared: &[ProcessEventType]) -> Result<()> {
    let refuse = |what: String| Err(Error::of(Code::InvalidArgument, id, what));
    for (place, event_type) in declared.iter().enumerate() {
        let name = &event_type.name;
        if name.trim().is_empty() {
            return refuse("declares an event type with a blank name".into());
        }
        if declared.iter().take(place).any(|earlier| earlier.name == *name) {
            return refuse(format!("declares event type `{name}` twice"));
        }
        let terminal = event_type.terminal();
        if terminal.is_some_and(|spec| spec.state != TerminalState::Completed && spec.await_output.is_none()) {
            return refuse(format!("must declare the await output of terminal event type `{name}`"));
        }
        // Completing relies on the three core types doing what their names say.
        let core = TerminalState::ALL.into_iter().find(|state| state.event_type() == name);
        if core.is_some_and(|state| terminal.is_none_or(|spec| spec.state != state)) {
            return refuse(format!("declares core event type `{name}` with another terminal state"));
        }
    }
    Ok(())
}

impl ProcessEventType {
    fn terminal(&self) -> Option<&TerminalSpec> {
        self.semantics.as_ref()?.terminal.as_ref()
    }

    /// An event that ends or stops a process must be recognisable when it is sent again.
    fn needs_replay_key(&self) -> bool {
        self.terminal().is_some() || self.name == CANCEL_REQUESTED
    }

    fn materialise(&self, identity: impl Fn() -> String, payload: &Json) -> Result<Semantics> {
        let Some(spec) = &self.semantics else { return Ok(Semantics::default()) };
        let terminal = spec.terminal.as_ref().map(|spec| spec.materialise(payload)).transpose()?;
        let wake = spec.wake.as_ref().map(|spec| spec.materialise(identity, payload)).transpose()?;
        Ok(Semantics { terminal, wake: wake.flatten() })
    }
}

impl TerminalSpec {
    fn materialise(&self, payload: &Json) -> Result<Terminal> {
        let selected = match &self.await_output {
            Some(selector) => selector.select(payload)?,
            None => return Ok(self.ending(ProcessAwaitOutput::success(payload.clone()))),
        };
        let output = match json::read(selected.clone()) {
            Ok(output) => output,
            Err(_) => self.wrap(selected),
        };
        Ok(self.ending(output))
    }

    fn ending(&self, await_output: ProcessAwaitOutput) -> Terminal {
        Terminal { state: self.state, await_output }
    }

    /// Makes an await output of a value that is not one.
    fn wrap(&self, value: Json) -> ProcessAwaitOutput {
        let message = text(&value);
        match self.state {
            TerminalState::Completed => ProcessAwaitOutput::success(value),
            TerminalState::Failed => ProcessAwaitOutput::Failure {
                class: super::process::FailureClass::Execution,
                code: "process_failed".into(),
                message,
                raw: Some(value),
                control: None,
            },
            TerminalState::Cancelled => ProcessAwaitOutput::Cancelled { message, raw: Some(value), control: None },
        }
    }
}

impl WakeSpec {
    fn materialise(&self, identity: impl Fn() -> String, payload: &Json) -> Result<Option<Wake>> {
        if let Some(when) = &self.when
            && !truthy(&when.select(payload)?)
        {
            return Ok(None);
        }
        let dedupe_key = match &self.dedupe_key {
            DedupeKey::EventIdentity => identity(),
            DedupeKey::Selector(selector) => text(&selector.select(payload)?),
            DedupeKey::Const(fixed) => fixed.clone(),
        };
        Ok(Some(Wake { input: text(&self.input.select(payload)?), dedupe_key }))
    }
}

/// Appends an event, or finds it appended under the same replay key.
///
/// A replay is looked up before anything else is judged: what was accepted once is answered
/// again, even after the process ended or the lease was lost.
pub fn append(
    seen: &Snapshot,
    schemas: &Schemas,
    id: &ProcessId,
    request: &AppendRequest,
) -> Result<Decision<AppendResult>> {
    let record = seen.known(id)?;
    let key = request.replay_key.as_deref().filter(|key| !key.is_empty());
    if let Some(stored) = key.and_then(|key| seen.rows.replay(id, key)) {
        return replay(record, request, stored);
    }
    if let Some(held) = &request.lease {
        lease::require(seen, id, held)?;
    }
    let event_type = &request.event_type;
    let declared = record.event_type(event_type).ok_or_else(|| {
        Error::of(Code::UndeclaredEventType, id, format!("does not declare event type `{event_type}`"))
    })?;
    if key.is_none() && declared.needs_replay_key() {
        let what = format!("needs a replay key to append `{event_type}`");
        return Err(Error::of(Code::MissingReplayKey, id, what));
    }
    if key.is_none() && request.replay_key.is_some() {
        return Err(Error::of(Code::InvalidArgument, id, "was given an empty replay key"));
    }
    schemas.check(record, declared, &request.payload)?;
    let sequence = record.log.last_sequence + 1;
    let semantics = declared
        .materialise(|| format!("{id}:{sequence}"), &request.payload)
        .map_err(|fault| Error::of(fault.code(), id, format!("refused `{event_type}`: {fault}")))?;
    if semantics.terminal.is_some() && record.is_terminal() {
        return Err(Error::of(Code::AlreadyTerminal, id, "has already ended"));
    }
    Ok(insert(seen, record, request, sequence, semantics))
}

fn insert(
    seen: &Snapshot,
    record: &ProcessRecord,
    request: &AppendRequest,
    sequence: u64,
    semantics: Semantics,
) -> Decision<AppendResult> {
    let event = Rc::new(ProcessEvent {
        process_id: record.id().clone(),
        sequence,
        event_type: request.event_type.clone(),
        payload: request.payload.clone(),
        replay_key: request.replay_key.clone(),
        semantics,
        occurred_at_ms: seen.now,
    });
    let mut next = record.clone();
    next.updated_at_ms = seen.now;
    let ordinal = next.log.count(&request.event_type);
    end(&mut next, &event);
    let wake_delivery = delivery(record, request, &event);
    Decision::reply(AppendResult { event: event.clone(), replayed: false, wake_delivery })
        .write(Write::Event { event, ordinal })
        .write(Write::Process(Rc::new(next)))
}

/// Projects a terminal event onto its record. An end also ends any wait.
fn end(record: &mut ProcessRecord, event: &ProcessEvent) {
    if let Some(terminal) = &event.semantics.terminal {
        record.status = ProcessStatus::Ended(terminal.clone());
        record.log.terminal_sequence = Some(event.sequence);
        record.wait = None;
    }
}

fn replay(
    record: &ProcessRecord,
    request: &AppendRequest,
    stored: &Rc<ProcessEvent>,
) -> Result<Decision<AppendResult>> {
    let id = record.id();
    if content_hash(&stored.event_type, &stored.payload) != content_hash(&request.event_type, &request.payload) {
        let what = "holds another event under this replay key";
        return Err(Error::of(Code::ReplayConflict, id, what));
    }
    let wake_delivery = delivery(record, request, stored);
    let decision = Decision::reply(AppendResult { event: stored.clone(), replayed: true, wake_delivery });
    if stored.semantics.terminal.is_none() || record.is_terminal() {
        return Ok(decision);
    }
    // Another implementation wrote the event and not the record: finish its work.
    let mut repaired = record.clone();
    repaired.updated_at_ms = stored.occurred_at_ms;
    end(&mut repaired, stored);
    Ok(decision.write(Write::Process(Rc::new(repaired))))
}

/// What two appends under one key must share.
fn content_hash(event_type: &str, payload: &Json) -> String {
    canonical::hash(&Json::list(vec![event_type.to_json(), payload.clone()]))
}

fn delivery(record: &ProcessRecord, request: &AppendRequest, event: &ProcessEvent) -> Option<WakeDelivery> {
    let wake = event.semantics.wake.as_ref()?;
    let target = request.wake_target_scope.as_ref().or(record.wake_target.as_ref())?;
    let scope_id = target.id();
    let identity = canonical::hash(&Json::list(vec![scope_id.to_json(), wake.dedupe_key.to_json()]));
    let provenance = record.registered.registration.provenance.as_ref();
    Some(WakeDelivery {
        wake_id: format!("wake:{identity}"),
        target_session_id: target.session_id.clone(),
        target_scope_id: scope_id,
        process_id: event.process_id.clone(),
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        process_caused_by: provenance.and_then(|provenance| provenance.caused_by.clone()),
        dedupe_key: wake.dedupe_key.clone(),
        input: wake.input.clone(),
        created_at_ms: event.occurred_at_ms,
    })
}

/// Ends a process with `output`. Repeating it with the same output answers the same record.
pub fn complete(
    seen: &Snapshot,
    schemas: &Schemas,
    id: &ProcessId,
    output: &ProcessAwaitOutput,
) -> Result<Decision<ProcessRecord>> {
    ended(seen, id, append(seen, schemas, id, &AppendRequest::completion(id, output))?)
}

/// [`complete`], only while `held` is held; releases it in the same transaction.
pub fn complete_with_lease(
    seen: &Snapshot,
    schemas: &Schemas,
    held: &ProcessLease,
    output: &ProcessAwaitOutput,
) -> Result<Decision<ProcessRecord>> {
    let id = &held.process_id;
    let request = AppendRequest { lease: Some(held.clone()), ..AppendRequest::completion(id, output) };
    let appended = append(seen, schemas, id, &request)?;
    let release = lease::release(seen, id, &held.lease_token).writes;
    let mut decision = ended(seen, id, appended)?;
    decision.writes.extend(release);
    Ok(decision)
}

/// Replies with the record as the append leaves it.
fn ended(seen: &Snapshot, id: &ProcessId, appended: Decision<AppendResult>) -> Result<Decision<ProcessRecord>> {
    let written = appended.writes.iter().find_map(|write| match write {
        Write::Process(record) => Some((**record).clone()),
        Write::Event { .. }
        | Write::AckWake(..)
        | Write::Lease(..)
        | Write::Grant(_)
        | Write::Revoke(..)
        | Write::Prune(_) => None,
    });
    let record = match written {
        Some(record) => record,
        None => seen.known(id)?.clone(),
    };
    Ok(appended.map(|_| record))
}

/// Marks a wake as delivered. Marking it again, or an event without a wake, changes nothing.
pub fn ack_wake(seen: &Snapshot, id: &ProcessId, sequence: u64) -> Result<Decision<()>> {
    seen.known(id)?;
    Ok(Decision::reply(()).write(Write::AckWake(id.clone(), sequence)))
}
