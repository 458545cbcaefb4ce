//! Rows as plain objects, so that a person can read them in the browser's developer tools: which row keeps which part of the
//! model, and where it lies.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Code, Error},
    model::{
        Millis,
        attachment::AttachmentInfo,
        event::{ProcessEvent, Semantics},
        filter::{ListIndex, Listed},
        grant::SessionScope,
        key::{Key, Part, ProcessId, key},
        lease::LeaseSlot,
        payload::{self, Payload},
        process::{
            LogHead, Paused, ProcessExternalRef, ProcessRecord, ProcessStatus, Progress, Registered, Schedule,
            TypeCount, WaitState,
        },
        trace::TraceContext,
    },
    store::{Turn, engine::Source},
};

/// The list status of a tombstone; no list asks for it.
const PRUNED: &str = "pruned";

/// The half of a process that changes, with what its indexes need.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRow {
    pub id: ProcessId,
    /// Under the name that version 0.1 gave it.
    #[serde(rename = "lane")]
    list_status: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    definition_hash: Option<Key>,
    status: ProcessStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wake_target: Option<SessionScope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_ref: Option<Box<ProcessExternalRef>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<WaitState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Box<Paused>>,
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    state: Option<Payload>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<Box<Progress>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_trace_context: Option<Box<TraceContext>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentInfo>,
    #[serde(default, skip_serializing_if = "Schedule::is_default")]
    schedule: Schedule,
    /// Only of processes that a driver may begin now, so that drivers find nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<TurnPart>,
    /// Only of processes that have not ended and have a concurrency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<QueuePart>,
    /// Only where something is to happen by the clock alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at_ms: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_id: Option<ProcessId>,
    /// Each label as its key in the index of labels: name, value, list status, id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<(Key, Key, String, ProcessId)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    pub registration_hash: String,
    pub created_at_ms: Millis,
    updated_at_ms: Millis,
    /// Only on ended processes, so that pruning finds nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retained_since_ms: Option<Millis>,
    log: LogHead,
    change: u64,
}

impl ProcessRow {
    /// The row of a record, changed by the commit of that number.
    pub fn new(record: &ProcessRecord, change: u64) -> Self {
        let list_status = record.list_status().as_str();
        let label = |(name, value): (&String, &String)| {
            (name.as_str().into(), value.as_str().into(), list_status.to_owned(), record.id().clone())
        };
        Self {
            id: record.id().clone(),
            list_status: list_status.to_owned(),
            kind: record.identity().map(|identity| identity.kind.clone()).unwrap_or_default(),
            definition_hash: record.definition_hash().cloned(),
            status: record.status.clone(),
            wake_target: record.wake_target.clone(),
            external_ref: record.external_ref.clone(),
            wait: record.wait.clone(),
            paused: record.paused.clone(),
            state: record.state.clone(),
            progress: record.progress.clone(),
            run_trace_context: record.run_trace_context.clone(),
            attachments: record.attachments.clone(),
            schedule: record.schedule.clone(),
            turn: record.is_pending().then(|| TurnPart::of(record)),
            queue: QueuePart::of(record),
            due_at_ms: record.due_at(),
            parent_id: record.policy().parent_id.clone(),
            labels: record.policy().labels.iter().map(label).collect(),
            version: record.policy().version,
            registration_hash: record.registered.registration_hash.clone(),
            created_at_ms: record.registered.created_at_ms,
            updated_at_ms: record.updated_at_ms,
            retained_since_ms: record.is_terminal().then_some(record.updated_at_ms),
            log: record.log.clone(),
            change,
        }
    }

    /// Whether no other process of its concurrency key goes before it but those that began before: it has begun, or may begin now.
    pub fn goes_first(&self, now: Millis) -> bool {
        let from = self.wait.as_ref().and_then(WaitState::begun_from);
        self.schedule.begun || self.paused.is_none() && from.is_none_or(|from| from <= now)
    }

    /// When something is to happen to it by the clock alone, in epoch milliseconds.
    pub fn due_at(&self) -> Option<Millis> {
        self.due_at_ms
    }

    /// Its place among the processes of its concurrency key.
    pub fn place_in_queue(&self) -> Option<Vec<Part>> {
        let QueuePart { key, stage, rank } = self.queue.as_ref()?;
        Some(key![key, *stage, *rank, self.created_at_ms, &self.id])
    }

