//! Time, chance, values and errors of the browser, or of any other JavaScript host.

use std::{cell::Cell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

pub mod tab;

use super::{Clock, Random, Spawn};
use crate::{
    error::{Code, Error},
    model::{Millis, key::ProcessId},
};

/// `Date.now`, `performance.now` and `setTimeout`.
pub struct BrowserClock;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = performance, js_name = now)]
    fn performance_now() -> Result<f64, JsValue>;
}

thread_local! {
    /// The latest time, and how far that is ahead of the reading: where the clock of the host is set back, or replaced by one that begins
    /// at 0, as tests do, time continues from there.
    static LATEST: Cell<(Millis, Millis)> = const { Cell::new((0, 0)) };
}

impl Clock for BrowserClock {
    fn now(&self) -> Millis {
        js_sys::Date::now() as Millis
    }

    fn monotonic(&self) -> Millis {
        let reading = performance_now().map_or_else(|_| self.now(), |passed| passed as Millis);
        let (latest, ahead) = LATEST.get();
        let ahead = ahead.max(latest.saturating_sub(reading));
        LATEST.set((reading + ahead, ahead));
        reading + ahead
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        TimeoutFuture::new(span as u32).boxed_local()
    }
}

/// What a callback rejected with, as the error that it is made of if it is one of ours.
pub fn raised(fault: Error) -> Error {
    let Some(thrown) = fault.cause().and_then(|cause| cause.downcast_ref::<JsValue>()) else { return fault };
    let field = |name: &str| Reflect::get(thrown, &name.into()).unwrap_or_default();
    let text = |name: &str| field(name).as_string();
    let (given, message) = (text("code"), text("message"));
    let code = Code::ALL.iter().find(|code| Some(code.as_str()) == given.as_deref());
    let (Some(code), Some(message)) = (code, message) else { return fault };
    let error = match text("processId").map(ProcessId::from) {
        Some(id) => Error::about(*code, &id, message),
        None => Error::new(*code, message),
    };
    let cause = field("cause");
    if cause.is_undefined() { error } else { error.caused_by(Rc::new(cause)) }
}

/// `crypto.getRandomValues`, which insecure origins have too (`randomUUID` they have not).
pub struct BrowserRandom;

impl Random for BrowserRandom {
    fn name(&self) -> String {
        tab::random_name()
    }
}

/// The microtask queue.
pub struct BrowserSpawn;

impl Spawn for BrowserSpawn {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn next_task(&self) -> LocalBoxFuture<'static, ()> {
        wasm_bindgen_futures::JsFuture::from(tab::next_task()).map(drop).boxed_local()
    }
}
