//! The registry: every operation as one transaction, then the tick, then the sink.
//!
//! It knows which rule answers which call, and refuses to know how rows are kept.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all, try_join},
};

use crate::{
    error::{Code, Error, Result},
    host::{Announced, Broadcast, Clock, Limit, Liveness, Random, Spawn, Timers},
    model::{
        Millis,
        attachment::{Attachment, AttachmentInfo},
        event::{AppendRequest, AppendResult, ProcessEvent},
        filter::{ListFilter, ListQuery, Page},
        fork::Fork,
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::{ProcessId, ScopeId, SessionId},
        lease::{LeaseClaim, LeaseOwner, LeaseSlot, ProcessLease, Proof},
        payload::Payload,
        policy::Policy,
        process::{NewProcess, ProcessAwaitOutput, ProcessExternalRef, ProcessRecord, ProcessRegistration, WaitState},
        reports::{PruneReport, SessionDeleteReport},
        retention::Outdated,
        schema::{SchemaHost, Schemas},
        stream::{Stream, StreamInfo, StreamNotification},
    },
    notify::{
        ProcessChangeHub, ProcessEventSink, StreamHub, StreamReader, WaitSource, Woken, WokenBy, WokenWait,
        broadcaster::ChangeBroadcaster,
        change_poller::ChangePoller,
        sink::{Turn, Turns},
    },
    operation::{self, Operation, Plan, Reply},
    rules::register::Registration,
    store::{self, Answer, Changed, Changes, EventPage, EventRange, Live, Point, Query, Store, shared::SharedReads},
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
    /// Runs what no caller waits for.
    pub spawn: Rc<dyn Spawn>,
    /// Tells the other tabs of changes.
    pub broadcast: Rc<dyn Broadcast>,
}

/// Processes in a store. Clones share it.
#[derive(Clone)]
pub struct ProcessRegistry(Rc<Parts>, Option<Rc<Counted>>);

#[derive(Clone)]
struct Parts {
    store: Rc<dyn Store>,
    reads: Rc<SharedReads>,
    host: Host,
    /// One timer of the host, for all that waits here.
    timers: Timers,
    schemas: Rc<Schemas>,
    hub: Option<ProcessChangeHub>,
    broadcaster: Rc<ChangeBroadcaster>,
    streams: StreamHub,
    /// Dropped to stop listening to other tabs.
    listening: Rc<RefCell<Option<Box<dyn Any>>>>,
    sink: Option<(Rc<dyn ProcessEventSink>, Turns)>,
}

/// How many change notifications of one process a handle caused.
struct Counted {
    id: ProcessId,
    changes: Cell<u64>,
    /// What is called when of a write through the handle it is not known whether it happened.
    on_unsettled: RefCell<Option<Rc<dyn Fn()>>>,
}

/// How many processes one prune transaction removes, so that a large prune does not keep other
/// tabs from writing.
const PRUNE_BATCH: usize = 200;

/// Asks the store, and takes the answer that belongs to the question.
macro_rules! answer {
    ($registry:expr, $query:expr, $answer:path) => {
        match &*$registry.read($query).await? {
            $answer(answer) => Ok(answer.clone()),
            #[allow(clippy::wildcard_enum_match_arm, reason = "every other answer is a defect of the store")]
            _ => Err($crate::Error::new($crate::Code::Internal, "the store answered another question")),
        }
    };
}

pub(crate) use answer;

/// Gives a registry a hub: every change of a process row made through the returned registry
/// ticks it, after the commit.
pub fn watch_process_registry(registry: ProcessRegistry) -> (ProcessRegistry, ProcessChangeHub) {
    let hub = ProcessChangeHub::new();
    (registry.with_hub(hub.clone()), hub)
}

/// Like [`watch_process_registry`], and shows `sink` each event that an append inserted.
pub fn watch_process_registry_with_sink(
    registry: ProcessRegistry,
    sink: Rc<dyn ProcessEventSink>,
) -> (ProcessRegistry, ProcessChangeHub) {
    let (registry, hub) = watch_process_registry(registry);
    (registry.with_sink(sink), hub)
}