    /// The record that the row and its registration make.
    pub fn into_record(self, registered: Rc<Registered>) -> ProcessRecord {
        ProcessRecord {
            registered,
            status: self.status,
            wake_target: self.wake_target,
            external_ref: self.external_ref,
            wait: self.wait,
            paused: self.paused,
            state: self.state,
            progress: self.progress,
            run_trace_context: self.run_trace_context,
            attachments: self.attachments,
            schedule: self.schedule,
            updated_at_ms: self.updated_at_ms,
            log: self.log,
        }
    }
}

/// The parts of a process's place in the order of beginning that lie nowhere else in its row; its age and id follow them.
#[derive(Serialize, Deserialize)]
struct TurnPart {
    kind: String,
    rank: u64,
}

impl TurnPart {
    fn of(record: &ProcessRecord) -> Self {
        let kind = record.identity().map(|identity| identity.kind.clone()).unwrap_or_default();
        Self { kind, rank: record.policy().rank() }
    }
}

/// The place of a process among those of its concurrency key: the one that has begun first, then as they are to begin.
#[derive(Serialize, Deserialize)]
struct QueuePart {
    key: String,
    /// 0 where it has begun.
    stage: u64,
    rank: u64,
}

impl QueuePart {
    fn of(record: &ProcessRecord) -> Option<Self> {
        let key = record.policy().concurrency_key.clone().filter(|_| !record.is_terminal())?;
        Some(Self { key, stage: u64::from(!record.schedule.begun), rank: record.policy().rank() })
    }
}

/// What of a process row decides whether a list holds it, and where. A tombstone is in no list, and has a place all the same.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedRow {
    id: ProcessId,
    #[serde(rename = "lane")]
    list_status: String,
    kind: Option<Key>,
    definition_hash: Option<Key>,
    parent_id: Option<ProcessId>,
    #[serde(default)]
    labels: Vec<(Key, Key, String, ProcessId)>,
    version: Option<u64>,
    paused: Option<Box<Paused>>,
    created_at_ms: Option<Millis>,
}

/// What of a row of `processes` lists look at; none where that cannot be read.
pub fn listed(row: &Payload) -> Option<Listed> {
    let row: ListedRow = row.read().ok()?;
    Some(Listed {
        id: row.id,
        status: row.list_status,
        kind: row.kind.unwrap_or_else(|| Key::from("")),
        definition_hash: row.definition_hash,
        parent_id: row.parent_id,
        labels: row.labels.into_iter().map(|(name, value, ..)| (name, value)).collect(),
        version: row.version,
        paused: row.paused.is_some(),
        created_at_ms: row.created_at_ms?,
    })
}

/// What is left of a pruned process.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    id: ProcessId,
    #[serde(rename = "lane")]
    list_status: String,
    /// So that a page of a list can begin behind it. Of what could not be read it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at_ms: Option<Millis>,
    change: u64,
}

impl Tombstone {
    pub fn new(id: &ProcessId, created_at_ms: Option<Millis>, change: u64) -> Self {
        Self { id: id.clone(), list_status: PRUNED.into(), created_at_ms, change }
    }
}

/// Whether a row of `processes` is what is left of a pruned one.
pub fn is_pruned(row: &Payload) -> bool {
    text(row, "lane").as_deref() == Some(PRUNED)
}

/// The turn of a process that a driver may begin; its row need not be readable.
pub fn turn_of(row: &Payload) -> Option<Turn> {
    let turn = row.member("turn")?;
    let (kind, rank) = (text(&turn, "kind")?, number(&turn, "rank"));
    Some(Turn { kind, rank, created_at_ms: number(row, "createdAtMs"), id: id_of(row) })
}

/// The concurrency key of a process that has not ended; its row need not be readable.
pub fn key_of(row: &Payload) -> Option<String> {
    row.member("queue")?.member("key")?.as_str()
}

/// Whether a process has begun that has a concurrency key; its row need not be readable.
pub fn has_begun(row: &Payload) -> bool {
    row.member("queue").and_then(|queue| queue.member("stage")?.as_u64()) == Some(0)
}

/// The number of the commit that last changed a row of `processes`.
pub fn change_of(row: &Payload) -> u64 {
    number(row, "change")
}

/// A row of `leases`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseRow {
    pub process_id: ProcessId,
    pub slot: LeaseSlot,
}

/// A row of `wakes`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WakeRow {
    pub process_id: ProcessId,
    pub sequence: u64,
}

/// A row of `counts`: how many events of one type a process has, where that does not lie in its own row.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountRow {
    process_id: ProcessId,
    pub event_type: String,
    count: u64,
}

impl CountRow {
    /// The row of a count.
    pub fn new(id: &ProcessId, counted: &TypeCount) -> Self {
        Self { process_id: id.clone(), event_type: counted.event_type.clone(), count: counted.count }
    }

