//! Values across the border.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::host;
use crate::{
    domain::{
        json::{self, FromJson},
        value::Json,
    },
    error::{Error, Result},
    host::browser::{from_js, to_js},
};

/// An argument in its own shape; `name` says which one is wrong.
pub fn read<T: FromJson>(name: &str, value: JsValue) -> Result<T> {
    json::read(from_js(&value)).map_err(|fault| Error::invalid(fault.within(name).text()))
}

/// A result as a plain object; `undefined` where there is nothing.
pub fn js(value: &Json) -> JsValue {
    if value.is_null() {
        return JsValue::UNDEFINED;
    }
    to_js(value)
}

/// A promise of a reply.
pub fn promise(reply: impl Future<Output = Result<Json>> + 'static) -> Promise {
    future_to_promise(async move { reply.await.map(|value| js(&value)).map_err(host::process_error) })
}
