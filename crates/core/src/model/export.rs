//! A process as it is moved to another database: all that makes it what it is, and nothing of who works on it.
//!
//! Not among it: its lease, which is a right in one database; the grants of it, which a file must not give; and its place among others
//! of its concurrency key, which the other database decides anew.

use std::{collections::BTreeSet, rc::Rc};

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    attachment::Attachment,
    event::{ProcessEvent, Semantics},
    fork::Renames,
    grant::SessionScope,
    key::ProcessId,
    lease::LeaseSlot,
    payload::{self, Payload},
    policy::Policy,
    process::{Paused, ProcessExternalRef, ProcessRecord, ProcessRegistration, Progress, WaitState},
    stream::{Chunks, Keep, Stream, StreamInfo},
    trace::TraceContext,
};
use crate::error::Result;

/// A whole process.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessExport {
    /// The process without what follows.
    pub process: ExportedProcess,
    /// Its log.
    pub events: Vec<ExportedEvent>,
    /// Its streams.
    pub streams: Vec<StreamInfo>,
    /// Their chunks, of each stream in order.
    pub chunks: Vec<ExportedChunks>,
    /// Its attachments, in the order of the record.
    #[serde(default)]
    pub attachments: Vec<Rc<Attachment>>,
}

/// A process without its log, streams and attachments. How it ended is in its log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedProcess {
    /// With every default filled in.
    pub registration: ProcessRegistration,
    /// Its run policy.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
    /// SHA-256 over the canonical registration, lower hex.
    pub registration_hash: String,
    /// Epoch milliseconds.
    pub created_at_ms: Millis,
    /// Epoch milliseconds.
    pub updated_at_ms: Millis,
    /// Where its wakes go now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_target: Option<SessionScope>,
    /// Where else it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<Box<ProcessExternalRef>>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitState>,
    /// Since when it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Box<Paused>>,
    /// What its runner last said of it.
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    pub state: Option<Payload>,
    /// How far its runner last said it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Box<Progress>>,
    /// Where in a distributed trace the last run is that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_trace_context: Option<Box<TraceContext>>,
    /// Whether it holds its concurrency key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun: bool,
    /// Whether it has had children.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_children: bool,
    /// When the first of the row of debounced processes was registered that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounced_since_ms: Option<Millis>,
    /// How often a driver has begun to run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// How many runs in a row were lost to a crash without having recorded anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<u64>,
    /// The sequence of the last event before the last run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<u64>,
    /// The highest fencing token that was given out.
    #[serde(default)]
    pub fence: u64,
    /// Which life of its id this is, from 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
    /// The sequence of its last event; 0 where there is none.
    pub last_sequence: u64,
}

/// An event of an exported process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedEvent {
    /// 1, 2, 3, … within the process.
    pub sequence: u64,
    /// Its type.
    pub event_type: String,
    /// What was appended.
    pub payload: Payload,
    /// The key under which it was appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_key: Option<String>,
    /// What it means.
    pub semantics: Semantics,
    /// When it was appended, in epoch milliseconds.
    pub occurred_at_ms: Millis,
    /// Whether its wake was acknowledged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acked: bool,
}

/// A row of chunks of an exported process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedChunks {
    /// The name of the stream.
    pub stream: String,
    /// The index of the first of them.
    pub first: u64,
    /// The attempt that they carry.
    pub attempt: u64,
    /// They themselves.
    pub values: Rc<[Payload]>,
}

/// What of a process an export begins with, from one moment. Its log up to there never changes any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportHead {
    /// The process.
    pub process: ExportedProcess,
    /// Its streams, by name.
    pub streams: Vec<StreamInfo>,
    /// What is attached to it.
    pub attachments: Vec<super::attachment::AttachmentInfo>,
    /// The sequences of the events whose wakes are not acknowledged, ascending.
    pub unacked: Vec<u64>,
    /// Whether it has ended.
    pub has_ended: bool,
}

