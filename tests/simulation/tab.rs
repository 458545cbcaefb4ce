//! One tab: a registry of its own, with everything that hangs on it, and what it does.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::FutureExt;
use longwait::{
    Code, ProcessAwaiter, ProcessChangeHub, ProcessRegistry, Result,
    domain::{
        event::AppendRequest,
        json,
        key::ProcessId,
        lease::{LeaseClaim, LeaseOwner, ProcessLease},
        process::ProcessAwaitOutput,
        value::Json,
    },
    host::{
        Background, Spawn,
        fake::{self, Counter, Killed, Network, Tasks},
        native_schema::NativeSchemas,
    },
    registry::Host,
    watch_process_registry,
};

use crate::{
    history::{Found, Log, Until},
    store::Remote,
};

/// How long leases last, in milliseconds: long enough to be used, short enough to run out.
const TTL: u64 = 150;

pub struct Tab {
    pub life: String,
    pub frozen: bool,
    /// Since when it has been running without a break.
    pub awake_since: u64,
    pub waits: Vec<Wait>,
    pub tasks: Tasks,
    pub end: fake::Tab,
    registry: ProcessRegistry,
    hub: ProcessChangeHub,
    leases: Rc<RefCell<Vec<ProcessLease>>>,
    store: Remote,
}

pub struct Wait {
    pub id: &'static str,
    pub until: Until,
    pub start: u64,
    pub done: Rc<Cell<bool>>,
    _task: Background,
}

impl Tab {
    pub fn open(
        store: Remote,
        network: &Network,
        killed: Rc<Killed>,
        names: Rc<Counter>,
        life: String,
        now: u64,
    ) -> Self {
        let (tasks, end) = (Tasks::default(), network.tab());
        let host = Host {
            clock: Rc::new(store.clock.clone()),
            random: names,
            liveness: Rc::new(killed),
            schemas: Rc::new(NativeSchemas),
            spawn: Rc::new(tasks.clone()),
            broadcast: Rc::new(end.clone()),
        };
        let (registry, hub) = watch_process_registry(ProcessRegistry::new(Rc::new(store.clone()), host));
        let (waits, leases) = (Vec::new(), Rc::default());
        Self { life, frozen: false, awake_since: now, waits, tasks, end, registry, hub, leases, store }
    }

    fn log(&self) -> Log {
        self.store.log.clone()
    }

    fn owner(&self) -> LeaseOwner {
        let liveness = serde_json::json!({"kind": "web_lock", "lockName": self.life});
        let owner = serde_json::json!({"ownerId": "o", "incarnationId": self.life, "liveness": liveness});
        json::read(owner.into()).unwrap()
    }

    /// Begins something that is not waited for; what it may be refused with is of no interest here.
    fn begin(&self, act: impl Future<Output = Result<()>> + 'static) {
        let log = self.log();
        let act = act.map(move |outcome| match outcome.map_err(|fault| fault.code()) {
            Ok(()) => {}
            Err(Code::LeaseLost) => log.borrow_mut().tally.count("fenced write refused"),
            Err(code) => assert!(
                matches!(
                    code,
                    Code::UnknownProcess | Code::AlreadyTerminal | Code::ReplayConflict | Code::StorageFailed
                ),
                "{code:?}"
            ),
        });
        self.tasks.spawn(act.boxed_local());
    }

    pub fn register(&self, id: &str) {
        let registration = serde_json::json!({
            "id": id, "input": {"type": "external"}, "eventTypes": [{"name": "note"}, {"name": "ring"}],
        });
        let (registry, registration) = (self.registry.clone(), json::read(registration.into()).unwrap());
        self.begin(async move { registry.register(registration).await.map(drop) });
    }

