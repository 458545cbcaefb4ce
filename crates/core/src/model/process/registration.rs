//! What is registered: the half of a process that never changes.

use std::{cell::OnceCell, rc::Rc};

use serde::{Deserialize, Serialize};

use crate::model::{
    Millis,
    attachment::Attachment,
    check_name, check_names,
    event::{self, ProcessEventType},
    grant::SessionScope,
    key::{Key, ProcessId},
    payload::{self, Payload},
    policy::{NO_POLICY, Policy},
    schema::Schemas,
};
use crate::{
    error::{Code, Error, Result},
    text::{MAX_NAME, beginning, is_blank},
    unordered::Map,
};

/// What a caller registers. After [`normalise`] every default is filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessRegistration {
    /// Chosen by the caller; non-blank. Registering it again is the way to start once.
    pub id: ProcessId,
    /// What the process is to do.
    pub input: ProcessInput,
    /// Default: derived from the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ProcessIdentity>,
    /// The event types it may append, besides the core types.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub event_types: Vec<ProcessEventType>,
    /// Who started it. Default: the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// The caller's name for the environment it was started in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_ref: Option<String>,
    /// Where its wakes go unless an append says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_target: Option<SessionScope>,
    /// What to do with it after a crash. Default: re-run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

impl ProcessRegistration {
    /// A registration with every default.
    pub fn new(id: impl Into<ProcessId>, input: ProcessInput) -> Self {
        Self {
            id: id.into(),
            input,
            identity: None,
            event_types: Vec::new(),
            provenance: None,
            env_ref: None,
            wake_target: None,
            recovery: None,
        }
    }
}

/// A process to register: what is compared when its id is registered again, and what comes beside that.
#[derive(Clone, Debug)]
pub struct NewProcess {
    /// What is compared.
    pub registration: ProcessRegistration,
    /// Its run policy.
    pub policy: Policy,
    /// What is attached to it from the beginning.
    pub attachments: Vec<Rc<Attachment>>,
}

impl NewProcess {
    /// A process with a policy, to which nothing is attached.
    pub fn new(registration: ProcessRegistration, policy: Policy) -> Self {
        Self { registration, policy, attachments: Vec::new() }
    }
}

/// What a process is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase", try_from = "InputFields")]
pub enum ProcessInput {
    /// The host does the work and completes the process.
    External {
        /// What the host wants to keep with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        metadata: Option<Payload>,
    },
    /// A runner of a kind does the work.
    Engine {
        /// Selects the runner.
        kind: String,
        /// What the runner is given.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        payload: Option<Payload>,
    },
    /// A tool call of an agent.
    ToolCall {
        /// An object with a `callId`, a `toolName`, perhaps a `toolId` and `args`, and whatever else the caller keeps in it.
        #[cfg_attr(
            test,
            ts(
                type = "{ callId: string, toolName: string, toolId?: string, args?: Payload, [key: string]: Payload | undefined }"
            )
        )]
        call: Payload,
    },
    /// One turn of an agent session.
    SessionTurn {
        /// An object: how the session is made.
        #[cfg_attr(test, ts(type = "{ [key: string]: Payload }"))]
        create_request: Payload,
        /// What the turn starts from.
        turn_input: Payload,
    },
}

/// The fields of an input, whichever it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InputFields {
    r#type: String,
    #[serde(default, deserialize_with = "payload::present")]
    metadata: Option<Payload>,
    kind: Option<String>,
    #[serde(default, deserialize_with = "payload::present")]
    payload: Option<Payload>,
    call: Option<Payload>,
    create_request: Option<Payload>,
    #[serde(default, deserialize_with = "payload::present")]
    turn_input: Option<Payload>,
}

impl TryFrom<InputFields> for ProcessInput {
    type Error = String;

