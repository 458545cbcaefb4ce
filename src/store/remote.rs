//! Rows over a network: an [`Engine`] that is an object of JavaScript, with the time and the news that come with it.
//!
//! `js/border/remote.ts` says what the object is. It runs transactions as requests (`requests.rs`), optimistically: what it does to commit
//! them is its affair, and this side runs again what lost a race.

use std::{any::Any, cell::Cell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::{
    Durability,
    engine::{Connection, Engine, Failed, How, Mode, Step, Traits, Upload},
    requests::{Fault, Next, Transaction, name_of, text_of},
};
use crate::{
    error::{Code, Error, Result},
    host::{
        Broadcast, Clock, Heard,
        browser::{
            BrowserClock, raised,
            tab::{Ending, chunks_of, hearing},
        },
    },
    model::{Millis, attachment::Attachment, key::ProcessId, stream::StreamNotification},
};

#[wasm_bindgen]
extern "C" {
    /// The object, behind the TypeScript that keeps what it throws from the WebAssembly.
    #[derive(Clone)]
    pub type RemoteObject;
    #[wasm_bindgen(method)]
    fn run(this: &RemoteObject, mode: &str, step: &Next) -> Promise;
    /// A promise; `undefined` where there is nothing to wait for.
    #[wasm_bindgen(method)]
    fn upload(this: &RemoteObject, process_id: &str, name: &str, body: JsValue) -> Option<Promise>;
    #[wasm_bindgen(method)]
    fn discard(this: &RemoteObject, process_id: &str, name: &str, body: JsValue);
    #[wasm_bindgen(method)]
    fn now(this: &RemoteObject) -> f64;
    #[wasm_bindgen(method)]
    fn listen(this: &RemoteObject, hear: &Closure<dyn FnMut(JsValue)>) -> Function;
    #[wasm_bindgen(method, js_name = sendChunks)]
    fn send_chunks(this: &RemoteObject, stream: JsValue, values: JsValue);
    #[wasm_bindgen(method)]
    fn close(this: &RemoteObject);
}

/// How many operations share a transaction: each may take several messages, and a server takes a thousand together.
const MOST_OPERATIONS: usize = 256;

/// The engine. Clones share it. Keeping a connection is the object's affair, so this side has the one from its beginning to its end.
#[derive(Clone)]
pub struct Remote(Rc<Parts>);

struct Parts {
    object: RemoteObject,
    is_closed: Cell<bool>,
}

impl Remote {
    /// The engine that the object is.
    pub fn new(object: RemoteObject) -> Self {
        Self(Rc::new(Parts { object, is_closed: Cell::new(false) }))
    }
}

impl Engine for Remote {
    fn durability(&self) -> Durability {
        Durability::Remote
    }

    fn traits(&self) -> Traits {
        Traits { is_optimistic: true, most_operations: MOST_OPERATIONS }
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let connected = match self.0.is_closed.get() {
            true => Err(Error::new(Code::Closed, "the registry is closed")),
            false => Ok(Rc::new(self.clone()) as Rc<dyn Connection>),
        };
        ready(connected).boxed_local()
    }

    fn upload(&self, Upload { process_id, attachment }: &Upload) -> Option<LocalBoxFuture<'static, Result<()>>> {
        let Attachment { info, body } = &**attachment;
        let uploaded = JsFuture::from(self.0.object.upload(process_id.as_str(), &info.name, body.clone().into_js())?);
        Some(uploaded.map(|outcome| outcome.map(drop).map_err(|fault| failed(fault).error)).boxed_local())
    }

    fn discard(&self, Upload { process_id, attachment }: &Upload) {
        let Attachment { info, body } = &**attachment;
        self.0.object.discard(process_id.as_str(), &info.name, body.clone().into_js());
    }

    fn forget(&self, _: u64) {}

    fn close(&self) {
        if !self.0.is_closed.replace(true) {
            self.0.object.close();
        }
    }
}

impl Connection for Remote {
    fn generation(&self) -> u64 {
        1
    }

    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let object = self.0.object.clone();
        async move {
            let transaction = Transaction::new(step);
            let name = if mode == Mode::ReadHeard { "heard" } else { name_of(mode) };
            let promise = object.run(name, &transaction.next);
            transaction.ends(promise).await.map_err(|fault| match fault {
                Fault::Taken(error) => Failed { error, how: How::Refused },
                Fault::Thrown(fault) => failed(fault),
            })
        }
        .boxed_local()
    }
}

/// What a transaction was rejected with, a `RemoteFault`. Of anything else it is not known whether it was committed.
fn failed(fault: JsValue) -> Failed {
    let how = match text_of(&fault, "how").as_str() {
        "raced" => How::Raced,
        "refused" => How::Refused,
        "unopened" => How::Unopened,
        _ => How::Unsettled,
    };
    let error = Error::new(Code::StorageFailed, "the remote store failed").caused_by(Rc::new(fault));
    Failed { error: raised(error), how }
}

/// The time by the server, and timers of this host.
impl Clock for Remote {
    fn now(&self) -> Millis {
        self.0.object.now() as Millis
    }

    fn monotonic(&self) -> Millis {
        BrowserClock.monotonic()
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        BrowserClock.sleep(span)
    }
}

/// What is committed is news to all others by itself.
impl Broadcast for Remote {
    fn announce(&self, _: &[ProcessId]) {}

    fn announce_chunks(&self, notification: &Rc<StreamNotification>) {
        if let Some((stream, values)) = chunks_of(notification) {
            self.0.object.send_chunks(stream, values);
        }
    }

    fn listen(&self, heard: Heard) -> Box<dyn Any> {
        let hear = hearing(heard);
        Box::new((Ending(self.0.object.listen(&hear)), hear))
    }
}
