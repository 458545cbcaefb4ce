//! Awaiting a process: subscribe, then read, then wait.
//!
//! Any other order loses a wake-up. The change poller is the floor: even where every tick is lost, a waiter
//! looks again within a second of the change.

use futures::{FutureExt, future::LocalBoxFuture};
use serde::Serialize;
use std::rc::Rc;

use super::{ProcessAttach, ProcessChangeHub, WaitFor, Woken, WokenBy, backoff::Backoff};
use crate::{
    error::{Code, Error, Result},
    host::{Clock, Limit},
    model::{
        Millis,
        event::ProcessEvent,
        key::{ProcessId, ScopeId},
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    store::{Answer, EventPage, EventRange, Query},
    text::short,
};

/// What waits look at.
pub trait WaitSource {
    /// Answers a question.
    fn read(&self, query: Rc<Query>) -> LocalBoxFuture<'static, Result<Rc<Answer>>>;
    /// Measures limits and back-offs.
    fn clock(&self) -> &dyn Clock;
    /// Has the receivers of a hub find what changes in the store, whatever changes it, unless something has them find it already.
    fn poll_for(&self, hub: &ProcessChangeHub);
}

/// Turns the outcome or the next event of a process into a future. Dropping the future ends the
/// wait, never the process.
#[derive(Clone)]
pub struct ProcessAwaiter {
    source: Rc<dyn WaitSource>,
    hub: Option<ProcessChangeHub>,
    attach: Option<Rc<dyn ProcessAttach>>,
    /// Whose eyes it looks with. Absent: its own.
    scope: Option<ScopeId>,
    /// How long each wait may last, in milliseconds.
    limit: Option<Millis>,
    /// What its waits for events are for.
    events_for: WaitFor,
}

/// Events for a feed, and whether the feed is at its end.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct EventBatch {
    /// In sequence order.
    pub events: Vec<Rc<ProcessEvent>>,
    /// Nothing follows.
    pub done: bool,
}

/// How many events a feed takes in one read: enough to make the read worth it, few enough to
/// keep a page responsive while it works through them.
const BATCH: u64 = 256;

impl ProcessAwaiter {
    /// Wakes on the hub's ticks.
    pub fn new(source: impl WaitSource + 'static, hub: ProcessChangeHub) -> Self {
        source.poll_for(&hub);
        let (source, hub, events_for) = (Rc::new(source), Some(hub), WaitFor::Events);
        Self { source, hub, attach: None, scope: None, limit: None, events_for }
    }

    /// Hears nothing, and looks again as the back-off says.
    pub fn polling(source: impl WaitSource + 'static) -> Self {
        let (source, events_for) = (Rc::new(source), WaitFor::Events);
        Self { source, hub: None, attach: None, scope: None, limit: None, events_for }
    }

    /// Leaves the waits for processes that have not ended to `attach`.
    #[must_use]
    pub fn with_attach(self, attach: Rc<dyn ProcessAttach>) -> Self {
        Self { attach: Some(attach), ..self }
    }

    /// Waits for what is granted to a scope, to which everything else is unknown; without one, for anything.
    #[must_use]
    pub fn on_behalf_of(self, scope: Option<ScopeId>) -> Self {
        Self { scope, ..self }
    }

    /// Waits at most `limit` milliseconds, counted from when a wait begins: then [`Code::Timeout`]. What is there already
    /// is found whatever the limit.
    #[must_use]
    pub fn within(self, limit: Option<Millis>) -> Self {
        Self { limit, ..self }
    }

    /// Waits for events that are the signals of a run.
    #[must_use]
    pub(crate) fn for_signals(self) -> Self {
        Self { events_for: WaitFor::Signal, ..self }
    }

