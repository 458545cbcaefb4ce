//! A driver and its runs in JavaScript's hands.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use js_sys::{Function, Promise};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{
    attach::{attached, called},
    convert::{is_open, promise, promise_of, promise_of_wait, read, read_process, span},
    host::{load_validator, process_error, report, warn},
    registry::Registry,
};
use crate::{
    driver::{
        Abort, DriverOptions, ProcessWorkDriver, RunContext, RunEnd, Runners, StepAttempt, StepEnd, StreamOptions,
    },
    error::{Code, Error, Result},
    host::{
        browser::{raised, tab::Waking},
        latch,
    },
    model::{
        Millis,
        event::{AppendRequest, ProcessEventType},
        payload::{self, Payload, handed_out},
        policy::RetryPolicy,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    rules::attempt::{Advice, Thrown},
};

/// A driver of a registry that is open, or was.
#[wasm_bindgen]
pub struct Driver {
    driver: ProcessWorkDriver,
    closed: latch::Latch,
    _waking: Waking,
}

/// What there is a runner for: processes of a kind, of any version or of one, which may be none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Work {
    kind: String,
    any_version: bool,
    version: Option<u64>,
}

#[wasm_bindgen]
impl Registry {
    /// A driver with runners for these works; see [`JsRunners`]. `is_offline()` says whether there is no network.
    pub fn driver(
        &self,
        works: JsValue,
        run: Function,
        is_offline: Function,
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
            retention: self.retention,
        };
        let works = read(works, "runners").map_err(process_error)?;
        let runners = Rc::new(JsRunners { works, run, is_offline, closed: self.closed.clone() });
        let driver = ProcessWorkDriver::new(self.registry.clone(), runners, options).map_err(process_error)?;
        let stopped = driver.clone();
        self.before_close(move || stopped.stop().boxed_local());
        let woken = driver.clone();
        Ok(Driver { driver, closed: self.closed.clone(), _waking: Waking::new(move || woken.wake()) })
    }
}

#[wasm_bindgen]
impl Driver {
    /// One sweep; resolves with its report.
    pub fn sweep(&self) -> Promise {
        let (open, driver) = (is_open(&self.closed), self.driver.clone());
        promise(async move {
            open?;
            driver.claim_and_run_pending().await
        })
    }

    /// Hands back what it runs. It begins now: a caller that starts the driver again in this turn means it.
    pub fn stop(&self) -> Promise {
        let stopped = self.driver.stop();
        promise(async move {
            stopped.await;
            Ok(())
        })
    }

    /// Resolves when nothing is running that this driver claimed.
    pub fn idle(&self) -> Promise {
        let driver = self.driver.clone();
        promise(async move {
            driver.idle().await;
            Ok(())
        })
    }

    /// Looks again at what waits for the network.
    #[wasm_bindgen(js_name = lookAgain)]
    pub fn look_again(&self) {
        self.driver.look_again();
    }

    /// Drives on until it is stopped.
    pub fn start(&self) -> std::result::Result<(), JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        self.driver.start();
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunFacts<'a> {
    process: &'a ProcessRecord,
    attempt: u64,
    fencing_token: u64,
}

/// One run, as its runner has it.
#[wasm_bindgen]
pub struct Run {
    context: RunContext,
    /// Until the runner is called.
    begins: RefCell<Option<latch::Release>>,
    closed: latch::Latch,
}

