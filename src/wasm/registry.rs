//! The registry in JavaScript's hands.

use std::{any::Any, cell::RefCell, pin::pin, rc::Rc};

use futures::future::{Either, LocalBoxFuture, join, select};
use js_sys::{Function, Promise};
use serde::Serialize;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use super::{
    convert::{is_open, promise, promise_of, read},
    host::{self, JsSink, process_error},
    receiver::Receiver,
};
use crate::{
    error::{Code, Result},
    host::{
        Clock, NoBroadcast, NoProof,
        browser::{
            BrowserClock,
            tab::{Channel, Following, OwnerLocks},
        },
        latch, turn,
    },
    model::{
        Millis,
        lease::{LeaseOwner, LivenessMark},
        payload::handed_out,
        retention::Retention,
    },
    notify::ProcessChangeHub,
    registry::{Host, ProcessRegistry, watch_process_registry, watch_process_registry_with_sink},
    store::{
        Durability, Store,
        engine::{Engine, MemoryEngine},
        indexed_db::{Flush, IndexedDb},
        remote::{Remote, RemoteObject},
        row_store::RowStore,
    },
};

/// How a registry is opened.
struct OpenOptions {
    storage: Storage,
    name: String,
    flush: Flush,
    owner_id: Option<String>,
    incarnation_id: Option<String>,
    retention: Retention,
}

enum Storage {
    Memory,
    IndexedDb,
    /// Memory where there is no IndexedDB.
    Any,
}

/// A life that others can see the end of, and the page's comings and goings.
type Presence = (Box<dyn Any>, Option<Following>);

/// A registry that is open, or was.
#[wasm_bindgen]
pub struct Registry {
    pub(super) registry: ProcessRegistry,
    pub(super) hub: ProcessChangeHub,
    name: String,
    durability: Durability,
    pub(super) owner: LeaseOwner,
    /// How long its drivers keep ended processes.
    pub(super) retention: Retention,
    /// This tab's life and its comings and goings, while others share the rows.
    presence: RefCell<Option<Presence>>,
    /// Dropped to close the registry, which every wait hears.
    closing: RefCell<Option<latch::Release>>,
    pub(super) closed: latch::Latch,
    /// What is stopped before the store is let go of.
    ends: RefCell<Vec<Box<End>>>,
}

/// How long a registry on a remote store waits for its writes when it is closed, in milliseconds: without a connection they take longer.
const CLOSING_MS: Millis = 5_000;

/// Begins to stop something.
type End = dyn Fn() -> LocalBoxFuture<'static, ()>;

async fn open(
    options: OpenOptions,
    sink: Option<Function>,
    on_corruption: Function,
    on_deleted: Function,
) -> Result<Registry> {
    let locks = Rc::new(OwnerLocks::new(&options.name));
    let mut host = host::browser(locks, Rc::new(Channel::new(&options.name)));
    let row_store =
        |engine: Rc<dyn Engine>| RowStore::new(engine, host.clock.clone(), host.spawn.clone(), &*host.random);
    let memory = || Rc::new(row_store(Rc::new(MemoryEngine::new(&host.random.name())))) as Rc<dyn Store>;
    let incarnation_id = options.incarnation_id.unwrap_or_else(|| host.random.name());
    let mut database = None;
    let (store, life) = match options.storage {
        Storage::Memory => (memory(), None),
        Storage::IndexedDb | Storage::Any => {
            let opening = IndexedDb::open(&options.name, options.flush);
            // Both are questions to the browser, and neither needs the other's answer.
            let (opened, life) = join(opening, host.liveness.live(&incarnation_id)).await;
            match (opened, options.storage) {
                (Ok(engine), _) => {
                    database = Some(engine.clone());
                    let store = row_store(Rc::new(engine));
                    report_corruption(&store, on_corruption);
                    (Rc::new(store) as Rc<dyn Store>, Some(life))
                }
                (Err(fault), Storage::Any) if fault.code() == Code::StorageUnavailable => (memory(), None),
                (Err(fault), _) => return Err(fault),
            }
        }
    };
    let (durability, shared) = (store.durability(), life.is_some());
    if !shared {
        host.liveness = Rc::new(NoProof);
        host.broadcast = Rc::new(NoBroadcast);
    }
    let life = match life {
        Some(life) => life,
        None => host.liveness.live(&incarnation_id).await,
    };
    let owner_id = options.owner_id.unwrap_or_else(|| host.random.name());
    let owner = LeaseOwner { owner_id: owner_id.into(), incarnation_id, liveness: Some(life.mark) };
    let watched = watched(ProcessRegistry::new(store, host), sink);
    let following = shared.then(|| aside_and_back(watched.0.clone()));
    let opened = Registry::made(watched, options.name, durability, owner, options.retention, (life.end, following));
    if let Some(database) = database {
        let over = opened.closed.released();
        spawn_local(async move {
            if let Either::Left(_) = select(pin!(database.deleted()), over).await {
                // The TypeScript in front catches and reports what the function throws.
                let _ = on_deleted.call0(&JsValue::UNDEFINED);
            }
        });
    }
    Ok(opened)
}

