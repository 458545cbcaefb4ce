//! What may be registered, and what that does to the other processes of a concurrency key.

use std::rc::Rc;

use serde::Serialize;

use super::{
    append, attachment, ending, key, lease, log,
    process::{changed, differs},
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        MAX_COUNT, Millis,
        attachment::Attachment,
        event::AppendRequest,
        key::ProcessId,
        lease::ProcessLease,
        policy::OnConflict,
        process::{LogHead, ProcessAwaitOutput, ProcessRecord, ProcessStatus, Registered, Schedule, WaitState},
        schema::Schemas,
    },
};

/// What a registration answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Registration {
    /// The process: the new one, or the one that is the answer instead.
    pub record: ProcessRecord,
    /// Which of these it is.
    pub disposition: Disposition,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// A new process, which may be begun.
    Created,
    /// A process that was there.
    Existing,
    /// A new process, which is begun after others of its concurrency key.
    Queued,
}

/// Registers a process with its attachments, or finds it registered alike, whatever is attached. With the lease of its parent, only
/// while that is held.
///
/// The same id with another registration is [`Code::RegistrationConflict`], and with another policy the stored process: the first one
/// wins. A process whose key is taken may be refused: [`Code::Conflict`]. A parent that is not there is [`Code::UnknownProcess`], and
/// one that has ended [`Code::ProcessTerminal`].
pub fn register(
    seen: &Snapshot,
    registered: &Registered,
    attachments: &[Rc<Attachment>],
    parent: Option<&ProcessLease>,
) -> Result<Decision<Registration>> {
    let id = &registered.registration.id;
    if let Some(parent) = parent {
        lease::require(seen, &parent.process_id, parent)?;
    }
    if let Some(stored) = seen.rows.process(id) {
        return match stored.registered.registration_hash == registered.registration_hash {
            true => Ok(existing(stored)),
            false => {
                let what = differs(&*stored.registered.registration, &*registered.registration, "registration");
                Err(Error::of(Code::RegistrationConflict, id, format!("is registered differently: {what}")))
            }
        };
    }
    let mut record = fresh(seen, registered)?;
    let others = key::others(seen, &record);
    let mut decision = Decision::reply(());
    match record.policy().on_conflict() {
        OnConflict::Queue => {}
        OnConflict::UseExisting => {
            let newest = others.iter().max_by_key(|other| (other.registered.created_at_ms, other.id()));
            if let Some(newest) = newest {
                return Ok(existing(newest));
            }
        }
        OnConflict::Reject => {
            if let Some(other) = others.first() {
                let what = format!("has a concurrency key that process `{}` has", other.id());
                return Err(Error::of(Code::Conflict, id, what));
            }
        }
        replaces @ (OnConflict::ReplacePending | OnConflict::CancelRunning) => {
            for other in &others {
                decision.writes.extend(replaced(seen, other, replaces)?);
            }
        }
    }
    debounce(seen, &mut record, &others);
    decision.writes.extend(parent_of(seen, registered.policy().parent_id.as_ref())?);
    let is_behind = others.iter().any(|other| stays(other, &record) && key::goes_before(other, &record, seen.now));
    record.schedule.queued = is_behind && !record.schedule.begun;
    let disposition = if record.schedule.queued { Disposition::Queued } else { Disposition::Created };
    for attachment in attachments {
        decision.writes.push(attachment::attach(&mut record, seen.now, attachment)?.1);
    }
    decision.writes.extend(changed(record.clone()).writes);
    Ok(decision.map(|()| Registration { record, disposition }))
}

fn existing(record: &ProcessRecord) -> Decision<Registration> {
    Decision::reply(Registration { record: record.clone(), disposition: Disposition::Existing })
}

