//! Output streams: what a run puts out that is too fine for its log, as chunks in rows of their own.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{key::ProcessId, payload::Payload};

/// One stream of a process, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// The process.
    pub process_id: ProcessId,
    /// Its name, unique in the process.
    pub name: String,
    /// The index of the next chunk.
    pub next: u64,
    /// The attempt that the next chunk carries.
    pub attempt: u64,
    /// Whether its chunks are removed when the process ends.
    pub until_terminal: bool,
    /// Whether nothing follows.
    pub closed: bool,
}

/// How long the chunks of a stream are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// As long as the process.
    Process,
    /// Until the process ends.
    UntilTerminal,
}

/// What is known of a stream without a look at its chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StreamInfo {
    /// Its name, unique in the process.
    pub name: String,
    /// How many chunks were committed to it, those included that are removed since.
    pub chunks: u64,
    /// The attempt that the next chunk carries.
    pub attempt: u64,
    /// Whether nothing follows.
    pub closed: bool,
    /// How long its chunks are kept.
    pub keep: Keep,
}

impl From<Stream> for StreamInfo {
    fn from(stream: Stream) -> Self {
        let keep = if stream.until_terminal { Keep::UntilTerminal } else { Keep::Process };
        Self { name: stream.name, chunks: stream.next, attempt: stream.attempt, closed: stream.closed, keep }
    }
}

/// A stretch of chunks that carry one attempt: a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunks {
    /// The process.
    pub process_id: ProcessId,
    /// The name of the stream.
    pub name: String,
    /// The index of the first of them.
    pub first: u64,
    /// The attempt that they carry.
    pub attempt: u64,
    /// They themselves.
    pub values: Rc<[Payload]>,
}

/// What a commit did to a stream, for its readers.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamNotification {
    /// The stream as it is now.
    pub stream: Stream,
    /// The chunks that were added: the last ones of it. None where they are too many to be sent.
    pub values: Rc<[Payload]>,
}

/// One chunk as readers get it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chunk {
    /// Its index in the stream, from 0 and without gaps over the life of the process.
    pub index: u64,
    /// The attempt that it carries.
    pub attempt: u64,
    /// What the run appended.
    pub value: Payload,
}

/// Chunks for a reader, and whether the stream is at its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChunkBatch {
    /// In the order of their indexes.
    pub chunks: Vec<Chunk>,
    /// Nothing follows.
    pub done: bool,
}

impl StreamNotification {
    /// The chunks that were added, as far as they are here.
    pub fn chunks(&self) -> Chunks {
        let Stream { process_id, name, next, attempt, .. } = self.stream.clone();
        let first = next.saturating_sub(self.values.len() as u64);
        Chunks { process_id, name, first, attempt, values: self.values.clone() }
    }
}

impl Chunks {
    /// The index behind the last of them.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.values.len() as u64)
    }

    /// Adds the chunks from an index on.
    pub fn add_from(&self, from: u64, to: &mut Vec<Chunk>) {
        for (index, value) in (self.first..).zip(self.values.iter()) {
            if index >= from {
                to.push(Chunk { index, attempt: self.attempt, value: value.clone() });
            }
        }
    }
}
