//! Rows as plain objects, so that a person can read them in the browser's developer tools.

use std::rc::Rc;

use crate::{
    domain::{
        Millis,
        event::ProcessEvent,
        grant::SessionScope,
        json::{self, Fault, FromJson, json, to_json},
        key::{Key, ProcessId},
        lease::LeaseSlot,
        process::{LogHead, ProcessExternalRef, ProcessRecord, ProcessStatus, Registered, WaitState},
        value::Json,
    },
    error::{Code, Error, Result},
    text::{decimal, text},
};

/// The lane of a tombstone; no list asks for it.
const PRUNED: &str = "pruned";

/// The half of a process that changes, with what its indexes need.
pub struct ProcessRow {
    pub id: ProcessId,
    lane: String,
    kind: String,
    definition_hash: Option<Key>,
    status: ProcessStatus,
    wake_target: Option<SessionScope>,
    external_ref: Option<ProcessExternalRef>,
    wait: Option<WaitState>,
    pub registration_hash: String,
    pub created_at_ms: Millis,
    updated_at_ms: Millis,
    /// Only on ended processes, so that pruning finds nothing else.
    retained_since_ms: Option<Millis>,
    log: LogHead,
    change: u64,
}

json!(ProcessRow {
    id: "id",
    lane: "lane",
    kind: "kind",
    definition_hash: "definitionHash",
    status: "status",
    wake_target: "wakeTarget",
    external_ref: "externalRef",
    wait: "wait",
    registration_hash: "registrationHash",
    created_at_ms: "createdAtMs",
    updated_at_ms: "updatedAtMs",
    retained_since_ms: "retainedSinceMs",
    log: "log",
    change: "change",
});

impl ProcessRow {
    /// The row of a record, changed by the commit of that number.
    pub fn new(record: &ProcessRecord, change: u64) -> Self {
        Self {
            id: record.id().clone(),
            lane: record.lane().as_str().to_owned(),
            kind: record.identity().map(|identity| identity.kind.clone()).unwrap_or_default(),
            definition_hash: record.definition_hash().cloned(),
            status: record.status.clone(),
            wake_target: record.wake_target.clone(),
            external_ref: record.external_ref.clone(),
            wait: record.wait.clone(),
            registration_hash: record.registered.registration_hash.clone(),
            created_at_ms: record.registered.created_at_ms,
            updated_at_ms: record.updated_at_ms,
            retained_since_ms: record.is_terminal().then_some(record.updated_at_ms),
            log: record.log.clone(),
            change,
        }
    }

    /// The record that the row and its registration make.
    pub fn into_record(self, registered: Rc<Registered>) -> ProcessRecord {
        ProcessRecord {
            registered,
            status: self.status,
            wake_target: self.wake_target,
            external_ref: self.external_ref,
            wait: self.wait,
            updated_at_ms: self.updated_at_ms,
            log: self.log,
        }
    }
}

/// What is left of a pruned process.
pub struct Tombstone {
    id: ProcessId,
    lane: String,
    change: u64,
}

to_json!(Tombstone { id: "id", lane: "lane", change: "change" });

impl Tombstone {
    pub fn new(id: &ProcessId, change: u64) -> Self {
        Self { id: id.clone(), lane: PRUNED.into(), change }
    }
}

/// Whether a row of `processes` is what is left of a pruned one.
pub fn is_pruned(row: &Json) -> bool {
    row.get("lane").and_then(Json::as_str) == Some(PRUNED)
}

/// The number of the commit that last changed a row of `processes`.
pub fn change_of(row: &Json) -> u64 {
    number(row, "change")
}

/// A row of `leases`.
pub struct LeaseRow {
    pub process_id: ProcessId,
    pub slot: LeaseSlot,
}

json!(LeaseRow { process_id: "processId", slot: "slot" });

/// A row of `wakes`.
pub struct WakeRow {
    pub process_id: ProcessId,
    pub sequence: u64,
}

json!(WakeRow { process_id: "processId", sequence: "sequence" });

/// The mark of one commit: a row of `commits`, or part of an event row. The writer's name begins with the day it was made,
/// so that rows of the past can be swept away as one range of keys.
#[derive(Clone)]
pub struct CommitRow {
    pub writer: String,
    pub number: u64,
}

json!(CommitRow { writer: "writer", number: "number" });

const DAY_MS: Millis = 86_400_000;

impl CommitRow {
    /// The name of a writer that begins now; `name` tells it from all others.
    pub fn writer(now: Millis, name: &str) -> String {
        text![day(now), "/", name]
    }

    /// The first key that is kept now: of the day before. No commit is in flight that long.
    pub fn kept_from(now: Millis) -> String {
        day(now.saturating_sub(DAY_MS))
    }
}

/// A day in a form that sorts as text: the leading 1 keeps the number of digits the same.
fn day(now: Millis) -> String {
    decimal(100_000_000 + now / DAY_MS)
}

const ORDINAL: &str = "ordinal";
const COMMIT: &str = "commit";

/// The row of an event: the event, its place among those of its type, and the mark of the commit, if it carries it.
pub fn event_row(event: &ProcessEvent, ordinal: u64, mark: &Option<CommitRow>) -> Json {
    event.object().with(ORDINAL, &ordinal).with(COMMIT, mark).build()
}

/// The mark that an event row carries.
pub fn mark_of(row: &Json) -> Json {
    row.get(COMMIT).cloned().unwrap_or(Json::Null)
}

/// The place of an event row among those of its type.
pub fn ordinal_of(row: &Json) -> u64 {
    number(row, ORDINAL)
}

/// The id of a row of `processes`.
pub fn id_of(row: &Json) -> ProcessId {
    row.get("id").and_then(Json::as_str).unwrap_or_default().into()
}

/// The sequence of an event row.
pub fn sequence_of(row: &Json) -> u64 {
    number(row, "sequence")
}

/// A plain object, back.
pub fn decode<T: FromJson>(row: &Json) -> Result<T, Fault> {
    json::read(row.clone())
}

/// What is wrong with a stored row of a process.
pub fn unreadable(id: &ProcessId, row: &str, fault: &str) -> Error {
    let what =
        format!("has a row that cannot be read: its {row} {fault}; deleteProcess(id, {{ force: true }}) removes it");
    Error::of(Code::StorageFailed, id, what)
}

fn number(row: &Json, name: &str) -> u64 {
    row.get(name).and_then(Json::as_number).unwrap_or_default() as u64
}
