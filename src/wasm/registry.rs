//! The registry in JavaScript's hands.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, select},
};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::AbortSignal;

use super::{
    convert::{js, js_some, promise, read, settle},
    host::{self, JsSink, process_error, report},
    receiver::Receiver,
};
use crate::{
    domain::{
        Millis,
        event::{AppendRequest, ProcessEvent},
        filter::{ListFilter, Page},
        grant::SessionScope,
        json::{from_json, named, to_json},
        key::ProcessId,
        lease::{LeaseOwner, LivenessMark},
        process::ProcessRecord,
    },
    error::{Code, Error, Result},
    host::{browser::Listener, within},
    registry::ProcessRegistry,
    store::{
        Durability, EventRange, Store,
        indexed_db::{IndexedDbStore, request::Flush},
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
named!(Flush { Relaxed: "relaxed", Strict: "strict" });

struct OwnerOption {
    owner_id: String,
}

from_json!(OwnerOption { owner_id: "ownerId" });

struct EventQuery {
    limit: Option<u64>,
    types: Option<Vec<String>>,
}

from_json!(EventQuery { limit: "limit", types: "types" });

struct ChangesReply {
    records: Vec<ProcessRecord>,
    removed: Vec<ProcessId>,
    cursor: String,
}

struct EventBatchReply {
    events: Vec<Rc<ProcessEvent>>,
    done: bool,
}

to_json!(ChangesReply { records: "records", removed: "removed", cursor: "cursor" });
to_json!(EventBatchReply { events: "events", done: "done" });

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
    fn run(&self, operation: impl AsyncFnOnce(ProcessRegistry) -> Result<JsValue> + 'static) -> Promise {
        let registry = self.is_open().map(|()| self.registry.clone());
        promise(async move { operation(registry?).await })
    }

    /// Runs a wait, until it is aborted, takes too long, or the registry is closed.
    fn wait(
        &self,
        hub_backed: bool,
        signal: Option<AbortSignal>,
        timeout_ms: Option<f64>,
        wait: impl AsyncFnOnce(ProcessAwaiter) -> Result<JsValue> + 'static,
    ) -> Promise {
        let registry = self.registry.clone();
        let awaiter = match hub_backed {
            true => ProcessAwaiter::new(registry.clone(), self.hub.clone()),
            false => ProcessAwaiter::polling(registry.clone()),
        };
        let (opened, closing) = (self.is_open(), self.closed.clone());
        settle(async move {
            opened.map_err(process_error)?;
            let wait = within(registry.clock(), timeout_ms.map(|span| span as Millis), wait(awaiter));
            let aborted = pin!(aborted(signal));
            match select(select(aborted, closing), pin!(wait)).await {
                Either::Left((Either::Left((reason, _)), _)) => Err(reason),
                Either::Left((Either::Right(_), _)) => Err(process_error(closed())),
                Either::Right((outcome, _)) => outcome.map_err(process_error),
            }
        })
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

fn count(number: f64) -> u64 {
    number as u64
}

fn size(limit: Option<u64>) -> Option<usize> {
    limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[wasm_bindgen]
impl Registry {
    /// Opens a registry.
    pub fn open(options: JsValue, sink: Option<Function>) -> Promise {
        promise(async move { Ok(open(read("options", options)?, sink).await?.into()) })
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
        js(&self.owner).unwrap_or(JsValue::UNDEFINED)
    }

    // ── Processes ──────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = registerProcess)]
    pub fn register_process(&self, registration: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.register(read("registration", registration)?).await?))
    }

    #[wasm_bindgen(js_name = getProcess)]
    pub fn get_process(&self, id: String) -> Promise {
        self.run(async move |registry| js_some(registry.process(&id.into()).await?.as_ref().map(|record| record as _)))
    }

    #[wasm_bindgen(js_name = listProcesses)]
    pub fn list_processes(&self, filter: JsValue, page: JsValue) -> Promise {
        self.run(async move |registry| {
            let (filter, page): (ListFilter, Page) = (read("filter", filter)?, read("page", page)?);
            js(&registry.list(&filter, page).await?)
        })
    }

    #[wasm_bindgen(js_name = listNonTerminal)]
    pub fn list_non_terminal(&self, page: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.list_non_terminal(read("page", page)?).await?))
    }

    #[wasm_bindgen(js_name = changedSince)]
    pub fn changed_since(&self, cursor: Option<String>, limit: Option<f64>) -> Promise {
        self.run(async move |registry| {
            let cursor = match cursor {
                Some(cursor) => cursor.parse().map_err(|_| Error::invalid("cursor is not one of changedSince"))?,
                None => 0,
            };
            let changes = registry.changed_since(cursor, size(limit.map(count))).await?;
            let (records, removed) = (changes.records, changes.removed);
            js(&ChangesReply { records, removed, cursor: changes.cursor.to_string() })
        })
    }

    #[wasm_bindgen(js_name = setExternalRef)]
    pub fn set_external_ref(&self, id: String, external_ref: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.set_external_ref(&id.into(), read("ref", external_ref)?).await?))
    }

    #[wasm_bindgen(js_name = setProcessWait)]
    pub fn set_process_wait(&self, id: String, wait: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.set_wait(&id.into(), read("wait", wait)?).await?))
    }

    #[wasm_bindgen(js_name = clearProcessWait)]
    pub fn clear_process_wait(&self, id: String) -> Promise {
        self.run(async move |registry| js(&registry.clear_wait(&id.into()).await?))
    }

    #[wasm_bindgen(js_name = completeProcess)]
    pub fn complete_process(&self, id: String, output: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.complete(&id.into(), read("output", output)?).await?))
    }

    #[wasm_bindgen(js_name = completeProcessWithLease)]
    pub fn complete_process_with_lease(&self, lease: JsValue, output: JsValue) -> Promise {
        self.run(async move |registry| {
            js(&registry.complete_with_lease(read("lease", lease)?, read("output", output)?).await?)
        })
    }

    #[wasm_bindgen(js_name = requestCancel)]
    pub fn request_cancel(&self, id: String, reason: Option<String>) -> Promise {
        self.run(async move |registry| js(&registry.request_cancel(&id.into(), reason.as_deref()).await?))
    }

    #[wasm_bindgen(js_name = pruneTerminalProcesses)]
    pub fn prune_terminal_processes(&self, cutoff_ms: f64) -> Promise {
        self.run(async move |registry| js(&registry.prune(count(cutoff_ms)).await?))
    }

    // ── Event log ──────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = appendEvent)]
    pub fn append_event(&self, id: String, request: JsValue) -> Promise {
        self.run(async move |registry| {
            let request: AppendRequest = read("request", request)?;
            js(&registry.append(&id.into(), request).await?)
        })
    }

    #[wasm_bindgen(js_name = eventsAfter)]
    pub fn events_after(&self, id: String, after: f64, query: JsValue) -> Promise {
        self.run(async move |registry| {
            let EventQuery { limit, types } = read("query", query)?;
            let range = EventRange::After { after: count(after), limit: size(limit), types };
            js(&registry.events(&id.into(), range).await?)
        })
    }

    #[wasm_bindgen(js_name = recentEvents)]
    pub fn recent_events(&self, id: String, limit: f64) -> Promise {
        self.run(async move |registry| {
            let last = size(Some(count(limit))).unwrap_or(usize::MAX);
            js(&registry.events(&id.into(), EventRange::Last(last)).await?)
        })
    }

    #[wasm_bindgen(js_name = countEventsThrough)]
    pub fn count_events_through(&self, id: String, event_type: String, up_to: f64) -> Promise {
        self.run(async move |registry| js(&registry.count_events(&id.into(), &event_type, count(up_to)).await?))
    }

    #[wasm_bindgen(js_name = wakeEventsAfter)]
    pub fn wake_events_after(&self, id: String, after: f64) -> Promise {
        self.run(async move |registry| js(&registry.events(&id.into(), EventRange::Unacked(count(after))).await?))
    }

    #[wasm_bindgen(js_name = ackWake)]
    pub fn ack_wake(&self, id: String, sequence: f64) -> Promise {
        self.run(async move |registry| {
            registry.ack_wake(&id.into(), count(sequence)).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    // ── Handles and sessions ───────────────────────────────────────────────

    #[wasm_bindgen(js_name = grantHandle)]
    pub fn grant_handle(&self, scope: JsValue, id: String, descriptor: JsValue) -> Promise {
        self.run(async move |registry| {
            js(&registry.grant(read("scope", scope)?, &id.into(), read("descriptor", descriptor)?).await?)
        })
    }

    #[wasm_bindgen(js_name = revokeHandle)]
    pub fn revoke_handle(&self, scope: JsValue, id: String) -> Promise {
        self.run(async move |registry| {
            registry.revoke(read("scope", scope)?, &id.into()).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    #[wasm_bindgen(js_name = transferHandleGrants)]
    pub fn transfer_handle_grants(&self, from: JsValue, to: JsValue, ids: JsValue) -> Promise {
        self.run(async move |registry| {
            registry.transfer(read("from", from)?, read("to", to)?, read("processIds", ids)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    #[wasm_bindgen(js_name = listHandleGrants)]
    pub fn list_handle_grants(&self, scope: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.grants(&read::<SessionScope>("scope", scope)?, false).await?))
    }

    #[wasm_bindgen(js_name = listLiveHandleGrants)]
    pub fn list_live_handle_grants(&self, scope: JsValue) -> Promise {
        self.run(async move |registry| js(&registry.grants(&read::<SessionScope>("scope", scope)?, true).await?))
    }

    #[wasm_bindgen(js_name = hasHandleGrant)]
    pub fn has_handle_grant(&self, scope: JsValue, id: String) -> Promise {
        self.run(async move |registry| js(&registry.is_granted(&read("scope", scope)?, &id.into()).await?))
    }

    #[wasm_bindgen(js_name = handleGrantsForProcess)]
    pub fn handle_grants_for_process(&self, id: String) -> Promise {
        self.run(async move |registry| js(&registry.grants_of_process(&id.into()).await?))
    }

    #[wasm_bindgen(js_name = deleteSessionProcessState)]
    pub fn delete_session_process_state(&self, session_id: String) -> Promise {
        self.run(async move |registry| js(&registry.delete_session(&session_id.into()).await?))
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = claimProcessLease)]
    pub fn claim_process_lease(&self, id: String, owner: JsValue, ttl_ms: f64) -> Promise {
        self.run(async move |registry| js(&registry.claim(&id.into(), read("owner", owner)?, count(ttl_ms)).await?))
    }

    #[wasm_bindgen(js_name = reclaimProcessLease)]
    pub fn reclaim_process_lease(&self, id: String, owner: JsValue, observed: JsValue, ttl_ms: f64) -> Promise {
        self.run(async move |registry| {
            let observed: crate::domain::lease::ProcessLease = read("observed", observed)?;
            if *observed.process_id != *id {
                return Err(Error::invalid("observed is the lease of another process"));
            }
            js(&registry.reclaim(observed, read("owner", owner)?, count(ttl_ms)).await?)
        })
    }

    #[wasm_bindgen(js_name = renewProcessLease)]
    pub fn renew_process_lease(&self, lease: JsValue, ttl_ms: f64) -> Promise {
        self.run(async move |registry| js(&registry.renew(read("lease", lease)?, count(ttl_ms)).await?))
    }

    #[wasm_bindgen(js_name = completeProcessLease)]
    pub fn complete_process_lease(&self, id: String, lease_token: String) -> Promise {
        self.run(async move |registry| {
            registry.release(&id.into(), lease_token).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    #[wasm_bindgen(js_name = getProcessLease)]
    pub fn get_process_lease(&self, id: String) -> Promise {
        self.run(async move |registry| js_some(registry.lease(&id.into()).await?.as_ref().map(|lease| lease as _)))
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
        self.wait(hub_backed, signal, timeout_ms, async move |awaiter| js(&awaiter.await_terminal(&id.into()).await?))
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
        self.wait(hub_backed, signal, timeout_ms, async move |awaiter| {
            js(&awaiter.await_event(&id.into(), &event_type, count(after), until_terminal).await?)
        })
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
        self.wait(true, signal, None, async move |awaiter| {
            let batch = awaiter.await_events(&id.into(), count(after), types, until_terminal).await?;
            js(&EventBatchReply { events: batch.events, done: batch.done })
        })
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
        promise(async move {
            // Everything called before has had its first turn by now, and with it its transaction.
            registry.close();
            Ok(JsValue::UNDEFINED)
        })
    }
}
