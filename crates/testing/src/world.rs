//! What a case is given: a registry over a fresh place for rows, and everything around it in hand.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, pending, ready},
};
use longwait_core::{
    Code, Error, ProcessEventSink, ProcessRegistry, Result,
    host::{Liveness, Spawn},
    model::{
        event::{AppendResult, ProcessEvent},
        grant::{HandleDescriptor, HandleGrant, SessionScope},
        lease::{LeaseClaim, LeaseOwner, ProcessLease},
        payload::Payload,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    registry::Host,
    store::{Changes, EventRange, Live, Point, Store},
    watch_process_registry_with_sink,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    any_registry::AnyRegistry,
    fake::{Counter, FakeClock, Killed, Network},
    schemas, tasks,
};

/// When every world begins, in epoch milliseconds.
pub const START: u64 = 1_700_000_000_000;

/// Where the rows of one case live. Every tab of the case opens the same place.
pub trait Place {
    /// A store over it, as one more tab would open.
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>>;
    /// Leaves nothing behind.
    fn remove(&self) -> LocalBoxFuture<'static, ()>;
    /// What runs the tasks of the tabs: by default [`tasks`], which run while [`at_once`](crate::at_once) waits.
    fn spawn(&self) -> Rc<dyn Spawn> {
        Rc::new(tasks())
    }
}

/// Opens the tabs of a case, each with a registry of that kind.
pub trait Tabs<R: AnyRegistry> {
    /// One more tab.
    fn open(&self, around: Around) -> LocalBoxFuture<'static, Tab<R>>;
    /// Resolves when a case takes too long, where something else than the case could keep it waiting.
    fn patience(&self) -> LocalBoxFuture<'static, ()> {
        pending().boxed_local()
    }
    /// Leaves nothing behind.
    fn remove(&self) -> LocalBoxFuture<'static, ()>;
}

/// What a tab is opened with.
pub struct Around {
    /// The clock of every tab of the case.
    pub clock: FakeClock,
    /// Knows which incarnations are dead.
    pub killed: Killed,
    network: Network,
    names: Rc<Counter>,
    liveness: Rc<dyn Liveness>,
}

/// What a tab has of its own.
pub struct Tab<R: AnyRegistry> {
    /// The registry.
    pub registry: R,
    /// Its rows, where a test can reach them.
    pub store: R::Rows,
    /// What its waits subscribe to.
    pub hub: R::Hub,
    /// What the hub ticks is noted here.
    pub ticks: Rc<RefCell<Vec<String>>>,
    /// What the registry shows its appended events to.
    pub sink: Rc<Recorder>,
}

/// One tab over a place.
pub struct World<R: AnyRegistry = ProcessRegistry> {
    /// The registry under test.
    pub registry: R,
    /// Its store.
    pub store: R::Rows,
    /// What its waits subscribe to.
    pub hub: R::Hub,
    /// Everything that the hub ticked, in order.
    pub ticks: Rc<RefCell<Vec<String>>>,
    /// What the registry shows its appended events to.
    pub sink: Rc<Recorder>,
    /// The clock of every tab of the case, and of the store.
    pub clock: FakeClock,
    /// The liveness probe: knows which incarnations are dead.
    pub killed: Killed,
    /// Carries hints between the tabs of this case, when it is told to.
    pub network: Network,
    names: Rc<Counter>,
    tabs: Rc<dyn Tabs<R>>,
}

/// A sink that remembers what it was shown.
#[derive(Default)]
pub struct Recorder(RefCell<Vec<(String, u64)>>);

impl Recorder {
    /// Process and sequence of every event shown so far.
    pub fn shown(&self) -> Vec<(String, u64)> {
        self.0.borrow().clone()
    }
}

impl Recorder {
    /// Notes that an event was shown.
    pub fn show(&self, process_id: String, sequence: u64) {
        self.0.borrow_mut().push((process_id, sequence));
    }
}

impl ProcessEventSink for Recorder {
    fn emit(&self, event: &ProcessEvent) -> LocalBoxFuture<'static, ()> {
        self.show(event.process_id.to_string(), event.sequence);
        ready(()).boxed_local()
    }
}

