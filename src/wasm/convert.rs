//! Values across the border.

use std::rc::Rc;

use futures::{FutureExt, TryFutureExt};
use js_sys::Promise;
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::{
    domain::json::FromJson,
    error::{Code, Error, Result},
};

/// An argument in its own shape; `name` says which one is wrong.
pub fn read<T: FromJson>(name: &str, value: JsValue) -> Result<T> {
    let value: Value =
        serde_wasm_bindgen::from_value(value).map_err(|fault| Error::invalid(format!("{name} {fault}")))?;
    T::from_json(value).map_err(|fault| Error::invalid(fault.within(name).to_string()))
}

/// A result as a plain object.
pub fn js(value: &(impl Serialize + ?Sized)) -> Result<JsValue> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|fault| Error::new(Code::Internal, fault.to_string()).caused_by(Rc::new(JsValue::from(fault))))
}

/// A result that may be missing: `undefined`.
pub fn js_some(value: Option<&impl Serialize>) -> Result<JsValue> {
    value.map_or(Ok(JsValue::UNDEFINED), js)
}

/// A promise of a future.
pub fn promise(future: impl Future<Output = Result<JsValue>> + 'static) -> Promise {
    settle(future.map_err(host::process_error))
}

/// A promise of a future that rejects with any value.
pub fn settle(future: impl Future<Output = std::result::Result<JsValue, JsValue>> + 'static) -> Promise {
    // Boxed, so that the machinery behind it is compiled once and not for every export.
    future_to_promise(future.boxed_local())
}