/// Has JavaScript learn of what cannot be read.
fn report_corruption(store: &RowStore, on_corruption: Function) {
    store.on_corruption(move |fault| {
        // The TypeScript in front catches and reports what the function throws.
        let _ = on_corruption.call1(&JsValue::UNDEFINED, &process_error(fault));
    });
}

/// A registry with a hub, and a sink where there is one.
fn watched(registry: ProcessRegistry, sink: Option<Function>) -> (ProcessRegistry, ProcessChangeHub) {
    match sink {
        Some(sink) => watch_process_registry_with_sink(registry, Rc::new(JsSink(sink))),
        None => watch_process_registry(registry),
    }
}

/// How a registry is opened on a host that is not the browser.
pub struct Elsewhere {
    pub store: Rc<dyn Store>,
    pub host: Host,
    pub name: String,
    pub owner_id: String,
    pub sink: Option<Function>,
    /// How long its drivers keep ended processes, as JavaScript says it.
    pub retention: JsValue,
}

impl Registry {
    /// Opens a registry on a host that is not the browser.
    pub async fn open_elsewhere(elsewhere: Elsewhere) -> Result<(Self, ProcessRegistry)> {
        let Elsewhere { store, host, name, owner_id, sink, retention } = elsewhere;
        let retention = read(retention, "options.retention")?;
        let incarnation_id = host.random.name();
        let life = host.liveness.live(&incarnation_id).await;
        let owner = LeaseOwner { owner_id: owner_id.into(), incarnation_id, liveness: Some(life.mark) };
        let durability = store.durability();
        let watched = watched(ProcessRegistry::new(store, host), sink);
        let registry = watched.0.clone();
        Ok((Self::made(watched, name, durability, owner, retention, (life.end, None)), registry))
    }

    fn made(
        (registry, hub): (ProcessRegistry, ProcessChangeHub),
        name: String,
        durability: Durability,
        owner: LeaseOwner,
        retention: Retention,
        presence: Presence,
    ) -> Self {
        let (closing, closed) = latch::latch();
        let (presence, closing) = (RefCell::new(Some(presence)), RefCell::new(Some(closing)));
        Self { registry, hub, name, durability, owner, retention, presence, closing, closed, ends: RefCell::default() }
    }

    /// Has something stopped before the store is let go of.
    pub(super) fn before_close(&self, end: impl Fn() -> LocalBoxFuture<'static, ()> + 'static) {
        self.ends.borrow_mut().push(Box::new(end));
    }
}

#[derive(Serialize)]
struct Facts<'a> {
    name: &'a str,
    durability: &'static str,
    owner: &'a LeaseOwner,
}

/// Lets go of the store while the page is in the back-forward cache, and takes it up again afterwards.
fn aside_and_back(registry: ProcessRegistry) -> Following {
    Following::new(move |away| if away { registry.pause() } else { registry.resume() })
}

#[wasm_bindgen]
impl Registry {
    /// Opens a registry. `memory`: not on IndexedDB; `or_memory`: nor where there is none. `incarnation_id`: of the owner that has
    /// it opened again.
    #[allow(clippy::too_many_arguments, reason = "each is one value that JavaScript passes")]
    pub fn open(
        memory: bool,
        or_memory: bool,
        name: String,
        strict: bool,
        owner_id: Option<String>,
        incarnation_id: Option<String>,
        sink: Option<Function>,
        on_corruption: Function,
        on_deleted: Function,
        retention: JsValue,
    ) -> Promise {
        let storage = match (memory, or_memory) {
            (true, _) => Storage::Memory,
            (false, true) => Storage::Any,
            (false, false) => Storage::IndexedDb,
        };
        let flush = if strict { Flush::Strict } else { Flush::Relaxed };
        let retention = read(retention, "options.retention");
        promise_of(Box::pin(async move {
            let retention = retention.map_err(process_error)?;
            let options = OpenOptions { storage, name, flush, owner_id, incarnation_id, retention };
            open(options, sink, on_corruption, on_deleted).await.map(JsValue::from).map_err(process_error)
        }))
    }