/// The code of a refusal.
#[track_caller]
pub fn refused<T>(outcome: Result<T>) -> Code {
    match outcome {
        Ok(_) => panic!("was not refused"),
        Err(fault) => fault.code(),
    }
}

/// A value that a test writes, as the library has it.
pub fn to(value: Value) -> Payload {
    Payload::of(&value).unwrap()
}

/// What the library has, as a value that a test can compare and take apart.
pub trait AsJson {
    /// It as JSON.
    fn json(&self) -> Value;
}

impl<T: Serialize + ?Sized> AsJson for T {
    fn json(&self) -> Value {
        serde_json::from_str(&Payload::of(self).unwrap().canonical()).unwrap()
    }
}

/// A value in the shape that the public interface takes; a wrong one is refused as there.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    to(value).read().map_err(Error::invalid)
}

/// A value that is known to have the right shape.
#[track_caller]
pub fn made<T: DeserializeOwned>(value: Value) -> T {
    match to(value).read() {
        Ok(made) => made,
        Err(fault) => panic!("the test's own value is wrong: {fault}"),
    }
}

/// A session, or with `a/f` the frame `f` of session `a`.
pub fn scope(name: &str) -> SessionScope {
    match name.split_once('/') {
        Some((session, frame)) => SessionScope { agent_frame_id: Some(frame.into()), ..SessionScope::session(session) },
        None => SessionScope::session(name),
    }
}

/// An owner of a lease whose death can be proven.
pub fn owner(name: &str, life: &str) -> LeaseOwner {
    made(json!({
        "ownerId": name,
        "incarnationId": life,
        "liveness": {"kind": "web_lock", "lockName": format!("lock:{life}")},
    }))
}

/// The event types of [`World::start`]: nothing but itself, an end, and a wake.
pub fn usual_types() -> Value {
    json!([
        {"name": "note"},
        {"name": "done", "semantics": {"terminal": {"state": "completed"}}},
        {"name": "ring", "semantics": {"wake": {"input": "payload"}}},
    ])
}

/// How long the leases of these tests last, in milliseconds.
pub const TTL: u64 = 1_000;

/// Tabs whose registries are those of the rules, on stores over a place.
struct OnStores(Rc<dyn Place>);

impl Tabs<ProcessRegistry> for OnStores {
    fn open(&self, around: Around) -> LocalBoxFuture<'static, Tab<ProcessRegistry>> {
        let place = self.0.clone();
        let Around { clock, network, names, liveness, .. } = around;
        async move {
            let store = place.open(clock.clone()).await;
            let sink = Rc::new(Recorder::default());
            let host = Host {
                clock: Rc::new(clock),
                random: names,
                liveness,
                schemas: schemas(),
                spawn: place.spawn(),
                broadcast: Rc::new(network.tab()),
            };
            let registry = ProcessRegistry::new(store.clone(), host);
            let (registry, hub) = watch_process_registry_with_sink(registry, sink.clone());
            let ticks = Rc::<RefCell<Vec<_>>>::default();
            let heard = ticks.clone();
            hub.listen(move |id| heard.borrow_mut().push(id.to_string()));
            Tab { registry, store, hub, ticks, sink }
        }
        .boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        self.0.remove()
    }
}

impl World {
    /// The first tab over a place.
    pub async fn new(place: Rc<dyn Place>) -> Self {
        Self::first(Rc::new(OnStores(place))).await
    }
}

impl<R: AnyRegistry> World<R> {
    /// The first tab.
    pub async fn first(tabs: Rc<dyn Tabs<R>>) -> Self {
        let killed = Killed::default();
        let liveness = Rc::new(killed.clone());
        let (clock, network, names) = (FakeClock::at(START), Network::default(), Rc::default());
        Self::tab(tabs, Around { clock, killed, network, names, liveness }).await
    }

    /// One more tab over the same place, on the same clock.
    pub async fn another(&self) -> Self {
        self.another_seen_by(Rc::new(self.killed.clone())).await
    }