    /// The count that the row has.
    pub fn into_count(self) -> TypeCount {
        TypeCount { event_type: self.event_type, count: self.count }
    }
}

/// A row of `attachments`: the body of one; the row of its process has the rest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentRow {
    pub process_id: ProcessId,
    pub name: String,
    pub body: Payload,
}

/// The token of one commit: a row of `commits`, or part of an event row. The writer's name begins with the day it was made,
/// so that rows of the past can be swept away as one range of keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitRow {
    pub writer: String,
    pub number: u64,
}

const DAY_MS: Millis = 86_400_000;

impl CommitRow {
    /// The name of a writer that begins now; `name` tells it from all others.
    pub fn writer(now: Millis, name: &str) -> String {
        format!("{}/{name}", day(now))
    }

    /// The first key that is kept now: of the day before. No commit is in flight that long.
    pub fn kept_from(now: Millis) -> String {
        day(now.saturating_sub(DAY_MS))
    }
}

/// A day in a form that sorts as text: the leading 1 keeps the number of digits the same.
fn day(now: Millis) -> String {
    (100_000_000 + now / DAY_MS).to_string()
}

/// The row of an event: the event, its place among those of its type, and the token of the commit, if it carries it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow<'a> {
    process_id: &'a ProcessId,
    sequence: u64,
    event_type: &'a str,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_key: &'a Option<String>,
    semantics: &'a Semantics,
    occurred_at_ms: Millis,
    ordinal: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: &'a Option<CommitRow>,
}

impl<'a> EventRow<'a> {
    /// The row of an event.
    pub fn new(event: &'a ProcessEvent, ordinal: u64, commit: &'a Option<CommitRow>) -> Self {
        Self {
            process_id: &event.process_id,
            sequence: event.sequence,
            event_type: &event.event_type,
            payload: &event.payload,
            replay_key: &event.replay_key,
            semantics: &event.semantics,
            occurred_at_ms: event.occurred_at_ms,
            ordinal,
            commit,
        }
    }
}

/// The token that an event row carries.
pub fn token_of(row: &Payload) -> Option<CommitRow> {
    row.member("commit")?.read().ok()
}

/// The place of an event row among those of its type.
pub fn ordinal_of(row: &Payload) -> u64 {
    number(row, "ordinal")
}

/// The id of a row of `processes`.
pub fn id_of(row: &Payload) -> ProcessId {
    text(row, "id").unwrap_or_default().into()
}

/// The sequence of an event row.
pub fn sequence_of(row: &Payload) -> u64 {
    number(row, "sequence")
}

/// The text under a name of a row.
pub fn text(row: &Payload, name: &str) -> Option<String> {
    row.member(name)?.as_str()
}

/// What is wrong with a stored row of a process.
pub fn unreadable(id: &ProcessId, row: &str, fault: &str) -> Error {
    let what =
        format!("has a row that cannot be read: its {row} {fault}; deleteProcess(id, {{ force: true }}) removes it");
    Error::of(Code::StorageFailed, id, what)
}

fn number(row: &Payload, name: &str) -> u64 {
    row.member(name).and_then(|number| number.as_u64()).unwrap_or_default()
}

pub const PROCESSES: &str = "processes";
pub const REGISTRATIONS: &str = "registrations";
pub const EVENTS: &str = "events";
pub const COUNTS: &str = "counts";
pub const STREAMS: &str = "streams";
pub const CHUNKS: &str = "chunks";
pub const ATTACHMENTS: &str = "attachments";
pub const WAKES: &str = "wakes";
pub const GRANTS: &str = "grants";
pub const LEASES: &str = "leases";
pub const COMMITS: &str = "commits";
pub const ABOUT: &str = "about";

/// An object store.
pub const fn table(store: &'static str) -> Source {
    Source { store, index: None }
}

/// An index of an object store.
pub const fn index(store: &'static str, index: &'static str) -> Source {
    Source { store, index: Some(index) }
}

/// The index that a list reads.
pub const fn list(list: &ListIndex) -> Source {
    let name = match list {
        ListIndex::Status => "byLane",
        ListIndex::Kind(_) => "byKind",
        ListIndex::Definition(_) => "byDefinition",
        ListIndex::DefinitionAndKind(..) => "byDefinitionAndKind",
        ListIndex::Created => "byCreated",
        ListIndex::Parent(_) => "byParent",
        ListIndex::Label(..) => "byLabel",
    };
    index(PROCESSES, name)
}