    /// Opens a registry on a remote store, whose engine is given. `incarnation_id`: of the owner that has it opened again.
    #[wasm_bindgen(js_name = openRemote)]
    #[allow(clippy::too_many_arguments, reason = "each is one value that JavaScript passes")]
    pub fn open_remote(
        engine: RemoteObject,
        name: String,
        owner_id: Option<String>,
        incarnation_id: Option<String>,
        sink: Option<Function>,
        on_corruption: Function,
        retention: JsValue,
    ) -> std::result::Result<Self, JsValue> {
        let engine = Rc::new(Remote::new(engine));
        let host = Host { clock: engine.clone(), ..host::browser(Rc::new(NoProof), engine.clone()) };
        let store = RowStore::new(engine, host.clock.clone(), host.spawn.clone(), &*host.random);
        report_corruption(&store, on_corruption);
        let owner = LeaseOwner {
            owner_id: owner_id.unwrap_or_else(|| host.random.name()).into(),
            incarnation_id: incarnation_id.unwrap_or_else(|| host.random.name()),
            liveness: Some(LivenessMark::Opaque {}),
        };
        let watched = watched(ProcessRegistry::new(Rc::new(store), host), sink);
        // Its connections are the engine's affair; what was missed while the page was put aside is not.
        let presence: Presence = (Box::new(()), Some(aside_and_back(watched.0.clone())));
        let retention = read(retention, "options.retention").map_err(process_error)?;
        Ok(Self::made(watched, name, Durability::Remote, owner, retention, presence))
    }

    /// What does not change while it is open: `{ name, durability, owner }`, a copy.
    pub fn facts(&self) -> JsValue {
        let facts = Facts { name: &self.name, durability: self.durability.as_str(), owner: &self.owner };
        handed_out(&facts).unwrap_or(JsValue::UNDEFINED)
    }

    // ── Hub ────────────────────────────────────────────────────────────────

    pub fn subscribe(&self, id: String) -> std::result::Result<Receiver, JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        Ok(Receiver::new(self.hub.subscribe(&id.into()), self.closed.clone()))
    }

    pub fn notify(&self, id: String) -> std::result::Result<(), JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        self.hub.notify(&id.into());
        Ok(())
    }

    #[wasm_bindgen(getter, js_name = trackedProcesses)]
    pub fn tracked_processes(&self) -> usize {
        self.hub.tracked_processes()
    }

    #[wasm_bindgen(js_name = onChange)]
    pub fn on_change(&self, listener: Function) -> std::result::Result<f64, JsValue> {
        is_open(&self.closed).map_err(process_error)?;
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

    #[wasm_bindgen(js_name = onWake)]
    pub fn on_wake(&self, listener: Function) -> std::result::Result<f64, JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        let number = self.registry.on_wake(move |woken| {
            if let Ok(woken) = handed_out(woken) {
                // The TypeScript in front catches and reports what a listener throws.
                let _ = listener.call1(&JsValue::UNDEFINED, &woken);
            }
        });
        Ok(number as f64)
    }

    #[wasm_bindgen(js_name = offWake)]
    pub fn off_wake(&self, listener: f64) {
        self.registry.off_wake(listener as u64);
    }

    /// Ends every wait with `closed` and lets go of the store. Operations already under way finish.
    pub fn close(&self) -> Promise {
        self.closing.take();
        let presence = self.presence.take();
        let (registry, durability) = (self.registry.clone(), self.durability);
        let ends = self.ends.take();
        promise(async move {
            for end in ends {
                end().await;
            }
            // Everything called before has had its first turn by now. Reads and writes are gathered in that turn and
            // begin in the next two.
            turn().await;
            turn().await;
            if durability == Durability::Remote {
                // A write that waits for its turn is not on its way yet, and one that is on its way would be cut off.
                let patience = async {
                    // No timer is begun where there are none.
                    turn().await;
                    BrowserClock.sleep(CLOSING_MS).await;
                };
                select(pin!(registry.writes_are_over()), pin!(patience)).await;
            }
            registry.close();
            drop(presence);
            Ok(())
        })
    }
}
