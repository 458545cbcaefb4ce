//! The methods of a registry, one export each. An export reads its arguments and calls the method of [`ProcessRegistry`] or
//! [`SessionView`] of that name, which is the one that the conformance suite runs.
//!
//! The TypeScript in front has checked every argument; an argument of another shape makes the call reject with
//! `invalid_argument`, which names it.

#![allow(clippy::too_many_arguments, reason = "an export takes one by one what JavaScript passes one by one")]

use js_sys::{Array, Function, Promise};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{
    attach::attached,
    convert::{is_open, promise, promise_of, promise_of_wait, read, read_process, refused, span},
    host::process_error,
    registry::Registry,
};
use crate::{
    error::{Error, Result},
    model::{
        export::ProcessExport,
        fork::Renames,
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease},
        payload::Payload,
    },
    notify::ProcessAwaiter,
    registry::ProcessRegistry,
    session::SessionView,
    store::{EventRange, Live, Point},
};

#[derive(Deserialize)]
struct EventQuery {
    limit: Option<u64>,
    types: Option<Vec<String>>,
}

/// The range of a log that an `eventsAfter` asks for.
fn range(after: f64, query: JsValue) -> Result<EventRange> {
    let EventQuery { limit, types } = read(query, "query")?;
    Ok(EventRange::After { after: after as u64, limit, types })
}

impl Registry {
    /// Runs a method, unless the registry is closed. `arguments` are read now, and the method runs when the promise is polled.
    fn run<A: 'static, T: Serialize + 'static, F: Future<Output = Result<T>> + 'static>(
        &self,
        arguments: Result<A>,
        method: impl FnOnce(ProcessRegistry, A) -> F + 'static,
    ) -> Promise {
        match is_open(&self.closed).and(arguments) {
            Ok(arguments) => promise(method(self.registry.clone(), arguments)),
            Err(fault) => refused(fault),
        }
    }

    fn session_view(&self, scope: JsValue) -> Result<SessionView> {
        is_open(&self.closed)?;
        self.registry.session(&read(scope, "scope")?)
    }

    /// Runs a method on behalf of a scope.
    fn view<A: 'static, T: Serialize + 'static, F: Future<Output = Result<T>> + 'static>(
        &self,
        scope: JsValue,
        arguments: Result<A>,
        method: impl FnOnce(SessionView, A) -> F + 'static,
    ) -> Promise {
        let arguments = self.session_view(scope).and_then(|view| Ok((view, arguments?)));
        self.run(arguments, |_, (view, arguments)| method(view, arguments))
    }

    fn awaiter(&self, hub_backed: bool, attach: Option<Function>) -> ProcessAwaiter {
        let awaiter = match hub_backed {
            true => ProcessAwaiter::new(self.registry.clone(), self.hub.clone()),
            false => ProcessAwaiter::polling(self.registry.clone()),
        };
        attached(awaiter, attach)
    }
}

#[wasm_bindgen]
impl Registry {
    // ── Processes ──────────────────────────────────────────────────────────

    /// Resolves with `{ record, disposition }`.
    #[wasm_bindgen(js_name = registerProcess)]
    pub fn register_process(&self, registration: JsValue, attachments: JsValue) -> Promise {
        self.run(read_process(registration, attachments), |registry, process| async move {
            registry.register_with(process, None).await
        })
    }

    /// Each of `processes` is a registration and its attachments.
    #[wasm_bindgen(js_name = registerProcesses)]
    pub fn register_processes(&self, processes: Array) -> Promise {
        let read = |process: JsValue| {
            let [registration, attachments] = [0, 1].map(|place| Array::from(&process).get(place));
            read_process(registration, attachments)
        };
        self.run(processes.iter().map(read).collect::<Result<Vec<_>>>(), |registry, processes| async move {
            registry.register_all(processes).await
        })
    }

    #[wasm_bindgen(js_name = getProcess)]
    pub fn get_process(&self, id: String) -> Promise {
        self.run(Ok(ProcessId::from(id)), |registry, id| async move { registry.process(&id).await })
    }

    #[wasm_bindgen(js_name = listProcesses)]
    pub fn list_processes(&self, filter: JsValue, page: JsValue) -> Promise {
        let arguments = read(filter, "filter").and_then(|filter| Ok((filter, read(page, "page")?)));
        self.run(arguments, |registry, (filter, page)| async move { registry.list(&filter, page).await })
    }

    #[wasm_bindgen(js_name = countProcesses)]
    pub fn count_processes(&self, filter: JsValue) -> Promise {
        self.run(read(filter, "filter"), |registry, filter| async move { registry.count(&filter).await })
    }

