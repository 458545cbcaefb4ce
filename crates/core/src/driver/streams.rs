//! Streams of a run: chunks are gathered into rows, and committed in order.
//!
//! A chunk is accepted at once, unless too much is not committed yet. At most one commit of a stream is under way; what comes
//! in the meantime goes into the next one. Readers are notified of what is committed, with the chunks.

use std::{cell::RefCell, mem, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, select},
};

use super::RunContext;
use crate::{
    error::{Code, Error, Result},
    host::Semaphore,
    model::{
        Millis, check_given_name,
        payload::Payload,
        stream::{Stream, StreamNotification},
    },
    operation,
    rules::stream::Opening,
};

/// How long a chunk waits for others to share its row, in milliseconds.
const SHARED_MS: Millis = 50;

/// From how many bytes on a row is full.
const FULL: usize = 16_384;

/// From how many bytes on that are not committed no chunk is accepted.
const MOST_UNCOMMITTED: usize = 1 << 20;

/// How many bytes of chunks are sent to other tabs. Of more they are only notified, and read them: copying these would cost each tab more
/// than the read costs the one that wants them.
const MOST_SENT: usize = 1 << 16;

/// The streams that one run has opened, or is about to.
#[derive(Default)]
pub(super) struct Streams(RefCell<Vec<Rc<Writer>>>);

/// How a run opens a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Whether its chunks carry the attempt of those before.
    pub resume: bool,
    /// Whether its chunks are removed when the process ends.
    pub until_terminal: bool,
}

/// A stream that a run writes. Clones share it.
#[derive(Clone)]
pub struct StreamWriter {
    run: RunContext,
    writer: Rc<Writer>,
}

struct Writer {
    name: String,
    /// Of the call that is next.
    turns: Semaphore,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    /// The index of the next chunk.
    next: u64,
    /// The index of the first chunk that is not committed.
    committed: u64,
    /// The chunks that are in no commit yet, in rows; the last one may not be full.
    rows: Vec<Vec<Payload>>,
    /// The bytes of that last row.
    last_row: usize,
    /// The bytes of all that is not committed.
    uncommitted: usize,
    /// When the first of those chunks was accepted, by the monotonic clock.
    since: Millis,
    /// Whether they are not to wait for others.
    hurries: bool,
    /// Whether it is to be closed, and whether it is.
    closes: bool,
    closed: bool,
    /// Why nothing can be committed any more.
    fault: Option<Error>,
    /// Whether a caller was given that.
    is_fault_known: bool,
    /// Whether commits are being made.
    is_writing: bool,
    /// Dropped to end the wait for more chunks.
    alarm: Option<oneshot::Sender<()>>,
    /// Dropped at each commit.
    waiting: Vec<oneshot::Sender<()>>,
}

/// What goes into one commit.
struct Commit {
    rows: Vec<Rc<[Payload]>>,
    bytes: usize,
    closes: bool,
}

impl RunContext {
    /// Opens a stream, behind what earlier runs put into it. [`Code::InvalidArgument`] for one that this run has opened before.
    pub async fn stream(&self, name: &str, options: StreamOptions) -> Result<StreamWriter> {
        check_given_name("name", name)?;
        if self.0.streams.find(name).is_some() {
            return Err(Error::invalid(format!("the stream `{name}` is opened a second time in this run")));
        }
        let writer = Rc::new(Writer { name: name.to_owned(), turns: Semaphore::default(), state: RefCell::default() });
        self.0.streams.0.borrow_mut().push(writer.clone());
        let StreamOptions { resume, until_terminal } = options;
        let opening = Opening { name: name.to_owned(), resume, until_terminal, attempt: self.attempt() };
        match self.0.registry.execute(operation::open_stream(self.lease().clone(), opening)).await {
            Ok(Stream { next, .. }) => {
                let mut state = writer.state.borrow_mut();
                (state.is_open, state.next, state.committed) = (true, next, next);
                drop(state);
                Ok(StreamWriter { run: self.clone(), writer })
            }
            Err(fault) => {
                self.0.streams.0.borrow_mut().retain(|other| !Rc::ptr_eq(other, &writer));
                Err(fault)
            }
        }
    }

