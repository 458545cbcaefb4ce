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
