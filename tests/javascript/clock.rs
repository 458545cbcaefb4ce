//! The clock of a case, as the clock of the page.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, task::Poll};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, poll_fn},
};
use js_sys::Function;
use longwait::host::Clock;
use longwait_testing::fake::FakeClock;
use wasm_bindgen::prelude::*;

/// The clock and the timers of a frame, which go by those of a case.
#[wasm_bindgen]
pub struct PageClock {
    clock: FakeClock,
    timers: Rc<RefCell<BTreeMap<u32, LocalBoxFuture<'static, ()>>>>,
    begun: u32,
}

impl PageClock {
    /// The clock of a case, without a timer.
    pub fn of(clock: FakeClock) -> Self {
        Self { clock, timers: Rc::default(), begun: 0 }
    }
}

#[wasm_bindgen]
impl PageClock {
    /// `Date.now`.
    pub fn now(&self) -> f64 {
        self.clock.now() as f64
    }

    /// `performance.now`.
    pub fn monotonic(&self) -> f64 {
        self.clock.monotonic() as f64
    }

    /// `setTimeout`.
    pub fn begin(&mut self, work: Function, span: f64) -> u32 {
        self.begun += 1;
        let (number, timers) = (self.begun, self.timers.clone());
        timers.borrow_mut().insert(number, self.clock.sleep(span as u64));
        wasm_bindgen_futures::spawn_local(async move {
            let due = poll_fn(|context| match timers.borrow_mut().get_mut(&number) {
                Some(timer) => timer.poll_unpin(context).map(|()| true),
                None => Poll::Ready(false),
            });
            if due.await {
                timers.borrow_mut().remove(&number);
                work.call0(&JsValue::UNDEFINED).unwrap();
            }
        });
        number
    }

    /// `clearTimeout`. The timer is gone at once, and not when its task looks next.
    pub fn end(&self, number: u32) {
        let ended = self.timers.borrow_mut().remove(&number);
        drop(ended);
    }
}