    /// A stream that this run has opened.
    pub fn opened_stream(&self, name: &str) -> Result<StreamWriter> {
        let writer = self.0.streams.find(name).filter(|writer| writer.state.borrow().is_open);
        let writer = writer.ok_or_else(|| Error::invalid(format!("the stream `{name}` is not open in this run")))?;
        Ok(StreamWriter { run: self.clone(), writer })
    }

    /// Resolves once all chunks that were accepted are committed: what ends the process must not overtake them. Fails where they
    /// cannot be, unless the runner knows that.
    pub(super) async fn streams_written(&self) -> Result<()> {
        let all = self.0.streams.0.borrow().clone();
        for writer in all {
            let is_known = writer.state.borrow().is_fault_known;
            if is_known {
                continue;
            }
            match (StreamWriter { run: self.clone(), writer }).flush(false).await {
                // The write of the run's outcome fails for this reason, too, and that is handled there.
                Err(fault)
                    if matches!(fault.code(), Code::UnknownProcess | Code::AlreadyTerminal | Code::LeaseLost) => {}
                flushed => flushed?,
            }
        }
        Ok(())
    }
}

impl StreamWriter {
    /// The index that the next chunk gets.
    pub fn next_index(&self) -> u64 {
        self.writer.state.borrow().next
    }

    /// Adds a chunk. Resolves with its index once it is accepted, in the order of the calls; waits while more than a megabyte is not
    /// committed. A crash loses what is not.
    pub async fn append(&self, chunk: Payload) -> Result<u64> {
        let _turn = self.writer.turns.acquire().await;
        while self.uncommitted()? > MOST_UNCOMMITTED {
            self.progress().await;
        }
        let now = self.run.0.registry.clock().monotonic();
        let index = self.writer.state.borrow_mut().accept(chunk, now)?;
        self.keep_writing();
        Ok(index)
    }

    /// Resolves once all is committed that was appended before; where it `closes`, also that nothing follows. Repeating it is fine.
    pub fn flush(&self, closes: bool) -> LocalBoxFuture<'static, Result<()>> {
        let stream = self.clone();
        // Boxed, so that it is compiled once.
        async move {
            drop(stream.writer.turns.acquire().await);
            let state = &stream.writer.state;
            state.borrow_mut().closes |= closes;
            let next = stream.next_index();
            loop {
                stream.uncommitted()?;
                let (is_committed, is_closed) = (state.borrow().committed >= next, state.borrow().closed);
                if is_committed && (is_closed || !closes) {
                    return Ok(());
                }
                state.borrow_mut().hurry();
                stream.keep_writing();
                stream.progress().await;
            }
        }
        .boxed_local()
    }

    /// How many bytes are not committed; why they cannot be.
    fn uncommitted(&self) -> Result<usize> {
        let mut state = self.writer.state.borrow_mut();
        match state.fault.clone() {
            None => Ok(state.uncommitted),
            Some(fault) => {
                state.is_fault_known = true;
                Err(fault)
            }
        }
    }

    /// Resolves at the end of the next commit.
    async fn progress(&self) {
        let (waiting, progressed) = oneshot::channel();
        self.writer.state.borrow_mut().waiting.push(waiting);
        let _ = progressed.await;
    }

    fn keep_writing(&self) {
        if !mem::replace(&mut self.writer.state.borrow_mut().is_writing, true) {
            self.run.0.registry.host().spawn.spawn(self.clone().write().boxed_local());
        }
    }

    /// Commits until nothing is left.
    async fn write(self) {
        let (registry, state) = (&self.run.0.registry, &self.writer.state);
        loop {
            let waits = state.borrow_mut().waits(registry.clock().monotonic());
            if let Some((left, rung)) = waits {
                select(registry.clock().sleep(left), rung).await;
            }
            let Some(Commit { rows, bytes, closes }) = state.borrow_mut().take() else { return };
            let (lease, name) = (self.run.lease().clone(), self.writer.name.clone());
            let committed = registry.execute(operation::write_stream(lease, name, rows.clone(), closes)).await;
            let waiting = state.borrow_mut().committed(&committed, bytes);
            if let Ok(stream) = committed {
                registry.notify_readers(notification(stream, &rows, bytes));
            }
            drop(waiting);
        }
    }
}

