//! Processes: what is registered, what the record says, and the rules that change the record
//! without an event.

use std::rc::Rc;

use super::value::{Json, Map, field};

use super::{
    Millis, canonical,
    event::{self, ProcessEventType},
    filter::Lane,
    grant::SessionScope,
    json::{Fields, FromJson, Object, Reader, ToJson, json, named, to_json},
    key::ProcessId,
    schema::Schemas,
    snapshot::{Decision, Snapshot, Write},
};
use crate::error::{Code, Error, Result};

/// What a caller registers. After [`normalise`] every default is filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRegistration {
    /// Chosen by the caller; non-blank. Registering it again is the way to start once.
    pub id: ProcessId,
    /// What the process is to do.
    pub input: ProcessInput,
    /// Default: derived from the input.
    pub identity: Option<ProcessIdentity>,
    /// The event types it may append, besides the core types.
    pub event_types: Vec<ProcessEventType>,
    /// Who started it. Default: the host.
    pub provenance: Option<Provenance>,
    /// The caller's name for the environment it was started in.
    pub env_ref: Option<String>,
    /// Where its wakes go unless an append says otherwise.
    pub wake_target: Option<SessionScope>,
    /// What to do with it after a crash. Default: re-run.
    pub recovery: Option<Recovery>,
}

to_json!(ProcessRegistration {
    id: "id",
    input: "input",
    identity: "identity",
    event_types: "eventTypes",
    provenance: "provenance",
    env_ref: "envRef",
    wake_target: "wakeTarget",
    recovery: "recovery",
});

impl FromJson for ProcessRegistration {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let registration = Self {
            id: fields.take("id"),
            input: fields.take("input"),
            identity: fields.take("identity"),
            event_types: fields.take_or_default("eventTypes"),
            provenance: fields.take("provenance"),
            env_ref: fields.take("envRef"),
            wake_target: fields.take("wakeTarget"),
            recovery: fields.take("recovery"),
        };
        fields.end();
        registration
    }
}

/// What a process is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum ProcessInput {
    /// The host does the work and completes the process.
    External {
        /// Anything the host wants to keep with it.
        metadata: Option<Json>,
    },
    /// A runner of this kind does the work.
    Engine {
        /// Selects the runner; non-blank.
        kind: String,
        /// For the runner.
        payload: Option<Json>,
    },
    /// A tool call of an agent.
    ToolCall {
        /// The call.
        call: ToolCall,
    },
    /// One turn of an agent session.
    SessionTurn {
        /// How the session is made.
        create_request: Map,
        /// What the turn starts from.
        turn_input: Json,
    },
}

impl ToJson for ProcessInput {
    fn to_json(&self) -> Json {
        let tagged = |tag| Object::tagged("type", tag);
        match self {
            Self::External { metadata } => tagged("external").with("metadata", metadata),
            Self::Engine { kind, payload } => tagged("engine").with("kind", kind).with("payload", payload),
            Self::ToolCall { call } => tagged("tool_call").with("call", call),
            Self::SessionTurn { create_request, turn_input } => {
                tagged("session_turn").with("createRequest", create_request).with("turnInput", turn_input)
            }
        }
        .build()
    }
}

impl FromJson for ProcessInput {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let names = [("external", 0), ("engine", 1), ("tool_call", 2), ("session_turn", 3)];
        let mut fields = Fields::of(value, reader);
        let input = match fields.take_name("type", &names, 0) {
            1 => Self::Engine { kind: fields.take("kind"), payload: fields.take("payload") },
            2 => Self::ToolCall { call: fields.take("call") },
            3 => {
                Self::SessionTurn { create_request: fields.take("createRequest"), turn_input: fields.take("turnInput") }
            }
            _ => Self::External { metadata: fields.take("metadata") },
        };
        fields.end();
        input
    }
}

/// A tool call; further fields are kept as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// The model's id of the call.
    pub call_id: String,
    /// The tool.
    pub tool_name: String,
    /// The tool's own id, where it has one.
    pub tool_id: Option<String>,
    /// The arguments.
    pub args: Option<Json>,
    /// Whatever else the caller put there.
    pub extra: Map,
}

