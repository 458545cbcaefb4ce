//! The registry in JavaScript's hands.

use std::{cell::RefCell, pin::pin, rc::Rc};

use crate::domain::value::Json;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, ready, select},
};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;
use web_sys::AbortSignal;

use super::{
    convert::{Reply, js, promise, read},
    host::{self, JsSink, process_error, report},
    receiver::Receiver,
};
use crate::{
    domain::{
        Millis,
        event::AppendRequest,
        filter::ListQuery,
        grant::SessionScope,
        json::{ToJson, from_json, named},
        key::{ProcessId, ScopeId},
        lease::{LeaseOwner, LivenessMark, ProcessLease},
    },
    error::{Code, Error, Result},
    host::{browser::Listener, within},
    operation::{self, Operation},
    registry::ProcessRegistry,
    store::{
        Durability, EventRange, Live, Query, Store,
        indexed_db::{IndexedDbStore, engine::Flush},
        memory::MemoryStore,
    },
    watch::{ProcessAwaiter, ProcessChangeHub, watch_process_registry, watch_process_registry_with_sink},
};

/// How a registry is opened, as TypeScript hands it over.
struct OpenOptions {
    storage: Storage,
    fallback: Option<Fallback>,
    name: String,
    durability: Flush,
    owner: Option<OwnerOption>,
}

from_json!(OpenOptions {
    storage: "storage",
    fallback: "fallback",
    name: "name",
    durability: "durability",
    owner: "owner",
});

#[derive(Clone, Copy)]
enum Storage {
    IndexedDb,
    Memory,
}

named!(Storage { IndexedDb: "indexeddb", Memory: "memory" });

#[derive(Clone, Copy)]
enum Fallback {
    Memory,
}

named!(Fallback { Memory: "memory" });

struct OwnerOption {
    owner_id: String,
}

from_json!(OwnerOption { owner_id: "ownerId" });

struct EventQuery {
    limit: Option<u64>,
    types: Option<Vec<String>>,
}

from_json!(EventQuery { limit: "limit", types: "types" });

/// A registry that is open, or was.
#[wasm_bindgen]
pub struct Registry {
    registry: ProcessRegistry,
    hub: ProcessChangeHub,
    name: String,
    durability: Durability,
    owner: LeaseOwner,
    /// Dropped to close the registry, which every wait hears.
    closing: RefCell<Option<oneshot::Sender<()>>>,
    closed: Shared<oneshot::Receiver<()>>,
}

async fn open(options: OpenOptions, sink: Option<Function>) -> Result<Registry> {
    let host = host::browser();
    let memory = || Rc::new(MemoryStore::new(host.clock.clone())) as Rc<dyn Store>;
    let store = match options.storage {
        Storage::Memory => memory(),
        Storage::IndexedDb => {
            let opened =
                IndexedDbStore::open(&options.name, options.durability, host.clock.clone(), &*host.random).await;
            match (opened, options.fallback) {
                (Ok(store), _) => Rc::new(store) as Rc<dyn Store>,
                (Err(fault), Some(Fallback::Memory)) if fault.code() == Code::StorageUnavailable => memory(),
                (Err(fault), _) => return Err(fault),
            }
        }
    };
    let durability = store.durability();
    let owner = LeaseOwner {
        owner_id: options.owner.map_or_else(|| host.random.name(), |owner| owner.owner_id),
        incarnation_id: host.random.name(),
        liveness: Some(LivenessMark::Opaque {}),
    };
    let registry = ProcessRegistry::new(store, host);
    let (registry, hub) = match sink {
        Some(sink) => watch_process_registry_with_sink(registry, Rc::new(JsSink(sink))),
        None => watch_process_registry(registry),
    };
    let (closing, closed) = oneshot::channel();
    let (closing, closed) = (RefCell::new(Some(closing)), closed.shared());
    Ok(Registry { registry, hub, name: options.name, durability, owner, closing, closed })
}

fn closed() -> Error {
    Error::new(Code::Closed, "the registry is closed")
}

impl Registry {
    /// Runs an operation, unless the registry is closed.
    fn write(&self, operation: impl FnOnce(&ProcessRegistry) -> Result<Operation<Json>>) -> Promise {
        let (registry, operation) = (self.registry.clone(), operation(&self.registry));
        self.run(async move { registry.execute(operation?).await }.boxed_local())
    }

