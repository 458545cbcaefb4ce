//! Histories as JSON: `{ "processes": [ { "id", "ended", "events", "attempts"?, "createdAtMs"?, "policy"? } ] }`, the events as
//! `eventsAfter` gives them. Of a policy, `retry.maxAttempts` and `concurrencyKey` are looked at; all in the history have one priority.

use std::collections::BTreeMap;

use longwait::model::{event::ProcessEvent, payload::Payload};
use serde_json::Value;

use crate::driven::{Checked, Driven};

/// Checks every process of a history. Answers what is wrong, or how many there are.
pub fn check(history: &Value) -> Result<usize, String> {
    let processes = history["processes"].as_array().ok_or("the history has no list of `processes`")?;
    if processes.is_empty() {
        return Err("the history has no processes".to_owned());
    }
    let each = processes.iter().filter_map(|process| check_one(process).err());
    let faults: Vec<_> = each.chain(check_keys(processes)).collect();
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
    let max_attempts = process["policy"]["retry"]["maxAttempts"].as_u64();
    Driven { id: id.to_owned(), ended, events, attempts, max_attempts, steady_clock: true }.check()
}

/// What is wrong with the order of the processes of one key.
fn check_keys(processes: &[Value]) -> Vec<String> {
    let mut keys = BTreeMap::<&str, Vec<Keyed>>::new();
    for process in processes {
        if let (Some(key), Some(keyed)) = (process["policy"]["concurrencyKey"].as_str(), Keyed::of(process)) {
            keys.entry(key).or_default().push(keyed);
        }
    }
    let mut faults = Vec::new();
    for (key, mut row) in keys {
        row.sort_by_key(|keyed| keyed.place);
        for (one, next) in row.iter().zip(row.iter().skip(1)) {
            if next.begun < one.over {
                faults.push(format!(
                    "process `{}` of key `{key}` began before the end of `{}`",
                    next.place.1, one.place.1
                ));
            }
        }
    }
    faults
}

/// A process of a key.
struct Keyed<'a> {
    /// Its place in the order of beginning: when it was registered, and its id.
    place: (u64, &'a str),
    /// When its first run said that it began.
    begun: u64,
    over: u64,
}

impl<'a> Keyed<'a> {
    /// One that was begun: what ends before takes no turn.
    fn of(process: &'a Value) -> Option<Self> {
        let events = process["events"].as_array()?;
        let begun = events.iter().find(|event| event["eventType"] == "signal.begun")?["occurredAtMs"].as_u64()?;
        let over = events.last()?["occurredAtMs"].as_u64()?;
        Some(Self { place: (process["createdAtMs"].as_u64()?, process["id"].as_str()?), begun, over })
    }
}
