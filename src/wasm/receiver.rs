//! A change receiver in JavaScript's hands.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use super::convert::promise;
use crate::{
    error::{Code, Error},
    host::{Semaphore, latch},
    notify::ChangeReceiver,
};

/// Watches one process until it is closed or freed.
#[wasm_bindgen]
pub struct Receiver {
    open: RefCell<Option<Open>>,
    closed: latch::Latch,
    registry_closed: latch::Latch,
}

struct Open {
    receiver: Rc<ChangeReceiver>,
    /// Of the call that is told next.
    turns: Semaphore,
    /// Dropped to end the waits that are pending.
    _closing: latch::Release,
}

impl Receiver {
    pub(super) fn new(receiver: ChangeReceiver, registry_closed: latch::Latch) -> Self {
        let (_closing, closed) = latch::latch();
        let open = Open { receiver: Rc::new(receiver), turns: Semaphore::default(), _closing };
        Self { open: RefCell::new(Some(open)), closed, registry_closed }
    }
}

#[wasm_bindgen]
impl Receiver {
    /// Resolves when the process changed since this receiver last looked.
    pub fn changed(&self) -> Promise {
        let receiver = self.open.borrow().as_ref().map(|open| (open.receiver.clone(), open.turns.clone()));
        let closed = select(self.closed.released(), self.registry_closed.released());
        promise(async move {
            let over = || Error::new(Code::Closed, "the receiver is closed");
            let (receiver, turns) = receiver.ok_or_else(over)?;
            let change = pin!(async {
                let _turn = turns.acquire().await;
                receiver.changed().await;
            });
            match select(closed, change).await {
                Either::Left(_) => Err(over()),
                Either::Right(_) => Ok(()),
            }
        })
    }

    /// Ends the watch; waits that are pending reject with `closed`.
    pub fn close(&self) {
        let open = self.open.take();
        drop(open);
    }
}
