//! What a caller's append may not take: the event types that the driver writes, the replay keys under which the driver and
//! completions record, and names without bound.

use crate::{
    error::{Code, Error, Result},
    model::{
        event::{
            AppendRequest, CANCEL_REQUESTED, ProcessEvent, ProcessEventType, SIGNAL_PREFIX, is_of_driver, is_signal,
        },
        process::ProcessRecord,
    },
    text::{MAX_NAME, has_more_than, is_too_long, short},
};

/// How replay keys begin under which the driver and completions record.
const RESERVED: [&str; 5] = ["step:", "signal:", "timer:", "process:", "process."];

/// The most characters of such a key: it is made of two names and a few words.
const MAX_RESERVED_KEY: usize = 4 * MAX_NAME;

/// Refuses an event type that the driver alone writes.
pub fn check_type(record: &ProcessRecord, request: &AppendRequest) -> Result<()> {
    match is_of_driver(&request.event_type) {
        true => Err(refused(record, "eventType", &format!("`{}` is written by the driver alone", request.event_type))),
        false => Ok(()),
    }
}

/// Refuses what a caller's request may not take; what of it is stored already is not looked at here.
pub fn check(record: &ProcessRecord, request: &AppendRequest) -> Result<()> {
    let event_type = request.event_type.strip_prefix(SIGNAL_PREFIX).unwrap_or(&request.event_type);
    if is_too_long(event_type) {
        return Err(refused(record, "eventType", &format!("has more than {MAX_NAME} characters")));
    }
    let Some(key) = &request.replay_key else { return Ok(()) };
    let reserved = RESERVED.into_iter().find(|prefix| key.starts_with(prefix));
    let most = if reserved.is_some() { MAX_RESERVED_KEY } else { MAX_NAME };
    if has_more_than(key, most) {
        return Err(refused(record, "replayKey", &format!("has more than {most} characters")));
    }
    match reserved {
        Some(prefix) if !belongs(prefix, key, record, request) => {
            let what =
                format!("`{}` begins with `{prefix}`, and longwait keeps such keys for other events", short(key));
            Err(refused(record, "replayKey", &what))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a stored event under a replay key that such an event cannot have.
pub fn check_stored(record: &ProcessRecord, event: &ProcessEvent) -> Result<()> {
    let Some(key) = &event.replay_key else { return Ok(()) };
    let reserved = RESERVED.into_iter().find(|prefix| key.starts_with(prefix));
    if has_more_than(key, MAX_RESERVED_KEY) {
        return Err(Error::invalid(format!("replayKey: has more than {MAX_RESERVED_KEY} characters")));
    }
    let belongs = match reserved {
        Some(prefix @ ("process:" | "signal:")) => {
            let request = AppendRequest::new(event.event_type.as_str(), event.payload.clone());
            belongs(prefix, key, record, &request)
        }
        Some(_) => event.is_under_key_of_driver(),
        None => true,
    };
    match belongs {
        true => Ok(()),
        false => Err(Error::invalid(format!("replayKey: `{}` is kept for other events", short(key)))),
    }
}

/// Whether a key is one of those that events like the requested one have, so that hosts which compute the key
/// themselves find what was appended under it.
fn belongs(prefix: &str, key: &str, record: &ProcessRecord, request: &AppendRequest) -> bool {
    let event_type = request.event_type.as_str();
    if prefix == "signal:" {
        let name = event_type.strip_prefix(SIGNAL_PREFIX).filter(|_| is_signal(event_type));
        return name.is_some_and(|name| key.starts_with(&format!("signal:{name}:")));
    }
    if prefix != "process:" {
        return false;
    }
    let ends = record.event_type(event_type).is_some_and(ProcessEventType::is_terminal);
    let own = key.strip_prefix(&format!("process:{}:", record.id()));
    // A key of this very process belongs to one event and no other: taken by another, it would keep the process from ending.
    if let Some(of) = own.and_then(|own| own.strip_prefix("terminal:")) {
        return ends && of == event_type;
    }
    if let Some(of) = own.and_then(|own| own.strip_prefix("cancel_requested:")) {
        return event_type == CANCEL_REQUESTED && of == request.payload.hash();
    }
    ends || event_type == CANCEL_REQUESTED
}

fn refused(record: &ProcessRecord, field: &str, what: &str) -> Error {
    Error::about(Code::InvalidArgument, record.id(), format!("request.{field}: {what}"))
}