impl ProcessRegistry {
    /// A registry that notifies no hub of changes; see
    /// [`watch_process_registry`].
    pub fn new(store: Rc<dyn Store>, host: Host) -> Self {
        let schemas = Rc::new(Schemas::new(host.schemas.clone()));
        let reads = Rc::new(SharedReads::new(store.clone(), host.spawn.clone()));
        let broadcaster = Rc::new(ChangeBroadcaster::new(host.broadcast.clone(), host.spawn.clone()));
        let streams = StreamHub::default();
        let timers = Timers::new(host.clock.clone(), host.spawn.clone());
        let (hub, sink, listening) = (None, None, Rc::default());
        Self(Rc::new(Parts { store, reads, host, timers, schemas, hub, broadcaster, streams, listening, sink }), None)
    }

    pub(crate) fn with_hub(self, hub: ProcessChangeHub) -> Self {
        let (changed, streams) = (hub.clone(), self.0.streams.clone());
        // A notification of another tab is not passed on: the tab that made the change has sent it to all.
        let listening = self.0.host.broadcast.listen(Rc::new(move |announced| match announced {
            Announced::Changed(ids) => ids.iter().for_each(|id| changed.notify_by(id, WokenBy::Hint)),
            Announced::Chunks(notification) => streams.notify(&notification, changed.woken(WokenBy::Hint)),
        }));
        self.0.listening.replace(Some(listening));
        self.poll_for(&hub);
        Self(Rc::new(Parts { hub: Some(hub), ..Rc::unwrap_or_clone(self.0) }), self.1)
    }

    pub(crate) fn with_sink(self, sink: Rc<dyn ProcessEventSink>) -> Self {
        Self(Rc::new(Parts { sink: Some((sink, Turns::default())), ..Rc::unwrap_or_clone(self.0) }), self.1)
    }

    /// A handle whose own notifications of a process are counted, so that a run that writes through it can tell them from those of others.
    pub(crate) fn counting(&self, id: &ProcessId) -> Self {
        Self(
            self.0.clone(),
            Some(Rc::new(Counted { id: id.clone(), changes: Cell::default(), on_unsettled: RefCell::default() })),
        )
    }

    /// Has something called when of a write through this handle it is not known whether it happened.
    pub(crate) fn on_unsettled(&self, call: impl Fn() + 'static) {
        if let Some(counted) = &self.1 {
            counted.on_unsettled.replace(Some(Rc::new(call)));
        }
    }

    /// How many notifications this handle counted.
    pub(crate) fn own_changes(&self) -> u64 {
        self.1.as_ref().map_or(0, |counted| counted.changes.get())
    }

    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    /// The hub that hears the changes of this registry, where it has one.
    pub(crate) fn own_hub(&self) -> Option<&ProcessChangeHub> {
        self.0.hub.as_ref()
    }

    /// The hub; a registry without one has one that hears nothing.
    pub(crate) fn hub(&self) -> ProcessChangeHub {
        self.0.hub.clone().unwrap_or_default()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &self.0.timers
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    pub(crate) fn schemas(&self) -> &Rc<Schemas> {
        &self.0.schemas
    }

    /// Runs an operation. Tells the other tabs what it is about to change, and once that is committed ticks every process
    /// whose row it changed, each once.
    pub fn execute<T: Reply + 'static>(&self, operation: Operation<T>) -> impl Future<Output = Result<T>> + use<T> {
        // No `async`: each caller would have all of it compiled into its own future.
        self.run(operation.plan()).map(|reply| {
            let reply = reply?.into_any().downcast();
            reply.map(|reply| *reply).map_err(|_| Error::new(Code::Internal, "a rule gave another reply"))
        })
    }

