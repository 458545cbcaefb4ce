//! One tab: a registry of its own, with everything that hangs on it, and what it does.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::FutureExt;
use longwait::{
    Code, ProcessAwaiter, ProcessChangeHub, ProcessRegistry, ProcessWorkDriver, Result,
    driver::DriverOptions,
    host::{Background, Clock, Spawn, native_schema::NativeSchemas},
    model::{
        event::AppendRequest,
        key::ProcessId,
        lease::{LeaseClaim, LeaseOwner, ProcessLease},
        payload::Payload,
        policy::Policy,
        process::{NewProcess, ProcessAwaitOutput, ProcessRegistration},
    },
    registry::Host,
    watch_process_registry,
};
use longwait_testing::fake::{self, Counter, Killed, Network, Tasks};

use crate::{
    history::{Found, Log, Until},
    jobs::Jobs,
    locks::Locks,
    store::Remote,
    streams::NAME,
};

/// How long leases last, in milliseconds: long enough to be used, short enough to run out.
const TTL: u64 = 150;

/// How long those of drivers last without a renewal, and how often they are renewed, in milliseconds.
const DRIVE_TTL: u64 = 450;
const RENEW: u64 = 150;

/// How many times as long they last over an optimistic engine, where a renewal waits for what was called before it, unanswered or not.
const PATIENCE: u64 = 4;

pub struct Tab {
    pub life: String,
    pub frozen: bool,
    /// Since when it has been running without a break.
    pub awake_since: u64,
    pub waits: Vec<Wait>,
    pub readers: Vec<Reader>,
    pub tasks: Tasks,
    pub end: fake::Tab,
    registry: ProcessRegistry,
    hub: ProcessChangeHub,
    leases: Rc<RefCell<Vec<ProcessLease>>>,
    pub store: Remote,
    pub locks: Locks,
    pub faults: Rc<Cell<u64>>,
    pub driver: ProcessWorkDriver,
}

pub struct Wait {
    pub id: &'static str,
    pub until: Until,
    pub start: u64,
    pub done: Rc<Cell<bool>>,
    _task: Background,
}

/// What reads the stream of a job.
pub struct Reader {
    pub id: &'static str,
    /// When the process was born that it reads.
    pub born: Option<u64>,
    /// How far it is.
    pub next: Rc<Cell<u64>>,
    pub done: Rc<Cell<bool>>,
    _task: Background,
}

impl Tab {
    pub fn open(
        store: Remote,
        network: &Network,
        killed: Killed,
        names: Rc<Counter>,
        life: String,
        calm: Rc<Cell<bool>>,
    ) -> Self {
        let (tasks, end, awake_since) = (Tasks::default(), network.tab(), store.clock.monotonic());
        let locks = Locks::new(killed, store.clone());
        let host = Host {
            clock: Rc::new(store.clock.clone()),
            random: names.clone(),
            liveness: Rc::new(locks.clone()),
            schemas: Rc::new(NativeSchemas),
            spawn: Rc::new(tasks.clone()),
            broadcast: Rc::new(end.clone()),
        };
        let (registry, hub) =
            watch_process_registry(ProcessRegistry::new(Rc::new(store.store_of(&tasks, &names)), host));
        let (waits, readers, leases) = (Vec::new(), Vec::new(), Rc::default());
        let patience = if store.server.is_some() { PATIENCE } else { 1 };
        let options = DriverOptions {
            lease_ttl: DRIVE_TTL * patience,
            renew_every: RENEW * patience,
            concurrency: 1 + store.dice.below(3) as usize,
            ..DriverOptions::new("driver")
        };
        let jobs = Rc::new(Jobs { store: store.clone(), tab: life.clone(), calm });
        let driver = ProcessWorkDriver::new(registry.clone(), jobs, options).unwrap();
        Self {
            life,
            frozen: false,
            awake_since,
            waits,
            readers,
            tasks,
            end,
            registry,
            hub,
            leases,
            locks,
            driver,
            faults: store.faults.clone(),
            store,
        }
    }

    fn log(&self) -> Log {
        self.store.log.clone()
    }

    fn owner(&self) -> LeaseOwner {
        let liveness = serde_json::json!({"kind": "web_lock", "lockName": self.life});
        let owner = serde_json::json!({"ownerId": "o", "incarnationId": self.life, "liveness": liveness});
        Payload::from(owner).read().unwrap()
    }