    /// Like [`another`](Self::another), with another way to prove life and death.
    pub async fn another_seen_by(&self, liveness: Rc<dyn Liveness>) -> Self {
        Self::tab(self.tabs.clone(), self.around(liveness)).await
    }

    fn around(&self, liveness: Rc<dyn Liveness>) -> Around {
        let (clock, killed, network) = (self.clock.clone(), self.killed.clone(), self.network.clone());
        Around { clock, killed, network, names: self.names.clone(), liveness }
    }

    async fn tab(tabs: Rc<dyn Tabs<R>>, around: Around) -> Self {
        let (clock, killed) = (around.clock.clone(), around.killed.clone());
        let (network, names) = (around.network.clone(), around.names.clone());
        let Tab { registry, store, hub, ticks, sink } = tabs.open(around).await;
        Self { registry, store, hub, ticks, sink, clock, killed, network, names, tabs }
    }

    /// Waits that hear this tab's changes.
    pub fn awaiter(&self) -> R::Awaiter {
        self.registry.awaiter(&self.hub)
    }

    /// Waits that hear nothing.
    pub fn polling(&self) -> R::Awaiter {
        self.registry.polling()
    }

    /// What the hub ticked since the last time this was asked.
    pub fn ticked(&self) -> Vec<String> {
        self.ticks.take()
    }

    // ── Processes ──────────────────────────────────────────────────────────

    /// Registers what the JSON says; an external process where it names no input.
    pub async fn register(&self, mut registration: Value) -> Result<ProcessRecord> {
        if registration["input"].is_null() {
            registration["input"] = json!({"type": "external"});
        }
        self.registry.register_json(registration).await
    }

    /// Registers a process of the kind `job`, with these fields besides.
    pub async fn job(&self, id: &str, more: Value) -> Result<ProcessRecord> {
        let mut registration = json!({"id": id, "input": {"type": "engine", "kind": "job"}});
        registration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.registry.register_json(registration).await
    }

    /// Registers an external process with the usual event types.
    pub async fn start(&self, id: &str) -> ProcessRecord {
        self.register(json!({"id": id, "eventTypes": usual_types()})).await.unwrap()
    }

    /// Registers an external process with these event types.
    pub async fn start_with(&self, id: &str, event_types: Value) -> ProcessRecord {
        self.register(json!({"id": id, "eventTypes": event_types})).await.unwrap()
    }

    /// A process that must be there.
    pub async fn record(&self, id: &str) -> ProcessRecord {
        self.registry.process(&id.into()).await.unwrap().unwrap()
    }

    /// Ends a process with an await output.
    pub async fn complete(&self, id: &str, output: Value) -> Result<ProcessRecord> {
        self.registry.complete_json(&id.into(), output).await
    }

    /// Ends a process with a success.
    pub async fn succeed(&self, id: &str) -> ProcessRecord {
        self.complete(id, json!({"type": "success", "value": 1})).await.unwrap()
    }

    /// Ends a process under a lease.
    pub async fn complete_leased(&self, lease: &ProcessLease, output: Value) -> Result<ProcessRecord> {
        self.registry.complete_with_lease_json(lease.clone(), output).await
    }

    /// Says what a process waits for.
    pub async fn wait(&self, id: &str) -> Result<ProcessRecord> {
        let wait = json!({
            "kind": "signal", "name": "go", "eventType": "signal.go", "key": "k", "ordinal": 1, "sinceMs": START
        });
        self.registry.set_wait(&id.into(), made(wait)).await
    }

    /// The ids of a list.
    pub async fn list(&self, filter: Value) -> Vec<String> {
        self.page(filter, json!({})).await
    }

    /// The ids of a stretch of a list.
    pub async fn page(&self, filter: Value, page: Value) -> Vec<String> {
        ids(&self.registry.list(&made(filter), made(page)).await.unwrap())
    }

    /// What changed after a point, at most `limit`.
    pub async fn changes(&self, number: u64, limit: Option<u64>) -> Changes {
        let beginning = self.registry.changed_since(None, Some(0)).await.unwrap().cursor;
        self.registry.changed_since(Some(Point { number, ..beginning }), limit).await.unwrap()
    }

