//! Imports: what of an exported process is taken, and how it is put into another database.
//!
//! The file is a stranger's. [`check`] holds all of it to what this registry would have written itself: a log without gaps, with the
//! meanings that its event types give it, and of the driver's events those alone that a driver can read.

use std::rc::Rc;

use serde::Serialize;

use super::{
    counted::{self, Recount},
    key, reserved,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        MAX_COUNT,
        attachment::{Attachment, MAX_ATTACHMENTS},
        check_given_name, check_name,
        event::{
            ATTEMPT_FAILED, ProcessEvent, ProcessEventType, SIGNAL_PREFIX, STEP, STEP_FAILED, Semantics, TIMER,
            exists_undeclared, is_of_driver,
        },
        export::{ExportedEvent, ExportedProcess, ProcessExport},
        fork::Renames,
        key::ProcessId,
        lease::LeaseSlot,
        process::{LogHead, ProcessRecord, ProcessStatus, Registered, Schedule, normalise},
        schema::Schemas,
        stream::{Chunks, Keep, Stream},
    },
    text::{has_more_than, short},
    unordered::{Map, Set},
};

/// What became of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Imported {
    /// The process is here now.
    Imported,
    /// A process of its id was here. One without events may have been put here by this very call, where the answer of its commit was lost.
    Existing,
}

/// A process that was checked and may be imported.
#[derive(Debug)]
pub struct Incoming {
    /// The process as it is to be, but for its place among others.
    pub record: ProcessRecord,
    /// Its counts of attempts, and the floor of its fencing tokens. No lease is imported.
    pub slot: LeaseSlot,
    /// Its log.
    pub events: Vec<IncomingEvent>,
    /// Its streams.
    pub streams: Vec<Stream>,
    /// Their chunks.
    pub chunks: Vec<Chunks>,
    /// Its attachments.
    pub attachments: Vec<Rc<Attachment>>,
    counts: Vec<Write>,
}

/// An event that is imported.
#[derive(Debug)]
pub struct IncomingEvent {
    /// The event.
    pub event: Rc<ProcessEvent>,
    /// Whether its wake was acknowledged.
    pub acked: bool,
    ordinal: u64,
}

/// The most that a count of an import may be: far above any that there is, and far below where counting ends.
const MOST_COUNTED: u64 = 1 << 48;

/// The most characters of a dedupe key that is made of an id and a sequence.
const LONGEST_IDENTITY: usize = 2_048;

/// Checks an exported process, and gives it the ids that it is to have here. An error names the part by its path: `process.wait`,
/// `events[2].payload`, `streams[0].chunks`, `chunks[1].first`, `attachments[0].name`. It is [`Code::InvalidArgument`], or
/// [`Code::InvalidSchema`] where a schema does not compile.
pub fn check(export: &ProcessExport, renames: &Renames, schemas: &Schemas) -> Result<Incoming> {
    let (mut record, mut slot) = process(&export.process, schemas).map_err(|fault| refused(fault, "process"))?;
    record.schedule.has_streams = !export.streams.is_empty();
    let log = log(record, &export.events, schemas)?;
    if log.record.log.last_sequence != export.process.last_sequence {
        let (said, there) = (export.process.last_sequence, export.events.len());
        return Err(Error::invalid(format!("process.lastSequence: is {said}, and there are {there} events")));
    }
    let mut record = log.record;
    is_not_its_own_child(&record)?;
    if let (true, Some(_)) = (record.is_terminal(), &record.wait) {
        return Err(Error::invalid("process.wait: has ended, and waits for nothing"));
    }
    if slot.begun_at.is_some_and(|begun_at| begun_at > record.log.last_sequence) {
        return Err(Error::invalid("process.begunAt: is behind the last event"));
    }
    slot.held = None;
    streams(export, &record)?;
    attachments(export)?;
    record.attachments = export.attachments.iter().map(|attachment| attachment.info.clone()).collect();
    let id = renames.process(record.id());
    let mut events = Vec::new();
    for (event, (ordinal, exported)) in log.events.iter().zip(log.ordinals.iter().zip(&export.events)) {
        let renamed = event.renamed(renames)?;
        let replay_key = renamed.replay_key.map(|key| own_key(&key, record.id(), &id));
        let event = Rc::new(ProcessEvent { process_id: id.clone(), replay_key, ..renamed });
        events.push(IncomingEvent { event, acked: exported.acked, ordinal: *ordinal });
    }
    let counts = log.counts.into_iter().map(|counted| Write::Count(id.clone(), counted)).collect();
    let record = renamed(record, &export.process, renames, schemas)?;
    is_not_its_own_child(&record)?;
    Ok(Incoming {
        record,
        slot,
        events,
        counts,
        streams: export.streams.iter().map(|stream| stream.of(&id)).collect(),
        chunks: export.chunks.iter().map(|row| row.of(&id)).collect(),
        attachments: export.attachments.clone(),
    })
}

