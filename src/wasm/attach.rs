//! Waits that JavaScript owns.

use std::rc::Rc;

use futures::{FutureExt, future::LocalBoxFuture};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error::{Code, Error, Result},
    model::{key::ProcessId, payload::Payload, process::ProcessAwaitOutput},
    notify::{ProcessAttach, ProcessAwaiter},
};

/// An engine of JavaScript: `attach(id)` resolves with how the process ends.
struct JsAttach(Function);

/// An awaiter, perhaps with an engine that owns the waits.
pub fn attached(awaiter: ProcessAwaiter, attach: Option<Function>) -> ProcessAwaiter {
    match attach {
        Some(attach) => awaiter.with_attach(Rc::new(JsAttach(attach))),
        None => awaiter,
    }
}

impl ProcessAttach for JsAttach {
    fn await_terminal(&self, id: &ProcessId) -> LocalBoxFuture<'static, Result<ProcessAwaitOutput>> {
        let (attach, id) = (self.0.clone(), JsValue::from_str(id));
        async move {
            let output = called(attach, id, JsValue::UNDEFINED).await?;
            output.unwrap_or_default().read().map_err(|fault| Error::invalid(format!("attach: {fault}")))
        }
        .boxed_local()
    }
}

/// What an asynchronous function resolves with, or nothing.
pub async fn called(function: Function, one: JsValue, two: JsValue) -> Result<Option<Payload>> {
    let thrown = |fault| Error::new(Code::Internal, "a callback threw").caused_by(Rc::new(fault));
    let promise = function.call2(&JsValue::UNDEFINED, &one, &two).map_err(thrown)?;
    let given = JsFuture::from(promise.unchecked_into::<Promise>()).await.map_err(thrown)?;
    Ok((!given.is_undefined()).then(|| Payload::from(given)))
}
