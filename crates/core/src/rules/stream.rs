//! How streams are opened and written.

use std::rc::Rc;

use super::{
    lease,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        lease::ProcessLease,
        payload::Payload,
        stream::{Chunks, Stream},
    },
};

/// How a run opens a stream.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The name of the stream.
    pub name: String,
    /// Whether its chunks carry the attempt of those before.
    pub resume: bool,
    /// Whether its chunks are removed when the process ends: of several openings, the last one says it.
    pub until_terminal: bool,
    /// The attempt of the run.
    pub attempt: u64,
}

/// Opens a stream behind what is there, only while the lease is held. One that was closed is open again.
pub fn open(seen: &Snapshot, held: &ProcessLease, opening: &Opening) -> Result<Decision<Stream>> {
    let record = lease::writable(seen, held)?;
    let id = &held.process_id;
    let known = seen.rows.stream(id, &opening.name);
    let resumed = known.filter(|known| opening.resume && known.next > 0);
    let stream = Stream {
        process_id: id.clone(),
        name: opening.name.clone(),
        next: known.map_or(0, |known| known.next),
        attempt: resumed.map_or(opening.attempt, |resumed| resumed.attempt),
        until_terminal: opening.until_terminal,
        closed: false,
    };
    let mut decision = Decision::reply(stream.clone());
    if known != Some(&stream) {
        decision = decision.write(Write::Stream(stream));
    }
    if !record.schedule.has_streams {
        // Once in the life of a process, so that others cost nothing more to end and to prune.
        let mut next = record.clone();
        next.schedule.has_streams = true;
        decision = decision.write(Write::Process(Rc::new(next)));
    }
    Ok(decision)
}

/// Adds rows of chunks to a stream, and perhaps closes it, only while the lease is held.
pub fn write(
    seen: &Snapshot,
    held: &ProcessLease,
    name: &str,
    rows: &[Rc<[Payload]>],
    closes: bool,
) -> Result<Decision<Stream>> {
    lease::writable(seen, held)?;
    let id = &held.process_id;
    let known = seen.rows.stream(id, name);
    let mut stream =
        known.cloned().ok_or_else(|| Error::of(Code::Internal, id, format!("has no open stream `{name}`")))?;
    let mut writes = Vec::new();
    for values in rows {
        let first = stream.next;
        stream.next += values.len() as u64;
        let (name, values) = (name.to_owned(), values.clone());
        writes.push(Write::Chunks(Chunks { process_id: id.clone(), name, first, attempt: stream.attempt, values }));
    }
    stream.closed |= closes;
    writes.push(Write::Stream(stream.clone()));
    Ok(Decision { reply: stream, writes })
}