impl ToJson for ToolCall {
    fn to_json(&self) -> Json {
        let known = Object::default().with("callId", &self.call_id).with("toolName", &self.tool_name);
        let known = known.with("toolId", &self.tool_id).with("args", &self.args);
        self.extra.iter().fold(known, |call, (name, value)| call.with(name, value)).build()
    }
}

impl FromJson for ToolCall {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        Self {
            call_id: fields.take("callId"),
            tool_name: fields.take("toolName"),
            tool_id: fields.take("toolId"),
            args: fields.take("args"),
            extra: fields.rest(),
        }
    }
}

/// What a process is, for people and for choosing a runner.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessIdentity {
    /// Selects the runner; non-blank.
    pub kind: String,
    /// A short name for people.
    pub label: Option<String>,
    /// What it runs, in the caller's own terms; lists can be filtered by it.
    pub definition: Option<Json>,
}

json!(ProcessIdentity { kind: "kind", label: "label", definition: "definition" });

/// Who started a process, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// Who started it.
    pub originator: Originator,
    /// What led to it, in the caller's own terms.
    pub caused_by: Option<Json>,
}

json!(Provenance { originator: "originator", caused_by: "causedBy" });

/// Who started a process.
#[derive(Clone, Debug, PartialEq)]
pub enum Originator {
    /// The application itself.
    Host {},
    /// A session of it.
    Session {
        /// Which.
        scope: SessionScope,
    },
}

impl ToJson for Originator {
    fn to_json(&self) -> Json {
        match self {
            Self::Host {} => Object::tagged("type", "host"),
            Self::Session { scope } => Object::tagged("type", "session").with("scope", scope),
        }
        .build()
    }
}

impl FromJson for Originator {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let originator = match fields.take_name("type", &[("host", false), ("session", true)], false) {
            false => Self::Host {},
            true => Self::Session { scope: fields.take("scope") },
        };
        fields.end();
        originator
    }
}

/// What a driver does with a process whose runner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Runs it again from the start.
    Rerun,
    /// Completes it as failed, code `abandoned`.
    Abandon,
}

named!(Recovery { Rerun: "rerun", Abandon: "abandon" });

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalState {
    /// With a value.
    Completed,
    /// With a failure.
    Failed,
    /// Because it was asked to stop.
    Cancelled,
}

named!(TerminalState { Completed: "completed", Failed: "failed", Cancelled: "cancelled" });

impl TerminalState {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Cancelled];

    /// The core event type that ends a process so.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Completed => "process.completed",
            Self::Failed => "process.failed",
            Self::Cancelled => "process.cancelled",
        }
    }
}

/// An outcome: the state and what waiters are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Terminal {
    /// How it ended.
    pub state: TerminalState,
    /// What `awaitTerminal` resolves with.
    pub await_output: ProcessAwaitOutput,
}

json!(Terminal { state: "state", await_output: "awaitOutput" });

