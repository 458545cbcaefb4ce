//! Time, chance and values of the browser, or of any other JavaScript host.

use std::cell::Cell;

use futures::{FutureExt, future::LocalBoxFuture};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

pub mod tab;

use super::{Clock, Random, Spawn};
use crate::model::Millis;

/// `Date.now`, `performance.now` and `setTimeout`.
pub struct BrowserClock;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = performance, js_name = now)]
    fn performance_now() -> Result<f64, JsValue>;
}

thread_local! {
    /// The latest reading: a host without a monotonic clock may only be slow, never go back.
    static LATEST: Cell<Millis> = const { Cell::new(0) };
}

impl Clock for BrowserClock {
    fn now(&self) -> Millis {
        js_sys::Date::now() as Millis
    }

    fn monotonic(&self) -> Millis {
        let reading = performance_now().map_or_else(|_| self.now(), |passed| passed as Millis);
        LATEST.set(LATEST.get().max(reading));
        LATEST.get()
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        TimeoutFuture::new(span as u32).boxed_local()
    }
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
