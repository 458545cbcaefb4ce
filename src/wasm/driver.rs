//! A driver and its runs in JavaScript's hands.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{
    attach::{attached, called},
    convert::{is_open, js, promise, promise_of, promise_of_wait, span},
    host::{load_validator, process_error, raised, report, warn},
    registry::Registry,
};
use crate::{
    domain::{
        Millis,
        event::{AppendRequest, ProcessEventType},
        json::{self, FromJson, Object, ToJson},
        parse::parse,
        process::{ProcessAwaitOutput, ProcessRecord},
        value::Json,
    },
    driver::{Abort, DriverOptions, ProcessWorkDriver, RunContext, Runners},
    error::{Code, Error, Result},
    host::{browser::to_js, oneshot},
};

/// A driver of a registry that is open, or was.
#[wasm_bindgen]
pub struct Driver {
    driver: ProcessWorkDriver,
    closed: oneshot::Latch,
}

#[wasm_bindgen]
impl Registry {
    /// A driver with runners for these kinds, an array as JSON text; see [`JsRunners`].
    pub fn driver(
        &self,
        kinds: &str,
        run: Function,
        lease_ttl_ms: f64,
        renew_every_ms: f64,
        concurrency: f64,
    ) -> std::result::Result<Driver, JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        let options = DriverOptions {
            owner_id: self.owner.owner_id.clone(),
            lease_ttl: lease_ttl_ms as Millis,
            renew_every: renew_every_ms as Millis,
            concurrency: concurrency as usize,
        };
        let runners = Rc::new(JsRunners::new(kinds, run, self.closed.clone()));
        let driver = ProcessWorkDriver::new(self.registry.clone(), runners, options).map_err(process_error)?;
        let stopped = driver.clone();
        self.before_close(move || stopped.stop().boxed_local());
        Ok(Driver { driver, closed: self.closed.clone() })
    }
}

#[wasm_bindgen]
impl Driver {
    /// `sweep`, which answers its report; `stop`; or `idle`.
    pub fn call(&self, method: String) -> Promise {
        let (open, driver) = (is_open(&self.closed), self.driver.clone());
        // It begins now: who starts the driver again in this turn means it.
        let stopped = (method == "stop").then(|| driver.stop());
        promise(Box::pin(async move {
            match stopped {
                Some(stopped) => stopped.await,
                None if method == "sweep" => {
                    open?;
                    return Ok(driver.claim_and_run_pending().await?.to_json());
                }
                None => driver.idle().await,
            }
            Ok(Json::Null)
        }))
    }

    /// Drives on until it is stopped.
    pub fn start(&self) -> std::result::Result<(), JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        self.driver.start();
        Ok(())
    }
}

/// One run, as its runner has it.
#[wasm_bindgen]
pub struct Run {
    context: RunContext,
    /// Until the runner is called.
    begins: RefCell<Option<oneshot::Release>>,
    closed: oneshot::Latch,
}

#[wasm_bindgen]
impl Run {
    /// What does not change while it runs: `{ process, attempt, fencingToken }`, a copy.
    pub fn facts(&self) -> JsValue {
        let facts = Object::default().with("process", self.context.record()).with("attempt", &self.context.attempt());
        js(&facts.with("fencingToken", &self.context.lease().fencing_token).build())
    }

    /// Calls `tell(code, message)` once, when the runner is to stop: without a code where a cancel request is the reason, and then
    /// without a message where that gave none.
    #[wasm_bindgen(js_name = onAbort)]
    pub fn on_abort(&self, tell: Function) {
        self.context.on_abort(move |why| {
            let (code, message) = match why {
                Abort::Cancelled(reason) => (None, reason.as_deref()),
                Abort::Over(fault) => (Some(fault.code().as_str()), Some(fault.message())),
            };
            let value = |text: Option<&str>| text.map_or(JsValue::UNDEFINED, JsValue::from_str);
            // The TypeScript in front throws nothing.
            let _ = tell.call2(&JsValue::UNDEFINED, &value(code), &value(message));
        });
    }

    /// Appends to the process of the run. The request is JSON text.
    pub fn append(&self, request: &str) -> Promise {
        let (context, request) = (self.context.clone(), read::<AppendRequest>(request, "request"));
        promise(Box::pin(async move { Ok(context.append(request?).await?.to_json()) }))
    }