    /// Answers a question, unless the registry is closed.
    fn ask(&self, query: Result<Query>) -> Promise {
        let registry = self.registry.clone();
        let answer = async move {
            let query = query?;
            registry.read(query.clone()).await?.into_json(&query)
        };
        self.run(answer.boxed_local())
    }

    fn run(&self, reply: Reply) -> Promise {
        match self.is_open() {
            Ok(()) => promise(reply),
            Err(fault) => promise(ready(Err(fault)).boxed_local()),
        }
    }

    fn awaiter(&self, hub_backed: bool) -> ProcessAwaiter {
        match hub_backed {
            true => ProcessAwaiter::new(self.registry.clone(), self.hub.clone()),
            false => ProcessAwaiter::polling(self.registry.clone()),
        }
    }

    /// Runs a wait, until it is aborted, takes too long, or the registry is closed.
    fn wait(&self, signal: Option<AbortSignal>, timeout_ms: Option<f64>, wait: Reply) -> Promise {
        let (registry, opened, closing) = (self.registry.clone(), self.is_open(), self.closed.clone());
        future_to_promise(async move {
            opened.map_err(process_error)?;
            let wait = within(registry.clock(), timeout_ms.map(|span| span as Millis), wait);
            let aborted = pin!(aborted(signal));
            match select(select(aborted, closing), pin!(wait)).await {
                Either::Left((Either::Left((reason, _)), _)) => Err(reason),
                Either::Left((Either::Right(_), _)) => Err(process_error(closed())),
                Either::Right((outcome, _)) => outcome.map(|value| js(&value)).map_err(process_error),
            }
        })
    }

    fn append(&self, id: ProcessId, request: Result<AppendRequest>) -> Promise {
        let registry = self.registry.clone();
        self.run(async move { Ok(registry.append(&id, request?).await?.to_json()) }.boxed_local())
    }

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

fn scope_id(scope: JsValue) -> Result<ScopeId> {
    let scope: SessionScope = read("scope", scope)?;
    scope.check()?;
    Ok(scope.id())
}

fn count(number: f64) -> u64 {
    number as u64
}

#[wasm_bindgen]
impl Registry {
    /// Opens a registry.
    pub fn open(options: JsValue, sink: Option<Function>) -> Promise {
        future_to_promise(async move {
            let opened = async { open(read("options", options)?, sink).await };
            opened.await.map(JsValue::from).map_err(process_error)
        })
    }

    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn durability(&self) -> String {
        self.durability.as_str().to_owned()
    }

    #[wasm_bindgen(getter)]
    pub fn owner(&self) -> JsValue {
        js(&self.owner.to_json())
    }

    // ── Processes ──────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = registerProcess)]
    pub fn register_process(&self, registration: JsValue) -> Promise {
        self.write(|registry| {
            Ok(operation::register(read("registration", registration)?, &registry.schemas)?.into_json())
        })
    }

    #[wasm_bindgen(js_name = getProcess)]
    pub fn get_process(&self, id: String) -> Promise {
        self.ask(Ok(Query::Process(id.into())))
    }

    #[wasm_bindgen(js_name = listProcesses)]
    pub fn list_processes(&self, filter: JsValue, page: JsValue) -> Promise {
        let list = || -> Result<_> { Ok(ListQuery::new(&read("filter", filter)?, read("page", page)?)) };
        self.ask(list().map(Query::Processes))
    }

    #[wasm_bindgen(js_name = listNonTerminal)]
    pub fn list_non_terminal(&self, page: JsValue) -> Promise {
        self.ask(read("page", page).map(ListQuery::non_terminal).map(Query::Processes))
    }

    #[wasm_bindgen(js_name = changedSince)]
    pub fn changed_since(&self, cursor: Option<String>, limit: Option<f64>) -> Promise {
        let point = cursor.map_or(Ok(0), |cursor| cursor.parse());
        let point = point.map_err(|_| Error::invalid("cursor is not one that changedSince gave"));
        self.ask(point.map(|point| Query::Changes(point, limit.map(count))))
    }

    #[wasm_bindgen(js_name = setExternalRef)]
    pub fn set_external_ref(&self, id: String, external_ref: JsValue) -> Promise {
        self.write(|_| Ok(operation::set_external_ref(id.into(), read("ref", external_ref)?).into_json()))
    }

    #[wasm_bindgen(js_name = setProcessWait)]
    pub fn set_process_wait(&self, id: String, wait: JsValue) -> Promise {
        self.write(|_| Ok(operation::set_wait(id.into(), read("wait", wait)?).into_json()))
    }

