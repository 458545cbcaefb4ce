//! What code that is not trusted gets to see: the processes that are granted to its scope.
//!
//! Whether one is granted is decided in the same transaction as the read or the append itself. To the
//! scope, one that is not is the same as one that does not exist.

use std::rc::Rc;

use crate::{
    error::{Error, Result},
    model::{
        Millis,
        event::{AppendRequest, AppendResult, ProcessEvent},
        filter::{ListFilter, ListQuery, Page},
        grant::{HandleEntry, SessionScope},
        key::{ProcessId, ScopeId},
        payload::Payload,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    notify::ProcessAwaiter,
    registry::{ProcessRegistry, answer},
    store::{Answer, EventPage, EventRange, Query},
};

/// A registry as a scope sees it. A scope with a frame sees what is granted to that frame alone; one without
/// sees what is granted to the session itself.
#[derive(Clone)]
pub struct SessionView {
    registry: ProcessRegistry,
    awaiter: ProcessAwaiter,
    scope: ScopeId,
}

impl ProcessRegistry {
    /// What a scope sees: the processes that are granted to it, and nothing of any other.
    pub fn session(&self, scope: &SessionScope) -> Result<SessionView> {
        scope.check()?;
        let awaiter = match self.own_hub() {
            Some(hub) => ProcessAwaiter::new(self.clone(), hub.clone()),
            None => ProcessAwaiter::polling(self.clone()),
        };
        Ok(SessionView::new(self.clone(), awaiter, scope.id()))
    }
}

impl SessionView {
    fn new(registry: ProcessRegistry, awaiter: ProcessAwaiter, scope: ScopeId) -> Self {
        Self { registry, awaiter: awaiter.on_behalf_of(Some(scope.clone())), scope }
    }

    /// See [`ProcessAwaiter::within`].
    #[must_use]
    pub fn within(self, limit: Option<Millis>) -> Self {
        Self { awaiter: self.awaiter.within(limit), ..self }
    }

    fn see(&self, query: Query) -> Query {
        Query::Viewed(self.scope.clone(), Box::new(query))
    }

    /// The grants of the scope whose processes fit a filter, in id order.
    pub async fn list(&self, filter: &ListFilter) -> Result<Vec<HandleEntry>> {
        filter.check()?;
        let list = ListQuery::new(filter, Page::default());
        answer!(self.registry, Query::GrantsOfScope(self.scope.clone(), list), Answer::GrantsOfScope)
    }

    /// One process; `None` where it is unknown to the scope.
    pub async fn process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        answer!(self.registry, self.see(Query::Process(id.clone())), Answer::Process)
    }

    /// A stretch of an event log, ascending.
    pub async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        let page: Option<EventPage> =
            answer!(self.registry, self.see(Query::Events(id.clone(), range)), Answer::Events)?;
        Ok(page.ok_or_else(|| Error::unknown_process(id))?.events)
    }

    /// See [`ProcessAwaiter::await_terminal`]. A grant that is taken back ends the wait when it looks next.
    pub async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        self.awaiter.await_terminal(id).await
    }

    /// See [`ProcessAwaiter::await_event`]. A grant that is taken back ends the wait when it looks next.
    pub async fn await_event(
        &self,
        id: &ProcessId,
        event_type: &str,
        after: u64,
        until_terminal: bool,
    ) -> Result<Rc<ProcessEvent>> {
        self.awaiter.await_event(id, event_type, after, until_terminal).await
    }

    /// Signals a process; see [`AppendRequest::signal`].
    pub async fn signal(
        &self,
        id: &ProcessId,
        name: &str,
        payload: Payload,
        signal_id: Option<&str>,
    ) -> Result<AppendResult> {
        self.registry.append_for(Some(self.scope.clone()), id, AppendRequest::signal(name, payload, signal_id)?).await
    }

    /// Asks a process to stop.
    pub async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.registry.append_for(Some(self.scope.clone()), id, AppendRequest::cancel(id, reason)).await
    }
}