/// What a waiter is given when the process ends.
#[derive(Clone, Debug, PartialEq)]
pub enum ProcessAwaitOutput {
    /// It did what it was to do.
    Success {
        /// The result.
        value: Json,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
    /// It did not.
    Failure {
        /// Whose fault, roughly.
        class: FailureClass,
        /// For programs.
        code: String,
        /// For people.
        message: String,
        /// What the runner or tool said.
        raw: Option<Json>,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
    /// It was stopped.
    Cancelled {
        /// For people.
        message: String,
        /// What the runner or tool said.
        raw: Option<Json>,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
}

impl ToJson for ProcessAwaitOutput {
    fn to_json(&self) -> Json {
        let tagged = |tag| Object::tagged("type", tag);
        match self {
            Self::Success { value, control } => tagged("success").with("value", value).with("control", control),
            Self::Failure { class, code, message, raw, control } => {
                let what = tagged("failure").with("class", class).with("code", code);
                what.with("message", message).with("raw", raw).with("control", control)
            }
            Self::Cancelled { message, raw, control } => {
                tagged("cancelled").with("message", message).with("raw", raw).with("control", control)
            }
        }
        .build()
    }
}

impl FromJson for ProcessAwaitOutput {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let states = [
            ("success", TerminalState::Completed),
            ("failure", TerminalState::Failed),
            ("cancelled", TerminalState::Cancelled),
        ];
        let state = fields.take_name("type", &states, TerminalState::Completed);
        let control = fields.take("control");
        let output = match state {
            TerminalState::Completed => Self::Success { value: fields.take("value"), control },
            TerminalState::Failed => Self::Failure {
                class: fields.take("class"),
                code: fields.take("code"),
                message: fields.take("message"),
                raw: fields.take("raw"),
                control,
            },
            TerminalState::Cancelled => {
                Self::Cancelled { message: fields.take("message"), raw: fields.take("raw"), control }
            }
        };
        fields.end();
        output
    }
}

impl ProcessAwaitOutput {
    /// A success without control advice.
    pub fn success(value: Json) -> Self {
        Self::Success { value, control: None }
    }

    /// The state a process ends in with this output.
    pub fn state(&self) -> TerminalState {
        match self {
            Self::Success { .. } => TerminalState::Completed,
            Self::Failure { .. } => TerminalState::Failed,
            Self::Cancelled { .. } => TerminalState::Cancelled,
        }
    }
}

/// Whose fault a failure is, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The request makes no sense.
    InvalidRequest,
    /// Something needed was not there.
    Unavailable,
    /// Not allowed.
    PermissionDenied,
    /// Took too long.
    Timeout,
    /// The work itself failed.
    Execution,
    /// Something outside failed.
    External,
    /// A limit was reached.
    ResourceLimit,
    /// A defect of the host.
    Internal,
}

named!(FailureClass {
    InvalidRequest: "invalid_request",
    Unavailable: "unavailable",
    PermissionDenied: "permission_denied",
    Timeout: "timeout",
    Execution: "execution",
    External: "external",
    ResourceLimit: "resource_limit",
    Internal: "internal",
});

/// Whether a process runs, or how it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ProcessStatus {
    /// Not ended; it may be waiting for a signal.
    Running,
    /// Ended; never changes again.
    Ended(Terminal),
}

const RUNNING: &str = "running";

impl ToJson for ProcessStatus {
    fn to_json(&self) -> Json {
        match self {
            Self::Running => Object::tagged("state", RUNNING).build(),
            Self::Ended(terminal) => terminal.to_json(),
        }
    }
}

impl FromJson for ProcessStatus {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        match value.get("state").and_then(Json::as_str) == Some(RUNNING) {
            true => Self::Running,
            false => Self::Ended(Terminal::from_json(value, reader)),
        }
    }
}

/// Where else a process is known.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessExternalRef {
    /// The other system.
    pub backend: String,
    /// Its id there.
    pub id: String,
    /// Anything else about it.
    pub metadata: Option<Json>,
}

json!(ProcessExternalRef { backend: "backend", id: "id", metadata: "metadata" });

/// What a process is waiting for.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitState {
    /// A named signal.
    Signal {
        /// The signal's name.
        name: String,
        /// The event type that carries it.
        event_type: String,
        /// Identifies this wait.
        key: String,
        /// The how-many-eth wait for this name, from 1.
        ordinal: u64,
        /// Since when, in epoch milliseconds.
        since_ms: Millis,
    },
}

impl ToJson for WaitState {
    fn to_json(&self) -> Json {
        let Self::Signal { name, event_type, key, ordinal, since_ms } = self;
        let wait = Object::tagged("kind", "signal").with("name", name).with("eventType", event_type);
        wait.with("key", key).with("ordinal", ordinal).with("sinceMs", since_ms).build()
    }
}

impl FromJson for WaitState {
    fn from_json(value: Json, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        fields.take_name("kind", &[("signal", ())], ());
        let wait = Self::Signal {
            name: fields.take("name"),
            event_type: fields.take("eventType"),
            key: fields.take("key"),
            ordinal: fields.take("ordinal"),
            since_ms: fields.take("sinceMs"),
        };
        fields.end();
        wait
    }
}

/// The half of a process that never changes: read once, shared by every copy of the record.
#[derive(Debug, PartialEq)]
pub struct Registered {
    /// With every default filled in.
    pub registration: ProcessRegistration,
    /// SHA-256 over the canonical registration, lower hex.
    pub registration_hash: String,
    /// Epoch milliseconds.
    pub created_at_ms: Millis,
}

json!(Registered { registration: "registration", registration_hash: "registrationHash", created_at_ms: "createdAtMs" });

