//! Values across the border.

use std::pin::pin;

use futures::future::{Either, LocalBoxFuture, select};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use web_sys::AbortSignal;

use super::host::process_error;
use crate::{
    domain::{Millis, value::Json},
    error::{Code, Error, Result},
    host::{
        browser::{BrowserClock, Listener, to_js},
        oneshot, within,
    },
};

/// A result as a plain object; `undefined` where there is nothing.
pub fn js(value: &Json) -> JsValue {
    if value.is_null() {
        return JsValue::UNDEFINED;
    }
    to_js(value)
}

/// A promise of a reply. Boxed, so that making one is compiled once.
pub fn promise(reply: LocalBoxFuture<'static, Result<Json>>) -> Promise {
    promise_of(Box::pin(async move { reply.await.map(|value| js(&value)).map_err(process_error) }))
}

/// A promise of whatever JavaScript is to see. Boxed, so that making one is compiled once.
pub fn promise_of(outcome: LocalBoxFuture<'static, std::result::Result<JsValue, JsValue>>) -> Promise {
    future_to_promise(outcome)
}

/// What everything is refused with after that.
fn closed() -> Error {
    Error::new(Code::Closed, "the registry is closed")
}

/// Refuses after that.
pub fn is_open(closing: &oneshot::Latch) -> Result<()> {
    if closing.is_released() { Err(closed()) } else { Ok(()) }
}

/// A promise of a wait, until it is aborted, takes too long, or the registry is closed.
pub fn promise_of_wait(
    signal: Option<AbortSignal>,
    timeout_ms: Option<f64>,
    closing: oneshot::Latch,
    wait: LocalBoxFuture<'static, Result<Json>>,
) -> Promise {
    promise_of(Box::pin(async move {
        let wait = pin!(within(&BrowserClock, timeout_ms.map(|span| span as Millis), wait));
        let aborted = pin!(aborted(signal));
        match select(select(aborted, closing.released()), wait).await {
            Either::Left((Either::Left((reason, _)), _)) => Err(reason),
            Either::Left((Either::Right(_), _)) => Err(process_error(closed())),
            Either::Right((outcome, _)) => outcome.map(|value| js(&value)).map_err(process_error),
        }
    }))
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
