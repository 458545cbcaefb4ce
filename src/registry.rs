//! The registry: every operation as one transaction, then the tick, then the sink.
//!
//! It knows which rule answers which call, and refuses to know how rows are kept.

use std::rc::Rc;

use crate::{
    domain::{
        Millis,
        event::{self, AppendRequest, AppendResult, ProcessEvent},
        filter::{ListFilter, ListQuery, Page},
        grant::{self, HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::{ProcessId, SessionId},
        lease::{self, LeaseClaim, LeaseOwner, ProcessLease},
        process::{self, ProcessAwaitOutput, ProcessExternalRef, ProcessRecord, ProcessRegistration, WaitState},
        retention::{self, PruneReport},
        schema::{SchemaHost, Schemas},
        session::{self, SessionDeleteReport},
        snapshot::{Decision, Snapshot},
    },
    error::{Error, Result},
    host::{Clock, Liveness, Random},
    store::{self, Changes, Durability, EventPage, EventRange, GrantsOf, Reads, Store},
    watch::{ProcessChangeHub, ProcessEventSink, sink::Turns},
};

/// What a registry needs of the world.
#[derive(Clone)]
pub struct Host {
    /// Timers for waits. Rows are stamped with the store's time, not with this.
    pub clock: Rc<dyn Clock>,
    /// Makes lease tokens.
    pub random: Rc<dyn Random>,
    /// Proves lease holders dead.
    pub liveness: Rc<dyn Liveness>,
    /// Compiles payload schemas.
    pub schemas: Rc<dyn SchemaHost>,
}

/// Processes in a store. Clones share it.
#[derive(Clone)]
pub struct ProcessRegistry {
    store: Rc<dyn Store>,
    host: Host,
    schemas: Rc<Schemas>,
    hub: Option<ProcessChangeHub>,
    sink: Option<(Rc<dyn ProcessEventSink>, Turns)>,
}

/// How many processes one prune transaction removes, so that a large prune does not keep other
/// tabs from writing.
const PRUNE_BATCH: usize = 200;

impl ProcessRegistry {
    /// A registry that tells nobody of changes; see
    /// [`watch_process_registry`](crate::watch_process_registry).
    pub fn new(store: Rc<dyn Store>, host: Host) -> Self {
        let schemas = Rc::new(Schemas::new(host.schemas.clone()));
        Self { store, host, schemas, hub: None, sink: None }
    }

    pub(crate) fn with_hub(self, hub: ProcessChangeHub) -> Self {
        Self { hub: Some(hub), ..self }
    }

    pub(crate) fn with_sink(self, sink: Rc<dyn ProcessEventSink>) -> Self {
        Self { sink: Some((sink, Turns::default())), ..self }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.host.clock
    }

    /// How long what is written here lasts.
    pub fn durability(&self) -> Durability {
        self.store.durability()
    }

    // ── Processes ──────────────────────────────────────────────────────────

    /// Registers a process, or finds it registered alike.
    pub async fn register(&self, registration: ProcessRegistration) -> Result<ProcessRecord> {
        let registered = process::normalise(registration, &self.schemas)?;
        let reads = Reads::Process(registered.registration.id.clone(), None);
        self.transact(reads, move |seen| process::register(seen, &registered)).await
    }

    /// One process; `None` where the id is unknown, an error only where the store failed.
    pub async fn process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        self.store.process(id).await
    }

    /// One process, or [`Code::UnknownProcess`](crate::Code::UnknownProcess).
    pub async fn known(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.process(id).await?.ok_or_else(|| Error::unknown_process(id))
    }

    /// The processes that fit a filter, in id order.
    pub async fn list(&self, filter: &ListFilter, page: Page) -> Result<Vec<ProcessRecord>> {
        self.store.processes(ListQuery::new(filter, page)).await
    }

    /// The processes that have not ended, in id order.
    pub async fn list_non_terminal(&self, page: Page) -> Result<Vec<ProcessRecord>> {
        self.store.processes(ListQuery::non_terminal(page)).await
    }

    /// At most `limit` rows that changed after a point of the change sequence; 0 is its beginning.
    pub async fn changed_since(&self, cursor: u64, limit: Option<usize>) -> Result<Changes> {
        self.store.changes(cursor, limit).await
    }

    /// Says where else a process is known, once.
    pub async fn set_external_ref(&self, id: &ProcessId, external_ref: ProcessExternalRef) -> Result<ProcessRecord> {
        let (reads, id) = (Reads::Process(id.clone(), None), id.clone());
        self.transact(reads, move |seen| process::set_external_ref(seen, &id, &external_ref)).await
    }

    /// Says what a process waits for.
    pub async fn set_wait(&self, id: &ProcessId, wait: WaitState) -> Result<ProcessRecord> {
        let (reads, id) = (Reads::Process(id.clone(), None), id.clone());
        self.transact(reads, move |seen| process::set_wait(seen, &id, &wait)).await
    }

    /// Says that a process waits no more.
    pub async fn clear_wait(&self, id: &ProcessId) -> Result<ProcessRecord> {
        let (reads, id) = (Reads::Process(id.clone(), None), id.clone());
        self.transact(reads, move |seen| process::clear_wait(seen, &id)).await
    }

    /// Ends a process.
    pub async fn complete(&self, id: &ProcessId, output: ProcessAwaitOutput) -> Result<ProcessRecord> {
        let key = AppendRequest::completion(id, &output).replay_key;
        let (reads, id, schemas) = (Reads::Process(id.clone(), key), id.clone(), self.schemas.clone());
        self.transact(reads, move |seen| event::complete(seen, &schemas, &id, &output)).await
    }

    /// Ends a process and releases its lease, only while the lease is held.
    pub async fn complete_with_lease(&self, held: ProcessLease, output: ProcessAwaitOutput) -> Result<ProcessRecord> {
        let key = AppendRequest::completion(&held.process_id, &output).replay_key;
        let (reads, schemas) = (Reads::Leased(held.process_id.clone(), key), self.schemas.clone());
        self.transact(reads, move |seen| event::complete_with_lease(seen, &schemas, &held, &output)).await
    }

    /// Forgets the ended processes last updated strictly before `cutoff`.
    pub async fn prune(&self, cutoff: Millis) -> Result<PruneReport> {
        let mut total = PruneReport::default();
        loop {
            let reads = Reads::Retained(cutoff, PRUNE_BATCH);
            let batch = self.transact(reads, move |seen| Ok(retention::prune(seen, cutoff, PRUNE_BATCH))).await?;
            total.pruned_processes += batch.pruned_processes;
            total.pruned_events += batch.pruned_events;
            if batch.pruned_processes < PRUNE_BATCH as u64 {
                return Ok(total);
            }
        }
    }

    // ── Event log ──────────────────────────────────────────────────────────

    /// Appends an event, shows it to the sink if it is new, and waits for the sink.
    pub async fn append(&self, id: &ProcessId, request: AppendRequest) -> Result<AppendResult> {
        let turn = self.sink.as_ref().map(|(_, turns)| turns.join(id));
        let reads = match &request.lease {
            Some(_) => Reads::Leased(id.clone(), request.replay_key.clone()),
            None => Reads::Process(id.clone(), request.replay_key.clone()),
        };
        let (id, schemas) = (id.clone(), self.schemas.clone());
        let appended = self.transact(reads, move |seen| event::append(seen, &schemas, &id, &request)).await?;
        if let (Some((sink, _)), Some(turn), false) = (&self.sink, turn, appended.replayed) {
            turn.come().await;
            let shown = sink.emit(&appended.event);
            drop(turn);
            shown.await;
        }
        Ok(appended)
    }

    /// Asks a process to stop. Asking twice for the same reason is one event.
    pub async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.append(id, AppendRequest::cancel(id, reason)).await
    }

    /// A stretch of an event log, ascending.
    pub async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        Ok(self.event_page(id, range).await?.events)
    }

    pub(crate) async fn event_page(&self, id: &ProcessId, range: EventRange) -> Result<EventPage> {
        self.store.events(id, range).await?.ok_or_else(|| Error::unknown_process(id))
    }

    /// How many events of a type there are up to a sequence, inclusive.
    pub async fn count_events(&self, id: &ProcessId, event_type: &str, up_to: u64) -> Result<u64> {
        self.store.count_events(id, event_type, up_to).await?.ok_or_else(|| Error::unknown_process(id))
    }

    /// Marks the wake of an event as delivered.
    pub async fn ack_wake(&self, id: &ProcessId, sequence: u64) -> Result<()> {
        let (reads, id) = (Reads::Process(id.clone(), None), id.clone());
        self.transact(reads, move |seen| event::ack_wake(seen, &id, sequence)).await
    }

    // ── Handles and sessions ───────────────────────────────────────────────

    /// Grants a process to a scope.
    pub async fn grant(
        &self,
        scope: SessionScope,
        id: &ProcessId,
        descriptor: HandleDescriptor,
    ) -> Result<HandleGrant> {
        let (reads, id) = (granted(&scope, [id]), id.clone());
        self.transact(reads, move |seen| grant::grant(seen, &scope, &id, &descriptor)).await
    }

    /// Takes a grant back.
    pub async fn revoke(&self, scope: SessionScope, id: &ProcessId) -> Result<()> {
        let (reads, id) = (granted(&scope, [id]), id.clone());
        self.transact(reads, move |seen| grant::revoke(seen, &scope, &id)).await
    }

    /// Moves grants from one scope to another, all or none.
    pub async fn transfer(&self, from: SessionScope, to: SessionScope, ids: Vec<ProcessId>) -> Result<()> {
        let reads = granted(&from, &ids);
        self.transact(reads, move |seen| grant::transfer(seen, &from, &to, &ids)).await
    }

    /// The grants of a scope with their processes, in id order; with `live_only`, of those that
    /// have not ended.
    pub async fn grants(&self, scope: &SessionScope, live_only: bool) -> Result<Vec<HandleEntry>> {
        scope.check()?;
        let mut entries = self.store.grants(GrantsOf::Scope(scope.id())).await?;
        entries.retain(|entry| !live_only || !entry.record.is_terminal());
        Ok(entries)
    }

    /// Whether a process is granted to a scope.
    pub async fn is_granted(&self, scope: &SessionScope, id: &ProcessId) -> Result<bool> {
        scope.check()?;
        Ok(self.store.grant(&scope.id(), id).await?.is_some())
    }

    /// The grants of a process, by session id.
    pub async fn grants_of_process(&self, id: &ProcessId) -> Result<Vec<HandleGrant>> {
        self.known(id).await?;
        let entries = self.store.grants(GrantsOf::Process(id.clone())).await?;
        Ok(entries.into_iter().map(|entry| entry.grant).collect())
    }

    /// Takes back every grant of a session and stops wakes to it.
    pub async fn delete_session(&self, session: &SessionId) -> Result<SessionDeleteReport> {
        let session = session.clone();
        self.transact(Reads::Session(session.clone()), move |seen| session::delete(seen, &session)).await
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    /// Claims a process for `ttl` milliseconds.
    pub async fn claim(&self, id: &ProcessId, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        let (id, token) = (id.clone(), self.host.random.name());
        let reads = Reads::Leased(id.clone(), None);
        self.transact(reads, move |seen| lease::claim(seen, &id, &owner, ttl, &token)).await
    }

    /// Claims a process from the holder that was observed, if that holder is proven dead.
    pub async fn reclaim(&self, observed: ProcessLease, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        let proof = self.host.liveness.probe(&observed).await;
        let token = self.host.random.name();
        let reads = Reads::Leased(observed.process_id.clone(), None);
        self.transact(reads, move |seen| lease::reclaim(seen, &observed, &owner, ttl, &token, proof)).await
    }

    /// Extends a lease that is held.
    pub async fn renew(&self, held: ProcessLease, ttl: Millis) -> Result<ProcessLease> {
        let reads = Reads::Leased(held.process_id.clone(), None);
        self.transact(reads, move |seen| lease::renew(seen, &held, ttl)).await
    }

    /// Gives a lease back.
    pub async fn release(&self, id: &ProcessId, token: String) -> Result<()> {
        let (reads, id) = (Reads::Leased(id.clone(), None), id.clone());
        self.transact(reads, move |seen| Ok(lease::release(seen, &id, &token))).await
    }

    /// The lease that is held, expired or not.
    pub async fn lease(&self, id: &ProcessId) -> Result<Option<ProcessLease>> {
        self.store.lease(id).await
    }

    /// Lets go of the store. Later calls are [`Code::Closed`](crate::Code::Closed).
    pub fn close(&self) {
        self.store.close();
    }

    /// Runs a rule, then ticks every process whose row it changed, each once.
    async fn transact<T: 'static>(
        &self,
        reads: Reads,
        rule: impl Fn(&Snapshot) -> Result<Decision<T>> + 'static,
    ) -> Result<T> {
        let (reply, changed) = store::transact(&*self.store, reads, rule).await?;
        if let Some(hub) = &self.hub {
            changed.iter().for_each(|id| hub.notify(id));
        }
        Ok(reply)
    }
}

fn granted<'a>(scope: &SessionScope, ids: impl IntoIterator<Item = &'a ProcessId>) -> Reads {
    Reads::Granted(scope.id(), ids.into_iter().cloned().collect())
}
