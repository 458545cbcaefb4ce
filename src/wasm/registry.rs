//! The registry in JavaScript's hands.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, ready, select},
};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::AbortSignal;

use super::{
    calls::Arguments,
    convert::{js, promise, promise_of},
    host::{self, JsSink, process_error},
    receiver::Receiver,
};
use crate::{
    domain::{
        Millis,
        json::Object,
        lease::{LeaseOwner, LivenessMark},
        value::Json,
    },
    error::{Code, Error, Result},
    host::{
        NoBroadcast, NoProof,
        browser::{
            Listener,
            tab::{Channel, Following, Lock, OwnerLocks},
        },
        turn, within,
    },
    registry::ProcessRegistry,
    store::{
        Durability, Store,
        indexed_db::{IndexedDbStore, engine::Flush},
        memory::MemoryStore,
    },
    watch::{ProcessAwaiter, ProcessChangeHub, watch_process_registry, watch_process_registry_with_sink},
};

/// How a registry is opened.
struct OpenOptions {
    storage: Storage,
    name: String,
    flush: Flush,
    owner_id: Option<String>,
}

enum Storage {
    Memory,
    IndexedDb,
    /// Memory where there is no IndexedDB.
    Any,
}

/// A registry that is open, or was.
#[wasm_bindgen]
pub struct Registry {
    registry: ProcessRegistry,
    hub: ProcessChangeHub,
    name: String,
    durability: Durability,
    owner: LeaseOwner,
    /// Keeps this tab's owner lock, while others share the rows.
    presence: RefCell<Option<Following>>,
    /// Dropped to close the registry, which every wait hears.
    closing: RefCell<Option<oneshot::Sender<()>>>,
    closed: Shared<oneshot::Receiver<()>>,
}

async fn open(options: OpenOptions, sink: Option<Function>) -> Result<Registry> {
    let locks = Rc::new(OwnerLocks::new(&options.name));
    let mut host = host::browser(locks.clone(), Rc::new(Channel::new(&options.name)));
    let memory = || Rc::new(MemoryStore::new(host.clock.clone())) as Rc<dyn Store>;
    let store = match options.storage {
        Storage::Memory => memory(),
        Storage::IndexedDb | Storage::Any => {
            let opened = IndexedDbStore::open(&options.name, options.flush, host.clock.clone(), &*host.random).await;
            match (opened, options.storage) {
                (Ok(store), _) => Rc::new(store) as Rc<dyn Store>,
                (Err(fault), Storage::Any) if fault.code() == Code::StorageUnavailable => memory(),
                (Err(fault), _) => return Err(fault),
            }
        }
    };
    let durability = store.durability();
    let mut owner = LeaseOwner {
        owner_id: options.owner_id.unwrap_or_else(|| host.random.name()),
        incarnation_id: host.random.name(),
        liveness: Some(LivenessMark::Opaque {}),
    };
    let shared = durability != Durability::Memory;
    let lock_name = locks.lock_name(&owner.incarnation_id);
    let mut lock = None;
    match shared {
        true => {
            // Held before anybody can see this owner in a lease: a lock that is free is proof of death.
            let taken = Lock::take(&lock_name);
            if taken.is_held().await {
                owner.liveness = Some(LivenessMark::WebLock { lock_name: lock_name.clone() });
                lock = Some(taken);
            }
        }
        false => {
            host.liveness = Rc::new(NoProof);
            host.broadcast = Rc::new(NoBroadcast);
        }
    }
    let registry = ProcessRegistry::new(store, host);
    let (registry, hub) = match sink {
        Some(sink) => watch_process_registry_with_sink(registry, Rc::new(JsSink(sink))),
        None => watch_process_registry(registry),
    };
    let presence = RefCell::new(shared.then(|| present(registry.clone(), lock_name, lock)));
    let (closing, closed) = oneshot::channel();
    let (closing, closed) = (RefCell::new(Some(closing)), closed.shared());
    Ok(Registry { registry, hub, name: options.name, durability, owner, presence, closing, closed })
}

/// Lets go of everything while the page is in the back-forward cache, as a page that keeps others waiting is not kept
/// there, and takes it up again afterwards. By then the owner may have been taken for dead: its fences tell.
fn present(registry: ProcessRegistry, lock_name: String, mut lock: Option<Lock>) -> Following {
    let provable = lock.is_some();
    Following::new(move |away| {
        if away {
            lock = None;
            registry.pause();
        } else {
            if provable && lock.is_none() {
                lock = Some(Lock::take(&lock_name));
            }
            registry.resume();
        }
    })
}

fn closed() -> Error {
    Error::new(Code::Closed, "the registry is closed")
}

impl Registry {
    fn is_open(&self) -> Result<()> {
        match &*self.closing.borrow() {
            Some(_) => Ok(()),
            None => Err(closed()),
        }
    }
}