/// What is wrong with a part of a file is the mistake of the file, whatever else it would be called. That a schema does not compile may be
/// the host's, which has not loaded its validator.
fn refused(fault: Error, path: &str) -> Error {
    if fault.code() == Code::InvalidSchema {
        return fault.at(path);
    }
    let between = if fault.message().starts_with("registration.") { "." } else { ": " };
    Error::invalid(format!("{path}{between}{}", fault.message()))
}

// ── The process ────────────────────────────────────────────────────────────

fn process(exported: &ExportedProcess, schemas: &Schemas) -> Result<(ProcessRecord, LeaseSlot)> {
    let registered = normalise(exported.registration.clone(), exported.policy.clone(), schemas)?;
    if registered.registration_hash != exported.registration_hash {
        return Err(Error::invalid("registrationHash: is not that of the registration"));
    }
    for (name, number, most) in [
        ("createdAtMs", Some(exported.created_at_ms), MAX_COUNT),
        ("updatedAtMs", Some(exported.updated_at_ms), MAX_COUNT),
        ("debouncedSinceMs", exported.debounced_since_ms, MAX_COUNT),
        ("attempts", exported.attempts, MOST_COUNTED),
        ("crashes", exported.crashes, MOST_COUNTED),
        ("begunAt", exported.begun_at, MOST_COUNTED),
        ("fence", Some(exported.fence), MOST_COUNTED),
        ("life", exported.life, MOST_COUNTED),
    ] {
        if number.is_some_and(|number| number > most) {
            return Err(Error::invalid(format!("{name}: must be at most {most}")));
        }
    }
    if exported.life.is_some_and(|life| life < 2) {
        return Err(Error::invalid("life: must be at least 2 where it is given"));
    }
    if exported.begun && exported.policy.concurrency_key.is_none() {
        return Err(Error::invalid("begun: needs a concurrencyKey"));
    }
    if let Some(scope) = &exported.wake_target {
        scope.check()?;
    }
    if let Some(external_ref) = &exported.external_ref {
        check_name("externalRef.backend", &external_ref.backend)?;
        check_name("externalRef.id", &external_ref.id)?;
    }
    if let Some(context) = &exported.run_trace_context {
        context.check("runTraceContext")?;
    }
    let record = ProcessRecord {
        registered: Rc::new(Registered::new(
            registered.registration.clone(),
            exported.policy.clone(),
            registered.registration_hash,
            exported.created_at_ms,
        )),
        status: ProcessStatus::Running,
        wake_target: exported.wake_target.clone(),
        external_ref: exported.external_ref.clone(),
        wait: exported.wait.clone(),
        paused: exported.paused.clone(),
        state: exported.state.clone(),
        progress: exported.progress.clone(),
        run_trace_context: exported.run_trace_context.clone(),
        attachments: Vec::new(),
        schedule: Schedule {
            begun: exported.begun,
            has_children: exported.has_children,
            debounced_since_ms: exported.debounced_since_ms,
            ..Schedule::default()
        },
        updated_at_ms: exported.updated_at_ms,
        log: LogHead { life: exported.life, ..LogHead::default() },
    };
    let ExportedProcess { attempts, crashes, begun_at, fence, .. } = exported;
    let (attempts, crashes, begun_at) = (*attempts, *crashes, *begun_at);
    Ok((record, LeaseSlot { last_fence: *fence, held: None, attempts, lives: None, crashes, begun_at }))
}

