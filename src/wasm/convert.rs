//! Values across the border.

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use js_sys::Promise;
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::{
    domain::json::{self, FromJson},
    error::{Code, Error, Result},
    host::browser::{from_js, to_js},
};

/// An argument in its own shape; `name` says which one is wrong.
pub fn read<T: FromJson>(name: &str, value: JsValue) -> Result<T> {
    let value =
        from_js(value).map_err(|fault| Error::invalid(format!("{name} is no JSON")).caused_by(Rc::new(fault)))?;
    json::read(value).map_err(|fault| Error::invalid(fault.within(name).to_string()))
}

/// A result as a plain object; `undefined` where there is nothing.
pub fn js(value: &Value) -> Result<JsValue> {
    if value.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    let unwritable = |fault| Error::new(Code::Internal, "a result cannot be handed over").caused_by(Rc::new(fault));
    to_js(value).map_err(unwritable)
}

/// A future of a JSON value, boxed so that what runs it is compiled once and not for every export.
pub type Reply = LocalBoxFuture<'static, Result<Value>>;

/// A promise of a reply.
pub fn promise(reply: Reply) -> Promise {
    future_to_promise(async move { reply.await.and_then(|value| js(&value)).map_err(host::process_error) })
}
