//! Reading a stream: subscribe, then read, then wait.
//!
//! The notification of a commit has its chunks, here and in other tabs, so a reader that has all before them need not read
//! the store. It does at its start, where it missed some, where its process changed, which may be its end, and as a floor where no
//! notification comes.

use std::{cell::Cell, pin::pin};

use futures::future::{Either, select};

use super::{
    ChangeReceiver, ProcessChangeHub, WaitFor, WaitSource, Woken, WokenBy,
    awaiter::same_life,
    backoff::Backoff,
    stream_hub::{Received, StreamReceiver},
};
use crate::{
    error::{Error, Result},
    model::{key::ProcessId, stream::ChunkBatch},
    registry::{ProcessRegistry, answer},
    store::{Answer, ChunkPage, ChunkRange, Query},
};

/// Reads one stream in order. The place where it is belongs to the caller.
pub struct StreamReader {
    registry: ProcessRegistry,
    hub: ProcessChangeHub,
    id: ProcessId,
    name: String,
    commits: StreamReceiver,
    changes: ChangeReceiver,
    /// Whether the store may have what it has not received.
    is_behind: Cell<bool>,
    floor: Cell<Backoff>,
    /// What it was last woken by.
    woken: Cell<Option<Woken>>,
    /// Which registration of the id it reads, once that is known.
    life: Cell<Option<Option<u64>>>,
}

/// How many rows are read at once: a megabyte of full ones.
const PAGE: u64 = 64;

impl StreamReader {
    pub(crate) fn new(registry: ProcessRegistry, id: ProcessId, name: String, commits: StreamReceiver) -> Self {
        let hub = registry.hub();
        registry.poll_for(&hub);
        let (changes, is_behind) = (hub.subscribe(&id), Cell::new(true));
        let (floor, woken, life) = (Cell::default(), Cell::default(), Cell::default());
        Self { registry, hub, id, name, commits, changes, is_behind, floor, woken, life }
    }

    /// The chunks from an index on: at least one, or none where the stream is closed or the process has ended.
    /// [`Code::UnknownProcess`](crate::Code::UnknownProcess) also where it is pruned during the wait. One call at a time; a dropped
    /// one has taken nothing.
    pub async fn next(&self, from: u64) -> Result<ChunkBatch> {
        loop {
            if !self.is_behind.get()
                && let Some(batch) = self.received(from)
            {
                self.floor.set(Backoff::longest());
                self.answered();
                return Ok(batch);
            }
            if self.is_behind.get()
                && let Some(batch) = self.read(from).await?
            {
                self.floor.take();
                self.answered();
                return Ok(batch);
            }
            let mut floor = self.floor.get();
            let (notified, changed) = (pin!(self.commits.notified()), pin!(self.changes.changed()));
            match select(select(notified, changed), self.registry.clock().sleep(floor.span())).await {
                Either::Left((Either::Left(_), _)) => {}
                Either::Left((Either::Right((woken, _)), _)) => {
                    self.woken.set(woken);
                    self.is_behind.set(true);
                }
                Either::Right(_) => {
                    self.woken.set(Some(self.hub.woken(WokenBy::Poll)));
                    self.is_behind.set(true);
                    floor.lengthen();
                    self.floor.set(floor);
                }
            }
        }
    }

    fn answered(&self) {
        self.hub.answered(&self.id, WaitFor::Stream, self.woken.take());
    }

    /// What was received, as far as nothing is missing before it.
    fn received(&self, from: u64) -> Option<ChunkBatch> {
        loop {
            let (notification, woken) = match self.commits.next() {
                Received::Nothing => return None,
                Received::Missed(woken) => {
                    self.woken.set(Some(woken));
                    break;
                }
                Received::Notification(notification, woken) => (notification, woken),
            };
            self.woken.set(Some(woken));
            let mut batch = ChunkBatch { done: notification.stream.closed, ..ChunkBatch::default() };
            let chunks = notification.chunks();
            if chunks.first > from {
                break;
            }
            chunks.add_from(from, &mut batch.chunks);
            if batch.done || !batch.chunks.is_empty() {
                return Some(batch);
            }
        }
        self.is_behind.set(true);
        None
    }

    /// What the store has.
    async fn read(&self, from: u64) -> Result<Option<ChunkBatch>> {
        let range = ChunkRange { name: self.name.clone(), from, limit: PAGE };
        let page: Option<ChunkPage> = answer!(self.registry, Query::Chunks(self.id.clone(), range), Answer::Chunks)?;
        let ChunkPage { record, stream, chunks } = page.ok_or_else(|| Error::unknown_process(&self.id))?;
        let mut life = self.life.get();
        same_life(&mut life, &record)?;
        self.life.set(life);
        let mut batch = ChunkBatch::default();
        chunks.iter().for_each(|row| row.add_from(from, &mut batch.chunks));
        let next = batch.chunks.last().map_or(from, |last| last.index + 1);
        let (end, is_closed) = stream.map_or((0, false), |stream| (stream.next, stream.closed));
        let is_all = next >= end || batch.chunks.is_empty();
        batch.done = is_all && (is_closed || record.is_terminal());
        self.is_behind.set(!is_all);
        Ok((batch.done || !batch.chunks.is_empty()).then_some(batch))
    }
}