/// Refuses a process that is its own parent: its end would ask it to stop.
fn is_not_its_own_child(record: &ProcessRecord) -> Result<()> {
    match record.policy().parent_id.as_ref() == Some(record.id()) {
        true => Err(Error::invalid("process.policy.parentId: is the id of the process itself")),
        false => Ok(()),
    }
}

/// The record under the ids that it is to have, and so with another hash.
fn renamed(
    record: ProcessRecord,
    exported: &ExportedProcess,
    renames: &Renames,
    schemas: &Schemas,
) -> Result<ProcessRecord> {
    if renames.is_none() {
        return Ok(record);
    }
    let ExportedProcess { registration, policy, wait, created_at_ms, .. } = exported.renamed(renames);
    let made = normalise(registration, policy.clone(), schemas).map_err(|fault| refused(fault, "process"))?;
    let registered = Registered::new(made.registration.clone(), policy, made.registration_hash, created_at_ms);
    Ok(ProcessRecord { registered: Rc::new(registered), wait, ..record })
}

/// The replay key of an event under another id: those that begin with the id of their process are the completions' and cancel requests'.
fn own_key(key: &str, from: &ProcessId, to: &ProcessId) -> String {
    let own = key.strip_prefix(&format!("process:{from}:"));
    own.map_or_else(|| key.to_owned(), |rest| format!("process:{to}:{rest}"))
}

// ── Its log ────────────────────────────────────────────────────────────────

/// A log that was checked.
struct Log {
    /// The process as the log leaves it.
    record: ProcessRecord,
    events: Vec<ProcessEvent>,
    /// The place of each event among those of its type.
    ordinals: Vec<u64>,
    /// The counts of types that lie in rows of their own.
    counts: Vec<crate::model::process::TypeCount>,
}

fn log(record: ProcessRecord, exported: &[ExportedEvent], schemas: &Schemas) -> Result<Log> {
    let mut recount = Recount::new(record);
    let (mut events, mut ordinals, mut keys) = (Vec::new(), Vec::new(), Set::default());
    for (place, exported) in exported.iter().enumerate() {
        let event = exported.of(recount.record.id());
        let ordinal = (|| {
            let sequence = place as u64 + 1;
            if event.sequence != sequence {
                return Err(Error::invalid(format!("sequence: must be {sequence}, not {}", event.sequence)));
            }
            if event.occurred_at_ms > MAX_COUNT {
                return Err(Error::invalid(format!("occurredAtMs: must be at most {MAX_COUNT}")));
            }
            if let Some(key) = &event.replay_key
                && !keys.insert(key.clone())
            {
                return Err(Error::invalid(format!("replayKey: `{}` is that of an event before", short(key))));
            }
            check_event(&recount, &event, exported, schemas)?;
            if let Some(terminal) = &event.semantics.terminal {
                recount.record.status = ProcessStatus::Ended(Box::new(terminal.clone()));
                recount.record.log.terminal_sequence = Some(sequence);
            }
            recount.count(&event.event_type)
        })();
        ordinals.push(ordinal.map_err(|fault: Error| at_event(&fault, place))?);
        events.push(event);
    }
    let (record, counts) = recount.finish();
    Ok(Log { record, events, ordinals, counts })
}

/// A fault of an event, whose message begins with its field.
fn at_event(fault: &Error, place: usize) -> Error {
    let message = fault.message();
    match message.starts_with("process `") {
        true => Error::invalid(format!("events[{place}]: {message}")),
        false => Error::invalid(format!("events[{place}].{message}")),
    }
}

fn check_event(recount: &Recount, event: &ProcessEvent, exported: &ExportedEvent, schemas: &Schemas) -> Result<()> {
    let (record, event_type) = (&recount.record, &event.event_type);
    check_name("eventType", event_type.strip_prefix(SIGNAL_PREFIX).unwrap_or(event_type))?;
    let declared = record.event_type(event_type).filter(|_| !is_of_driver(event_type));
    if declared.is_none() {
        counted::check_signals(&recount.rows, record, event_type)?;
    }
    let plain = exists_undeclared(event_type).then(|| ProcessEventType::new(event_type.as_str()));
    let Some(declared) = declared.or(plain.as_ref()) else {
        return Err(Error::invalid(format!("eventType: `{}` is not declared", short(event_type))));
    };
    match event.replay_key.as_deref() {
        Some("") => return Err(Error::invalid("replayKey: must not be empty")),
        None if declared.needs_replay_key() => return Err(Error::invalid("replayKey: is missing")),
        Some(_) | None => {}
    }
    reserved::check_stored(record, event)?;
    check_driver(event)?;
    schemas.check(record, declared, &event.payload).map_err(|fault| fault.at("payload"))?;
    check_semantics(record, declared, event)?;
    match exported.acked && event.semantics.wake.is_none() {
        true => Err(Error::invalid("acked: has no wake")),
        false => Ok(()),
    }
}