    // ── Event log ──────────────────────────────────────────────────────────

    /// Appends what the JSON says.
    pub async fn append(&self, id: &str, request: Value) -> Result<AppendResult> {
        self.registry.append_json(&id.into(), request).await
    }

    /// Appends a plain event and answers its sequence.
    pub async fn note(&self, id: &str) -> u64 {
        self.append(id, json!({"eventType": "note"})).await.unwrap().event.sequence
    }

    /// A stretch of a log.
    pub async fn events(&self, id: &str, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        self.registry.events(&id.into(), range).await
    }

    /// The whole log of a process.
    pub async fn log(&self, id: &str) -> Vec<Rc<ProcessEvent>> {
        self.events(id, after(0)).await.unwrap()
    }

    /// The events whose wakes are not acknowledged.
    pub async fn unacked(&self, id: &str) -> Vec<u64> {
        sequences(&self.events(id, EventRange::Unacked(0)).await.unwrap())
    }

    // ── Handles ────────────────────────────────────────────────────────────

    /// Grants a process to a scope.
    pub async fn grant(&self, to: &str, id: &str) -> HandleGrant {
        self.registry.grant(scope(to), &id.into(), HandleDescriptor::default()).await.unwrap()
    }

    /// The ids granted to a scope.
    pub async fn granted(&self, to: &str, live: Live) -> Vec<String> {
        let entries = self.registry.grants(&scope(to), live).await.unwrap();
        entries.iter().map(|entry| entry.grant.process_id.to_string()).collect()
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    /// Claims a process for the usual time.
    pub async fn claim(&self, id: &str, owner: &LeaseOwner) -> Result<LeaseClaim> {
        self.registry.claim(&id.into(), owner.clone(), TTL).await
    }

    /// Claims a process that is free.
    pub async fn lease(&self, id: &str, owner: &LeaseOwner) -> ProcessLease {
        acquired(self.claim(id, owner).await)
    }

    // ── Everything ─────────────────────────────────────────────────────────

    /// Everything that can be read of every process, and what was ticked and shown.
    pub async fn picture(&self) -> Value {
        let changes = self.changes(0, None).await;
        let mut processes = Vec::new();
        for record in &changes.records {
            let id = record.id();
            processes.push(json!({
                "log": self.registry.events(id, after(0)).await.unwrap().json(),
                "unacked": self.registry.events(id, EventRange::Unacked(0)).await.unwrap().json(),
                "lease": self.registry.lease(id).await.unwrap().json(),
                "grants": self.registry.grants_of_process(id).await.unwrap().json(),
            }));
        }
        json!({
            "changes": changes.json(),
            "processes": processes,
            "ticks": *self.ticks.borrow(),
            "shown": self.sink.shown(),
        })
    }
}

/// The ids of some records.
pub fn ids(records: &[ProcessRecord]) -> Vec<String> {
    records.iter().map(|record| record.id().to_string()).collect()
}

/// The sequences of some events.
pub fn sequences(events: &[Rc<ProcessEvent>]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

/// The payloads of some events.
pub fn payloads(events: &[Rc<ProcessEvent>]) -> Vec<Value> {
    events.iter().map(|event| event.payload.json()).collect()
}

/// All events after a sequence.
pub fn after(after: u64) -> EventRange {
    EventRange::After { after, limit: None, types: None }
}

/// A claim that was won.
#[track_caller]
pub fn acquired(claim: Result<LeaseClaim>) -> ProcessLease {
    match claim {
        Ok(LeaseClaim::Acquired { lease }) => lease,
        other => panic!("was not acquired: {other:?}"),
    }
}

/// The holder who kept a claim from being won.
#[track_caller]
pub fn busy(claim: Result<LeaseClaim>) -> ProcessLease {
    match claim {
        Ok(LeaseClaim::Busy { holder }) => holder,
        other => panic!("was not busy: {other:?}"),
    }
}

/// A success with a value.
pub fn success(value: Value) -> ProcessAwaitOutput {
    ProcessAwaitOutput::success(to(value))
}