    /// The outcome. [`Code::UnknownProcess`] also where it is pruned during the wait.
    pub async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        if let Some(attach) = &self.attach {
            let mut limit = self.limit();
            let answer = self.source.read(Rc::new(self.see(Query::Process(id.clone())))).await?;
            return match terminal_output(id, &answer)? {
                Some(output) => Ok(output),
                None => limit.bound(attach.await_terminal(id)).await?,
            };
        }
        self.until(WaitFor::Terminal, Query::Process(id.clone()), |answer| terminal_output(id, answer)).await
    }

    /// The first event of a type after a sequence; [`Code::UndeclaredEventType`] where none can come. Events may follow the end of a process, so it
    /// goes on waiting there, unless `until_terminal`: then [`Code::ProcessTerminal`].
    pub async fn await_event(
        &self,
        id: &ProcessId,
        event_type: &str,
        after: u64,
        until_terminal: bool,
    ) -> Result<Rc<ProcessEvent>> {
        let query = Query::Events(id.clone(), EventRange::first(event_type, after));
        self.until(WaitFor::Event, query, |answer| {
            let EventPage { record, events } = page_of(id, answer)?;
            may_come(record, event_type)?;
            match events.first().cloned() {
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
        let wanted = types.clone().unwrap_or_default();
        let range = EventRange::After { after, limit: Some(BATCH), types };
        self.until(self.events_for, Query::Events(id.clone(), range), |answer| {
            let EventPage { record, events } = page_of(id, answer)?;
            wanted.iter().try_for_each(|event_type| may_come(record, event_type))?;
            let read_to_end = events.len() < BATCH as usize;
            let end = record.log.terminal_sequence.filter(|_| until_terminal);
            let Some(end) = end else {
                return Ok((!events.is_empty()).then(|| EventBatch { events: events.clone(), done: false }));
            };
            let newest = events.last().map_or(after, |event| event.sequence);
            let events = events.iter().filter(|event| event.sequence <= end).cloned().collect();
            Ok(Some(EventBatch { events, done: read_to_end || newest >= end }))
        })
        .await
    }

    fn limit(&self) -> Limit {
        Limit::new(self.source.clock(), self.limit)
    }

    fn see(&self, query: Query) -> Query {
        match &self.scope {
            Some(scope) => Query::Viewed(scope.clone(), Box::new(query)),
            None => query,
        }
    }

    /// Waits until `look` finds what it looks for in an answer.
    async fn until<T>(&self, wait: WaitFor, query: Query, look: impl Fn(&Answer) -> Result<Option<T>>) -> Result<T> {
        let (mut found, mut life) = (None, None);
        self.watch(wait, Rc::new(self.see(query)), &mut |answer| {
            answer.record().map_or(Ok(()), |record| same_life(&mut life, record))?;
            found = look(answer)?;
            Ok(found.is_some())
        })
        .await?;
        found.ok_or_else(|| Error::new(Code::Internal, "a wait ended without finding anything"))
    }

    /// Subscribes, then reads and waits in turn until `look` is satisfied with an answer. Once the limit has passed it looks
    /// a last time.
    async fn watch(
        &self,
        wait: WaitFor,
        query: Rc<Query>,
        look: &mut dyn FnMut(&Answer) -> Result<bool>,
    ) -> Result<()> {
        let changes = match (&self.hub, query.process_id()) {
            (Some(hub), Some(id)) => Some((hub, id, hub.subscribe(id))),
            (Some(_) | None, _) => None,
        };
        let (mut backoff, mut limit, mut passed, mut woken) = (Backoff::default(), self.limit(), Ok(()), None::<Woken>);
        loop {
            let query = match woken {
                Some(Woken { by: WokenBy::Tick | WokenBy::Hint, .. }) => Rc::new(Query::Heard(Rc::clone(&query))),
                // Notifications may have been lost.
                Some(Woken { by: WokenBy::Poll, .. }) | None => Rc::clone(&query),
            };
            let (found, has_looked) = match self.source.read(query).await {
                Ok(answer) => (look(&answer), true),
                // The connection comes back, and what is waited for may come with it, or be there already.
                Err(fault) if fault.code() == Code::Disconnected => (Ok(false), false),
                Err(fault) => (Err(fault), true),
            };
            if !matches!(found, Ok(false)) {
                if let Some((hub, id, _)) = &changes {
                    hub.answered(id, wait, woken);
                }
                return found.map(drop);
            }
            passed?;
            let change = match &changes {
                Some((_, _, changes)) if has_looked => limit.bound(changes.changed()).await,
                // A change that comes before the next look is seen by it.
                Some(_) | None => limit.bound(self.source.clock().sleep(backoff.span()).map(|()| None)).await,
            };
            (woken, passed) = match change {
                Ok(change) => (change, Ok(())),
                Err(fault) => (None, Err(fault)),
            };
            backoff.lengthen();
        }
    }
}

/// Refuses a process that was registered again since the wait began: the one that was waited for is no longer known.
pub(super) fn same_life(began: &mut Option<Option<u64>>, record: &ProcessRecord) -> Result<()> {
    match began.get_or_insert(record.log.life) == &record.log.life {
        true => Ok(()),
        false => Err(Error::unknown_process(record.id())),
    }
}

fn page_of<'a>(id: &ProcessId, answer: &'a Answer) -> Result<&'a EventPage> {
    let Answer::Events(Some(page)) = answer else { return Err(Error::unknown_process(id)) };
    Ok(page)
}

/// Refuses to wait for what never comes: [`Code::UndeclaredEventType`].
fn may_come(record: &ProcessRecord, event_type: &str) -> Result<()> {
    match record.takes(event_type) {
        true => Ok(()),
        false => {
            let what = format!("does not declare event type `{}`, which will never come", short(event_type));
            Err(Error::of(Code::UndeclaredEventType, record.id(), what))
        }
    }
}

fn terminal_output(id: &ProcessId, answer: &Answer) -> Result<Option<ProcessAwaitOutput>> {
    let Answer::Process(Some(record)) = answer else { return Err(Error::unknown_process(id)) };
    Ok(record.terminal().map(|terminal| terminal.await_output.clone()))
}
