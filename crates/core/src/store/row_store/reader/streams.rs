//! Answers from the streams of a process.

use super::{
    super::rows::{CHUNKS, STREAMS, table, text, unreadable},
    Reader,
};
use crate::{
    model::{
        key::{Part, ProcessId, key},
        stream::{Chunks, Stream},
    },
    store::{
        ChunkPage, ChunkRange,
        engine::{Between, Read},
    },
};

impl Reader<'_> {
    /// One stream of a process.
    pub(super) fn stream(&mut self, id: &ProcessId, name: &str) -> Option<Stream> {
        let row = self.read_set.row(table(STREAMS).get(key![id, name]));
        self.decode(id, &format!("stream `{name}`"), row)
    }

    /// The streams of a process, without those that cannot be read: their chunks are removed with the process.
    pub(super) fn streams(&mut self, id: &ProcessId) -> Vec<Stream> {
        let mut streams = Vec::new();
        for row in self.read_set.rows(table(STREAMS).under(key![id])) {
            match row.read::<Stream>() {
                Ok(stream) => streams.push(stream),
                Err(fault) => {
                    let name = text(&row, "name").unwrap_or_default();
                    self.passed_over.push(unreadable(id, &format!("stream `{name}`"), &fault));
                }
            }
        }
        streams
    }

    /// A stretch of a stream. It may begin in the middle of a row, so the last row that begins before it is read as well. A row that
    /// cannot be read ends it, and is a fault where nothing comes before that.
    pub(super) fn chunks(&mut self, id: &ProcessId, range: &ChunkRange) -> Option<ChunkPage> {
        let ChunkRange { name, from, limit } = range;
        let stream = self.stream(id, name);
        let until = Between { after: Some(key![id, name]), before: Some(key![id, name, from.saturating_add(1)]) };
        let mut rows = self.read_set.rows(Read::Last(table(CHUNKS), until));
        rows.extend(self.read_set.rows(table(CHUNKS).between(
            key![id, name, *from],
            key![id, name, Part::End],
            Some(*limit),
        )));
        let mut chunks = Vec::<Chunks>::new();
        for row in rows {
            match row.read() {
                Ok(row) => chunks.push(row),
                Err(_) if chunks.iter().any(|row| row.end() > *from) => break,
                Err(fault) => {
                    let first = row.member("first").and_then(|first| first.as_u64()).unwrap_or_default();
                    self.note(unreadable(id, &format!("stream `{name}`, from chunk {first} on,"), &fault));
                }
            }
        }
        self.process(id).map(|record| ChunkPage { record, stream, chunks })
    }
}
