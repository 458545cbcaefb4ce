//! What may be registered, and what changes a record without an event.

use std::rc::Rc;

use serde::Serialize;

use super::snapshot::{Decision, Snapshot, Write};
use crate::{
    error::{Code, Error, Result},
    model::{
        check_name, difference,
        key::ProcessId,
        process::{LogHead, ProcessExternalRef, ProcessRecord, ProcessStatus, Registered, WaitState},
    },
};

/// Registers a process, or finds it registered alike.
///
/// The same id with another registration is [`Code::RegistrationConflict`].
pub fn register(seen: &Snapshot, registered: &Registered) -> Result<Decision<ProcessRecord>> {
    let id = &registered.registration.id;
    if let Some(stored) = seen.rows.process(id) {
        return match stored.registered.registration_hash == registered.registration_hash {
            true => Ok(Decision::reply(stored.clone())),
            false => {
                let what = differs(&*stored.registered.registration, &*registered.registration, "registration");
                Err(Error::of(Code::RegistrationConflict, id, format!("is registered differently: {what}")))
            }
        };
    }
    let life = seen.rows.lease(id).next_life()?;
    let registered = Registered::new(registered.registration.clone(), registered.registration_hash.clone(), seen.now);
    Ok(changed(ProcessRecord {
        wake_target: registered.registration.wake_target.clone(),
        registered: Rc::new(registered),
        status: ProcessStatus::Running,
        external_ref: None,
        wait: None,
        updated_at_ms: seen.now,
        log: LogHead { life, ..LogHead::default() },
    }))
}

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
        Some(stored) if stored == external_ref => Ok(Decision::reply(record.clone())),
        Some(stored) => {
            let what = differs(stored, external_ref, "ref");
            Err(Error::of(Code::ExternalRefConflict, id, format!("has another external reference: {what}")))
        }
        None => Ok(changed(ProcessRecord {
            external_ref: Some(external_ref.clone()),
            updated_at_ms: seen.now,
            ..record.clone()
        })),
    }
}

/// Says what the process waits for; it still counts as running.
/// A terminal process cannot wait: [`Code::AlreadyTerminal`].
pub fn set_wait(seen: &Snapshot, id: &ProcessId, wait: &WaitState) -> Result<Decision<ProcessRecord>> {
    let record = seen.known(id)?;
    check_name("wait.name", &wait.name)?;
    check_name("wait.key", &wait.key)?;
    for name in wait.names.iter().flatten() {
        check_name("wait.names", name)?;
    }
    check_name("wait.eventType", wait.event_type.strip_prefix("signal.").unwrap_or(&wait.event_type))?;
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
fn changed(record: ProcessRecord) -> Decision<ProcessRecord> {
    Decision::reply(record.clone()).write(Write::Process(Rc::new(record)))
}

/// In words, where what is stored and what is given first differ, below `name`.
fn differs<T: Serialize>(stored: &T, given: &T, name: &str) -> String {
    difference::first(stored, given).map(|differs| differs.text(name)).unwrap_or_default()
}
