//! Histories as JSON: `{ "processes": [ { "id", "ended", "events", "attempts"? } ] }`, the events as `eventsAfter` gives them.

use longwait::model::{event::ProcessEvent, payload::Payload};
use serde_json::Value;

use crate::driven::{Checked, Driven};

/// Checks every process of a history. Answers what is wrong, or how many there are.
pub fn check(history: &Value) -> Result<usize, String> {
    let processes = history["processes"].as_array().ok_or("the history has no list of `processes`")?;
    if processes.is_empty() {
        return Err("the history has no processes".to_owned());
    }
    let faults: Vec<_> = processes.iter().filter_map(|process| check_one(process).err()).collect();
    if faults.is_empty() { Ok(processes.len()) } else { Err(faults.join("\n")) }
}

fn check_one(process: &Value) -> Checked {
    let id = process["id"].as_str().ok_or_else(|| format!("a process has no `id`: {process}"))?;
    let field = |name: &str| format!("process `{id}`: `{name}` is missing or of another type");
    let events = process["events"].as_array().ok_or_else(|| field("events"))?;
    let event = |event: &Value| -> Result<_, String> {
        let read: ProcessEvent =
            Payload::from(event.clone()).read().map_err(|fault| format!("process `{id}`: {} in {event}", fault))?;
        Ok(read.into())
    };
    let attempts = Some(&process["attempts"]).filter(|attempts| !attempts.is_null());
    let attempts = attempts.map(|attempts| attempts.as_u64().ok_or_else(|| field("attempts"))).transpose()?;
    let ended = process["ended"].as_bool().ok_or_else(|| field("ended"))?;
    let events = events.iter().map(event).collect::<Result<_, _>>()?;
    Driven { id: id.to_owned(), ended, events, attempts }.check()
}
