//! The registry of the package, as the cases call one.

use std::rc::Rc;

use js_sys::Reflect;
use longwait::{
    Result,
    host::Liveness,
    model::{
        Millis,
        attachment::AttachmentInfo,
        event::{AppendResult, ProcessEvent},
        filter::{ListFilter, Page as Stretch},
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::{ProcessId, SessionId},
        lease::{LeaseClaim, LeaseOwner, LivenessMark, ProcessLease, Proof},
        payload::Payload,
        process::{ProcessAwaitOutput, ProcessExternalRef, ProcessRecord, WaitState},
        reports::{PruneReport, SessionDeleteReport},
        stream::StreamInfo,
    },
    notify::EventBatch,
    store::{Changes, EventRange, Live, Point},
};
use longwait_testing::{AnyAwaiter, AnyHub, AnyReceiver, AnyRegistry, AnyView, AsJson, blob, fake::Killed, made};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::{
    border::{answered, changes, entry, fault, filter, limit, list, number, object, page, record, stretch},
    page::{Page, Wait},
};

/// An object of the package.
#[derive(Clone)]
struct Object {
    page: Page,
    it: JsValue,
}

/// Gives a wait up when dropped.
struct Waiting(Wait);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Waiting {
    async fn answer<T: DeserializeOwned>(self) -> Result<T> {
        let text = JsFuture::from(self.0.answer()).await.unwrap();
        answered(&text.as_string().unwrap()).map(made)
    }
}

impl Object {
    async fn value(&self, method: &str, given: Value) -> Result<Value> {
        let text = self.page.call(&self.it, method, &given.to_string()).await.unwrap();
        answered(&text.as_string().unwrap())
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, given: Value) -> Result<T> {
        self.value(method, given).await.map(made)
    }

    async fn done(&self, method: &str, given: Value) -> Result<()> {
        self.value(method, given).await.map(drop)
    }

    async fn wait<T: DeserializeOwned>(&self, method: &str, given: Value) -> Result<T> {
        Waiting(self.page.wait(&self.it, method, &given.to_string())).answer().await
    }

    /// What a method gives at once.
    fn now(&self, method: &str, given: Value) -> Result<Object> {
        match self.page.now(&self.it, method, &given.to_string()) {
            Ok(it) => Ok(self.beside(it)),
            Err(error) => {
                let field = |name: &str| json!(Reflect::get(&error, &name.into()).unwrap().as_string());
                Err(fault(
                    &json!({"code": field("code"), "message": field("message"), "processId": field("processId")}),
                ))
            }
        }
    }

    fn field(&self, name: &str) -> JsValue {
        Reflect::get(&self.it, &name.into()).unwrap()
    }

    fn beside(&self, it: JsValue) -> Object {
        Object { page: self.page.clone(), it }
    }

    async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        let (method, given) = stretch(id, &range);
        self.ask(method, given).await
    }

    async fn signal(
        &self,
        id: &ProcessId,
        name: &str,
        payload: Payload,
        signal_id: Option<&str>,
    ) -> Result<AppendResult> {
        self.ask("signal", json!([id, name, payload.value(), object([("signalId", json!(signal_id))])])).await
    }

    async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.ask("requestCancel", json!([id, reason])).await
    }

    async fn exported(&self, id: &ProcessId) -> Result<Value> {
        let text = self.page.export_document(&self.it, id).await.unwrap();
        answered(&text.as_string().unwrap())
    }

    async fn imported(&self, document: Value, renames: Value) -> Result<String> {
        let text = self.page.import_document(&self.it, &document.to_string(), &renames.to_string()).await.unwrap();
        answered(&text.as_string().unwrap()).map(made)
    }

    async fn process(&self, method: &str, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        let shown = self.value(method, json!([id])).await?;
        Ok((!shown.is_null()).then(|| record(shown)))
    }
}

/// The registry of a tab.
#[derive(Clone)]
pub struct Registry {
    object: Object,
    killed: Killed,
}

impl Registry {
    /// The registry `it` of a page. Which owners are dead is up to `killed`.
    pub fn new(page: Page, it: JsValue, killed: Killed) -> Self {
        Self { object: Object { page, it }, killed }
    }

    async fn record(&self, method: &str, given: Value) -> Result<ProcessRecord> {
        self.object.value(method, given).await.map(record)
    }