    #[wasm_bindgen(js_name = listNonTerminal)]
    pub fn list_non_terminal(&self, page: JsValue) -> Promise {
        self.run(read(page, "page"), |registry, page| async move { registry.list_non_terminal(page).await })
    }

    #[wasm_bindgen(js_name = changedSince)]
    pub fn changed_since(&self, cursor: Option<String>, limit: Option<f64>) -> Promise {
        let unknown = || Error::invalid("cursor is not one that changedSince gave");
        let point = cursor.map(|cursor| Point::parse(&cursor).ok_or_else(unknown)).transpose();
        let limit = limit.map(|limit| limit as u64);
        self.run(point, move |registry, point| async move { registry.changed_since(point, limit).await })
    }

    #[wasm_bindgen(js_name = setExternalRef)]
    pub fn set_external_ref(&self, id: String, external_ref: JsValue) -> Promise {
        self.run(read(external_ref, "ref"), |registry, external_ref| async move {
            registry.set_external_ref(&id.into(), external_ref).await
        })
    }

    #[wasm_bindgen(js_name = setProcessWait)]
    pub fn set_process_wait(&self, id: String, wait: JsValue) -> Promise {
        self.run(read(wait, "wait"), |registry, wait| async move { registry.set_wait(&id.into(), wait).await })
    }

