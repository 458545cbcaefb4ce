//! What changes a record without an event.

use std::rc::Rc;

use serde::Serialize;

use super::snapshot::{Decision, Snapshot, Write};
use crate::{
    error::{Code, Error, Result},
    model::{
        check_name, difference,
        key::ProcessId,
        process::{ProcessExternalRef, ProcessRecord, WaitState},
    },
};

/// Says where else the process is known. Once set it never changes:
/// another reference is [`Code::ExternalRefConflict`].
pub fn set_external_ref(
    seen: &Snapshot,
    id: &ProcessId,
    external_ref: &ProcessExternalRef,
) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    check_name("ref.backend", &external_ref.backend)?;
    check_name("ref.id", &external_ref.id)?;
    match &record.external_ref {
        Some(stored) if **stored == *external_ref => Ok(Decision::reply(record.clone())),
        Some(stored) => {
            let what = differs(&**stored, external_ref, "ref");
            Err(Error::of(Code::ExternalRefConflict, id, format!("has another external reference: {what}")))
        }
        None => Ok(changed(ProcessRecord {
            external_ref: Some(Box::new(external_ref.clone())),
            updated_at_ms: seen.now,
            ..record.clone()
        })),
    }
}

/// Says what the process waits for; it still counts as running.
/// A terminal process cannot wait: [`Code::AlreadyTerminal`].
pub fn set_wait(seen: &Snapshot, id: &ProcessId, wait: &WaitState) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    let WaitState::Signal { name, event_type, names, key, .. } = wait else {
        return Err(Error::invalid("wait.kind: must be signal: the others are the driver's"));
    };
    check_name("wait.name", name)?;
    check_name("wait.key", key)?;
    for name in names.iter().flatten() {
        check_name("wait.names", name)?;
    }
    check_name("wait.eventType", event_type.strip_prefix("signal.").unwrap_or(event_type))?;
    may_wait(record)?;
    let wait = Some(wait.clone());
    Ok(changed(ProcessRecord { wait, updated_at_ms: seen.now, ..record.clone() }))
}

/// Refuses where the process has ended.
pub(super) fn may_wait(record: &ProcessRecord) -> Result<()> {
    match record.is_terminal() {
        true => Err(Error::of(Code::AlreadyTerminal, record.id(), "has ended and cannot wait")),
        false => Ok(()),
    }
}

/// Says that the process waits no more. Nothing changes where it did not wait.
pub fn clear_wait(seen: &Snapshot, id: &ProcessId) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    if record.wait.is_none() {
        return Ok(Decision::reply(record.clone()));
    }
    Ok(changed(ProcessRecord { wait: None, updated_at_ms: seen.now, ..record.clone() }))
}

/// Replies with a record and writes it.
pub(super) fn changed(record: ProcessRecord) -> Decision<ProcessRecord> {
    Decision::reply(record.clone()).write(Write::Process(Rc::new(record)))
}

/// In words, where what is stored and what is given first differ, below `name`.
pub(super) fn differs<T: Serialize>(stored: &T, given: &T, name: &str) -> String {
    difference::first(stored, given).map(|differs| differs.text(name)).unwrap_or_default()
}