#[wasm_bindgen]
impl Run {
    /// What does not change while it runs: `{ process, attempt, fencingToken }`, a copy.
    pub fn facts(&self) -> JsValue {
        handed_out(&RunFacts {
            process: self.context.record(),
            attempt: self.context.attempt(),
            fencing_token: self.context.lease().fencing_token,
        })
        .unwrap_or(JsValue::UNDEFINED)
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

    /// Appends to the process of the run.
    pub fn append(&self, request: JsValue) -> Promise {
        let (context, request) = (self.context.clone(), read::<AppendRequest>(request, "request"));
        promise(async move { context.append(request?).await })
    }

    /// Replaces the state in the record of the process.
    #[wasm_bindgen(js_name = setState)]
    pub fn set_state(&self, state: JsValue) -> Promise {
        let context = self.context.clone();
        promise(async move { context.set_state(Payload::from(state)).await })
    }

    /// Replaces the progress in the record of the process.
    pub fn progress(&self, current: f64, total: Option<f64>, message: Option<String>) -> Promise {
        let context = self.context.clone();
        promise(async move { context.progress(current, total, message).await })
    }

    /// Replaces the trace context of the run in the record of the process.
    #[wasm_bindgen(js_name = setTraceContext)]
    pub fn set_trace_context(&self, given: JsValue) -> Promise {
        let (context, given) = (self.context.clone(), read(given, "traceContext"));
        promise(async move { context.set_trace_context(given?).await })
    }

    /// Registers a child of the process; resolves with `{ record, disposition }`.
    #[wasm_bindgen(js_name = startChild)]
    pub fn start_child(&self, registration: JsValue, attachments: JsValue) -> Promise {
        let (context, child) = (self.context.clone(), read_process(registration, attachments));
        promise(async move { context.start_child(child?).await })
    }

    /// Attaches a value to the process.
    #[wasm_bindgen(js_name = putAttachment)]
    pub fn put_attachment(&self, attachment: JsValue) -> Promise {
        let (context, attachment) = (self.context.clone(), read(attachment, "value"));
        promise(async move { context.put_attachment(attachment?).await })
    }

    /// Opens a stream; resolves with the index of its next chunk.
    #[wasm_bindgen(js_name = openStream)]
    pub fn open_stream(&self, name: String, resume: bool, until_terminal: bool) -> Promise {
        let context = self.context.clone();
        promise(async move { Ok(context.stream(&name, StreamOptions { resume, until_terminal }).await?.next_index()) })
    }

    /// Adds a chunk to a stream; resolves with its index.
    #[wasm_bindgen(js_name = appendChunk)]
    pub fn append_chunk(&self, name: String, chunk: JsValue) -> Promise {
        let context = self.context.clone();
        promise(async move { context.opened_stream(&name)?.append(Payload::from(chunk)).await })
    }

    /// Resolves once all that was appended to a stream is committed; where it `closes`, also that nothing follows.
    #[wasm_bindgen(js_name = flushStream)]
    pub fn flush_stream(&self, name: String, closes: bool) -> Promise {
        let context = self.context.clone();
        promise(async move { context.opened_stream(&name)?.flush(closes).await })
    }

    /// Runs `work(attempt, idempotencyKey)`, as often as the policy allows where there is one, or answers what came of it in an earlier
    /// run: `{ value }`, or `{ output }` where it failed. `work` resolves with such a thing too; a failure has an `advice`.
    pub fn step(&self, key: String, retry: JsValue, work: Function) -> Promise {
        let (context, retry) = (self.context.clone(), read::<Option<RetryPolicy>>(retry, "options.retry"));
        promise(async move {
            let attempt = async |attempt: StepAttempt| {
                let (number, key) = (JsValue::from(attempt.number as f64), JsValue::from(attempt.idempotency_key));
                let given = called(work.clone(), number, key).await?;
                let ended: StepEnded =
                    given.unwrap_or_default().read().map_err(|fault| Error::new(Code::Internal, fault))?;
                Ok(StepEnd::from(ended))
            };
            Ok(StepEnded::from(context.step_with(&key, retry?.as_ref(), attempt).await?))
        })
    }

    /// Waits for so many milliseconds, counted from when a run first did so under this key.
    pub fn sleep(&self, key: String, ms: f64) -> Promise {
        let context = self.context.clone();
        promise(async move { context.sleep(&key, ms as Millis).await })
    }

    /// Waits until a time in epoch milliseconds.
    #[wasm_bindgen(js_name = sleepUntil)]
    pub fn sleep_until(&self, key: String, epoch_ms: f64) -> Promise {
        let context = self.context.clone();
        promise(async move { context.sleep_until(&key, epoch_ms as Millis).await })
    }

    /// Waits for the first signal of any of these names.
    #[wasm_bindgen(js_name = waitForSignal)]
    pub fn wait_for_signal(&self, until: Option<Function>, timeout_ms: Option<f64>, names: Vec<String>) -> Promise {
        let (context, abortable, limit) = (self.context.clone(), until.is_some(), span(timeout_ms));
        let wait = async move { context.wait_for_signals(&names, limit, abortable).await };
        promise_of_wait(until, self.closed.clone(), wait)
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
        let (awaiter, limit) = (attached(context.awaiter(), attach), span(timeout_ms));
        let wait = async move { context.wait_for_end(&id.into(), awaiter, limit, abortable).await };
        promise_of_wait(until, self.closed.clone(), wait)
    }

    /// Waits for what `work` does, while something else may run in this one's place.
    pub fn rest(&self, work: Function) -> Promise {
        let context = self.context.clone();
        promise_of(Box::pin(async move {
            let rested = context.yielding_permit(called(work, JsValue::UNDEFINED, JsValue::UNDEFINED)).await;
            rested.and_then(shown).map_err(process_error)
        }))
    }

    /// Says that the runner was called.
    pub fn began(&self) {
        let begins = self.begins.take();
        drop(begins);
    }
}

/// A value for a holder that may change it; `undefined` where there is none.
fn shown(value: Option<Payload>) -> Result<JsValue> {
    value.as_ref().map_or(Ok(JsValue::UNDEFINED), handed_out)
}

/// Runners that are JavaScript functions, behind one: `run(kind, run)`, which resolves with what came of it.
struct JsRunners {
    works: Vec<Work>,
    run: Function,
    is_offline: Function,
    closed: latch::Latch,
}

/// What came of a runner, as JavaScript says it: how the process ends, and where the runner threw, what that says of another attempt.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    output: ProcessAwaitOutput,
    advice: Option<Word>,
    retry_after_ms: Option<Millis>,
}

