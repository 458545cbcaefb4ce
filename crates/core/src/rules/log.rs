//! What may be appended to a log, and what a repeated append answers: one event and the record of its process.

use std::rc::Rc;

use super::{
    counted, lease, reserved,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        difference,
        event::{
            AppendRequest, AppendResult, Author, ProcessEvent, ProcessEventType, Semantics, WakeDelivery,
            exists_undeclared, is_of_driver,
        },
        key::ProcessId,
        payload::Payload,
        process::{ProcessRecord, ProcessStatus, Provenance},
        schema::Schemas,
    },
    text::short,
};

/// Appends an event, or finds it appended under the same replay key. What an end does to other processes is not in the decision: see
/// [`append`](super::append::append).
///
/// A replay is looked up before anything else is judged: what was accepted once is answered
/// again, even after the process ended or the lease was lost.
pub fn append(
    seen: &Snapshot,
    schemas: &Schemas,
    id: &ProcessId,
    request: &AppendRequest,
) -> Result<Decision<AppendResult>> {
    if let Some(held) = &request.lease {
        held.check()?;
    }
    if let Some(target) = &request.wake_target_scope {
        target.check()?;
    }
    let record = seen.known(id)?;
    let by_caller = request.author == Author::Caller;
    if by_caller {
        reserved::check_type(record, request)?;
    }
    let key = request.replay_key.as_deref().filter(|key| !key.is_empty());
    let stored = key.and_then(|key| seen.rows.replay(id, key));
    if let Some(stored) = stored.filter(|stored| is_alike(stored, request)) {
        return replay(record, request, stored);
    }
    if by_caller {
        reserved::check(record, request)?;
    }
    if let Some(stored) = stored {
        return Err(replay_conflict(stored, request));
    }
    if let Some(held) = &request.lease {
        lease::require(seen, id, held)?;
    }
    let event_type = &request.event_type;
    // What the driver writes means nothing else, whatever a registration of an older version declares.
    let declared = record.event_type(event_type).filter(|_| !is_of_driver(event_type));
    if declared.is_none() {
        counted::check_signals(seen.rows, record, event_type)?;
    }
    let plain = exists_undeclared(event_type).then(|| ProcessEventType::new(event_type));
    let declared = declared.or(plain.as_ref()).ok_or_else(|| {
        Error::of(Code::UndeclaredEventType, id, format!("does not declare event type `{}`", short(event_type)))
    })?;
    if key.is_none() && declared.needs_replay_key() {
        let what = format!("needs a replay key to append `{event_type}`");
        return Err(Error::of(Code::MissingReplayKey, id, what));
    }
    if key.is_none() && request.replay_key.is_some() {
        return Err(Error::of(Code::InvalidArgument, id, "was given an empty replay key"));
    }
    schemas.check(record, declared, &request.payload)?;
    let mut next = record.clone();
    next.updated_at_ms = seen.now;
    let (ordinal, counts) = counted::count(seen.rows, record, &mut next.log, event_type)?;
    let semantics = declared
        .materialise(|| identity(record, next.log.last_sequence), &request.payload)
        .map_err(|fault| Error::of(fault.code(), id, format!("refused `{event_type}`: {}", fault.message())))?;
    if semantics.terminal.is_some() && record.is_terminal() {
        return Err(Error::of(Code::AlreadyTerminal, id, "has already ended"));
    }
    let mut decision = insert(seen, record, next, request, ordinal, semantics)?;
    decision.writes.extend(counts);
    Ok(decision)
}

/// What tells an event from every other one, also from those of earlier and later lives of its process's id.
///
/// An id that itself ends like a numbered life, such as `a@2`, has its first life numbered too: `a@2@1:5`. So it cannot be
/// taken for the second life of `a`.
fn identity(record: &ProcessRecord, sequence: u64) -> String {
    let id = record.id();
    match record.log.life {
        Some(life) => format!("{id}@{life}:{sequence}"),
        None if ends_like_a_life(id) => format!("{id}@1:{sequence}"),
        None => format!("{id}:{sequence}"),
    }
}