impl ExportedProcess {
    /// A process, and what its lease slot says of it.
    pub fn of(record: &ProcessRecord, slot: &LeaseSlot) -> Self {
        Self {
            registration: (*record.registered.registration).clone(),
            policy: record.policy().clone(),
            registration_hash: record.registered.registration_hash.clone(),
            created_at_ms: record.registered.created_at_ms,
            updated_at_ms: record.updated_at_ms,
            wake_target: record.wake_target.clone(),
            external_ref: record.external_ref.clone(),
            wait: record.wait.clone(),
            paused: record.paused.clone(),
            state: record.state.clone(),
            progress: record.progress.clone(),
            run_trace_context: record.run_trace_context.clone(),
            begun: record.schedule.begun,
            has_children: record.schedule.has_children,
            debounced_since_ms: record.schedule.debounced_since_ms,
            attempts: slot.attempts,
            crashes: slot.crashes,
            begun_at: slot.begun_at,
            fence: slot.last_fence,
            life: record.log.life,
            last_sequence: record.log.last_sequence,
        }
    }
}

impl From<&ProcessEvent> for ExportedEvent {
    fn from(event: &ProcessEvent) -> Self {
        Self {
            sequence: event.sequence,
            event_type: event.event_type.clone(),
            payload: event.payload.clone(),
            replay_key: event.replay_key.clone(),
            semantics: event.semantics.clone(),
            occurred_at_ms: event.occurred_at_ms,
            acked: false,
        }
    }
}

impl ExportedEvent {
    /// The event of a process.
    pub fn of(&self, id: &ProcessId) -> ProcessEvent {
        ProcessEvent {
            process_id: id.clone(),
            sequence: self.sequence,
            event_type: self.event_type.clone(),
            payload: self.payload.clone(),
            replay_key: self.replay_key.clone(),
            semantics: self.semantics.clone(),
            occurred_at_ms: self.occurred_at_ms,
        }
    }
}

impl From<&Chunks> for ExportedChunks {
    fn from(row: &Chunks) -> Self {
        Self { stream: row.name.clone(), first: row.first, attempt: row.attempt, values: row.values.clone() }
    }
}

impl ExportedChunks {
    /// The row of a process.
    pub fn of(&self, id: &ProcessId) -> Chunks {
        let (process_id, values) = (id.clone(), self.values.clone());
        Chunks { process_id, name: self.stream.clone(), first: self.first, attempt: self.attempt, values }
    }
}

impl StreamInfo {
    /// The stream of a process.
    pub fn of(&self, id: &ProcessId) -> Stream {
        Stream {
            process_id: id.clone(),
            name: self.name.clone(),
            next: self.chunks,
            attempt: self.attempt,
            until_terminal: self.keep == Keep::UntilTerminal,
            closed: self.closed,
        }
    }
}

impl ProcessExport {
    /// The ids that it names: its own first, then those of its parent, of what it waits or waited for, and of what it is a fork of.
    pub fn ids(&self) -> Result<Vec<ProcessId>> {
        let renames = Renames::noting();
        let own = self.process.registration.id.clone();
        let _ = self.process.renamed(&renames);
        for event in &self.events {
            event.of(&own).renamed(&renames)?;
        }
        let others: BTreeSet<_> = renames.noted().into_iter().filter(|id| *id != own).collect();
        Ok([own].into_iter().chain(others).collect())
    }
}

impl ExportedProcess {
    /// The process with other ids in place of those that it names. Its hash is that of before.
    #[must_use]
    pub fn renamed(&self, renames: &Renames) -> Self {
        let mut renamed = self.clone();
        let process = |id: &mut ProcessId| *id = renames.process(id);
        process(&mut renamed.registration.id);
        renamed.policy.parent_id.as_mut().into_iter().for_each(process);
        if let Some(WaitState::Process { process_id, .. }) = &mut renamed.wait {
            process(process_id);
        }
        let provenance = renamed.registration.provenance.as_mut();
        if let Some(cause) = provenance.and_then(|provenance| provenance.caused_by.as_mut())
            && let Some(source) = cause.member("forkOf").and_then(|source| source.as_str())
            && cause.names().is_some_and(|names| names.len() == 1)
        {
            *cause = Payload::object([("forkOf", Some(renames.process(&source.as_str().into()).as_str().into()))]);
        }
        renamed
    }
}