/// Refuses an event of the driver's that no driver has written, since drivers count and read them.
fn check_driver(event: &ProcessEvent) -> Result<()> {
    let is_of_driver = match event.event_type.as_str() {
        STEP => event.as_step().is_some(),
        STEP_FAILED => event.as_step_failed().is_some(),
        TIMER => event.as_timer().is_some() && event.replay_key.is_some(),
        ATTEMPT_FAILED => event.payload.member("attempt").is_some_and(|attempt| attempt.as_u64().is_some()),
        _ => true,
    };
    match is_of_driver {
        true => Ok(()),
        false => Err(Error::invalid(format!("payload: is none that a driver gives `{}`", event.event_type))),
    }
}

/// Refuses a meaning that the event type does not give the payload. What tells an event from all others is made of the id and the life that
/// its process had, perhaps in another database.
fn check_semantics(record: &ProcessRecord, declared: &ProcessEventType, event: &ProcessEvent) -> Result<()> {
    const IDENTITY: &str = "\u{0}";
    let of_payload = |fault: Error| Error::invalid(format!("payload: {}", fault.message()));
    let Semantics { terminal, wake } =
        declared.materialise(|| IDENTITY.to_owned(), &event.payload).map_err(of_payload)?;
    let given = &event.semantics;
    if terminal != given.terminal {
        return Err(Error::invalid("semantics.terminal: is not what its event type makes of the payload"));
    }
    if terminal.is_some() && record.is_terminal() {
        return Err(Error::invalid("semantics.terminal: the process has ended by an event before"));
    }
    let is_alike = match (&wake, &given.wake) {
        (None, None) => true,
        (Some(made), Some(given)) => {
            let is_own_key = match made.dedupe_key == IDENTITY {
                true => {
                    let names_it = given.dedupe_key.ends_with(&format!(":{}", event.sequence));
                    names_it && !has_more_than(&given.dedupe_key, LONGEST_IDENTITY)
                }
                false => made.dedupe_key == given.dedupe_key,
            };
            is_own_key && made.input == given.input
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    match is_alike {
        true => Ok(()),
        false => Err(Error::invalid("semantics.wake: is not what its event type makes of the payload")),
    }
}

// ── What lies beside it ────────────────────────────────────────────────────

/// Refuses streams of one name, and chunks that do not follow one another up to the end of their stream. Those that were kept until the
/// process ended may be gone.
fn streams(export: &ProcessExport, record: &ProcessRecord) -> Result<()> {
    let mut ends = Map::default();
    for (place, stream) in export.streams.iter().enumerate() {
        let refuse = |what: &str| Err(Error::invalid(format!("streams[{place}].{what}")));
        check_given_name(&format!("streams[{place}].name"), &stream.name)?;
        if stream.chunks > MOST_COUNTED || stream.attempt > MOST_COUNTED {
            return refuse("chunks: is more than there can be");
        }
        if ends.insert(stream.name.as_str(), 0_u64).is_some() {
            return refuse("name: is that of a stream before");
        }
    }
    for (place, row) in export.chunks.iter().enumerate() {
        let refuse = |what: String| Err(Error::invalid(format!("chunks[{place}].{what}")));
        let Some(end) = ends.get_mut(row.stream.as_str()) else {
            return refuse(format!("stream: there is no stream `{}`", short(&row.stream)));
        };
        if row.first != *end {
            return refuse(format!("first: must be {end}, not {}", row.first));
        }
        if row.values.is_empty() {
            return refuse("values: must not be empty".to_owned());
        }
        if row.attempt > MOST_COUNTED {
            return refuse(format!("attempt: must be at most {MOST_COUNTED}"));
        }
        *end += row.values.len() as u64;
    }
    for (place, stream) in export.streams.iter().enumerate() {
        let end = ends.get(stream.name.as_str()).copied().unwrap_or_default();
        let are_removed = record.is_terminal() && stream.keep == Keep::UntilTerminal && end == 0;
        if end != stream.chunks && !are_removed {
            let said = stream.chunks;
            return Err(Error::invalid(format!("streams[{place}].chunks: is {said}, and there are {end}")));
        }
    }
    Ok(())
}

fn attachments(export: &ProcessExport) -> Result<()> {
    let mut names = Set::default();
    if export.attachments.len() > MAX_ATTACHMENTS {
        return Err(Error::invalid(format!("attachments[{MAX_ATTACHMENTS}]: is one more than {MAX_ATTACHMENTS}")));
    }
    for (place, attachment) in export.attachments.iter().enumerate() {
        check_given_name(&format!("attachments[{place}].name"), &attachment.info.name)?;
        if !names.insert(attachment.info.name.as_str()) {
            return Err(Error::invalid(format!("attachments[{place}].name: is that of an attachment before")));
        }
    }
    Ok(())
}

// ── Into the database ──────────────────────────────────────────────────────

/// Puts a process into a database that has none of its id. Where it has one, nothing is written: whether that is alike is not
/// looked at here.
///
/// It begins the next life of its id, under a fence above all that were given out, there or here. Where another process of its
/// concurrency key has begun, it goes behind it. Its parent need not be there. The conflict policy is that of a registration, and not asked.
pub fn import(seen: &Snapshot, incoming: &Incoming) -> Result<Decision<Imported>> {
    let id = incoming.record.id();
    if seen.rows.process(id).is_some() {
        return Ok(Decision::reply(Imported::Existing));
    }
    let mut record = incoming.record.clone();
    let before = seen.rows.lease(id);
    record.log.life = before.next_life()?.max(record.log.life);
    let slot = LeaseSlot {
        last_fence: before.last_fence.max(incoming.slot.last_fence),
        lives: record.log.life.map(|life| life - 1),
        ..incoming.slot.clone()
    };
    takes_its_place(seen, &mut record);
    let mut decision = Decision::reply(Imported::Imported);
    let writes = &mut decision.writes;
    writes.extend(incoming.attachments.iter().map(|attachment| Write::Attachment(id.clone(), attachment.clone())));
    if slot != before {
        writes.push(Write::Lease(id.clone(), slot));
    }
    for IncomingEvent { event, acked, ordinal } in &incoming.events {
        writes.push(Write::Event { event: event.clone(), ordinal: *ordinal });
        if *acked {
            writes.push(Write::AckWake(id.clone(), event.sequence));
        }
    }
    writes.extend(incoming.counts.iter().cloned());
    writes.extend(incoming.streams.iter().cloned().map(Write::Stream));
    writes.extend(incoming.chunks.iter().cloned().map(Write::Chunks));
    writes.extend(has_a_child(seen, &record));
    writes.push(Write::Process(Rc::new(record)));
    Ok(decision)
}

/// Decides the place of a process among those of its concurrency key that are here.
fn takes_its_place(seen: &Snapshot, record: &mut ProcessRecord) {
    if record.is_terminal() {
        return;
    }
    let others = key::others(seen, record);
    let is_external = record.registered.registration.input.is_external();
    record.schedule.begun &= is_external || !others.iter().any(|other| other.schedule.begun);
    let is_behind = others.iter().any(|other| key::goes_before(other, record, seen.now));
    record.schedule.queued = is_behind && !record.schedule.begun;
}

/// What is written of a parent that is here and does not know of children: its end asks them to stop.
fn has_a_child(seen: &Snapshot, record: &ProcessRecord) -> Option<Write> {
    let parent = seen.rows.process(record.policy().parent_id.as_ref()?)?;
    if parent.is_terminal() || parent.schedule.has_children || record.is_terminal() {
        return None;
    }
    let mut parent = parent.clone();
    (parent.schedule.has_children, parent.updated_at_ms) = (true, seen.now);
    Some(Write::Process(Rc::new(parent)))
}