fn ends_like_a_life(id: &str) -> bool {
    let number = id.rsplit_once('@').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn insert(
    seen: &Snapshot,
    record: &ProcessRecord,
    mut next: ProcessRecord,
    request: &AppendRequest,
    ordinal: u64,
    semantics: Semantics,
) -> Result<Decision<AppendResult>> {
    let event = Rc::new(ProcessEvent {
        process_id: record.id().clone(),
        sequence: next.log.last_sequence,
        event_type: request.event_type.clone(),
        payload: request.payload.clone(),
        replay_key: request.replay_key.clone(),
        semantics,
        occurred_at_ms: seen.now,
    });
    end(&mut next, &event);
    let wake_delivery = delivery(record, request, &event)?;
    Ok(Decision::reply(AppendResult { event: event.clone(), replayed: false, wake_delivery })
        .write(Write::Event { event, ordinal })
        .write(Write::Process(Rc::new(next))))
}

/// Projects a terminal event onto its record. An end also ends any wait.
fn end(record: &mut ProcessRecord, event: &ProcessEvent) {
    if let Some(terminal) = &event.semantics.terminal {
        record.status = ProcessStatus::Ended(Box::new(terminal.clone()));
        record.log.terminal_sequence = Some(event.sequence);
        record.wait = None;
    }
}

fn replay(
    record: &ProcessRecord,
    request: &AppendRequest,
    stored: &Rc<ProcessEvent>,
) -> Result<Decision<AppendResult>> {
    let wake_delivery = delivery(record, request, stored)?;
    let decision = Decision::reply(AppendResult { event: stored.clone(), replayed: true, wake_delivery });
    if stored.semantics.terminal.is_none() || record.is_terminal() {
        return Ok(decision);
    }
    // Another implementation wrote the event and not the record: finish its work.
    let mut repaired = record.clone();
    repaired.updated_at_ms = stored.occurred_at_ms;
    end(&mut repaired, stored);
    Ok(decision.write(Write::Process(Rc::new(repaired))))
}

/// Whether a request asks for what is stored: two appends under one key must share type and payload.
fn is_alike(stored: &ProcessEvent, request: &AppendRequest) -> bool {
    stored.event_type == request.event_type && stored.payload == request.payload
}

fn replay_conflict(stored: &ProcessEvent, request: &AppendRequest) -> Error {
    let id = &stored.process_id;
    let there = |what: String| {
        Error::of(Code::ReplayConflict, id, format!("holds another event under this replay key: {what}"))
    };
    if stored.event_type != request.event_type {
        return there(format!("one of type `{}`, not `{}`", short(&stored.event_type), short(&request.event_type)));
    }
    let differs = difference::first(&stored.payload, &request.payload);
    there(differs.map(|differs| differs.text("payload")).unwrap_or_default())
}

fn delivery(record: &ProcessRecord, request: &AppendRequest, event: &ProcessEvent) -> Result<Option<WakeDelivery>> {
    let target = request.wake_target_scope.as_ref().or(record.wake_target.as_ref());
    let (Some(wake), Some(target)) = (&event.semantics.wake, target) else { return Ok(None) };
    let scope_id = target.id();
    let identity = Payload::of(&[scope_id.as_str(), &wake.dedupe_key])?.hash();
    let provenance = record.registered.registration.provenance.as_ref();
    Ok(Some(WakeDelivery {
        wake_id: format!("wake:{identity}"),
        target_session_id: target.session_id.clone(),
        target_scope_id: scope_id,
        process_id: event.process_id.clone(),
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        process_caused_by: provenance.and_then(Provenance::caused_by).cloned(),
        dedupe_key: wake.dedupe_key.clone(),
        input: wake.input.clone(),
        created_at_ms: event.occurred_at_ms,
    }))
}