impl Streams {
    fn find(&self, name: &str) -> Option<Rc<Writer>> {
        self.0.borrow().iter().find(|writer| writer.name == name).cloned()
    }
}

impl State {
    /// Puts a chunk into the last row, or a new one.
    fn accept(&mut self, chunk: Payload, now: Millis) -> Result<u64> {
        if self.closes {
            return Err(Error::new(Code::InvalidArgument, "the stream is closed: nothing can be appended to it"));
        }
        let bytes = chunk.weight();
        match self.rows.last_mut().filter(|_| self.last_row < FULL) {
            Some(row) => {
                row.push(chunk);
                self.last_row += bytes;
            }
            None => {
                if self.rows.is_empty() {
                    self.since = now;
                }
                self.rows.push(vec![chunk]);
                self.last_row = bytes;
            }
        }
        self.uncommitted += bytes;
        // A timer of a hidden page may come a second late.
        if self.last_row >= FULL || now.saturating_sub(self.since) >= SHARED_MS {
            self.hurry();
        }
        let index = self.next;
        self.next += 1;
        Ok(index)
    }

    fn hurry(&mut self) {
        self.hurries = true;
        self.alarm = None;
    }

    /// How long the chunks wait for others, and what ends that sooner; nothing where they do not wait.
    fn waits(&mut self, now: Millis) -> Option<(Millis, oneshot::Receiver<()>)> {
        let left = (self.since + SHARED_MS).saturating_sub(now);
        if self.hurries || self.rows.is_empty() || left == 0 {
            return None;
        }
        let (alarm, rung) = oneshot::channel();
        self.alarm = Some(alarm);
        Some((left, rung))
    }

    /// What the next commit has. Nothing where there is nothing to commit; then no more commits are made.
    fn take(&mut self) -> Option<Commit> {
        let closes = self.closes && !self.closed;
        self.hurries = false;
        self.is_writing = self.fault.is_none() && (closes || !self.rows.is_empty());
        let rows = mem::take(&mut self.rows).into_iter().map(Rc::from).collect();
        self.is_writing.then_some(Commit { rows, bytes: self.uncommitted, closes })
    }

    /// Takes note of what came of a commit. Gives the callers that wait for that, to be woken.
    fn committed(&mut self, outcome: &Result<Stream>, bytes: usize) -> Vec<oneshot::Sender<()>> {
        match outcome {
            Ok(stream) => {
                self.committed = stream.next;
                self.closed = stream.closed;
                self.uncommitted = self.uncommitted.saturating_sub(bytes);
            }
            Err(fault) => self.fault = Some(fault.clone()),
        }
        mem::take(&mut self.waiting)
    }
}

/// What readers are notified of after a commit.
fn notification(stream: Stream, rows: &[Rc<[Payload]>], bytes: usize) -> StreamNotification {
    let mut values = Vec::new();
    if bytes <= MOST_SENT {
        rows.iter().for_each(|row| values.extend(row.iter().cloned()));
    }
    StreamNotification { stream, values: values.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_comes_when_those_before_it_have_waited_long_enough_ends_their_wait_though_no_timer_went_off() {
        let mut state = State::default();
        for (time, hurries) in [(100, false), (149, false), (150, true)] {
            assert!(state.accept(Payload::null(), time).is_ok());
            assert_eq!(state.hurries, hurries);
        }
    }
}
