//! A change receiver in JavaScript's hands.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
};
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use super::convert::{Closing, promise};
use crate::{
    domain::value::Json,
    error::{Code, Error},
    host::Permits,
    watch::ChangeReceiver,
};

/// Watches one process until it is closed or freed.
#[wasm_bindgen]
pub struct Receiver {
    open: RefCell<Option<Open>>,
    closed: Closing,
    registry_closed: Closing,
}

struct Open {
    receiver: Rc<ChangeReceiver>,
    /// Of the call that is told next.
    turns: Permits,
    /// Dropped to end the waits that are pending.
    _closing: oneshot::Sender<()>,
}

impl Receiver {
    pub(super) fn new(receiver: ChangeReceiver, registry_closed: Closing) -> Self {
        let (_closing, closed) = oneshot::channel();
        let open = Open { receiver: Rc::new(receiver), turns: Permits::default(), _closing };
        Self { open: RefCell::new(Some(open)), closed: closed.shared(), registry_closed }
    }
}

#[wasm_bindgen]
impl Receiver {
    /// Resolves when the process changed since this receiver last looked.
    pub fn changed(&self) -> Promise {
        let receiver = self.open.borrow().as_ref().map(|open| (open.receiver.clone(), open.turns.clone()));
        let closed = select(self.closed.clone(), self.registry_closed.clone());
        promise(async move {
            let over = || Error::new(Code::Closed, "the receiver is closed");
            let (receiver, turns) = receiver.ok_or_else(over)?;
            let change = pin!(async {
                let _turn = turns.take().await;
                receiver.changed().await;
            });
            match select(closed, change).await {
                Either::Left(_) => Err(over()),
                Either::Right(_) => Ok(Json::Null),
            }
        })
    }

    /// Ends the watch; waits that are pending reject with `closed`.
    pub fn close(&self) {
        let open = self.open.take();
        drop(open);
    }
}