/// A process as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRecord {
    /// The half that never changes.
    pub registered: Rc<Registered>,
    /// Whether it runs, or how it ended.
    pub status: ProcessStatus,
    /// Where wakes go now; a deleted session is taken out.
    pub wake_target: Option<SessionScope>,
    /// Where else it is known.
    pub external_ref: Option<ProcessExternalRef>,
    /// What it waits for.
    pub wait: Option<WaitState>,
    /// When the row last changed, in epoch milliseconds; appending an event changes it.
    pub updated_at_ms: Millis,
    /// Bookkeeping of the event log; not part of the public record.
    pub log: LogHead,
}

/// What appending must know of the log without reading it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogHead {
    /// The sequence of the newest event; 0 where there is none.
    pub last_sequence: u64,
    /// Events so far by type, so that counting never scans. A list, because an event type may
    /// have a name (`__proto__`) that is no good as a key of a JavaScript object.
    pub counts: Vec<TypeCount>,
    /// The sequence of the event that ended the process.
    pub terminal_sequence: Option<u64>,
}

/// How many events of one type there are.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeCount {
    /// The event type.
    pub event_type: String,
    /// How many.
    pub count: u64,
}

json!(TypeCount { event_type: "eventType", count: "count" });
json!(LogHead { last_sequence: "lastSequence", counts: "counts", terminal_sequence: "terminalSequence" });

impl LogHead {
    /// Counts one more event; answers its place among those of its type, from 1.
    pub fn count(&mut self, event_type: &str) -> u64 {
        self.last_sequence += 1;
        if let Some(counted) = self.counts.iter_mut().find(|counted| counted.event_type == event_type) {
            counted.count += 1;
            return counted.count;
        }
        self.counts.push(TypeCount { event_type: event_type.to_owned(), count: 1 });
        1
    }
}

impl ProcessRecord {
    /// The process id.
    pub fn id(&self) -> &ProcessId {
        &self.registered.registration.id
    }

    /// What it is; filled in at registration.
    pub fn identity(&self) -> Option<&ProcessIdentity> {
        self.registered.registration.identity.as_ref()
    }

    /// The declared event type of that name.
    pub fn event_type(&self, name: &str) -> Option<&ProcessEventType> {
        self.registered.registration.event_types.iter().find(|declared| declared.name == name)
    }

    /// Whether it ended.
    pub fn is_terminal(&self) -> bool {
        self.terminal().is_some()
    }

    /// How it ended.
    pub fn terminal(&self) -> Option<&Terminal> {
        match &self.status {
            ProcessStatus::Running => None,
            ProcessStatus::Ended(terminal) => Some(terminal),
        }
    }

    /// The list it stands in.
    pub fn lane(&self) -> Lane {
        match (&self.status, &self.wait) {
            (ProcessStatus::Ended(terminal), _) => Lane::Ended(terminal.state),
            (ProcessStatus::Running, Some(_)) => Lane::Waiting,
            (ProcessStatus::Running, None) => Lane::Active,
        }
    }
}

impl ToJson for ProcessRecord {
    fn to_json(&self) -> Json {
        let Registered { registration, registration_hash, created_at_ms } = &*self.registered;
        Object::default()
            .with("id", &registration.id)
            .with("input", &registration.input)
            .with("identity", &registration.identity)
            .with("eventTypes", &registration.event_types)
            .with("provenance", &registration.provenance)
            .with("registrationHash", registration_hash)
            .with("envRef", &registration.env_ref)
            .with("wakeTarget", &self.wake_target)
            .with("recovery", &registration.recovery)
            .with("externalRef", &self.external_ref)
            .with("wait", &self.wait)
            .with("createdAtMs", created_at_ms)
            .with("updatedAtMs", &self.updated_at_ms)
            .with("status", &self.status)
            .build()
    }
}

/// Fills in every default and refuses what makes no sense, schemas included.
pub fn normalise(mut registration: ProcessRegistration, schemas: &Schemas) -> Result<Registered> {
    let id = registration.id.clone();
    if id.trim().is_empty() {
        return Err(Error::invalid("a process id must not be blank"));
    }
    event::add_core_types(&mut registration.event_types);
    event::check_types(&id, &registration.event_types)?;
    if let Some(scope) = &registration.wake_target {
        scope.check()?;
    }
    let identity = registration.identity.take().unwrap_or_else(|| default_identity(&registration.input));
    if identity.kind.trim().is_empty() {
        return Err(Error::of(Code::InvalidArgument, &id, "has a blank kind"));
    }
    registration.identity = Some(identity);
    let host = Provenance { originator: Originator::Host {}, caused_by: None };
    registration.provenance.get_or_insert(host);
    let registration_hash = canonical::hash(&registration.to_json());
    schemas.compile(&id, &registration_hash, &registration.event_types)?;
    Ok(Registered { registration, registration_hash, created_at_ms: 0 })
}

