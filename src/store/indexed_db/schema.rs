//! Object stores and indexes: what is kept where, so that no read scans what it does not return.
//!
//! | store | key | indexes |
//! |---|---|---|
//! | `processes` | `id` | by lane, kind and definition (lists); by `change`; by `retainedSinceMs` (prune); by wake session |
//! | `registrations` | `registration.id` | the half of a process that never changes |
//! | `events` | `[processId, sequence]` | by type; by replay key |
//! | `wakes` | `[processId, sequence]` | wakes that are not acknowledged |
//! | `grants` | `[scopeId, processId]` | by process; a session's scopes are a key range |
//! | `leases` | `processId` | |
//! | `commits` | `writer` | the last commit of each connection |
//!
//! A pruned process leaves a tombstone in `processes`, which the change feed reports, and its
//! emptied lease slot, which keeps fencing tokens rising.

use js_sys::{Array, JsString};
use wasm_bindgen::JsValue;
use web_sys::{IdbDatabase, IdbIndexParameters, IdbObjectStore, IdbObjectStoreParameters};

type Step = fn(&IdbDatabase) -> Result<(), JsValue>;

/// Each takes the layout one version further; a database of any age runs those it lacks.
const STEPS: &[Step] = &[version_1];

/// The version that this build reads and writes.
pub const VERSION: u32 = STEPS.len() as u32;

pub const PROCESSES: &str = "processes";
pub const REGISTRATIONS: &str = "registrations";
pub const EVENTS: &str = "events";
pub const WAKES: &str = "wakes";
pub const GRANTS: &str = "grants";
pub const LEASES: &str = "leases";
pub const COMMITS: &str = "commits";
/// Every object store.
pub const ALL: &[&str] = &[PROCESSES, REGISTRATIONS, EVENTS, WAKES, GRANTS, LEASES, COMMITS];

pub const BY_LANE: &str = "byLane";
pub const BY_KIND: &str = "byKind";
pub const BY_DEFINITION: &str = "byDefinition";
pub const BY_DEFINITION_AND_KIND: &str = "byDefinitionAndKind";
pub const BY_CHANGE: &str = "byChange";
pub const BY_RETENTION: &str = "byRetention";
pub const BY_WAKE_SESSION: &str = "byWakeSession";
pub const BY_TYPE: &str = "byType";
pub const BY_REPLAY_KEY: &str = "byReplayKey";
pub const BY_PROCESS: &str = "byProcess";

/// Brings a database from version `from` (0: new) to [`VERSION`].
pub fn upgrade(database: &IdbDatabase, from: u32) -> Result<(), JsValue> {
    STEPS.iter().skip(from as usize).try_for_each(|step| step(database))
}

fn version_1(database: &IdbDatabase) -> Result<(), JsValue> {
    let processes = store(database, PROCESSES, &JsValue::from_str("id"))?;
    index(&processes, BY_LANE, &path(&["lane", "id"]), false)?;
    index(&processes, BY_KIND, &path(&["kind", "lane", "id"]), false)?;
    index(&processes, BY_DEFINITION, &path(&["definitionHash", "lane", "id"]), false)?;
    index(&processes, BY_DEFINITION_AND_KIND, &path(&["definitionHash", "kind", "lane", "id"]), false)?;
    index(&processes, BY_CHANGE, &JsValue::from_str("change"), true)?;
    index(&processes, BY_RETENTION, &JsValue::from_str("retainedSinceMs"), false)?;
    index(&processes, BY_WAKE_SESSION, &JsValue::from_str("wakeTarget.sessionId"), false)?;
    store(database, REGISTRATIONS, &JsValue::from_str("registration.id"))?;
    let events = store(database, EVENTS, &path(&["processId", "sequence"]))?;
    index(&events, BY_TYPE, &path(&["processId", "eventType", "sequence"]), true)?;
    index(&events, BY_REPLAY_KEY, &path(&["processId", "replayKey"]), true)?;
    store(database, WAKES, &path(&["processId", "sequence"]))?;
    let grants = store(database, GRANTS, &path(&["scopeId", "processId"]))?;
    index(&grants, BY_PROCESS, &path(&["processId", "sessionId", "scopeId"]), true)?;
    store(database, LEASES, &JsValue::from_str("processId"))?;
    store(database, COMMITS, &JsValue::from_str("writer"))?;
    Ok(())
}

fn store(database: &IdbDatabase, name: &str, key_path: &JsValue) -> Result<IdbObjectStore, JsValue> {
    let parameters = IdbObjectStoreParameters::new();
    parameters.set_key_path(key_path);
    database.create_object_store_with_optional_parameters(name, &parameters)
}

fn index(store: &IdbObjectStore, name: &str, key_path: &JsValue, unique: bool) -> Result<(), JsValue> {
    let parameters = IdbIndexParameters::new();
    parameters.set_unique(unique);
    store.create_index_with_str_sequence_and_optional_parameters(name, key_path, &parameters).map(drop)
}

fn path(parts: &[&str]) -> JsValue {
    parts.iter().map(|part| JsString::from(*part)).collect::<Array>().into()
}