    #[wasm_bindgen(js_name = clearProcessWait)]
    pub fn clear_process_wait(&self, id: String) -> Promise {
        self.write(|_| Ok(operation::clear_wait(id.into()).into_json()))
    }

    #[wasm_bindgen(js_name = completeProcess)]
    pub fn complete_process(&self, id: String, output: JsValue) -> Promise {
        self.write(
            |registry| Ok(operation::complete(id.into(), read("output", output)?, &registry.schemas).into_json()),
        )
    }

    #[wasm_bindgen(js_name = completeProcessWithLease)]
    pub fn complete_process_with_lease(&self, lease: JsValue, output: JsValue) -> Promise {
        self.write(|registry| {
            let (held, output) = (read("lease", lease)?, read("output", output)?);
            Ok(operation::complete_with_lease(held, output, &registry.schemas).into_json())
        })
    }

    #[wasm_bindgen(js_name = requestCancel)]
    pub fn request_cancel(&self, id: String, reason: Option<String>) -> Promise {
        let id = ProcessId::from(id);
        let request = AppendRequest::cancel(&id, reason.as_deref());
        self.append(id, Ok(request))
    }

    #[wasm_bindgen(js_name = pruneTerminalProcesses)]
    pub fn prune_terminal_processes(&self, cutoff_ms: f64) -> Promise {
        let registry = self.registry.clone();
        self.run(async move { Ok(registry.prune(count(cutoff_ms)).await?.to_json()) }.boxed_local())
    }

    // ── Event log ──────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = appendEvent)]
    pub fn append_event(&self, id: String, request: JsValue) -> Promise {
        self.append(id.into(), read("request", request))
    }

    #[wasm_bindgen(js_name = eventsAfter)]
    pub fn events_after(&self, id: String, after: f64, query: JsValue) -> Promise {
        let range = read("query", query).map(|EventQuery { limit, types }| EventRange::After {
            after: count(after),
            limit,
            types,
        });
        self.ask(range.map(|range| Query::Events(id.into(), range)))
    }

    #[wasm_bindgen(js_name = recentEvents)]
    pub fn recent_events(&self, id: String, limit: f64) -> Promise {
        self.ask(Ok(Query::Events(id.into(), EventRange::Last(count(limit)))))
    }

    #[wasm_bindgen(js_name = countEventsThrough)]
    pub fn count_events_through(&self, id: String, event_type: String, up_to: f64) -> Promise {
        self.ask(Ok(Query::Count(id.into(), event_type, count(up_to))))
    }

    #[wasm_bindgen(js_name = wakeEventsAfter)]
    pub fn wake_events_after(&self, id: String, after: f64) -> Promise {
        self.ask(Ok(Query::Events(id.into(), EventRange::Unacked(count(after)))))
    }

    #[wasm_bindgen(js_name = ackWake)]
    pub fn ack_wake(&self, id: String, sequence: f64) -> Promise {
        self.write(|_| Ok(operation::ack_wake(id.into(), count(sequence)).into_json()))
    }

    // ── Handles and sessions ───────────────────────────────────────────────

    #[wasm_bindgen(js_name = grantHandle)]
    pub fn grant_handle(&self, scope: JsValue, id: String, descriptor: JsValue) -> Promise {
        self.write(|_| {
            Ok(operation::grant(read("scope", scope)?, id.into(), read("descriptor", descriptor)?).into_json())
        })
    }

    #[wasm_bindgen(js_name = revokeHandle)]
    pub fn revoke_handle(&self, scope: JsValue, id: String) -> Promise {
        self.write(|_| Ok(operation::revoke(read("scope", scope)?, id.into()).into_json()))
    }

    #[wasm_bindgen(js_name = transferHandleGrants)]
    pub fn transfer_handle_grants(&self, from: JsValue, to: JsValue, ids: JsValue) -> Promise {
        self.write(|_| {
            Ok(operation::transfer(read("from", from)?, read("to", to)?, read("processIds", ids)?).into_json())
        })
    }

    #[wasm_bindgen(js_name = listHandleGrants)]
    pub fn list_handle_grants(&self, scope: JsValue) -> Promise {
        self.ask(scope_id(scope).map(|scope| Query::GrantsOfScope(scope, Live::Any)))
    }