/// Resolves with the reason when the signal is aborted; never where there is no signal.
async fn aborted(signal: Option<AbortSignal>) -> JsValue {
    let Some(signal) = signal else { return futures::future::pending().await };
    if !signal.aborted() {
        let (abort, aborted) = oneshot::channel::<()>();
        let mut abort = Some(abort);
        let _listener = Listener::new(&signal, "abort", move |_| drop(abort.take()));
        let _ = aborted.await;
    }
    signal.reason()
}

#[wasm_bindgen]
impl Registry {
    /// Opens a registry. `memory`: not on IndexedDB; `or_memory`: nor where there is none.
    pub fn open(
        memory: bool,
        or_memory: bool,
        name: String,
        strict: bool,
        owner_id: Option<String>,
        sink: Option<Function>,
    ) -> Promise {
        let storage = match (memory, or_memory) {
            (true, _) => Storage::Memory,
            (false, true) => Storage::Any,
            (false, false) => Storage::IndexedDb,
        };
        let flush = if strict { Flush::Strict } else { Flush::Relaxed };
        let options = OpenOptions { storage, name, flush, owner_id };
        promise_of(Box::pin(async move { open(options, sink).await.map(JsValue::from).map_err(process_error) }))
    }

    /// What does not change while it is open: `{ name, durability, owner }`, a copy.
    pub fn facts(&self) -> JsValue {
        let facts = Object::default().with("name", &self.name).with("durability", &self.durability.as_str());
        js(&facts.with("owner", &self.owner).build())
    }

    /// Runs a method; see [`Arguments::call`] for their names. The arguments are an array, as JSON text.
    pub fn call(&self, method: &str, arguments: &str) -> Promise {
        let call = self.is_open().and_then(|()| Arguments::new(arguments).call(method, &self.registry));
        let registry = self.registry.clone();
        promise(async move { call?.perform(&registry).await })
    }

    /// Runs a wait, until it is aborted, takes too long, or the registry is closed.
    pub fn wait(
        &self,
        hub_backed: bool,
        signal: Option<AbortSignal>,
        timeout_ms: Option<f64>,
        method: &str,
        arguments: &str,
    ) -> Promise {
        let registry = self.registry.clone();
        let awaiter = match hub_backed {
            true => ProcessAwaiter::new(registry.clone(), self.hub.clone()),
            false => ProcessAwaiter::polling(registry.clone()),
        };
        let wait = self.is_open().and_then(|()| Arguments::new(arguments).wait(method));
        let wait = match wait {
            Ok((scope, wait)) => wait.perform(&registry, awaiter.on_behalf_of(scope)),
            Err(fault) => ready(Err(fault)).boxed_local(),
        };
        let closing = self.closed.clone();
        promise_of(Box::pin(async move {
            let wait = pin!(within(registry.clock(), timeout_ms.map(|span| span as Millis), wait));
            let aborted = pin!(aborted(signal));
            match select(select(aborted, closing), wait).await {
                Either::Left((Either::Left((reason, _)), _)) => Err(reason),
                Either::Left((Either::Right(_), _)) => Err(process_error(closed())),
                Either::Right((outcome, _)) => outcome.map(|value| js(&value)).map_err(process_error),
            }
        }))
    }

    // ── Hub ────────────────────────────────────────────────────────────────

    pub fn subscribe(&self, id: String) -> std::result::Result<Receiver, JsValue> {
        self.is_open().map_err(process_error)?;
        Ok(Receiver::new(self.hub.subscribe(&id.into()), self.closed.clone()))
    }

    pub fn notify(&self, id: String) -> std::result::Result<(), JsValue> {
        self.is_open().map_err(process_error)?;
        self.hub.notify(&id.into());
        Ok(())
    }

    #[wasm_bindgen(getter, js_name = trackedProcesses)]
    pub fn tracked_processes(&self) -> usize {
        self.hub.tracked_processes()
    }

    #[wasm_bindgen(js_name = onChange)]
    pub fn on_change(&self, listener: Function) -> std::result::Result<f64, JsValue> {
        self.is_open().map_err(process_error)?;
        let number = self.hub.listen(move |id| {
            // The TypeScript in front catches and reports what a listener throws.
            let _ = listener.call1(&JsValue::UNDEFINED, &id.as_str().into());
        });
        Ok(number as f64)
    }

    #[wasm_bindgen(js_name = offChange)]
    pub fn off_change(&self, listener: f64) {
        self.hub.forget(listener as u64);
    }

    /// Ends every wait with `closed` and lets go of the store. Operations already under way finish.
    pub fn close(&self) -> Promise {
        self.closing.take();
        let presence = self.presence.take();
        let registry = self.registry.clone();
        promise(async move {
            // Everything called before has had its first turn by now. Reads and writes are gathered in that turn and
            // begin in the next two.
            turn().await;
            turn().await;
            registry.close();
            drop(presence);
            Ok(Json::Null)
        })
    }
}