    /// Holds the lock that an owner chose, or gives it back where the owner is dead: the case decides that, the package asks the browser.
    async fn attend(&self, owner: &LeaseOwner) {
        let Some(LivenessMark::WebLock { lock_name }) = &owner.liveness else { return };
        match self.killed.probe(owner).await {
            Proof::Dead => self.object.page.free(lock_name).await,
            Proof::Unknown => self.object.page.hold(lock_name).await,
        }
    }
}

impl AnyRegistry for Registry {
    type Hub = Hub;
    type Awaiter = Awaiter;
    type View = View;
    type Rows = ();

    async fn register_json(&self, registration: Value) -> Result<ProcessRecord> {
        self.record("registerProcess", json!([registration])).await
    }

    async fn register_all_json(&self, registrations: Vec<Value>) -> Result<Vec<ProcessRecord>> {
        Ok(list(self.object.value("registerProcesses", json!([registrations])).await?, record))
    }

    async fn put_text(
        &self,
        id: &ProcessId,
        name: &str,
        text: &str,
        held: Option<ProcessLease>,
    ) -> Result<AttachmentInfo> {
        let options = object([("lease", held.json())]);
        self.object.ask("putAttachment", json!([id, name, blob(text), options])).await
    }

    async fn attached_text(&self, id: &ProcessId, name: &str) -> Result<Option<String>> {
        self.object.ask("getAttachment", json!([id, name])).await
    }

    async fn attachments(&self, id: &ProcessId) -> Result<Vec<AttachmentInfo>> {
        self.object.ask("listAttachments", json!([id])).await
    }

    async fn delete_attachment(&self, id: &ProcessId, name: String) -> Result<()> {
        self.object.done("deleteAttachment", json!([id, name])).await
    }

    async fn streams(&self, id: &ProcessId) -> Result<Vec<StreamInfo>> {
        self.object.ask("listStreams", json!([id])).await
    }

    async fn export_json(&self, id: &ProcessId) -> Result<Value> {
        self.object.exported(id).await
    }

    async fn import_json(&self, document: Value, renames: Value) -> Result<String> {
        self.object.imported(document, renames).await
    }

    async fn fork_json(&self, id: &ProcessId, options: Value) -> Result<ProcessRecord> {
        self.record("forkProcess", json!([id, options])).await
    }

