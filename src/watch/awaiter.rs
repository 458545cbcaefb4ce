//! Awaiting a process: subscribe, then read, then wait.
//!
//! Any other order loses a wake-up. The back-off is the floor: even where every tick is lost,
//! a waiter looks again within a second.

use std::rc::Rc;

use futures::future::{Either, select};

use super::{ProcessAttach, ProcessChangeHub, backoff::Backoff};
use crate::{
    domain::{
        event::ProcessEvent,
        key::ProcessId,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    error::{Code, Error, Result},
    registry::ProcessRegistry,
    store::{EventPage, EventRange},
};

/// Turns the outcome or the next event of a process into a future. Dropping the future ends the
/// wait, never the process.
#[derive(Clone)]
pub struct ProcessAwaiter {
    registry: ProcessRegistry,
    hub: Option<ProcessChangeHub>,
    attach: Option<Rc<dyn ProcessAttach>>,
}

/// Events for a feed, and whether the feed is at its end.
#[derive(Clone, Debug)]
pub struct EventBatch {
    /// In sequence order.
    pub events: Vec<Rc<ProcessEvent>>,
    /// Nothing follows.
    pub done: bool,
}

/// How many events a feed takes in one read: enough to make the read worth it, few enough to
/// keep a page responsive while it works through them.
const BATCH: usize = 256;

impl ProcessAwaiter {
    /// Wakes on the hub's ticks.
    pub fn new(registry: ProcessRegistry, hub: ProcessChangeHub) -> Self {
        Self { registry, hub: Some(hub), attach: None }
    }

    /// Hears nothing, and looks again as the back-off says.
    pub fn polling(registry: ProcessRegistry) -> Self {
        Self { registry, hub: None, attach: None }
    }

    /// Leaves the waits for processes that have not ended to `attach`.
    #[must_use]
    pub fn with_attach(self, attach: Rc<dyn ProcessAttach>) -> Self {
        Self { attach: Some(attach), ..self }
    }

    /// The outcome. [`Code::UnknownProcess`] also where it is pruned meanwhile.
    pub async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        if let Some(attach) = &self.attach {
            return match terminal_output(&self.record(id).await?) {
                Some(output) => Ok(output),
                None => attach.await_terminal(id).await,
            };
        }
        self.until(id, || async { Ok(terminal_output(&self.record(id).await?)) }).await
    }

    /// The first event of a type after a sequence. Events may follow the end of a process, so it
    /// goes on waiting there, unless `until_terminal`: then [`Code::ProcessTerminal`].
    pub async fn await_event(
        &self,
        id: &ProcessId,
        event_type: &str,
        after: u64,
        until_terminal: bool,
    ) -> Result<Rc<ProcessEvent>> {
        let range = EventRange::first(event_type, after);
        self.until(id, || async {
            let EventPage { record, events } = self.registry.event_page(id, range.clone()).await?;
            match events.into_iter().next() {
                None if until_terminal && record.is_terminal() => {
                    let what = format!("ended without another `{event_type}`");
                    Err(Error::of(Code::ProcessTerminal, id, what))
                }
                first => Ok(first),
            }
        })
        .await
    }

    /// The next events after a sequence: at least one, or with `until_terminal` perhaps none where
    /// the log's terminal event is at or before `after`. With it, nothing past that event is given.
    pub async fn await_events(
        &self,
        id: &ProcessId,
        after: u64,
        types: Option<Vec<String>>,
        until_terminal: bool,
    ) -> Result<EventBatch> {
        let range = EventRange::After { after, limit: Some(BATCH), types };
        self.until(id, || async {
            let EventPage { record, mut events } = self.registry.event_page(id, range.clone()).await?;
            let full = events.len() == BATCH;
            let end = record.log.terminal_sequence.filter(|_| until_terminal);
            if let Some(end) = end {
                events.retain(|event| event.sequence <= end);
            }
            let past_end = end.is_some() && (!full || events.len() < BATCH);
            let at_end = end.is_some() && events.last().map(|event| event.sequence) == end;
            let batch = EventBatch { done: past_end || at_end, events };
            Ok((batch.done || !batch.events.is_empty()).then_some(batch))
        })
        .await
    }

    async fn record(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.registry.known(id).await
    }

    /// Subscribes, then reads and waits in turn until the read finds what it looks for.
    async fn until<T, R: Future<Output = Result<Option<T>>>>(&self, id: &ProcessId, read: impl Fn() -> R) -> Result<T> {
        let mut changes = self.hub.as_ref().map(|hub| hub.subscribe(id));
        let mut backoff = Backoff::default();
        loop {
            if let Some(found) = read().await? {
                return Ok(found);
            }
            let pause = self.registry.clock().sleep(backoff.step());
            let Some(changes) = &mut changes else {
                pause.await;
                continue;
            };
            let tick = changes.changed();
            futures::pin_mut!(tick);
            match select(tick, pause).await {
                Either::Left(_) => backoff.reset(),
                Either::Right(_) => {}
            }
        }
    }
}

fn terminal_output(record: &ProcessRecord) -> Option<ProcessAwaitOutput> {
    record.terminal().map(|terminal| terminal.await_output.clone())
}