    #[wasm_bindgen(js_name = listLiveHandleGrants)]
    pub fn list_live_handle_grants(&self, scope: JsValue) -> Promise {
        self.ask(scope_id(scope).map(|scope| Query::GrantsOfScope(scope, Live::Only)))
    }

    #[wasm_bindgen(js_name = hasHandleGrant)]
    pub fn has_handle_grant(&self, scope: JsValue, id: String) -> Promise {
        self.ask(scope_id(scope).map(|scope| Query::IsGranted(scope, id.into())))
    }

    #[wasm_bindgen(js_name = handleGrantsForProcess)]
    pub fn handle_grants_for_process(&self, id: String) -> Promise {
        self.ask(Ok(Query::GrantsOfProcess(id.into())))
    }

    #[wasm_bindgen(js_name = deleteSessionProcessState)]
    pub fn delete_session_process_state(&self, session_id: String) -> Promise {
        self.write(|_| Ok(operation::delete_session(session_id.into()).into_json()))
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = claimProcessLease)]
    pub fn claim_process_lease(&self, id: String, owner: JsValue, ttl_ms: f64) -> Promise {
        self.write(|registry| {
            let token = registry.lease_token();
            Ok(operation::claim(id.into(), read("owner", owner)?, count(ttl_ms), token).into_json())
        })
    }

    #[wasm_bindgen(js_name = reclaimProcessLease)]
    pub fn reclaim_process_lease(&self, id: String, owner: JsValue, observed: JsValue, ttl_ms: f64) -> Promise {
        let registry = self.registry.clone();
        let reclaim = async move {
            let observed: ProcessLease = read("observed", observed)?;
            if *observed.process_id != *id {
                return Err(Error::invalid("observed is the lease of another process"));
            }
            Ok(registry.reclaim(observed, read("owner", owner)?, count(ttl_ms)).await?.to_json())
        };
        self.run(reclaim.boxed_local())
    }

    #[wasm_bindgen(js_name = renewProcessLease)]
    pub fn renew_process_lease(&self, lease: JsValue, ttl_ms: f64) -> Promise {
        self.write(|_| Ok(operation::renew(read("lease", lease)?, count(ttl_ms)).into_json()))
    }

    #[wasm_bindgen(js_name = completeProcessLease)]
    pub fn complete_process_lease(&self, id: String, lease_token: String) -> Promise {
        self.write(|_| Ok(operation::release(id.into(), lease_token).into_json()))
    }

    #[wasm_bindgen(js_name = getProcessLease)]
    pub fn get_process_lease(&self, id: String) -> Promise {
        self.ask(Ok(Query::Lease(id.into())))
    }

    // ── Waits ──────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = awaitTerminal)]
    pub fn await_terminal(
        &self,
        id: String,
        hub_backed: bool,
        signal: Option<AbortSignal>,
        timeout_ms: Option<f64>,
    ) -> Promise {
        let awaiter = self.awaiter(hub_backed);
        let wait = async move { Ok(awaiter.await_terminal(&id.into()).await?.to_json()) };
        self.wait(signal, timeout_ms, wait.boxed_local())
    }

    #[wasm_bindgen(js_name = awaitEvent)]
    #[allow(clippy::too_many_arguments, reason = "JavaScript hands each option over by itself")]
    pub fn await_event(
        &self,
        id: String,
        event_type: String,
        after: f64,
        until_terminal: bool,
        hub_backed: bool,
        signal: Option<AbortSignal>,
        timeout_ms: Option<f64>,
    ) -> Promise {
        let awaiter = self.awaiter(hub_backed);
        let wait = async move {
            Ok(awaiter.await_event(&id.into(), &event_type, count(after), until_terminal).await?.to_json())
        };
        self.wait(signal, timeout_ms, wait.boxed_local())
    }

    #[wasm_bindgen(js_name = awaitEvents)]
    pub fn await_events(
        &self,
        id: String,
        after: f64,
        types: Option<Vec<String>>,
        until_terminal: bool,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let awaiter = self.awaiter(true);
        let wait =
            async move { Ok(awaiter.await_events(&id.into(), count(after), types, until_terminal).await?.to_json()) };
        self.wait(signal, None, wait.boxed_local())
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
            if let Err(fault) = listener.call1(&JsValue::UNDEFINED, &id.as_str().into()) {
                report(&fault);
            }
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
        let registry = self.registry.clone();
        let close = async move {
            // Everything called before has had its first turn by now, and with it its transaction.
            registry.close();
            Ok(Json::Null)
        };
        promise(close.boxed_local())
    }
}
