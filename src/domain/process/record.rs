//! A process as it is now.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    outcome::{ProcessStatus, Terminal},
    registration::{ProcessIdentity, Registered},
};
use crate::domain::{
    Millis,
    event::{ProcessEventType, exists_undeclared},
    filter::Lane,
    grant::SessionScope,
    json::{Object, ToJson, json},
    key::{Key, ProcessId},
    next,
    shape::{Shape, document, optional, required},
    value::Json,
};
use crate::error::Result;

document! {
    /// Where else a process is known: the `backend`, its `id` there, and perhaps `metadata`.
    ProcessExternalRef: Shape::Object(&[
        required("backend", Shape::Text),
        required("id", Shape::Text),
        optional("metadata", Shape::Any),
    ])
}

document! {
    /// What a process is waiting for. A `signal`: its `name`, the `eventType` that carries it, all `names` where any of
    /// several will do, the `key` of this wait, its `ordinal` among the waits of the run for that, from 1, and since when,
    /// in epoch milliseconds.
    WaitState: Shape::Tagged("kind", &[("signal", &[
        required("name", Shape::Text),
        required("eventType", Shape::Text),
        optional("names", Shape::Texts),
        required("key", Shape::Text),
        required("ordinal", Shape::Count),
        required("sinceMs", Shape::Count),
    ])])
}

impl WaitState {
    /// The wait for a signal of any of these names, of which `name` is the first.
    pub fn signal(name: &str, names: &[String], event_type: &str, key: &str, ordinal: u64, since: Millis) -> Self {
        let wait = Object::tagged("kind", "signal").with("name", &name).with("eventType", &event_type);
        let wait = if names.len() > 1 { wait.with("names", &names.to_vec()) } else { wait };
        Self(wait.with("key", &key).with("ordinal", &ordinal).with("sinceMs", &since).build())
    }
}

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
    /// Which life of its id this is, from 2 on. Absent in the first: the id was never pruned.
    pub life: Option<u64>,
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
json!(LogHead { last_sequence: "lastSequence", counts: "counts", terminal_sequence: "terminalSequence", life: "life" });

impl LogHead {
    /// Counts one more event; answers its place among those of its type, from 1.
    pub fn count(&mut self, event_type: &str) -> Result<u64> {
        self.last_sequence = next(self.last_sequence)?;
        if let Some(counted) = self.counts.iter_mut().find(|counted| counted.event_type == event_type) {
            counted.count = next(counted.count)?;
            return Ok(counted.count);
        }
        self.counts.push(TypeCount { event_type: event_type.to_owned(), count: 1 });
        Ok(1)
    }
}

impl LogHead {
    /// Those of some event types that the log has events of. The work grows with both numbers, not with their product.
    pub fn types_among(&self, types: &[String]) -> Vec<String> {
        let wanted: BTreeSet<_> = types.iter().collect();
        let counted = self.counts.iter().map(|counted| &counted.event_type);
        counted.filter(|event_type| wanted.contains(event_type)).cloned().collect()
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

    /// The hash of what it runs, where it says so.
    pub fn definition_hash(&self) -> Option<&Key> {
        self.registered.definition_hash()
    }

    /// The declared event type of that name.
    pub fn event_type(&self, name: &str) -> Option<&ProcessEventType> {
        self.registered.event_type(name)
    }

    /// Whether it may have events of that type: it declares the type, or every process takes it.
    pub fn takes(&self, event_type: &str) -> bool {
        self.event_type(event_type).is_some() || exists_undeclared(event_type)
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
        let Registered { registration, registration_hash, created_at_ms, derived: _ } = &*self.registered;
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
