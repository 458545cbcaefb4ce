//! Values across the border.

use std::rc::Rc;

use futures::{FutureExt, TryFutureExt};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::{
    domain::json::{FromJson, ToJson},
    error::{Code, Error, Result},
    host::browser::{from_js, to_js},
};

/// An argument in its own shape; `name` says which one is wrong.
pub fn read<T: FromJson>(name: &str, value: JsValue) -> Result<T> {
    let value =
        from_js(value).map_err(|fault| Error::invalid(format!("{name} is no JSON")).caused_by(Rc::new(fault)))?;
    T::from_json(value).map_err(|fault| Error::invalid(fault.within(name).to_string()))
}

/// A result as a plain object.
pub fn js(value: &dyn ToJson) -> Result<JsValue> {
    let unwritable = |fault| Error::new(Code::Internal, "a result cannot be handed over").caused_by(Rc::new(fault));
    to_js(&value.to_json()).map_err(unwritable)
}

/// A result that may be missing: `undefined`.
pub fn js_some(value: Option<&dyn ToJson>) -> Result<JsValue> {
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