    #[wasm_bindgen(js_name = clearProcessWait)]
    pub fn clear_process_wait(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.clear_wait(&id.into()).await })
    }

    #[wasm_bindgen(js_name = completeProcess)]
    pub fn complete_process(&self, id: String, output: JsValue) -> Promise {
        self.run(read(output, "output"), |registry, output| async move { registry.complete(&id.into(), output).await })
    }

    #[wasm_bindgen(js_name = completeProcessWithLease)]
    pub fn complete_process_with_lease(&self, lease: JsValue, output: JsValue) -> Promise {
        let arguments = read(lease, "lease").and_then(|lease| Ok((lease, read(output, "output")?)));
        self.run(
            arguments,
            |registry, (lease, output)| async move { registry.complete_with_lease(lease, output).await },
        )
    }

    #[wasm_bindgen(js_name = pauseProcess)]
    pub fn pause_process(&self, id: String, reason: Option<String>) -> Promise {
        self.run(Ok(id), move |registry, id| async move { registry.pause_process(&id.into(), reason).await })
    }

    #[wasm_bindgen(js_name = resumeProcess)]
    pub fn resume_process(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.resume_process(&id.into()).await })
    }

    #[wasm_bindgen(js_name = forkProcess)]
    pub fn fork_process(&self, id: String, options: JsValue) -> Promise {
        self.run(read(options, "options"), |registry, options| async move { registry.fork(&id.into(), options).await })
    }

    #[wasm_bindgen(js_name = deleteProcess)]
    pub fn delete_process(&self, id: String, force: bool) -> Promise {
        self.run(Ok(id), move |registry, id| async move { registry.delete(&id.into(), force).await })
    }

    #[wasm_bindgen(js_name = pruneTerminalProcesses)]
    pub fn prune_terminal_processes(&self, cutoff_ms: f64) -> Promise {
        self.run(Ok(cutoff_ms as u64), |registry, cutoff| async move { registry.prune(cutoff).await })
    }

    // ── Attachments ────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = putAttachment)]
    pub fn put_attachment(&self, id: String, attachment: JsValue, lease: JsValue) -> Promise {
        let arguments = read(attachment, "value").and_then(|attachment| Ok((attachment, read(lease, "lease")?)));
        self.run(arguments, |registry, (attachment, lease)| async move {
            registry.put_attachment(&id.into(), attachment, lease).await
        })
    }

    #[wasm_bindgen(js_name = getAttachment)]
    pub fn get_attachment(&self, id: String, name: String) -> Promise {
        let (open, registry) = (is_open(&self.closed), self.registry.clone());
        promise_of(Box::pin(async move {
            let found = async {
                open?;
                registry.attachment(&id.into(), &name).await?.map(|found| Payload::of(&*found)).transpose()
            };
            // By reference: a copy would have no bytes.
            let attachment = found.await.map_err(process_error)?;
            Ok(attachment.map_or(JsValue::UNDEFINED, Payload::into_js))
        }))
    }

    #[wasm_bindgen(js_name = listAttachments)]
    pub fn list_attachments(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.attachments(&id.into()).await })
    }

    #[wasm_bindgen(js_name = deleteAttachment)]
    pub fn delete_attachment(&self, id: String, name: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.delete_attachment(&id.into(), name).await })
    }

    // ── Streams ────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = listStreams)]
    pub fn list_streams(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.streams(&id.into()).await })
    }

    // ── Exports and imports ────────────────────────────────────────────────

    /// Resolves with what the export of a process begins with, or nothing where it is unknown.
    #[wasm_bindgen(js_name = exportHead)]
    pub fn export_head(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.export_head(&id.into()).await })
    }

    /// Resolves with the next events, or nothing where that life of the id is over.
    #[wasm_bindgen(js_name = exportEvents)]
    pub fn export_events(&self, id: String, life: Option<f64>, after: f64) -> Promise {
        let life = life.map(|life| life as u64);
        self.run(
            Ok(id),
            move |registry, id| async move { registry.export_events(&id.into(), life, after as u64).await },
        )
    }

    /// Resolves with the next rows of chunks, or nothing where that life of the id is over.
    #[wasm_bindgen(js_name = exportChunks)]
    pub fn export_chunks(&self, id: String, life: Option<f64>, name: String, from: f64) -> Promise {
        let life = life.map(|life| life as u64);
        self.run(Ok(id), move |registry, id| async move {
            registry.export_chunks(&id.into(), life, &name, from as u64).await
        })
    }

    /// `renames`: pairs of ids. Resolves with `imported` or `existing`.
    #[wasm_bindgen(js_name = importProcess)]
    pub fn import_process(&self, export: JsValue, attachments: JsValue, renames: JsValue) -> Promise {
        let export = read::<ProcessExport>(export, "export").and_then(|export| {
            let attachments = read(attachments, "attachments")?;
            let renames = Renames::of_processes(read::<Vec<(ProcessId, ProcessId)>>(renames, "renames")?);
            Ok((ProcessExport { attachments, ..export }, renames))
        });
        self.run(export, |registry, (export, renames)| async move { registry.import(&export, &renames).await })
    }

    /// Resolves with the ids that an exported process names, its own first.
    #[wasm_bindgen(js_name = exportedIds)]
    pub fn exported_ids(&self, export: JsValue) -> Promise {
        self.run(read::<ProcessExport>(export, "export"), |_, export| async move { export.ids() })
    }

    // ── Event log ──────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = appendEvent)]
    pub fn append_event(&self, id: String, request: JsValue) -> Promise {
        self.run(
            read(request, "request"),
            |registry, request| async move { registry.append(&id.into(), request).await },
        )
    }

    #[wasm_bindgen(js_name = appendEvents)]
    pub fn append_events(&self, id: String, requests: JsValue) -> Promise {
        self.run(read(requests, "requests"), |registry, requests| async move {
            registry.append_all(&id.into(), requests).await
        })
    }

    #[wasm_bindgen(js_name = requestCancel)]
    pub fn request_cancel(&self, id: String, reason: Option<String>) -> Promise {
        self.run(
            Ok(id),
            move |registry, id| async move { registry.request_cancel(&id.into(), reason.as_deref()).await },
        )
    }

    pub fn signal(&self, id: String, name: String, payload: JsValue, signal_id: Option<String>) -> Promise {
        self.run(Ok(Payload::from(payload)), move |registry, payload| async move {
            registry.signal(&id.into(), &name, payload, signal_id.as_deref()).await
        })
    }

    #[wasm_bindgen(js_name = eventsAfter)]
    pub fn events_after(&self, id: String, after: f64, query: JsValue) -> Promise {
        self.run(range(after, query), |registry, range| async move { registry.events(&id.into(), range).await })
    }

    #[wasm_bindgen(js_name = recentEvents)]
    pub fn recent_events(&self, id: String, limit: f64) -> Promise {
        let range = EventRange::Last(limit as u64);
        self.run(Ok(range), |registry, range| async move { registry.events(&id.into(), range).await })
    }

    #[wasm_bindgen(js_name = countEventsThrough)]
    pub fn count_events_through(&self, id: String, event_type: String, up_to: f64) -> Promise {
        self.run(Ok(id), move |registry, id| async move {
            registry.count_events(&id.into(), &event_type, up_to as u64).await
        })
    }

    #[wasm_bindgen(js_name = wakeEventsAfter)]
    pub fn wake_events_after(&self, id: String, after: f64) -> Promise {
        let range = EventRange::Unacked(after as u64);
        self.run(Ok(range), |registry, range| async move { registry.events(&id.into(), range).await })
    }

    #[wasm_bindgen(js_name = ackWake)]
    pub fn ack_wake(&self, id: String, sequence: f64) -> Promise {
        self.run(Ok(id), move |registry, id| async move { registry.ack_wake(&id.into(), sequence as u64).await })
    }

    // ── Handles and sessions ───────────────────────────────────────────────

    #[wasm_bindgen(js_name = grantHandle)]
    pub fn grant_handle(&self, scope: JsValue, id: String, descriptor: JsValue) -> Promise {
        let arguments = read(scope, "scope").and_then(|scope| Ok((scope, read(descriptor, "descriptor")?)));
        self.run(arguments, |registry, (scope, descriptor)| async move {
            registry.grant(scope, &id.into(), descriptor).await
        })
    }

    #[wasm_bindgen(js_name = revokeHandle)]
    pub fn revoke_handle(&self, scope: JsValue, id: String) -> Promise {
        self.run(read(scope, "scope"), |registry, scope| async move { registry.revoke(scope, &id.into()).await })
    }

    #[wasm_bindgen(js_name = transferHandleGrants)]
    pub fn transfer_handle_grants(&self, from: JsValue, to: JsValue, ids: JsValue) -> Promise {
        let arguments =
            read(from, "from").and_then(|from| Ok((from, read(to, "to")?, read::<Vec<ProcessId>>(ids, "processIds")?)));
        self.run(arguments, |registry, (from, to, ids)| async move { registry.transfer(from, to, ids).await })
    }

    #[wasm_bindgen(js_name = listHandleGrants)]
    pub fn list_handle_grants(&self, scope: JsValue) -> Promise {
        self.run(read(scope, "scope"), |registry, scope| async move { registry.grants(&scope, Live::Any).await })
    }

    #[wasm_bindgen(js_name = listLiveHandleGrants)]
    pub fn list_live_handle_grants(&self, scope: JsValue) -> Promise {
        self.run(read(scope, "scope"), |registry, scope| async move { registry.grants(&scope, Live::Only).await })
    }

    #[wasm_bindgen(js_name = hasHandleGrant)]
    pub fn has_handle_grant(&self, scope: JsValue, id: String) -> Promise {
        self.run(read(scope, "scope"), |registry, scope| async move { registry.is_granted(&scope, &id.into()).await })
    }

    #[wasm_bindgen(js_name = handleGrantsForProcess)]
    pub fn handle_grants_for_process(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.grants_of_process(&id.into()).await })
    }

    #[wasm_bindgen(js_name = deleteSessionProcessState)]
    pub fn delete_session_process_state(&self, session_id: String) -> Promise {
        self.run(Ok(session_id), |registry, session| async move { registry.delete_session(&session.into()).await })
    }

    // ── Leases ─────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = claimProcessLease)]
    pub fn claim_process_lease(&self, id: String, owner: JsValue, ttl_ms: f64) -> Promise {
        self.run(read(owner, "owner"), move |registry, owner| async move {
            registry.claim(&id.into(), owner, ttl_ms as u64).await
        })
    }

    #[wasm_bindgen(js_name = reclaimProcessLease)]
    pub fn reclaim_process_lease(&self, id: String, owner: JsValue, observed: JsValue, ttl_ms: f64) -> Promise {
        let arguments = read(owner, "owner").and_then(|owner| Ok((owner, read(observed, "observed")?)));
        self.run(arguments, move |registry, (owner, observed)| async move {
            let observed: ProcessLease = observed;
            match *observed.process_id == *id {
                true => registry.reclaim(observed, owner, ttl_ms as u64).await,
                false => Err(Error::invalid("observed is the lease of another process")),
            }
        })
    }

    #[wasm_bindgen(js_name = renewProcessLease)]
    pub fn renew_process_lease(&self, lease: JsValue, ttl_ms: f64) -> Promise {
        self.run(read(lease, "lease"), move |registry, lease| async move { registry.renew(lease, ttl_ms as u64).await })
    }

    #[wasm_bindgen(js_name = completeProcessLease)]
    pub fn complete_process_lease(&self, id: String, token: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.release(&id.into(), token).await })
    }

    #[wasm_bindgen(js_name = getProcessLease)]
    pub fn get_process_lease(&self, id: String) -> Promise {
        self.run(Ok(id), |registry, id| async move { registry.lease(&id.into()).await })
    }

    // ── On behalf of a scope ───────────────────────────────────────────────

    #[wasm_bindgen(js_name = sessionListProcesses)]
    pub fn session_list_processes(&self, scope: JsValue, filter: JsValue) -> Promise {
        self.view(scope, read(filter, "filter"), |view, filter| async move { view.list(&filter).await })
    }

    #[wasm_bindgen(js_name = sessionGetProcess)]
    pub fn session_get_process(&self, scope: JsValue, id: String) -> Promise {
        self.view(scope, Ok(id), |view, id| async move { view.process(&id.into()).await })
    }

    #[wasm_bindgen(js_name = sessionEventsAfter)]
    pub fn session_events_after(&self, scope: JsValue, id: String, after: f64, query: JsValue) -> Promise {
        self.view(scope, range(after, query), |view, range| async move { view.events(&id.into(), range).await })
    }

    #[wasm_bindgen(js_name = sessionSignal)]
    pub fn session_signal(
        &self,
        scope: JsValue,
        id: String,
        name: String,
        payload: JsValue,
        signal_id: Option<String>,
    ) -> Promise {
        self.view(scope, Ok(Payload::from(payload)), move |view, payload| async move {
            view.signal(&id.into(), &name, payload, signal_id.as_deref()).await
        })
    }

    #[wasm_bindgen(js_name = sessionRequestCancel)]
    pub fn session_request_cancel(&self, scope: JsValue, id: String, reason: Option<String>) -> Promise {
        self.view(
            scope,
            Ok(id),
            move |view, id| async move { view.request_cancel(&id.into(), reason.as_deref()).await },
        )
    }

    // ── Waits ──────────────────────────────────────────────────────────────

    #[wasm_bindgen(js_name = awaitTerminal)]
    pub fn await_terminal(
        &self,
        hub_backed: bool,
        until: Option<Function>,
        timeout_ms: Option<f64>,
        attach: Option<Function>,
        id: String,
    ) -> Promise {
        let (open, awaiter) = (is_open(&self.closed), self.awaiter(hub_backed, attach).within(span(timeout_ms)));
        promise_of_wait(until, self.closed.clone(), async move {
            open?;
            awaiter.await_terminal(&id.into()).await
        })
    }

    #[wasm_bindgen(js_name = awaitEvent)]
    pub fn await_event(
        &self,
        hub_backed: bool,
        until: Option<Function>,
        timeout_ms: Option<f64>,
        id: String,
        event_type: String,
        after: f64,
        until_terminal: bool,
    ) -> Promise {
        let (open, awaiter) = (is_open(&self.closed), self.awaiter(hub_backed, None).within(span(timeout_ms)));
        promise_of_wait(until, self.closed.clone(), async move {
            open?;
            awaiter.await_event(&id.into(), &event_type, after as u64, until_terminal).await
        })
    }

    /// The next batch after a sequence, for an iterator over the log.
    #[wasm_bindgen(js_name = awaitEvents)]
    pub fn await_events(
        &self,
        until: Option<Function>,
        id: String,
        after: f64,
        types: Option<Vec<String>>,
        until_terminal: bool,
    ) -> Promise {
        let (open, awaiter) = (is_open(&self.closed), self.awaiter(true, None));
        promise_of_wait(until, self.closed.clone(), async move {
            open?;
            awaiter.await_events(&id.into(), after as u64, types, until_terminal).await
        })
    }

    #[wasm_bindgen(js_name = ownerGone)]
    pub fn owner_gone(&self, until: Option<Function>, timeout_ms: Option<f64>, owner: JsValue) -> Promise {
        let (open, registry) = (is_open(&self.closed), self.registry.clone());
        let owner = read::<LeaseOwner>(owner, "owner");
        promise_of_wait(until, self.closed.clone(), async move {
            open?;
            registry.owner_gone_within(&owner?, span(timeout_ms)).await
        })
    }

    #[wasm_bindgen(js_name = sessionAwaitTerminal)]
    pub fn session_await_terminal(
        &self,
        scope: JsValue,
        until: Option<Function>,
        timeout_ms: Option<f64>,
        id: String,
    ) -> Promise {
        let (view, limit) = (self.session_view(scope), span(timeout_ms));
        promise_of_wait(until, self.closed.clone(), async move { view?.within(limit).await_terminal(&id.into()).await })
    }

    #[wasm_bindgen(js_name = sessionAwaitEvent)]
    pub fn session_await_event(
        &self,
        scope: JsValue,
        until: Option<Function>,
        timeout_ms: Option<f64>,
        id: String,
        event_type: String,
        after: f64,
        until_terminal: bool,
    ) -> Promise {
        let (view, limit) = (self.session_view(scope), span(timeout_ms));
        promise_of_wait(until, self.closed.clone(), async move {
            view?.within(limit).await_event(&id.into(), &event_type, after as u64, until_terminal).await
        })
    }
}
