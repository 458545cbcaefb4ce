//! What TypeScript lends to Rust: the schema validator, error reporting.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::{attach::called, words::intern_words};
use crate::{
    error::{Code, Error},
    host::{
        Broadcast, Liveness,
        browser::{BrowserClock, BrowserRandom, BrowserSpawn, raised},
    },
    model::{
        event::ProcessEvent,
        payload::{Payload, handed_out},
        schema::{SchemaHost, Validator},
    },
    notify::ProcessEventSink,
    registry::Host,
};

thread_local! {
    static LENT: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

/// Takes what the host lends. Called once, right after the module is loaded.
#[wasm_bindgen]
pub fn install(host: JsValue) {
    // A panic is a defect, and traps; its message is what a report of it is worth.
    console_error_panic_hook::set_once();
    LENT.set(host);
    intern_words();
}

fn lent(name: &str) -> Option<Function> {
    let host = LENT.with_borrow(JsValue::clone);
    Reflect::get(&host, &name.into()).ok()?.dyn_into().ok()
}

/// The host of a registry in a browser, a worker, or Node.
pub fn browser(liveness: Rc<dyn Liveness>, broadcast: Rc<dyn Broadcast>) -> Host {
    Host {
        clock: Rc::new(BrowserClock),
        random: Rc::new(BrowserRandom),
        liveness,
        schemas: schemas(),
        spawn: Rc::new(BrowserSpawn),
        broadcast,
    }
}

/// An error as JavaScript is handed it: `[code, message, processId, cause]`. The `ProcessError` is made of it there, once no
/// frame of ours is on the stack: the stack of an error leads to the memory of the frames in it.
pub fn process_error(error: Error) -> JsValue {
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<JsValue>()).cloned();
    let id = error.process_id().map_or(JsValue::UNDEFINED, |id| JsValue::from_str(id));
    let (code, message) = (error.code().as_str().into(), error.message().into());
    Array::of4(&code, &message, &id, &cause.unwrap_or(JsValue::UNDEFINED)).into()
}

/// Has the schema validator fetched, unless it is there.
pub async fn load_validator() -> Result<(), Error> {
    let load = lent("loadValidator").ok_or_else(|| Error::new(Code::Internal, "no validator is installed"))?;
    called(load, JsValue::UNDEFINED, JsValue::UNDEFINED).await.map_err(raised).map(drop)
}

/// Warns a person on the console.
pub fn warn(message: &str) {
    if let Some(warn) = lent("warn") {
        let _ = warn.call1(&JsValue::UNDEFINED, &message.into());
    }
}

/// Shows a person an error of a callback that must not fail what called it.
pub fn report(fault: &JsValue) {
    if let Some(report) = lent("reportError") {
        let _ = report.call1(&JsValue::UNDEFINED, fault);
    }
}

/// The validator that the host lends.
pub fn schemas() -> Rc<dyn SchemaHost> {
    Rc::new(LentSchemas)
}

struct LentSchemas;

impl SchemaHost for LentSchemas {
    fn compile(&self, schema: &Payload, is_new: bool) -> Result<Rc<dyn Validator>, String> {
        let compile = lent("compileSchema").ok_or("no validator is installed")?;
        let compiled = compile
            .call2(&JsValue::UNDEFINED, &schema.clone().into_js(), &is_new.into())
            .map_err(|fault| message(&fault))?;
        let validate = compiled.dyn_into().map_err(|_| "the validator is no function")?;
        Ok(Rc::new(LentValidator(validate)))
    }
}

struct LentValidator(Function);

impl Validator for LentValidator {
    fn faults(&self, payload: &Payload) -> Vec<String> {
        match self.0.call1(&JsValue::UNDEFINED, &payload.clone().into_js()) {
            Ok(faults) => Array::from(&faults).iter().filter_map(|fault| fault.as_string()).collect(),
            Err(fault) => vec![message(&fault)],
        }
    }
}

fn message(fault: &JsValue) -> String {
    let message = Reflect::get(fault, &"message".into()).ok().and_then(|message| message.as_string());
    message.unwrap_or_else(|| "the validator threw".to_owned())
}

/// A sink that is a JavaScript function.
pub struct JsSink(pub Function);

impl ProcessEventSink for JsSink {
    fn emit(&self, event: &ProcessEvent) -> LocalBoxFuture<'static, ()> {
        let event = match handed_out(event) {
            Ok(event) => event,
            Err(fault) => {
                report(&process_error(fault));
                return ready(()).boxed_local();
            }
        };
        match self.0.call1(&JsValue::UNDEFINED, &event) {
            Ok(answer) if answer.is_object() => async move {
                if let Err(fault) = JsFuture::from(Promise::resolve(&answer)).await {
                    report(&fault);
                }
            }
            .boxed_local(),
            Ok(_) => ready(()).boxed_local(),
            Err(fault) => {
                report(&fault);
                ready(()).boxed_local()
            }
        }
    }
}
