//! Time, chance, values and events of the browser, or of any other JavaScript host.

use futures::{FutureExt, future::LocalBoxFuture};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Reflect, Uint8Array};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, EventTarget};

use super::{Clock, Random};
use crate::domain::Millis;

/// `Date.now` and `setTimeout`.
pub struct BrowserClock;

/// The longest that `setTimeout` counts; beyond, it fires at once (HTML, timers, step on signed 32 bits).
const LONGEST_TIMER: Millis = 0x7fff_ffff;

impl Clock for BrowserClock {
    fn now(&self) -> Millis {
        js_sys::Date::now() as Millis
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        async move {
            let mut left = span;
            while left > LONGEST_TIMER {
                TimeoutFuture::new(LONGEST_TIMER as u32).await;
                left -= LONGEST_TIMER;
            }
            TimeoutFuture::new(left as u32).await;
        }
        .boxed_local()
    }
}

/// `crypto.getRandomValues`, which insecure origins have too (`randomUUID` they have not).
pub struct BrowserRandom;

impl Random for BrowserRandom {
    fn name(&self) -> String {
        let mut bytes = [0; 16];
        let array = Uint8Array::new_with_length(16);
        let crypto = Reflect::get(&js_sys::global(), &JsValue::from_str("crypto"));
        if let Ok(crypto) = crypto {
            let crypto: web_sys::Crypto = crypto.unchecked_into();
            if crypto.get_random_values_with_array_buffer_view(&array).is_ok() {
                array.copy_to(&mut bytes);
            }
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// An event listener that is taken off its target when dropped.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Listens from now on.
    pub fn new(target: &EventTarget, event: &'static str, handle: impl FnMut(Event) + 'static) -> Self {
        let closure = Closure::new(handle);
        // Adding a function as a listener to a live target cannot fail.
        let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        Self { target: target.clone(), event, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.event, callback);
    }
}

/// A JSON value as a plain object.
pub fn to_js(value: &Value) -> Result<JsValue, JsValue> {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

/// A plain object as a JSON value.
pub fn from_js(value: JsValue) -> Result<Value, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(JsValue::from)
}
