//! Forks: a new process that begins where another one was. An ended process is never opened again.

use std::{mem, rc::Rc};

use super::{
    append,
    counted::Recount,
    register::{self, Disposition, Registration},
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        event::ProcessEvent,
        fork::{Fork, copies},
        key::ProcessId,
        payload::Payload,
        policy::Policy,
        process::{LogHead, ProcessInput, ProcessRecord, ProcessRegistration, Provenance, Registered, normalise},
        schema::Schemas,
    },
};

/// Registers a process with the events of another one before a point of its log. A repeat of the fork gives the stored record.
///
/// It has the attachments of the source, and is registered alike but for its id, what it is caused by, and its input, where that is
/// given. Of the policy it lacks what was about
/// when the source was to begin and to end, and whose child it was. [`Code::RegistrationConflict`] where the id is taken otherwise;
/// [`Code::InvalidArgument`] for a step that has no record, and for an input of another shape.
pub fn fork(seen: &Snapshot, schemas: &Schemas, id: &ProcessId, fork: &Fork) -> Result<Decision<ProcessRecord>> {
    let source = seen.known(id)?;
    let registered = registered(source, schemas, fork)?;
    let mut decision = register::register(seen, &registered, seen.rows.attachments(id), None)?;
    let Registration { record, disposition } = &mut decision.reply;
    if *disposition == Disposition::Existing {
        return Ok(decision.map(|registration| registration.record));
    }
    let log = seen.rows.log(id);
    let Some(place) = fork.from.place(log.iter().map(Rc::as_ref)) else {
        return Err(Error::of(Code::InvalidArgument, id, "has no record of the step that options.from names"));
    };
    let (head, events) = copied(record, copies(log.iter().take(place).map(Rc::as_ref), id, &fork.new_id)?)?;
    record.log = head;
    let forked = record.clone();
    let mut decision = append::with_record(decision, forked);
    decision.writes.extend(events);
    Ok(decision.map(|registration| registration.record))
}

fn registered(source: &ProcessRecord, schemas: &Schemas, fork: &Fork) -> Result<Registered> {
    let of_source = &*source.registered.registration;
    let cause = Payload::object([("forkOf", Some(source.id().as_str().into()))]);
    let originator = of_source.provenance.clone().unwrap_or_else(Provenance::host).originator;
    let registration = ProcessRegistration {
        id: fork.new_id.clone(),
        input: fork.input.as_ref().map_or_else(|| Ok(of_source.input.clone()), |given| fitting(of_source, given))?,
        provenance: Some(Provenance { originator, caused_by: Some(cause) }),
        ..of_source.clone()
    };
    let policy = Policy {
        start_at_ms: None,
        deadline_at_ms: None,
        on_conflict: None,
        debounce: None,
        parent_id: None,
        on_parent_end: None,
        ..source.policy().clone()
    };
    normalise(registration, policy, schemas)
}

/// An input that is given instead of that of the source, for which it must be the same runner's work.
fn fitting(source: &ProcessRegistration, given: &ProcessInput) -> Result<ProcessInput> {
    let refused =
        |what: &str| Err(Error::invalid(format!("options.input{what}: must be that of the process that is forked")));
    match (&source.input, given) {
        (before, _) if mem::discriminant(before) != mem::discriminant(given) => refused(".type"),
        (ProcessInput::Engine { kind, .. }, ProcessInput::Engine { kind: other, .. }) if kind != other => {
            refused(".kind")
        }
        (ProcessInput::ToolCall { call }, ProcessInput::ToolCall { call: other })
            if call.member("toolName") != other.member("toolName") =>
        {
            refused(".call.toolName")
        }
        _ => Ok(given.clone()),
    }
}

/// The head of a log of copies, and what is written of them.
fn copied(record: &ProcessRecord, copies: Vec<ProcessEvent>) -> Result<(LogHead, Vec<Write>)> {
    let (mut recount, mut writes) = (Recount::new(record.clone()), Vec::new());
    for event in copies {
        let ordinal = recount.count(&event.event_type)?;
        writes.push(Write::Event { event: Rc::new(event), ordinal });
    }
    let (record, counts) = recount.finish();
    writes.extend(counts.into_iter().map(|counted| Write::Count(record.id().clone(), counted)));
    Ok((record.log, writes))
}
