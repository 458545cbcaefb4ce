//! A process as it is now.

use std::{collections::BTreeMap, rc::Rc};

use serde::{Deserialize, Serialize, Serializer};

use super::{
    outcome::{ProcessStatus, Terminal},
    registration::{ProcessIdentity, ProcessInput, Provenance, Recovery, Registered},
    schedule::{Paused, Progress, Schedule},
    wait_state::WaitState,
};
use crate::model::{
    Millis,
    attachment::AttachmentInfo,
    event::{CANCEL_REQUESTED, ProcessEventType, exists_undeclared},
    filter::ListStatus,
    grant::SessionScope,
    key::{Key, ProcessId},
    payload::{self, Payload},
    policy::{Debounce, OnConflict, OnParentEnd, Policy, Requires, RetryPolicy},
    trace::TraceContext,
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

/// A process as it is now. What most processes do not have is boxed: each run that sleeps holds a record.
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
    pub external_ref: Option<Box<ProcessExternalRef>>,
    /// What it waits for.
    pub wait: Option<WaitState>,
    /// Since when it is paused.
    pub paused: Option<Box<Paused>>,
    /// What its runner last said of it.
    pub state: Option<Payload>,
    /// How far its runner last said it is.
    pub progress: Option<Box<Progress>>,
    /// Where in a distributed trace the last run is that said so.
    pub run_trace_context: Option<Box<TraceContext>>,
    /// What is attached to it, in the order in which each name came.
    pub attachments: Vec<AttachmentInfo>,
    /// What drivers must know to begin it in its turn; not part of the public record.
    pub schedule: Schedule,
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

    /// Whether it was asked to stop.
    pub fn is_cancel_requested(&self) -> bool {
        self.count_in_row(CANCEL_REQUESTED) > 0
    }

    /// How many events it has of a type that every process has.
    pub fn count_in_row(&self, event_type: &str) -> u64 {
        let counted = self.log.counts.iter().find(|counted| counted.event_type == event_type);
        counted.map_or(0, |counted| counted.count)
    }

    /// Its run policy.
    pub fn policy(&self) -> &Policy {
        self.registered.policy()
    }

    /// When a driver may begin it, in epoch milliseconds; none where that is at any time.
    pub fn begun_from(&self) -> Option<Millis> {
        self.wait.as_ref().and_then(WaitState::begun_from)
    }

    /// Whether a driver may have to begin it now: not where it has ended, the host does the work, it is paused, another process of its
    /// key goes before it, or its time has not come.
    pub fn is_pending(&self) -> bool {
        let waits = self.paused.is_some() || self.schedule.queued || self.begun_from().is_some();
        // A run that was asked to stop is begun to learn of it; one that was never begun is ended.
        let is_wanted = !waits || self.is_cancel_requested();
        !self.is_terminal() && !self.registered.registration.input.is_external() && is_wanted
    }

    /// Whether the network must be there for it to be begun, and for another attempt of it or of a step of it.
    pub fn requires_network(&self) -> bool {
        self.policy().requires == Some(Requires::Network)
    }

    /// When something is to happen to it by the clock alone, in epoch milliseconds: it may be begun from then on, or fails.
    pub fn due_at(&self) -> Option<Millis> {
        if self.is_terminal() {
            return None;
        }
        let begun_from = self.begun_from().filter(|_| self.paused.is_none());
        [begun_from, self.policy().deadline_at_ms].into_iter().flatten().min()
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
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<&'a Paused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<&'a Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_trace_context: Option<&'a TraceContext>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[cfg_attr(test, ts(as = "Option<Vec<AttachmentInfo>>", optional))]
    attachments: &'a [AttachmentInfo],
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'a RetryPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crash_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency_key: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_conflict: Option<OnConflict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debounce: Option<Debounce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires: Option<Requires>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, ts(as = "Option<BTreeMap<String, String>>", optional))]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<&'a ProcessId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_parent_end: Option<OnParentEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_context: Option<&'a TraceContext>,
    created_at_ms: Millis,
    updated_at_ms: Millis,
    status: &'a ProcessStatus,
}

impl Serialize for ProcessRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Registered { registration, registration_hash, created_at_ms, .. } = &*self.registered;
        let Policy {
            start_at_ms,
            deadline_at_ms,
            retry,
            crash_limit,
            priority,
            concurrency_key,
            on_conflict,
            debounce,
            requires,
            version,
            labels,
            parent_id,
            on_parent_end,
            trace_context,
        } = self.policy();
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
            external_ref: self.external_ref.as_deref(),
            wait: self.wait.as_ref(),
            paused: self.paused.as_deref(),
            state: self.state.as_ref(),
            progress: self.progress.as_deref(),
            run_trace_context: self.run_trace_context.as_deref(),
            attachments: &self.attachments,
            start_at_ms: *start_at_ms,
            deadline_at_ms: *deadline_at_ms,
            retry: retry.as_ref(),
            crash_limit: *crash_limit,
            priority: *priority,
            concurrency_key: concurrency_key.as_ref(),
            on_conflict: *on_conflict,
            debounce: *debounce,
            requires: *requires,
            version: *version,
            labels,
            parent_id: parent_id.as_ref(),
            on_parent_end: *on_parent_end,
            trace_context: trace_context.as_ref(),
            created_at_ms: *created_at_ms,
            updated_at_ms: self.updated_at_ms,
            status: &self.status,
        }
        .serialize(serializer)
    }
}