    fn try_from(fields: InputFields) -> std::result::Result<Self, String> {
        let InputFields { r#type, metadata, kind, payload, call, create_request, turn_input } = fields;
        let given = [
            ("metadata", metadata.is_some()),
            ("kind", kind.is_some()),
            ("payload", payload.is_some()),
            ("call", call.is_some()),
            ("createRequest", create_request.is_some()),
            ("turnInput", turn_input.is_some()),
        ];
        let takes: &[&str] = match r#type.as_str() {
            "external" => &["metadata"],
            "engine" => &["kind", "payload"],
            "tool_call" => &["call"],
            "session_turn" => &["createRequest", "turnInput"],
            _ => return Err("type must be one of external, engine, tool_call, session_turn".to_owned()),
        };
        if let Some((name, _)) = given.into_iter().find(|(name, given)| *given && !takes.contains(name)) {
            return Err(format!("{name} is not known here"));
        }
        let missing = |name: &str| format!("{name} is missing");
        Ok(match r#type.as_str() {
            "engine" => Self::Engine { kind: kind.ok_or_else(|| missing("kind"))?, payload },
            "tool_call" => Self::ToolCall { call: checked_call(call.ok_or_else(|| missing("call"))?)? },
            "session_turn" => {
                let create_request = create_request.ok_or_else(|| missing("createRequest"))?;
                create_request.names().ok_or("createRequest must be an object")?;
                Self::SessionTurn { create_request, turn_input: turn_input.ok_or_else(|| missing("turnInput"))? }
            }
            _ => Self::External { metadata },
        })
    }
}

fn checked_call(call: Payload) -> std::result::Result<Payload, String> {
    call.names().ok_or("call must be an object")?;
    for (name, is_required) in [("callId", true), ("toolName", true), ("toolId", false)] {
        match call.member(name) {
            Some(value) if value.as_str().is_none() => return Err(format!("call.{name} must be a string")),
            None if is_required => return Err(format!("call.{name} is missing")),
            Some(_) | None => {}
        }
    }
    Ok(call)
}

impl ProcessInput {
    /// Work that the host does.
    pub fn external() -> Self {
        Self::External { metadata: None }
    }

    /// Work for the runner of a kind, which is given `payload`.
    pub fn engine(kind: impl Into<String>, payload: impl Into<Payload>) -> Self {
        Self::Engine { kind: kind.into(), payload: Some(payload.into()) }
    }

    /// Whether the host does the work.
    pub fn is_external(&self) -> bool {
        matches!(self, Self::External { .. })
    }
}

/// What a process is, for people and for choosing a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessIdentity {
    /// Selects the runner; non-blank.
    pub kind: String,
    /// A short name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it runs, in the caller's own terms; lists can be filtered by it.
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    pub definition: Option<Payload>,
}

/// Who started a process, and what led to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// Who started it.
    pub originator: Originator,
    /// What led to it, in the caller's own terms.
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Payload>,
}

/// Who started a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", try_from = "OriginatorFields")]
pub enum Originator {
    /// The host.
    Host {},
    /// A session of it.
    Session {
        /// Which.
        scope: SessionScope,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginatorFields {
    r#type: String,
    scope: Option<SessionScope>,
}

impl TryFrom<OriginatorFields> for Originator {
    type Error = String;

    fn try_from(OriginatorFields { r#type, scope }: OriginatorFields) -> std::result::Result<Self, String> {
        match (r#type.as_str(), scope) {
            ("host", None) => Ok(Self::Host {}),
            ("host", Some(_)) => Err("scope is not known here".to_owned()),
            ("session", Some(scope)) => Ok(Self::Session { scope }),
            ("session", None) => Err("scope is missing".to_owned()),
            _ => Err("type must be one of host, session".to_owned()),
        }
    }
}

impl Provenance {
    pub(crate) fn host() -> Self {
        Self { originator: Originator::Host {}, caused_by: None }
    }

    /// What led to the process.
    pub fn caused_by(&self) -> Option<&Payload> {
        self.caused_by.as_ref()
    }
}

/// What a driver does with a process whose runner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Runs it again from the start.
    Rerun,
    /// Completes it as failed, code `abandoned`.
    Abandon,
}

/// The half of a process that never changes: read once, shared by every copy of the record.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registered {
    /// With every default filled in.
    pub registration: Rc<ProcessRegistration>,
    /// When it is begun, how often, and in which order, where that is said; no part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Box<Policy>>,
    /// SHA-256 over the canonical registration, lower hex.
    pub registration_hash: String,
    /// Epoch milliseconds.
    pub created_at_ms: Millis,
    #[serde(skip)]
    pub(super) derived: Derived,
}

impl Registered {
    /// The half of a process that was registered at a time.
    pub fn new(
        registration: Rc<ProcessRegistration>,
        policy: Policy,
        registration_hash: String,
        created_at_ms: Millis,
    ) -> Self {
        let policy = (!policy.is_default()).then(|| Box::new(policy));
        Self { registration, policy, registration_hash, created_at_ms, derived: Derived::default() }
    }
}

/// What follows from a registration, and is made when it is first asked for: rows and lists ask for the hash of a definition
/// again and again, and waits for thousands of event types look for each of them among as many.
#[derive(Debug, Default)]
pub(super) struct Derived {
    definition_hash: OnceCell<Option<Key>>,
    /// The places of event types, by name.
    places: OnceCell<Map<String, usize>>,
}

impl Registered {
    /// Whether this is the same registration of the same process: not one of its id that was made since. Payloads are not compared, which
    /// would read all of them.
    pub fn is(&self, other: &Self) -> bool {
        self.registration_hash == other.registration_hash && self.created_at_ms == other.created_at_ms
    }