    /// Begins something that is not waited for; what it may be refused with is of no interest here.
    fn begin(&self, act: impl Future<Output = Result<()>> + 'static) {
        let log = self.log();
        let act = act.map(move |outcome| match outcome.map_err(|fault| (fault.code(), fault.message().to_owned())) {
            Ok(()) => {}
            Err((Code::StorageFailed, why)) if why.contains("cannot be read") => {
                log.borrow_mut().tally.count("unreadable, refused");
            }
            Err((Code::LeaseLost, _)) => log.borrow_mut().tally.count("fenced write refused"),
            Err((code, _)) => assert!(
                matches!(
                    code,
                    Code::UnknownProcess
                        | Code::AlreadyTerminal
                        | Code::ReplayConflict
                        | Code::StorageFailed
                        | Code::Disconnected
                        | Code::QuotaExceeded
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
        let (registry, registration) = (self.registry.clone(), Payload::from(registration).read().unwrap());
        self.begin(async move { registry.register(registration).await.map(drop) });
    }

    /// Registers a process that drivers run.
    pub fn register_job(&self, id: &str, recovery: &str, policy: Policy) {
        let (registry, registration) = (self.registry.clone(), job(id, recovery));
        self.begin(async move { registry.register_with(NewProcess::new(registration, policy), None).await.map(drop) });
    }

    /// Pauses a job, or resumes it.
    pub fn pause(&self, id: &str, paused: bool) {
        let (registry, id) = (self.registry.clone(), ProcessId::from(id));
        self.begin(async move {
            match paused {
                true => registry.pause_process(&id, None).await.map(drop),
                false => registry.resume_process(&id).await.map(drop),
            }
        });
    }

    pub fn signal(&self, id: &str, name: &'static str, number: u64) {
        let (registry, id) = (self.registry.clone(), ProcessId::from(id));
        self.begin(async move { registry.signal(&id, name, payload(number, None), None).await.map(drop) });
    }

    pub fn cancel(&self, id: &str) {
        let (registry, id) = (self.registry.clone(), ProcessId::from(id));
        self.begin(async move { registry.request_cancel(&id, Some("enough")).await.map(drop) });
    }

    /// Ends a job as no runner would.
    pub fn end_job(&self, id: &str) {
        let (registry, id) = (self.registry.clone(), ProcessId::from(id));
        let output = ProcessAwaitOutput::Cancelled { message: "by the host".into(), raw: None, control: None };
        self.begin(async move { registry.complete(&id, output).await.map(drop) });
    }

    pub fn sweep(&self) {
        let driver = self.driver.clone();
        self.begin(async move { driver.claim_and_run_pending().await.map(drop) });
    }

    pub fn stop(&self) {
        self.tasks.spawn(self.driver.stop());
    }

    /// Its page is put aside, or comes back. Its locks may be gone by then.
    pub fn freeze(&mut self, frozen: bool) {
        (self.frozen, self.awake_since) = (frozen, self.now());
        self.end.freeze(frozen);
        if !frozen {
            self.registry.resume();
        }
    }

    /// Nothing of it runs any more.
    pub fn dies(self) {
        self.tasks.kill();
        self.locks.lose();
        self.locks.killed.kill(self.life.clone());
        self.store.log.borrow_mut().dead.insert(self.life.clone());
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

    /// Deletes a process, whether it has ended or not.
    pub fn delete(&self, id: &'static str) {
        let (registry, log) = (self.registry.clone(), self.log());
        log.borrow_mut().deleting.push(id);
        self.begin(async move {
            let deleted = registry.delete(&id.into(), true).await;
            let mut log = log.borrow_mut();
            let place = log.deleting.iter().position(|deleting| *deleting == id);
            place.map(|place| log.deleting.swap_remove(place));
            deleted
        });
    }

    pub fn prune(&self) {
        let (registry, cutoff) = (self.registry.clone(), self.store.clock.now().saturating_sub(100));
        self.begin(async move { registry.prune(cutoff).await.map(drop) });
    }

    fn now(&self) -> u64 {
        self.store.clock.monotonic()
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

    /// Reads the stream of a job, from its beginning on, and a stream that it has read for long no more.
    pub fn read(&mut self, id: &'static str) {
        if self.readers.len() > 3 {
            drop(self.readers.remove(0));
        }
        let (next, done) = (Rc::<Cell<u64>>::default(), Rc::<Cell<bool>>::default());
        let (log, clock, key) = (self.log(), self.store.clock.clone(), ProcessId::from(id));
        let born = log.borrow().born(id);
        let (reader, place, over) = (self.registry.read_stream(&key, NAME), next.clone(), done.clone());
        let task = async move {
            while !over.get() {
                match reader.next(place.get()).await {
                    Ok(batch) => {
                        log.borrow_mut().read(&key, born, place.get(), &batch.chunks);
                        place.set(place.get() + batch.chunks.len() as u64);
                        over.set(batch.done);
                    }
                    Err(fault) if matches!(fault.code(), Code::StorageFailed | Code::Disconnected) => {
                        clock.sleep(20).await
                    }
                    Err(fault) => {
                        assert_eq!(fault.code(), Code::UnknownProcess);
                        over.set(true);
                    }
                }
            }
        };
        let task = Background::spawn(&self.tasks, task.boxed_local());
        self.readers.push(Reader { id, born, next, done, _task: task });
    }

    /// Whether nothing is left of what no wait needs any more.
    pub fn is_tidy(&self) -> bool {
        self.waits.iter().any(|wait| !wait.done.get()) || self.hub.tracked_processes() == 0
    }
}

/// What a job is registered with.
pub fn job(id: &str, recovery: &str) -> ProcessRegistration {
    let registration = serde_json::json!({
        "id": id, "input": {"type": "engine", "kind": "job"}, "recovery": recovery, "eventTypes": [{"name": "note"}],
    });
    Payload::from(registration).read().unwrap()
}

fn payload(number: u64, lease: Option<&ProcessLease>) -> Payload {
    match lease {
        Some(lease) => serde_json::json!({"number": number, "fence": lease.fencing_token}),
        None => serde_json::json!({"number": number}),
    }
    .into()
}
