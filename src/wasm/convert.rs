//! Values across the border.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, ready, select},
};
use js_sys::{Function, Promise};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsValue, closure::Closure};
use wasm_bindgen_futures::future_to_promise;

use super::host::process_error;
use crate::{
    error::{Code, Error, Result},
    host::{Spawn, latch},
    model::{
        Millis,
        payload::{Payload, handed_out},
        policy::Policy,
        process::NewProcess,
    },
};

/// An argument in its own shape. [`Code::InvalidArgument`] begins with its name: the TypeScript in front has checked it, so this
/// is a second look.
pub fn read<T: DeserializeOwned>(value: JsValue, name: &str) -> Result<T> {
    Payload::from(value).read().map_err(|fault| Error::invalid(format!("{name}: {fault}")))
}

/// A process to register: the registration and the policy each take their own fields of the one document.
pub fn read_process(value: JsValue, attachments: JsValue) -> Result<NewProcess> {
    let policy = read(value.clone(), "registration")?;
    Ok(NewProcess {
        policy,
        attachments: read(attachments, "attachments")?,
        ..NewProcess::new(read(value, "registration")?, Policy::default())
    })
}

/// A reply as JavaScript sees it: `undefined` where there is nothing.
pub fn reply<T: Serialize>(value: &T) -> std::result::Result<JsValue, JsValue> {
    let shown = handed_out(value).map_err(process_error)?;
    Ok(if shown.is_null() { JsValue::UNDEFINED } else { shown })
}

/// What a promise of a reply is settled with.
fn settled<T: Serialize>(outcome: Result<T>) -> std::result::Result<JsValue, JsValue> {
    reply(&outcome.map_err(process_error)?)
}

/// A promise of a reply.
pub fn promise<T: Serialize + 'static>(work: impl Future<Output = Result<T>> + 'static) -> Promise {
    promise_of(work.map(settled).boxed_local())
}

/// A promise that is rejected with an error.
pub fn refused(fault: Error) -> Promise {
    promise_of(ready(Err(process_error(fault))).boxed_local())
}

/// A promise of whatever JavaScript is to see. Boxed, so that making one is compiled once.
pub fn promise_of(outcome: LocalBoxFuture<'static, std::result::Result<JsValue, JsValue>>) -> Promise {
    match SPAWN.with_borrow(Clone::clone) {
        None => future_to_promise(outcome),
        Some(spawn) => promise_on(&*spawn, outcome),
    }
}

thread_local! {
    static SPAWN: RefCell<Option<Rc<dyn Spawn>>> = const { RefCell::new(None) };
}

/// Has the promises of all calls from now on run by this, where the host is not the browser; gives what ran them until now.
pub fn promise_by(spawn: Option<Rc<dyn Spawn>>) -> Option<Rc<dyn Spawn>> {
    SPAWN.replace(spawn)
}

fn promise_on(spawn: &dyn Spawn, outcome: LocalBoxFuture<'static, std::result::Result<JsValue, JsValue>>) -> Promise {
    let mut outcome = Some(outcome);
    Promise::new(&mut |resolve, reject| {
        let Some(outcome) = outcome.take() else { return };
        spawn.spawn(Box::pin(async move {
            let (settle, value) = match outcome.await {
                Ok(value) => (resolve, value),
                Err(fault) => (reject, fault),
            };
            // What settles a promise throws nothing.
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        }));
    })
}

/// The error of a call on a closed registry.
fn closed() -> Error {
    Error::new(Code::Closed, "the registry is closed")
}

/// Refuses with [`closed`] once the registry is closing.
pub fn is_open(closing: &latch::Latch) -> Result<()> {
    if closing.is_released() { Err(closed()) } else { Ok(()) }
}

/// A span of time as JavaScript gives it.
pub fn span(timeout_ms: Option<f64>) -> Option<Millis> {
    timeout_ms.map(|span| span as Millis)
}

/// A promise of a wait, until it is stopped, or the registry is closed. A wait bounds itself: it looks before it does.
pub fn promise_of_wait<T: Serialize + 'static>(
    until: Option<Function>,
    closing: latch::Latch,
    wait: impl Future<Output = Result<T>> + 'static,
) -> Promise {
    promise_of(Box::pin(stoppable(until, closing, wait.map(settled).boxed_local())))
}

async fn stoppable(
    until: Option<Function>,
    closing: latch::Latch,
    wait: LocalBoxFuture<'static, std::result::Result<JsValue, JsValue>>,
) -> std::result::Result<JsValue, JsValue> {
    let stopped = pin!(stopped(until));
    match select(select(stopped, closing.released()), wait).await {
        // The TypeScript in front has rejected with the reason of the abort, and hears of this no more.
        Either::Left((Either::Left(_), _)) => Err(JsValue::UNDEFINED),
        Either::Left((Either::Right(_), _)) => Err(process_error(closed())),
        Either::Right((outcome, _)) => outcome,
    }
}

/// Resolves once the wait is to be dropped; never where nothing says so. `until(stop)` gives what is called then, at most once;
/// `until()` takes it back.
async fn stopped(until: Option<Function>) {
    let Some(until) = until else { return futures::future::pending().await };
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    let stopping = Stopping { until, stop: Closure::new(move || drop(stop.take())) };
    // The TypeScript in front throws nothing.
    let _ = stopping.until.call1(&JsValue::UNDEFINED, stopping.stop.as_ref());
    let _ = stopped.await;
}

/// Takes back what stops a wait when dropped.
struct Stopping {
    until: Function,
    stop: Closure<dyn FnMut()>,
}

impl Drop for Stopping {
    fn drop(&mut self) {
        let _ = self.until.call0(&JsValue::UNDEFINED);
    }
}