    /// Its run policy.
    pub fn policy(&self) -> &Policy {
        self.policy.as_deref().unwrap_or(&NO_POLICY)
    }

    /// The hash of what it runs, where it says so.
    pub(super) fn definition_hash(&self) -> Option<&Key> {
        let definition = || self.registration.identity.as_ref()?.definition.as_ref();
        self.derived.definition_hash.get_or_init(|| Some(definition()?.hash().into())).as_ref()
    }

    /// The declared event type of that name.
    pub(super) fn event_type(&self, name: &str) -> Option<&ProcessEventType> {
        let types = &self.registration.event_types;
        let places = self.derived.places.get_or_init(|| {
            let mut places = Map::default();
            for (place, event_type) in types.iter().enumerate() {
                places.entry(event_type.name.clone()).or_insert(place);
            }
            places
        });
        types.get(*places.get(name)?)
    }
}

/// It follows from the registration, and says nothing of its own.
impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Fills in every default and refuses what makes no sense, schemas included.
pub fn normalise(mut registration: ProcessRegistration, policy: Policy, schemas: &Schemas) -> Result<Registered> {
    let id = registration.id.clone();
    if is_blank(&id) {
        return Err(Error::invalid("registration.id: must not be blank"));
    }
    registration.check_names()?;
    policy.check()?;
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
    registration.provenance.get_or_insert_with(Provenance::host);
    let registration_hash = Payload::of(&registration)?.hash();
    schemas.compile(&id, &registration_hash, &registration.event_types)?;
    Ok(Registered::new(Rc::new(registration), policy, registration_hash, 0))
}

impl ProcessRegistration {
    /// Refuses names that are too long; those of event types are checked with the types.
    fn check_names(&self) -> Result<()> {
        check_name("registration.id", &self.id)?;
        match &self.input {
            ProcessInput::Engine { kind, payload: _ } => check_name("registration.input.kind", kind)?,
            ProcessInput::ToolCall { call } => {
                check_names("registration.input.call", call, &["callId", "toolName", "toolId"])?;
            }
            ProcessInput::External { .. } | ProcessInput::SessionTurn { .. } => {}
        }
        if let Some(ProcessIdentity { kind, label, definition: _ }) = &self.identity {
            check_name("registration.identity.kind", kind)?;
            check_name("registration.identity.label", label.as_deref().unwrap_or_default())?;
        }
        check_name("registration.envRef", self.env_ref.as_deref().unwrap_or_default())?;
        match self.provenance.as_ref().map(|provenance| &provenance.originator) {
            Some(Originator::Session { scope }) => scope.check(),
            _ => Ok(()),
        }
    }
}

fn default_identity(input: &ProcessInput) -> ProcessIdentity {
    let first = |document: &Payload, names: &[&str]| names.iter().find_map(|name| document.member(name)?.as_str());
    let (kind, label) = match input {
        ProcessInput::External { metadata } => {
            ("external", metadata.as_ref().and_then(|metadata| first(metadata, &["label", "name", "title"])))
        }
        ProcessInput::Engine { kind, payload: _ } => (kind.as_str(), None),
        ProcessInput::ToolCall { call } => ("tool", first(call, &["toolName"])),
        ProcessInput::SessionTurn { create_request, turn_input: _ } => {
            let capability = create_request.member("subagent").and_then(|subagent| first(&subagent, &["capability"]));
            ("session_turn", capability.or_else(|| first(create_request, &["usageSource", "sessionId"])))
        }
    };
    // What it is taken from may be a text of any length, and is no name.
    let label = label.map(|label| beginning(&label, MAX_NAME).to_owned());
    ProcessIdentity { kind: kind.to_owned(), label, definition: None }
}