/// The record of a process that is registered now.
fn fresh(seen: &Snapshot, registered: &Registered) -> Result<ProcessRecord> {
    let (Registered { registration, registration_hash, .. }, policy) = (registered, registered.policy());
    let life = seen.rows.lease(&registration.id).next_life()?;
    let is_begun = registration.input.is_external() && policy.concurrency_key.is_some();
    let stored = Registered::new(registration.clone(), policy.clone(), registration_hash.clone(), seen.now);
    Ok(ProcessRecord {
        wake_target: registration.wake_target.clone(),
        wait: policy.start_at_ms.and_then(|start| waits_until(start, seen.now)),
        registered: Rc::new(stored),
        status: ProcessStatus::Running,
        external_ref: None,
        paused: None,
        state: None,
        progress: None,
        run_trace_context: None,
        attachments: Vec::new(),
        // The host of an external process does not ask before it begins.
        schedule: Schedule { begun: is_begun, ..Schedule::default() },
        updated_at_ms: seen.now,
        log: LogHead { life, ..LogHead::default() },
    })
}

fn waits_until(start: Millis, now: Millis) -> Option<WaitState> {
    (start > now).then_some(WaitState::Start { until_ms: start, since_ms: now })
}

/// Puts the beginning off, at most so long after the first of the row of those that are replaced.
fn debounce(seen: &Snapshot, record: &mut ProcessRecord, others: &[&Rc<ProcessRecord>]) {
    let (start_at_ms, Some(debounce)) = (record.policy().start_at_ms, record.policy().debounce) else { return };
    let pending = others.iter().filter(|other| !other.schedule.begun);
    let first = pending.filter_map(|other| other.schedule.debounced_since_ms).min().unwrap_or(seen.now);
    let latest = debounce.max_delay_ms.map_or(MAX_COUNT, |most| first.saturating_add(most));
    let start = seen.now.saturating_add(debounce.delay_ms).min(latest).max(start_at_ms.unwrap_or_default());
    record.schedule.debounced_since_ms = Some(first);
    record.wait = waits_until(start.min(MAX_COUNT), seen.now);
}

/// What is written of a process of the key that another one replaces.
fn replaced(seen: &Snapshot, other: &ProcessRecord, by: OnConflict) -> Result<Vec<Write>> {
    let schemas = Schemas::unchecked();
    match (other.schedule.begun, by) {
        (false, _) => {
            let output = ProcessAwaitOutput::Cancelled { message: "replaced".to_owned(), raw: None, control: None };
            // The process that replaces it is the next of its key, so its end lets no other one begin.
            let request = AppendRequest::completion(other.id(), &output);
            let mut writes = log::append(seen, &schemas, other.id(), &request)?.writes;
            writes.extend(ending::stops_children(seen, other.id())?);
            Ok(writes)
        }
        (true, OnConflict::CancelRunning) if !other.is_cancel_requested() => {
            Ok(append::append(seen, &schemas, other.id(), &AppendRequest::cancel(other.id(), Some("replaced")))?.writes)
        }
        (true, _) => Ok(Vec::new()),
    }
}

/// Whether a process of the key is still there once `record` is registered.
fn stays(other: &ProcessRecord, record: &ProcessRecord) -> bool {
    match record.policy().on_conflict() {
        OnConflict::ReplacePending | OnConflict::CancelRunning => other.schedule.begun,
        OnConflict::Queue | OnConflict::UseExisting | OnConflict::Reject => true,
    }
}

/// What is written of the parent of a process, which must not have ended.
fn parent_of(seen: &Snapshot, parent: Option<&ProcessId>) -> Result<Option<Write>> {
    let Some(parent) = parent else { return Ok(None) };
    let record = seen.known(parent)?;
    if record.is_terminal() {
        return Err(Error::of(Code::ProcessTerminal, parent, "has ended, and takes no children"));
    }
    if record.schedule.has_children {
        return Ok(None);
    }
    let mut parent = record.clone();
    (parent.schedule.has_children, parent.updated_at_ms) = (true, seen.now);
    Ok(Some(Write::Process(Rc::new(parent))))
}
