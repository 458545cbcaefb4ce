//! What is registered: the half of a process that never changes.

use std::rc::Rc;

use crate::domain::{
    Millis, canonical,
    event::{self, ProcessEventType},
    grant::SessionScope,
    json::{Fields, FromJson, Object, Reader, ToJson, json, named, to_json},
    key::ProcessId,
    schema::Schemas,
    value::{Json, Map, field},
};
use crate::{
    error::{Code, Error, Result},
    text::is_blank,
};

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
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
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
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let input = match fields.take_name("type", &["external", "engine", "tool_call", "session_turn"]) {
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
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
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
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let originator = match fields.take_name("type", &["host", "session"]) {
            0 => Self::Host {},
            _ => Self::Session { scope: fields.take("scope") },
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

/// The half of a process that never changes: read once, shared by every copy of the record.
#[derive(Debug, PartialEq)]
pub struct Registered {
    /// With every default filled in.
    pub registration: Rc<ProcessRegistration>,
    /// SHA-256 over the canonical registration, lower hex.
    pub registration_hash: String,
    /// Epoch milliseconds.
    pub created_at_ms: Millis,
}

json!(Registered { registration: "registration", registration_hash: "registrationHash", created_at_ms: "createdAtMs" });

/// Fills in every default and refuses what makes no sense, schemas included.
pub fn normalise(mut registration: ProcessRegistration, schemas: &Schemas) -> Result<Registered> {
    let id = registration.id.clone();
    if is_blank(&id) {
        return Err(Error::invalid("a process id must not be blank"));
    }
    event::add_core_types(&mut registration.event_types);
    event::check_types(&id, &registration.event_types)?;
    if let Some(scope) = &registration.wake_target {
        scope.check()?;
    }
    let identity = registration.identity.take().unwrap_or_else(|| default_identity(&registration.input));
    if is_blank(&identity.kind) {
        return Err(Error::of(Code::InvalidArgument, &id, "has a blank kind"));
    }
    registration.identity = Some(identity);
    let host = Provenance { originator: Originator::Host {}, caused_by: None };
    registration.provenance.get_or_insert(host);
    let registration_hash = canonical::hash(&registration.to_json());
    schemas.compile(&id, &registration_hash, &registration.event_types)?;
    Ok(Registered { registration: Rc::new(registration), registration_hash, created_at_ms: 0 })
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