    /// Runs an operation whose reply may be of any type.
    fn run(&self, plan: Plan) -> LocalBoxFuture<'static, Result<Box<dyn Reply>>> {
        let registry = self.clone();
        Box::pin(async move {
            let broadcaster = registry.0.broadcaster.clone();
            // Others are told while the commit is under way: a read of theirs waits for it, and they are so much sooner.
            let changing = move |ids: &[ProcessId]| broadcaster.announce(ids);
            let outcome = store::execute(&*registry.0.store, plan, changing).await;
            let (reply, changed) = outcome.inspect_err(|fault| registry.failed(fault))?;
            registry.changed(changed);
            Ok(reply)
        })
    }

    fn failed(&self, fault: &Error) {
        let counted = self.1.as_ref().filter(|_| fault.is_unsettled());
        if let Some(call) = counted.and_then(|counted| counted.on_unsettled.borrow().clone()) {
            call();
        }
    }

    fn changed(&self, Changed { ids, span }: Changed) {
        if let Some(Counted { id, changes, .. }) = self.1.as_deref() {
            changes.set(changes.get() + u64::from(ids.contains(id)));
        }
        if let Some(hub) = &self.0.hub {
            ids.iter().for_each(|id| hub.notify(id));
            if let (Some(poller), Some((after, up_to))) = (hub.poller(), span) {
                poller.ticked(after, up_to);
            }
        }
    }

    /// Has every waiter look again at a process, here and in the other tabs, though its row has not changed.
    pub(crate) fn hint(&self, id: &ProcessId) {
        self.hub().notify(id);
        self.0.broadcaster.announce(std::slice::from_ref(id));
    }

    /// Notifies readers, here and in the other tabs, of what was committed to a stream.
    pub(crate) fn notify_readers(&self, notification: StreamNotification) {
        let notification = Rc::new(notification);
        self.0.host.broadcast.announce_chunks(&notification);
        let unmeasured = Woken { by: WokenBy::Tick, at: None };
        let woken = self.own_hub().map_or(unmeasured, |hub| hub.woken(WokenBy::Tick));
        self.0.streams.notify(&notification, woken);
    }

    /// Calls `listener` with every wait on the hub that was woken and has its answer, until [`off_wake`](Self::off_wake).
    pub fn on_wake(&self, listener: impl Fn(&WokenWait) + 'static) -> u64 {
        self.hub().listen_to_wakes(Rc::new(self.0.timers.clone()), listener)
    }

    /// Stops calling a listener of wakes.
    pub fn off_wake(&self, listener: u64) {
        self.hub().forget_wakes(listener);
    }

    /// A reader of a stream of a process, which need not be there yet.
    pub fn read_stream(&self, id: &ProcessId, name: &str) -> StreamReader {
        StreamReader::new(self.clone(), id.clone(), name.to_owned(), self.0.streams.subscribe(id, name))
    }

    /// Answers a question, in one transaction with all that is asked in the same turn. It sees what was written
    /// in calls before it.
    pub fn read(&self, query: impl Into<Rc<Query>>) -> LocalBoxFuture<'static, Result<Rc<Answer>>> {
        self.0.reads.ask(query.into())
    }

    // ── Processes ──────────────────────────────────────────────────────────

    /// Registers a process, or finds it registered alike.
    pub async fn register(&self, registration: ProcessRegistration) -> Result<ProcessRecord> {
        Ok(self.register_with(NewProcess::new(registration, Policy::default()), None).await?.record)
    }

    /// Registers a process with a policy and attachments, or finds it registered alike, whatever comes with it. With the lease of its parent, only while
    /// that is held.
    pub async fn register_with(&self, process: NewProcess, parent: Option<ProcessLease>) -> Result<Registration> {
        self.execute(operation::register(process, parent, &self.0.schemas)?).await
    }

    /// Registers several processes, all or none, each as if those before it were there. Of two alike the second finds the first.
    pub async fn register_all(&self, processes: Vec<NewProcess>) -> Result<Vec<ProcessRecord>> {
        let register = |(place, process)| {
            let operation = operation::register(process, None, &self.0.schemas);
            operation.map_err(|fault| fault.at(&format!("registrations[{place}]")))
        };
        let operations = processes.into_iter().enumerate().map(register).collect::<Result<_>>()?;
        let registered = self.execute(Operation::all("registrations", operations)).await?;
        Ok(registered.into_iter().map(|registration| registration.record).collect())
    }

    /// Stops a run of a process, and keeps every driver from beginning it until it is resumed. Its deadline still applies.
    pub async fn pause_process(&self, id: &ProcessId, reason: Option<String>) -> Result<ProcessRecord> {
        self.execute(operation::pause(id.clone(), reason)).await
    }

    /// Lets drivers begin a paused process again.
    pub async fn resume_process(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.execute(operation::resume_paused(id.clone())).await
    }

    /// Registers a process that begins where another one was; see [`fork::fork`](crate::rules::fork::fork).
    pub async fn fork(&self, id: &ProcessId, options: Fork) -> Result<ProcessRecord> {
        self.execute(operation::fork(id.clone(), options, &self.0.schemas)).await
    }

    /// One process; `None` where the id is unknown, an error only where the store failed.
    pub async fn process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        answer!(self, Query::Process(id.clone()), Answer::Process)
    }

    /// The processes that fit a filter, in the order of the page. [`Code::InvalidArgument`] for the cursor of a process that never was,
    /// where the order is by age.
    pub async fn list(&self, filter: &ListFilter, page: Page) -> Result<Vec<ProcessRecord>> {
        filter.check()?;
        answer!(self, Query::Processes(ListQuery::new(filter, page)), Answer::Processes)
    }

    /// How many processes fit a filter. One that cannot be read may count.
    pub async fn count(&self, filter: &ListFilter) -> Result<u64> {
        filter.check()?;
        answer!(self, Query::CountProcesses(ListQuery::new(filter, Page::default())), Answer::CountProcesses)
    }

    /// The processes that have not ended, in the order of the page.
    pub async fn list_non_terminal(&self, page: Page) -> Result<Vec<ProcessRecord>> {
        answer!(self, Query::Processes(ListQuery::non_terminal(page)), Answer::Processes)
    }

    /// At most `limit` rows that changed after a point of the change sequence, or after its beginning.
    pub async fn changed_since(&self, cursor: Option<Point>, limit: Option<u64>) -> Result<Changes> {
        answer!(self, Query::Changes(cursor, limit), Answer::Changes)
    }

    /// Says where else a process is known, once.
    pub async fn set_external_ref(&self, id: &ProcessId, external_ref: ProcessExternalRef) -> Result<ProcessRecord> {
        self.execute(operation::set_external_ref(id.clone(), external_ref)).await
    }

    /// Says what a process waits for.
    pub async fn set_wait(&self, id: &ProcessId, wait: WaitState) -> Result<ProcessRecord> {
        self.execute(operation::set_wait(id.clone(), wait)).await
    }

    /// Says that a process waits no more.
    pub async fn clear_wait(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.execute(operation::clear_wait(id.clone())).await
    }

    /// Ends a process.
    pub async fn complete(&self, id: &ProcessId, output: ProcessAwaitOutput) -> Result<ProcessRecord> {
        self.execute(operation::complete(id.clone(), output, &self.0.schemas)).await
    }

    /// Ends a process and releases its lease, only while the lease is held.
    pub async fn complete_with_lease(&self, held: ProcessLease, output: ProcessAwaitOutput) -> Result<ProcessRecord> {
        self.execute(operation::complete_with_lease(held, output, &self.0.schemas)).await
    }

    /// Forgets the ended processes last updated strictly before `cutoff`.
    pub async fn prune(&self, cutoff: Millis) -> Result<PruneReport> {
        let mut total = PruneReport::default();
        loop {
            let batch = self.execute(operation::prune(Outdated::Before(cutoff), PRUNE_BATCH)).await?;
            total.pruned_processes += batch.pruned_processes;
            total.pruned_events += batch.pruned_events;
            if !batch.more {
                return Ok(total);
            }
        }
    }

    /// Forgets one process: one that has ended, or with `force` any, also one whose rows cannot be read.
    pub async fn delete(&self, id: &ProcessId, force: bool) -> Result<()> {
        self.execute(operation::delete(id.clone(), force)).await
    }

    // ── Attachments ────────────────────────────────────────────────────────

    /// Attaches a value to a process that has not ended, in place of one of its name. With a lease, only while that is held.
    pub async fn put_attachment(
        &self,
        id: &ProcessId,
        attachment: Attachment,
        held: Option<ProcessLease>,
    ) -> Result<AttachmentInfo> {
        self.execute(operation::put_attachment(id.clone(), held, Rc::new(attachment))).await
    }

    /// An attachment of a process; `None` where it has none of that name.
    pub async fn attachment(&self, id: &ProcessId, name: &str) -> Result<Option<Rc<Attachment>>> {
        let found: Option<Option<Rc<Attachment>>> =
            answer!(self, Query::Attachment(id.clone(), name.to_owned()), Answer::Attachment)?;
        found.ok_or_else(|| Error::unknown_process(id))
    }

    /// What is attached to a process. No body is read.
    pub async fn attachments(&self, id: &ProcessId) -> Result<Vec<AttachmentInfo>> {
        Ok(self.process(id).await?.ok_or_else(|| Error::unknown_process(id))?.attachments)
    }

    /// Takes an attachment off a process, where it has one of that name.
    pub async fn delete_attachment(&self, id: &ProcessId, name: String) -> Result<()> {
        self.execute(operation::delete_attachment(id.clone(), name)).await
    }

    // ── Streams ────────────────────────────────────────────────────────────

    /// The streams of a process, by name. No chunk is read.
    pub async fn streams(&self, id: &ProcessId) -> Result<Vec<StreamInfo>> {
        let streams: Option<Vec<Stream>> = answer!(self, Query::Streams(id.clone()), Answer::Streams)?;
        let streams = streams.ok_or_else(|| Error::unknown_process(id))?;
        Ok(streams.into_iter().map(StreamInfo::from).collect())
    }

    // ── Event log ──────────────────────────────────────────────────────────

    /// Appends an event, shows it to the sink if it is new, and waits for the sink.
    pub async fn append(&self, id: &ProcessId, request: AppendRequest) -> Result<AppendResult> {
        self.append_for(None, id, request).await
    }

    /// The same, perhaps on behalf of a scope: where the process is not granted to it, it is unknown.
    pub(crate) async fn append_for(
        &self,
        scope: Option<ScopeId>,
        id: &ProcessId,
        request: AppendRequest,
    ) -> Result<AppendResult> {
        let turn = self.sink_turn(id);
        let appended = self.execute(operation::append_for(scope, id.clone(), request, &self.0.schemas)).await?;
        self.show(turn, &appended).await;
        Ok(appended)
    }

    /// Appends several events, all or none, each as if those before it were there; shows the new ones to the sink, and waits for that.
    pub async fn append_all(&self, id: &ProcessId, requests: Vec<AppendRequest>) -> Result<Vec<AppendResult>> {
        let turns: Vec<_> = requests.iter().map(|_| self.sink_turn(id)).collect();
        let append = |request| operation::append(id.clone(), request, &self.0.schemas);
        let operations = requests.into_iter().map(append).collect();
        let appended = self.execute(Operation::all("requests", operations)).await?;
        join_all(turns.into_iter().zip(&appended).map(|(turn, appended)| self.show(turn, appended))).await;
        Ok(appended)
    }

    /// The place of an append among those whose events the sink is to be shown, where there is one.
    fn sink_turn(&self, id: &ProcessId) -> Option<Turn> {
        self.0.sink.as_ref().map(|(_, turns)| turns.join(id))
    }

    /// Shows an event to the sink if it is new.
    async fn show(&self, turn: Option<Turn>, appended: &AppendResult) {
        if let (Some((sink, _)), Some(turn), false) = (&self.0.sink, turn, appended.replayed) {
            turn.come(appended.event.sequence).await;
            let shown = sink.emit(&appended.event);
            drop(turn);
            shown.await;
        }
    }

    /// Signals a process; see [`AppendRequest::signal`].
    pub async fn signal(
        &self,
        id: &ProcessId,
        name: &str,
        payload: Payload,
        signal_id: Option<&str>,
    ) -> Result<AppendResult> {
        self.append(id, AppendRequest::signal(name, payload, signal_id)?).await
    }

    /// Asks a process to stop. Asking twice for the same reason is one event.
    pub async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.append(id, AppendRequest::cancel(id, reason)).await
    }

    /// A stretch of an event log, ascending.
    pub async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        let page: Option<EventPage> = answer!(self, Query::Events(id.clone(), range), Answer::Events)?;
        Ok(page.ok_or_else(|| Error::unknown_process(id))?.events)
    }

    /// How many events of a type there are up to a sequence, inclusive.
    pub async fn count_events(&self, id: &ProcessId, event_type: &str, up_to: u64) -> Result<u64> {
        let count: Option<u64> = answer!(self, Query::Count(id.clone(), event_type.to_owned(), up_to), Answer::Count)?;
        count.ok_or_else(|| Error::unknown_process(id))
    }

    /// Marks the wake of an event as delivered.
    pub async fn ack_wake(&self, id: &ProcessId, sequence: u64) -> Result<()> {
        self.execute(operation::ack_wake(id.clone(), sequence)).await
    }

    // ── Handles and sessions ───────────────────────────────────────────────

    /// Grants a process to a scope.
    pub async fn grant(
        &self,
        scope: SessionScope,
        id: &ProcessId,
        descriptor: HandleDescriptor,
    ) -> Result<HandleGrant> {
        self.execute(operation::grant(scope, id.clone(), descriptor)).await
    }

    /// Takes a grant back.
    pub async fn revoke(&self, scope: SessionScope, id: &ProcessId) -> Result<()> {
        self.execute(operation::revoke(scope, id.clone())).await
    }

    /// Moves grants from one scope to another, all or none.
    pub async fn transfer(&self, from: SessionScope, to: SessionScope, ids: Vec<ProcessId>) -> Result<()> {
        self.execute(operation::transfer(from, to, ids)).await
    }

    /// The grants of a scope with their processes, in id order.
    pub async fn grants(&self, scope: &SessionScope, live: Live) -> Result<Vec<HandleEntry>> {
        scope.check()?;
        answer!(self, Query::GrantsOfScope(scope.id(), live.into()), Answer::GrantsOfScope)
    }

    /// Whether a process is granted to a scope.
    pub async fn is_granted(&self, scope: &SessionScope, id: &ProcessId) -> Result<bool> {
        scope.check()?;
        answer!(self, Query::IsGranted(scope.id(), id.clone()), Answer::IsGranted)
    }

    /// The grants of a process, by session id.
    pub async fn grants_of_process(&self, id: &ProcessId) -> Result<Vec<HandleGrant>> {
        let entries: Option<Vec<HandleEntry>> =
            answer!(self, Query::GrantsOfProcess(id.clone()), Answer::GrantsOfProcess)?;
        let entries = entries.ok_or_else(|| Error::unknown_process(id))?;
        Ok(entries.into_iter().map(|entry| entry.grant).collect())
    }

    /// Takes back every grant of a session and stops wakes to it.
    pub async fn delete_session(&self, session: &SessionId) -> Result<SessionDeleteReport> {
        self.execute(operation::delete_session(session.clone())).await
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    /// Claims a process for `ttl` milliseconds.
    pub async fn claim(&self, id: &ProcessId, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        self.execute(operation::claim(id.clone(), owner, ttl, self.lease_token())).await
    }

    /// Claims a process from the holder that was observed, if that holder is proven dead.
    pub async fn reclaim(&self, observed: ProcessLease, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        let proof = self.0.host.liveness.probe(&observed.owner).await;
        self.execute(operation::reclaim(observed, owner, ttl, self.lease_token(), proof)).await
    }

    /// Extends a lease that is held.
    pub async fn renew(&self, held: ProcessLease, ttl: Millis) -> Result<ProcessLease> {
        self.execute(operation::renew(held, ttl)).await
    }

    /// Gives a lease back.
    pub async fn release(&self, id: &ProcessId, token: String) -> Result<()> {
        self.execute(operation::release(id.clone(), token)).await
    }

    /// The lease that is held, expired or not.
    pub async fn lease(&self, id: &ProcessId) -> Result<Option<ProcessLease>> {
        Ok(self.lease_slot(id).await?.held)
    }

    /// A process with its lease, from one moment: both are asked in one turn.
    pub(crate) async fn process_and_lease(&self, id: &ProcessId) -> Result<(Option<ProcessRecord>, LeaseSlot)> {
        try_join(self.process(id), self.lease_slot(id)).await
    }

    async fn lease_slot(&self, id: &ProcessId) -> Result<LeaseSlot> {
        answer!(self, Query::Lease(id.clone()), Answer::Lease)
    }

    /// Resolves once an owner is dead; see [`Liveness::gone`].
    pub fn owner_gone(&self, owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        self.0.host.liveness.gone(owner)
    }

    /// [`owner_gone`](Self::owner_gone) within a limit in milliseconds: then [`Code::Timeout`]. An owner that is dead
    /// already is found whatever the limit.
    pub async fn owner_gone_within(&self, owner: &LeaseOwner, limit: Option<Millis>) -> Result<()> {
        let mut limit = Limit::new(self.clock(), limit);
        let gone = self.owner_gone(owner);
        match self.0.host.liveness.probe(owner).await {
            Proof::Dead => Ok(()),
            Proof::Unknown => limit.bound(gone).await?,
        }
    }

    /// In how many milliseconds the first of the runs here is to continue by the clock: its timer is due, or the limit of its wait passes.
    pub fn next_of_runs(&self) -> Option<Millis> {
        self.0.timers.next_elapse()
    }

    /// A fresh lease token.
    pub(crate) fn lease_token(&self) -> String {
        self.0.host.random.name()
    }

    /// The page is put aside, perhaps for ever: lets go of what others would have to wait for.
    pub fn pause(&self) {
        self.0.store.pause();
    }

    /// The page is back, and may have missed anything: every waiter looks again.
    pub fn resume(&self) {
        self.0.store.resume();
        if let Some(hub) = &self.0.hub {
            hub.notify_all();
        }
    }

    /// Resolves once the writes of earlier calls are over, where the store has them wait for each other.
    pub async fn writes_are_over(&self) {
        // A read sees them, and this one has nothing to ask.
        drop(self.0.store.read(Vec::new()).await);
    }

    /// Lets go of the store. Later calls are [`Code::Closed`].
    pub fn close(&self) {
        let listening = self.0.listening.take();
        drop(listening);
        self.0.store.close();
        if let Some(hub) = &self.0.hub {
            // Each waiter looks again, and learns of it.
            hub.wake_all();
        }
    }
}

impl WaitSource for ProcessRegistry {
    fn read(&self, query: Rc<Query>) -> LocalBoxFuture<'static, Result<Rc<Answer>>> {
        self.0.reads.ask(query)
    }

    fn clock(&self) -> &dyn Clock {
        &self.0.timers
    }

    fn poll_for(&self, hub: &ProcessChangeHub) {
        let Parts { reads, host, timers, .. } = &*self.0;
        hub.polled_by(|| ChangePoller::new(reads.clone(), Rc::new(timers.clone()), host.spawn.clone()));
    }
}