    /// Runs `work`, or answers what it gave in an earlier run. It resolves with JSON text, or with nothing.
    pub fn step(&self, key: String, work: Function) -> Promise {
        let context = self.context.clone();
        promise_of(Box::pin(async move {
            let value = context.step(&key, || called(work, JsValue::UNDEFINED, JsValue::UNDEFINED)).await;
            value.map(|value| value.as_ref().map_or(JsValue::UNDEFINED, to_js)).map_err(process_error)
        }))
    }

    /// Waits for the first signal of any of these names.
    #[wasm_bindgen(js_name = waitForSignal)]
    pub fn wait_for_signal(&self, until: Option<Function>, timeout_ms: Option<f64>, names: Vec<String>) -> Promise {
        let (context, abortable, limit) = (self.context.clone(), until.is_some(), span(timeout_ms));
        let wait = async move { Ok(context.wait_for_signals(&names, limit, abortable).await?.to_json()) };
        promise_of_wait(until, self.closed.clone(), Box::pin(wait))
    }

    /// Waits for another process. `attach` owns the wait where it has not ended, if it is given.
    #[wasm_bindgen(js_name = awaitTerminal)]
    pub fn await_terminal(
        &self,
        until: Option<Function>,
        timeout_ms: Option<f64>,
        attach: Option<Function>,
        id: String,
    ) -> Promise {
        let (context, abortable) = (self.context.clone(), until.is_some());
        let awaiter = attached(context.awaiter(), attach).within(span(timeout_ms));
        let wait = async move { Ok(context.wait_for_end(&id.into(), awaiter, abortable).await?.to_json()) };
        promise_of_wait(until, self.closed.clone(), Box::pin(wait))
    }

    /// Waits for what `work` does, while something else may run in this one's place.
    pub fn rest(&self, work: Function) -> Promise {
        let context = self.context.clone();
        promise_of(Box::pin(async move {
            let rested = context.resting(called(work, JsValue::UNDEFINED, JsValue::UNDEFINED)).await;
            rested.map(|value| value.as_ref().map_or(JsValue::UNDEFINED, to_js)).map_err(process_error)
        }))
    }

    /// Says that the runner was called.
    pub fn began(&self) {
        let begins = self.begins.take();
        drop(begins);
    }
}

fn read<T: FromJson>(text: &str, name: &str) -> Result<T> {
    json::read(parse(text)).map_err(|fault| Error::invalid(fault.within(name).text()))
}

/// Runners that are JavaScript functions, behind one: `run(kind, run)`, which resolves with how the process ends, as JSON text.
pub struct JsRunners {
    kinds: Vec<Json>,
    run: Function,
    closed: oneshot::Latch,
}

impl JsRunners {
    /// For these kinds, an array as JSON text.
    pub fn new(kinds: &str, run: Function, closed: oneshot::Latch) -> Self {
        Self { kinds: parse(kinds).into_items(), run, closed }
    }
}

impl Runners for JsRunners {
    fn handles(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known.as_str() == Some(kind))
    }

    fn ready(&self, claimed: &ProcessRecord) -> LocalBoxFuture<'static, Result<()>> {
        let is_schema = |declared: &ProcessEventType| declared.payload_schema.is_some();
        match claimed.registered.registration.event_types.iter().any(is_schema) {
            // Events and ends are checked where they are written, which cannot wait for the validator.
            true => load_validator().boxed_local(),
            false => ready(Ok(())).boxed_local(),
        }
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<ProcessAwaitOutput>> {
        let kind = context.record().identity().map_or("", |identity| identity.kind.as_str());
        let kind = JsValue::from_str(kind);
        let (run, raw) = (
            self.run.clone(),
            Run { begins: RefCell::new(Some(context.begins_later())), context, closed: self.closed.clone() },
        );
        async move {
            // The TypeScript in front rejects with trouble of the driver alone, and gives no other shape.
            let output = called(run, kind, JsValue::from(raw)).await.map_err(raised)?;
            json::read(output.unwrap_or_default()).map_err(|fault| Error::new(Code::Internal, fault.text()))
        }
        .boxed_local()
    }

    fn unhandled(&self, waiting: &ProcessRecord) {
        let (id, kind) = (waiting.id().as_str(), waiting.identity().map_or("", |identity| identity.kind.as_str()));
        warn(&format!(
            "longwait: process \"{id}\" waits to be run, and this driver has no runner for its kind \"{kind}\""
        ));
    }

    fn failed(&self, fault: &Error) {
        report(&process_error(fault.clone()));
    }
}