    async fn process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        self.object.process("getProcess", id).await
    }

    async fn list(&self, of: &ListFilter, within: Stretch) -> Result<Vec<ProcessRecord>> {
        let shown = self.object.value("listProcesses", json!([filter(of), page(&within)])).await?;
        Ok(list(shown, record))
    }

    async fn count(&self, of: &ListFilter) -> Result<u64> {
        self.object.ask("countProcesses", json!([filter(of)])).await
    }

    async fn pause_process(&self, id: &ProcessId, reason: Option<String>) -> Result<ProcessRecord> {
        self.record("pauseProcess", json!([id, reason])).await
    }

    async fn resume_process(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.record("resumeProcess", json!([id])).await
    }

    async fn list_non_terminal(&self, within: Stretch) -> Result<Vec<ProcessRecord>> {
        Ok(list(self.object.value("listNonTerminal", json!([page(&within)])).await?, record))
    }

    async fn changed_since(&self, cursor: Option<Point>, at_most: Option<u64>) -> Result<Changes> {
        let given = json!([cursor.map(Point::text), limit(at_most)]);
        self.object.value("changedSince", given).await.map(changes)
    }

    async fn set_external_ref(&self, id: &ProcessId, external_ref: ProcessExternalRef) -> Result<ProcessRecord> {
        self.record("setExternalRef", json!([id, external_ref.json()])).await
    }

    async fn set_wait(&self, id: &ProcessId, wait: WaitState) -> Result<ProcessRecord> {
        self.record("setProcessWait", json!([id, wait.json()])).await
    }

    async fn clear_wait(&self, id: &ProcessId) -> Result<ProcessRecord> {
        self.record("clearProcessWait", json!([id])).await
    }

    async fn complete_json(&self, id: &ProcessId, output: Value) -> Result<ProcessRecord> {
        self.record("completeProcess", json!([id, output])).await
    }

    async fn complete_with_lease_json(&self, held: ProcessLease, output: Value) -> Result<ProcessRecord> {
        self.record("completeProcessWithLease", json!([held.json(), output])).await
    }

    async fn prune(&self, cutoff: Millis) -> Result<PruneReport> {
        self.object.ask("pruneTerminalProcesses", json!([number(cutoff)])).await
    }

    async fn delete(&self, id: &ProcessId, force: bool) -> Result<()> {
        self.object.done("deleteProcess", json!([id, {"force": force}])).await
    }

    async fn append_json(&self, id: &ProcessId, request: Value) -> Result<AppendResult> {
        self.object.ask("appendEvent", json!([id, request])).await
    }

    async fn append_all_json(&self, id: &ProcessId, requests: Vec<Value>) -> Result<Vec<AppendResult>> {
        self.object.ask("appendEvents", json!([id, requests])).await
    }

    async fn signal(
        &self,
        id: &ProcessId,
        name: &str,
        payload: Payload,
        signal_id: Option<&str>,
    ) -> Result<AppendResult> {
        self.object.signal(id, name, payload, signal_id).await
    }

    async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.object.request_cancel(id, reason).await
    }

    async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        self.object.events(id, range).await
    }

    async fn count_events(&self, id: &ProcessId, event_type: &str, up_to: u64) -> Result<u64> {
        self.object.ask("countEventsThrough", json!([id, event_type, number(up_to)])).await
    }

    async fn ack_wake(&self, id: &ProcessId, sequence: u64) -> Result<()> {
        self.object.done("ackWake", json!([id, number(sequence)])).await
    }

    async fn grant(&self, scope: SessionScope, id: &ProcessId, descriptor: HandleDescriptor) -> Result<HandleGrant> {
        self.object.ask("grantHandle", json!([scope.json(), id, descriptor.json()])).await
    }

    async fn revoke(&self, scope: SessionScope, id: &ProcessId) -> Result<()> {
        self.object.done("revokeHandle", json!([scope.json(), id])).await
    }

    async fn transfer(&self, from: SessionScope, to: SessionScope, ids: Vec<ProcessId>) -> Result<()> {
        self.object.done("transferHandleGrants", json!([from.json(), to.json(), ids])).await
    }

    async fn grants(&self, scope: &SessionScope, live: Live) -> Result<Vec<HandleEntry>> {
        let method = match live {
            Live::Any => "listHandleGrants",
            Live::Only => "listLiveHandleGrants",
        };
        Ok(list(self.object.value(method, json!([scope.json()])).await?, entry))
    }

    async fn is_granted(&self, scope: &SessionScope, id: &ProcessId) -> Result<bool> {
        self.object.ask("hasHandleGrant", json!([scope.json(), id])).await
    }

    async fn grants_of_process(&self, id: &ProcessId) -> Result<Vec<HandleGrant>> {
        self.object.ask("handleGrantsForProcess", json!([id])).await
    }

    async fn delete_session(&self, session: &SessionId) -> Result<SessionDeleteReport> {
        self.object.ask("deleteSessionProcessState", json!([session])).await
    }

    async fn claim(&self, id: &ProcessId, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        self.object.ask("claimProcessLease", json!([id, owner.json(), number(ttl)])).await
    }

    async fn reclaim(&self, observed: ProcessLease, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim> {
        self.attend(&owner).await;
        self.attend(&observed.owner).await;
        let given = json!([observed.process_id, owner.json(), observed.json(), number(ttl)]);
        self.object.ask("reclaimProcessLease", given).await
    }

    async fn renew(&self, held: ProcessLease, ttl: Millis) -> Result<ProcessLease> {
        self.object.ask("renewProcessLease", json!([held.json(), number(ttl)])).await
    }

    async fn release(&self, id: &ProcessId, token: String) -> Result<()> {
        self.object.done("completeProcessLease", json!([{"processId": id, "leaseToken": token}])).await
    }

    async fn lease(&self, id: &ProcessId) -> Result<Option<ProcessLease>> {
        self.object.ask("getProcessLease", json!([id])).await
    }

    async fn owner_gone_within(&self, owner: &LeaseOwner, at_most: Option<Millis>) -> Result<()> {
        self.attend(owner).await;
        let within = object([("timeoutMs", limit(at_most))]);
        self.object.wait::<Value>("ownerGone", json!([owner.json(), within])).await.map(drop)
    }

    fn session(&self, scope: &SessionScope) -> Result<View> {
        self.object.now("session", json!([scope.json()])).map(View)
    }

    fn close(&self) {
        self.object.now("close", json!([])).unwrap();
    }

    fn awaiter(&self, _: &Hub) -> Awaiter {
        let waits = self.object.beside(self.object.field("awaiter"));
        Awaiter { registry: self.object.clone(), waits, limit: None }
    }

    fn polling(&self) -> Awaiter {
        let waits = self.object.now("pollingAwaiter", json!([])).unwrap();
        Awaiter { registry: self.object.clone(), waits, limit: None }
    }
}

