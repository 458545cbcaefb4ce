//! Values across the border.

use futures::future::LocalBoxFuture;
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::{domain::value::Json, error::Result, host::browser::to_js};

/// A result as a plain object; `undefined` where there is nothing.
pub fn js(value: &Json) -> JsValue {
    if value.is_null() {
        return JsValue::UNDEFINED;
    }
    to_js(value)
}

/// A promise of a reply.
pub fn promise(reply: impl Future<Output = Result<Json>> + 'static) -> Promise {
    promise_of(Box::pin(async move { reply.await.map(|value| js(&value)).map_err(host::process_error) }))
}

/// A promise of whatever JavaScript is to see. Boxed, so that making one is compiled once.
pub fn promise_of(outcome: LocalBoxFuture<'static, std::result::Result<JsValue, JsValue>>) -> Promise {
    future_to_promise(outcome)
}
