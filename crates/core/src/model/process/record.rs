//! A process as it is now.

use std::rc::Rc;

use serde::{Deserialize, Serialize, Serializer};

use super::{
    outcome::{ProcessStatus, Terminal},
    registration::{ProcessIdentity, ProcessInput, Provenance, Recovery, Registered},
};
use crate::model::{
    Millis,
    event::{ProcessEventType, exists_undeclared},
    filter::ListStatus,
    grant::SessionScope,
    key::{Key, ProcessId},
    payload::{self, Payload},
};

/// Where else a process is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessExternalRef {
    /// The other system.
    pub backend: String,
    /// The id of the process there.
    pub id: String,
    /// What the caller keeps with it.
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Payload>,
}

/// What a process is waiting for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitState {
    /// What kind of thing it waits for.
    pub kind: WaitKind,
    /// The name of the signal.
    pub name: String,
    /// The event type that carries it.
    pub event_type: String,
    /// All names where a signal of any of several will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// What names this wait among those of the process.
    pub key: String,
    /// Its place among the waits for this name, from 1.
    pub ordinal: u64,
    /// Since when, in epoch milliseconds.
    pub since_ms: Millis,
}

/// What a process can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum WaitKind {
    /// A signal.
    Signal,
}

impl WaitState {
    /// The wait for a signal of any of these names, of which `name` is the first.
    pub fn signal(name: &str, names: &[String], event_type: &str, key: &str, ordinal: u64, since: Millis) -> Self {
        Self {
            kind: WaitKind::Signal,
            name: name.to_owned(),
            event_type: event_type.to_owned(),
            names: (names.len() > 1).then(|| names.to_vec()),
            key: key.to_owned(),
            ordinal,
            since_ms: since,
        }
    }
}

/// A process as it is now.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(as = "PublicRecord<'static>"))]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogHead {
    /// The sequence of the newest event; 0 where there is none.
    pub last_sequence: u64,
    /// Events so far of a few types, so that counting never scans; the counts of further ones lie in rows of their own. A list,
    /// because an event type may have a name (`__proto__`) that is no good as a key of a JavaScript object.
    pub counts: Vec<TypeCount>,
    /// How many of these further ones are signals that the process does not declare.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub signals_apart: u64,
    /// The sequence of the event that ended the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal_sequence: Option<u64>,
    /// Which life of its id this is, from 2 on. Absent in the first: the id was never pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
}

/// How many events of one type there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TypeCount {
    /// The event type.
    pub event_type: String,
    /// How many.
    pub count: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
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
    pub fn list_status(&self) -> ListStatus {
        match (&self.status, &self.wait) {
            (ProcessStatus::Ended(terminal), _) => ListStatus::Ended(terminal.state),
            (ProcessStatus::Running, Some(_)) => ListStatus::Waiting,
            (ProcessStatus::Running, None) => ListStatus::Active,
        }
    }
}

/// A record as callers see it.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
struct PublicRecord<'a> {
    id: &'a ProcessId,
    input: &'a ProcessInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(as = "ProcessIdentity", optional = false))]
    identity: Option<&'a ProcessIdentity>,
    event_types: &'a [ProcessEventType],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(as = "Provenance", optional = false))]
    provenance: Option<&'a Provenance>,
    registration_hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_ref: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake_target: Option<&'a SessionScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<&'a Recovery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_ref: Option<&'a ProcessExternalRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<&'a WaitState>,
    created_at_ms: Millis,
    updated_at_ms: Millis,
    status: &'a ProcessStatus,
}

impl Serialize for ProcessRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Registered { registration, registration_hash, created_at_ms, derived: _ } = &*self.registered;
        PublicRecord {
            id: &registration.id,
            input: &registration.input,
            identity: registration.identity.as_ref(),
            event_types: &registration.event_types,
            provenance: registration.provenance.as_ref(),
            registration_hash,
            env_ref: registration.env_ref.as_ref(),
            wake_target: self.wake_target.as_ref(),
            recovery: registration.recovery.as_ref(),
            external_ref: self.external_ref.as_ref(),
            wait: self.wait.as_ref(),
            created_at_ms: *created_at_ms,
            updated_at_ms: self.updated_at_ms,
            status: &self.status,
        }
        .serialize(serializer)
    }
}
