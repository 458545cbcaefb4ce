//! Values across the border.

use std::rc::Rc;

use js_sys::Promise;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::error::{Code, Error, Result};

/// An argument in its own shape; `name` says which one is wrong.
pub fn read<T: DeserializeOwned>(name: &str, value: JsValue) -> Result<T> {
    serde_wasm_bindgen::from_value(value).map_err(|fault| Error::invalid(format!("{name}: {fault}")))
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
    future_to_promise(async move { future.await.map_err(host::process_error) })
}