    /// Under a lease of this tab where one is at hand and so wished; it may be long lost.
    pub fn append(&self, id: &str, event_type: &str, number: u64, leased: bool, keyed: bool) {
        let lease = self.lease(leased);
        let id: ProcessId = lease.as_ref().map_or(id.into(), |lease| lease.process_id.clone());
        let payload = payload(number, lease.as_ref());
        let request = AppendRequest { lease, ..AppendRequest::new(event_type, payload) };
        let request = if keyed { request.keyed(number.to_string()) } else { request };
        let (registry, log) = (self.registry.clone(), self.log());
        self.begin(async move {
            let appended = registry.append(&id, request).await?;
            log.borrow().acknowledged(&appended.event);
            Ok(())
        });
    }

    pub fn complete(&self, id: &str, number: u64, leased: bool) {
        let (registry, lease, id) = (self.registry.clone(), self.lease(leased), ProcessId::from(id));
        let output = ProcessAwaitOutput::success(payload(number, lease.as_ref()));
        self.begin(async move {
            match lease {
                Some(lease) => registry.complete_with_lease(lease, output).await.map(drop),
                None => registry.complete(&id, output).await.map(drop),
            }
        });
    }

    fn lease(&self, leased: bool) -> Option<ProcessLease> {
        self.store.dice.pick(&self.leases.borrow()).filter(|_| leased).cloned()
    }

    /// Claims a process, or takes it over from whoever holds it and is dead.
    pub fn claim(&self, id: &str, from_the_dead: bool) {
        let (registry, owner, id, leases) = (self.registry.clone(), self.owner(), id.into(), self.leases.clone());
        self.begin(async move {
            let observed = registry.lease(&id).await?.filter(|_| from_the_dead);
            let claim = match observed {
                Some(observed) => registry.reclaim(observed, owner, TTL).await?,
                None => registry.claim(&id, owner, TTL).await?,
            };
            match claim {
                LeaseClaim::Acquired { lease } => leases.borrow_mut().push(lease),
                LeaseClaim::Busy { .. } => {}
            }
            Ok(())
        });
    }

    pub fn renew(&self) {
        let Some(lease) = self.lease(true) else { return };
        let registry = self.registry.clone();
        self.begin(async move { registry.renew(lease, TTL).await.map(drop) });
    }

    pub fn release(&self) {
        let Some(lease) = self.lease(true) else { return };
        let registry = self.registry.clone();
        self.begin(async move { registry.release(&lease.process_id, lease.lease_token).await });
    }

    pub fn prune(&self) {
        let (registry, cutoff) = (self.registry.clone(), self.now().saturating_sub(100));
        self.begin(async move { registry.prune(cutoff).await.map(drop) });
    }

    fn now(&self) -> u64 {
        longwait::host::Clock::now(&self.store.clock)
    }

    pub fn wait(&mut self, id: &'static str, until: Until, polling: bool) {
        let awaiter = match polling {
            true => ProcessAwaiter::polling(self.registry.clone()),
            false => ProcessAwaiter::new(self.registry.clone(), self.hub.clone()),
        };
        let (done, log, start) = (Rc::new(Cell::new(false)), self.log(), self.now());
        let (ended, what) = (done.clone(), until.clone());
        let task = async move {
            let key = id.into();
            let outcome: Result<Found> = match what {
                Until::Ended => awaiter.await_terminal(&key).await.map(Found::Output),
                Until::Event(event_type, after) => {
                    awaiter.await_event(&key, event_type, after, false).await.map(Found::Event)
                }
            };
            log.borrow_mut().resolved(id, start, outcome);
            ended.set(true);
        };
        let task = Background::spawn(&self.tasks, task.boxed_local());
        self.waits.push(Wait { id, until, start, done, _task: task });
    }

    /// Whether nothing is left of what no wait needs any more.
    pub fn is_tidy(&self) -> bool {
        self.waits.iter().any(|wait| !wait.done.get()) || self.hub.tracked_processes() == 0
    }
}

fn payload(number: u64, lease: Option<&ProcessLease>) -> Json {
    match lease {
        Some(lease) => serde_json::json!({"number": number, "fence": lease.fencing_token}),
        None => serde_json::json!({"number": number}),
    }
    .into()
}