/// The awaiter of a registry.
#[derive(Clone)]
pub struct Awaiter {
    registry: Object,
    waits: Object,
    limit: Option<Millis>,
}

impl AnyAwaiter for Awaiter {
    async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        let within = object([("timeoutMs", limit(self.limit))]);
        self.waits.wait("awaitTerminal", json!([id, within])).await
    }

    async fn await_event(
        &self,
        id: &ProcessId,
        event_type: &str,
        after: u64,
        until_terminal: bool,
    ) -> Result<Rc<ProcessEvent>> {
        let options = object([("timeoutMs", limit(self.limit)), ("untilTerminal", until_terminal.into())]);
        self.waits.wait("awaitEvent", json!([id, event_type, number(after), options])).await
    }

    /// A feed of JavaScript shows no batches: each event is one, and where it ends is an empty one.
    async fn await_events(
        &self,
        id: &ProcessId,
        after: u64,
        types: Option<Vec<String>>,
        until_terminal: bool,
    ) -> Result<EventBatch> {
        let options =
            object([("after", number(after)), ("types", json!(types)), ("untilTerminal", until_terminal.into())]);
        let feed = self.registry.page.first(&self.registry.it, &json!([id, options]).to_string());
        let first: Option<Rc<ProcessEvent>> = Waiting(feed).answer().await?;
        Ok(EventBatch { done: first.is_none(), events: first.into_iter().collect() })
    }

    fn within(self, limit: Option<Millis>) -> Self {
        Self { limit, ..self }
    }
}

/// What a session sees.
#[derive(Clone)]
pub struct View(Object);

impl AnyView for View {
    async fn list(&self, of: &ListFilter) -> Result<Vec<HandleEntry>> {
        Ok(list(self.0.value("list", json!([filter(of)])).await?, entry))
    }

    async fn process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        self.0.process("get", id).await
    }

    async fn events(&self, id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>> {
        self.0.events(id, range).await
    }

    async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        self.0.wait("awaitTerminal", json!([id, {}])).await
    }

    async fn await_event(
        &self,
        id: &ProcessId,
        event_type: &str,
        after: u64,
        until_terminal: bool,
    ) -> Result<Rc<ProcessEvent>> {
        self.0.wait("awaitEvent", json!([id, event_type, number(after), {"untilTerminal": until_terminal}])).await
    }

    async fn signal(
        &self,
        id: &ProcessId,
        name: &str,
        payload: Payload,
        signal_id: Option<&str>,
    ) -> Result<AppendResult> {
        self.0.signal(id, name, payload, signal_id).await
    }

    async fn request_cancel(&self, id: &ProcessId, reason: Option<&str>) -> Result<AppendResult> {
        self.0.request_cancel(id, reason).await
    }
}

/// The hub of a registry.
#[derive(Clone)]
pub struct Hub(Object);

impl Hub {
    /// The hub of a registry.
    pub fn of(registry: &Registry) -> Self {
        Self(registry.object.beside(registry.object.field("hub")))
    }
}

impl AnyHub for Hub {
    type Receiver = Receiver;

    /// A hub that is closed refuses; its waiters have ended by then.
    fn notify(&self, id: &ProcessId) {
        drop(self.0.now("notify", json!([id])));
    }

    fn subscribe(&self, id: &ProcessId) -> Receiver {
        Receiver(self.0.now("subscribe", json!([id])).unwrap())
    }

    fn tracked_processes(&self) -> usize {
        self.0.field("trackedProcesses").as_f64().unwrap() as usize
    }
}

/// Hears of the changes of one process.
pub struct Receiver(Object);

impl AnyReceiver for Receiver {
    async fn changed(&self) {
        self.0.done("changed", json!([])).await.unwrap();
    }
}
