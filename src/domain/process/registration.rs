//! What is registered: the half of a process that never changes.

use std::{cell::OnceCell, collections::BTreeMap, rc::Rc};

use crate::domain::{
    Millis, canonical, check_name, check_names,
    event::{self, ProcessEventType},
    grant::SessionScope,
    json::{self, Fields, FromJson, Object, Reader, ToJson, json, named, to_json},
    key::{Key, ProcessId},
    schema::Schemas,
    shape::{Shape, document, optional, required},
    value::Json,
};
use crate::{
    error::{Code, Error, Result},
    text::{MAX_NAME, beginning, is_blank},
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

document! {
    /// What a process is to do, by its `type`:
    ///
    /// - `external`: the host does the work and completes the process; `metadata` is what it wants to keep with it.
    /// - `engine`: a runner of this `kind` does the work, with a `payload` for it.
    /// - `tool_call`: a tool call of an agent; further fields of the `call` are kept as they are.
    /// - `session_turn`: one turn of an agent session, how that is made, and what the turn starts from.
    ProcessInput: Shape::Tagged("type", &[
        ("external", &[optional("metadata", Shape::Any)]),
        ("engine", &[required("kind", Shape::Text), optional("payload", Shape::Any)]),
        ("tool_call", &[required("call", Shape::Open(&[
            required("callId", Shape::Text),
            required("toolName", Shape::Text),
            optional("toolId", Shape::Text),
            optional("args", Shape::Any),
        ]))]),
        ("session_turn", &[required("createRequest", Shape::Map), required("turnInput", Shape::Any)]),
    ])
}

impl ProcessInput {
    /// Whether the host does the work.
    pub fn is_external(&self) -> bool {
        self.0.get("type").and_then(Json::as_str) == Some("external")
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

document! {
    /// Who started a process, the host or a session of it, and what led to it, in the caller's own terms.
    Provenance: Shape::Object(&[
        required("originator", Shape::Tagged("type", &[
            ("host", &[]),
            ("session", &[required("scope", SessionScope::SHAPE)]),
        ])),
        optional("causedBy", Shape::Any),
    ])
}

impl Provenance {
    fn host() -> Self {
        let originator = Object::tagged("type", "host").build();
        Self(Object::default().with("originator", &originator).build())
    }

    /// What led to the process.
    pub fn caused_by(&self) -> Option<&Json> {
        self.0.get("causedBy")
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
    pub(super) derived: Derived,
}

to_json!(Registered {
    registration: "registration",
    registration_hash: "registrationHash",
    created_at_ms: "createdAtMs"
});

impl FromJson for Registered {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let (registration, registration_hash) = (fields.take("registration"), fields.take("registrationHash"));
        let read = Self::new(registration, registration_hash, fields.take("createdAtMs"));
        fields.end();
        read
    }
}

impl Registered {
    /// The half of a process that was registered at a time.
    pub fn new(registration: Rc<ProcessRegistration>, registration_hash: String, created_at_ms: Millis) -> Self {
        Self { registration, registration_hash, created_at_ms, derived: Derived::default() }
    }
}

/// What follows from a registration, and is made when it is first asked for: rows and lists ask for the hash of a definition
/// again and again, and waits for thousands of event types look for each of them among as many.
#[derive(Debug, Default)]
pub(super) struct Derived {
    definition_hash: OnceCell<Option<Key>>,
    /// The places of event types, by name.
    places: OnceCell<BTreeMap<String, usize>>,
}

impl Registered {
    /// The hash of what it runs, where it says so.
    pub(super) fn definition_hash(&self) -> Option<&Key> {
        let definition = || self.registration.identity.as_ref()?.definition.as_ref();
        self.derived.definition_hash.get_or_init(|| Some(canonical::hash(definition()?).into())).as_ref()
    }

    /// The declared event type of that name.
    pub(super) fn event_type(&self, name: &str) -> Option<&ProcessEventType> {
        let types = &self.registration.event_types;
        let places = self.derived.places.get_or_init(|| {
            let named = types.iter().enumerate().rev();
            named.map(|(place, event_type)| (event_type.name.clone(), place)).collect()
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
pub fn normalise(mut registration: ProcessRegistration, schemas: &Schemas) -> Result<Registered> {
    let id = registration.id.clone();
    if is_blank(&id) {
        return Err(Error::invalid("registration.id: must not be blank"));
    }
    registration.check_names()?;
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
    let registration_hash = canonical::hash(&registration.to_json());
    schemas.compile(&id, &registration_hash, &registration.event_types)?;
    Ok(Registered::new(Rc::new(registration), registration_hash, 0))
}

impl ProcessRegistration {
    /// Refuses names that are too long; those of event types are checked with the types.
    fn check_names(&self) -> Result<()> {
        check_name("registration.id", &self.id)?;
        check_names("registration.input", Some(&self.input.0), &["kind"])?;
        check_names("registration.input.call", self.input.0.get("call"), &["callId", "toolName", "toolId"])?;
        if let Some(ProcessIdentity { kind, label, definition: _ }) = &self.identity {
            check_name("registration.identity.kind", kind)?;
            check_name("registration.identity.label", label.as_deref().unwrap_or_default())?;
        }
        check_name("registration.envRef", self.env_ref.as_deref().unwrap_or_default())?;
        let originator = self.provenance.as_ref().and_then(|provenance| provenance.0.get("originator"));
        let scope = originator.and_then(|originator| originator.get("scope"));
        match scope.and_then(|scope| json::read::<SessionScope>(scope.clone()).ok()) {
            Some(scope) => scope.check(),
            None => Ok(()),
        }
    }
}

fn default_identity(ProcessInput(input): &ProcessInput) -> ProcessIdentity {
    let text = |document: Option<&Json>, names: &[&str]| {
        names.iter().find_map(|name| document?.get(name)?.as_str()).map(str::to_owned)
    };
    let (kind, label) = match text(Some(input), &["type"]).as_deref() {
        Some("engine") => (text(Some(input), &["kind"]), None),
        Some("tool_call") => (Some("tool".to_owned()), text(input.get("call"), &["toolName"])),
        Some("session_turn") => {
            let request = input.get("createRequest");
            let capability = text(request.and_then(|request| request.get("subagent")), &["capability"]);
            (None, capability.or_else(|| text(request, &["usageSource", "sessionId"])))
        }
        Some(_) | None => (None, text(input.get("metadata"), &["label", "name", "title"])),
    };
    let kind = kind.or_else(|| text(Some(input), &["type"])).unwrap_or_default();
    // What it is taken from may be a text of any length, and is no name.
    let label = label.map(|label| beginning(&label, MAX_NAME).to_owned());
    ProcessIdentity { kind, label, definition: None }
}