/// What came of a step or of one attempt, as JavaScript has it: a value or none, or with `output` a failure.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepEnded {
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    value: Option<Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<ProcessAwaitOutput>,
    #[serde(skip_serializing)]
    advice: Option<Word>,
    #[serde(skip_serializing)]
    retry_after_ms: Option<Millis>,
}

impl From<StepEnded> for StepEnd {
    fn from(StepEnded { value, output, advice, retry_after_ms }: StepEnded) -> Self {
        match output {
            None => Self::Returned(value),
            Some(failure) => Self::Threw(Thrown { failure, advice: advice_of(advice, retry_after_ms) }),
        }
    }
}

impl From<StepEnd> for StepEnded {
    fn from(end: StepEnd) -> Self {
        let (value, output) = match end {
            StepEnd::Returned(value) => (value, None),
            StepEnd::Threw(Thrown { failure, .. }) => (None, Some(failure)),
        };
        Self { value, output, advice: None, retry_after_ms: None }
    }
}

/// What an error says of another attempt.
fn advice_of(advice: Option<Word>, retry_after: Option<Millis>) -> Advice {
    match advice {
        None | Some(Word::Policy) => Advice::ByPolicy,
        Some(Word::Again) => Advice::Again(retry_after),
        Some(Word::Never) => Advice::Never,
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Policy,
    Again,
    Never,
}

impl From<Ended> for RunEnd {
    fn from(Ended { output, advice, retry_after_ms }: Ended) -> Self {
        match advice {
            None => Self::Returned(output),
            Some(_) => Self::Threw(Thrown { failure: output, advice: advice_of(advice, retry_after_ms) }),
        }
    }
}

impl Runners for JsRunners {
    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.works.iter().map(|work| work.kind.clone()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn handles(&self, kind: &str, version: Option<u64>) -> bool {
        self.works.iter().any(|work| work.kind == kind && (work.any_version || work.version == version))
    }

    fn is_offline(&self) -> bool {
        // The TypeScript in front throws nothing.
        self.is_offline.call0(&JsValue::UNDEFINED).is_ok_and(|offline| offline.is_truthy())
    }

    fn ready(&self, claimed: &ProcessRecord) -> LocalBoxFuture<'static, Result<()>> {
        let is_schema = |declared: &ProcessEventType| declared.payload_schema.is_some();
        match claimed.registered.registration.event_types.iter().any(is_schema) {
            // Events and ends are checked where they are written, which cannot wait for the validator.
            true => load_validator().boxed_local(),
            false => ready(Ok(())).boxed_local(),
        }
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        let kind = context.record().identity().map_or("", |identity| identity.kind.as_str());
        let kind = JsValue::from_str(kind);
        let (run, raw) = (
            self.run.clone(),
            Run { begins: RefCell::new(Some(context.begins_later())), context, closed: self.closed.clone() },
        );
        async move {
            // The TypeScript in front rejects with trouble of the driver alone, and gives no other shape.
            let output = called(run, kind, JsValue::from(raw)).await.map_err(raised)?;
            let ended = output.unwrap_or_default().read::<Ended>();
            ended.map(RunEnd::from).map_err(|fault| Error::new(Code::Internal, fault))
        }
        .boxed_local()
    }

    fn unhandled(&self, waiting: &ProcessRecord) {
        let (id, kind) = (waiting.id().as_str(), waiting.identity().map_or("", |identity| identity.kind.as_str()));
        let version = waiting.policy().version.map(|version| format!(" in version {version}")).unwrap_or_default();
        warn(&format!(
            "longwait: process \"{id}\" waits to be run, and this driver has no runner for its kind \"{kind}\"{version}"
        ));
    }

    fn failed(&self, fault: &Error) {
        report(&process_error(fault.clone()));
    }
}