fn default_identity(input: &ProcessInput) -> ProcessIdentity {
    let first = |fields: Option<&Map>, names: &[&str]| {
        let fields = fields?;
        names.iter().find_map(|name| field(fields, name)?.as_str()).map(str::to_owned)
    };
    let (kind, label) = match input {
        ProcessInput::External { metadata } => {
            let fields = metadata.as_ref().and_then(Json::fields);
            ("external", first(fields, &["label", "name", "title"]))
        }
        ProcessInput::Engine { kind, .. } => (kind.as_str(), None),
        ProcessInput::ToolCall { call } => ("tool", Some(call.tool_name.clone())),
        ProcessInput::SessionTurn { create_request, .. } => {
            let subagent = field(create_request, "subagent").and_then(Json::fields);
            let label =
                first(subagent, &["capability"]).or_else(|| first(Some(create_request), &["usageSource", "sessionId"]));
            ("session_turn", label)
        }
    };
    ProcessIdentity { kind: kind.to_owned(), label, definition: None }
}

/// Registers a process, or finds it registered alike.
///
/// The same id with another registration is [`Code::RegistrationConflict`].
pub fn register(seen: &Snapshot, registered: &Registered) -> Result<Decision<ProcessRecord>> {
    let id = &registered.registration.id;
    if let Some(stored) = seen.rows.process(id) {
        return match stored.registered.registration_hash == registered.registration_hash {
            true => Ok(Decision::reply(stored.clone())),
            false => Err(Error::of(Code::RegistrationConflict, id, "is registered differently")),
        };
    }
    let registered = Registered {
        registration: registered.registration.clone(),
        registration_hash: registered.registration_hash.clone(),
        created_at_ms: seen.now,
    };
    Ok(changed(ProcessRecord {
        wake_target: registered.registration.wake_target.clone(),
        registered: Rc::new(registered),
        status: ProcessStatus::Running,
        external_ref: None,
        wait: None,
        updated_at_ms: seen.now,
        log: LogHead::default(),
    }))
}

/// Says where else the process is known. Once set it never changes:
/// another reference is [`Code::ExternalRefConflict`].
pub fn set_external_ref(
    seen: &Snapshot,
    id: &ProcessId,
    external_ref: &ProcessExternalRef,
) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    match &record.external_ref {
        Some(stored) if alike(stored, external_ref) => Ok(Decision::reply(record.clone())),
        Some(_) => Err(Error::of(Code::ExternalRefConflict, id, "has another external reference")),
        None => Ok(changed(ProcessRecord {
            external_ref: Some(external_ref.clone()),
            updated_at_ms: seen.now,
            ..record.clone()
        })),
    }
}

/// Says what the process waits for; it still counts as running.
/// A terminal process cannot wait: [`Code::AlreadyTerminal`].
pub fn set_wait(seen: &Snapshot, id: &ProcessId, wait: &WaitState) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    if record.is_terminal() {
        return Err(Error::of(Code::AlreadyTerminal, id, "has ended and cannot wait"));
    }
    let wait = Some(wait.clone());
    Ok(changed(ProcessRecord { wait, updated_at_ms: seen.now, ..record.clone() }))
}

/// Says that the process waits no more. Nothing changes where it did not wait.
pub fn clear_wait(seen: &Snapshot, id: &ProcessId) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    if record.wait.is_none() {
        return Ok(Decision::reply(record.clone()));
    }
    Ok(changed(ProcessRecord { wait: None, updated_at_ms: seen.now, ..record.clone() }))
}

/// Replies with a record and writes it.
fn changed(record: ProcessRecord) -> Decision<ProcessRecord> {
    Decision::reply(record.clone()).write(Write::Process(Rc::new(record)))
}

/// Equal as JSON: `1` and `1.0` are the same number.
fn alike(a: &dyn ToJson, b: &dyn ToJson) -> bool {
    canonical::to_string(&a.to_json()) == canonical::to_string(&b.to_json())
}
