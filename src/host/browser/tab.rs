//! A tab among the others: the lock that proves it alive, the channel to the others, its own comings and goings.
//!
//! `tab.js` makes the calls to the browser; this file says what they mean here.

use std::{any::Any, rc::Rc};

use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};
use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error::Result,
    host::{Announced, Broadcast, Heard, Liveness, LivenessLock, NoProof},
    model::{
        key::{Key, ProcessId},
        lease::{LeaseOwner, LivenessMark, Proof},
        payload::Payload,
        stream::StreamNotification,
    },
};

#[wasm_bindgen(module = "/src/host/browser/tab.js")]
extern "C" {
    #[wasm_bindgen(js_name = isFree)]
    fn js_is_free(name: &str) -> Promise;
    #[wasm_bindgen(js_name = watch, catch)]
    fn js_watch(name: &str, told: &Closure<dyn FnMut(bool)>) -> std::result::Result<Function, JsValue>;
    /// 128 random bits in lower hex.
    #[wasm_bindgen(js_name = randomName)]
    pub fn random_name() -> String;
    /// Resolves in a later task of the event loop.
    #[wasm_bindgen(js_name = nextTask)]
    pub fn next_task() -> Promise;
    #[wasm_bindgen(js_name = follow)]
    fn js_follow(turn: &Closure<dyn FnMut(bool)>) -> Function;

    #[wasm_bindgen(js_name = onWake)]
    fn js_on_wake(wake: &Closure<dyn FnMut()>) -> Function;

    #[wasm_bindgen(js_name = hold)]
    fn js_hold(name: &str) -> JsLock;
    #[wasm_bindgen(js_name = holdIfFree)]
    fn js_hold_if_free(name: &str) -> JsLock;
    type JsLock;
    #[wasm_bindgen(method, getter)]
    fn held(this: &JsLock) -> Promise;
    #[wasm_bindgen(method)]
    fn release(this: &JsLock);

    #[wasm_bindgen(js_name = Channel)]
    #[derive(Clone)]
    type JsChannel;
    #[wasm_bindgen(constructor, js_class = Channel)]
    fn new(name: &str) -> JsChannel;
    #[wasm_bindgen(method)]
    fn listen(this: &JsChannel, hear: &Closure<dyn FnMut(JsValue)>);
    #[wasm_bindgen(method)]
    fn post(this: &JsChannel, ids: Array);
    #[wasm_bindgen(method, js_name = sendChunks)]
    fn send_chunks(this: &JsChannel, stream: JsValue, values: JsValue);
    #[wasm_bindgen(method)]
    fn close(this: &JsChannel);
}

/// Hints between the tabs of one database, over a `BroadcastChannel` of the name `longwait:<database>`.
pub struct Channel(JsChannel);

impl Channel {
    /// That of the database of that name.
    pub fn new(database: &str) -> Self {
        Self(JsChannel::new(&format!("longwait:{database}")))
    }
}

impl Broadcast for Channel {
    fn announce(&self, ids: &[ProcessId]) {
        let list = Array::new();
        for id in ids {
            list.push(&JsValue::from_str(id));
        }
        self.0.post(list);
    }

    fn announce_chunks(&self, notification: &Rc<StreamNotification>) {
        if let Some((stream, values)) = chunks_of(notification) {
            self.0.send_chunks(stream, values);
        }
    }

    fn listen(&self, heard: Heard) -> Box<dyn Any> {
        let hear = hearing(heard);
        self.0.listen(&hear);
        Box::new(Listening { channel: self.0.clone(), _hear: hear })
    }
}

/// The stream and the values of a notification; none where they cannot be sent: readers find them.
pub fn chunks_of(notification: &StreamNotification) -> Option<(JsValue, JsValue)> {
    let (stream, values) = (Payload::of(&notification.stream).ok()?, Payload::of(&*notification.values).ok()?);
    Some((stream.into_js(), values.into_js()))
}

/// What is called with what others say: a list of ids, or `{ stream, values }`.
pub fn hearing(heard: Heard) -> Closure<dyn FnMut(JsValue)> {
    Closure::new(move |said: JsValue| {
        if !Array::is_array(&said) {
            let notification = Payload::from(said);
            let (stream, values) = (notification.member("stream"), notification.member("values"));
            let (stream, values) = (stream.map(|stream| stream.read()), values.map(|values| values.read()));
            if let (Some(Ok(stream)), Some(Ok(values))) = (stream, values) {
                heard(Announced::Chunks(Rc::new(StreamNotification { stream, values })));
            }
            return;
        }
        let mut ids = Vec::new();
        for id in Array::from(&said).iter() {
            ids.extend(id.as_string().map(ProcessId::from));
        }
        heard(Announced::Changed(&ids));
    })
}

/// Closes the channel when dropped.
struct Listening {
    channel: JsChannel,
    _hear: Closure<dyn FnMut(JsValue)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// A Web Lock; given back when dropped.
pub struct Lock(JsLock);

impl Lock {
    /// Asks for the lock.
    pub fn take(name: &str) -> Self {
        Self(js_hold(name))
    }

    /// Asks for the lock unless it is held. Where the browser has no locks to give, it counts as held.
    pub fn take_if_free(name: &str) -> Self {
        Self(js_hold_if_free(name))
    }

    /// Resolves with whether it is held: not where the browser has no locks to give.
    pub async fn is_held(&self) -> bool {
        JsFuture::from(self.0.held()).await.is_ok_and(|held| held.is_truthy())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Proves owners dead by the locks that the tabs of one database hold for their lives.
///
/// An owner chooses the lock that stands for it when it claims a lease, and the rule takes no other
/// one for it. Only names of the form `longwait:<database>:owner:<incarnation>` count here: any other lock
/// belongs to code that may hold it or not for reasons of its own.
pub struct OwnerLocks {
    database: String,
    /// How the locks of owners begin.
    owners: String,
}

impl OwnerLocks {
    /// Those of the database of that name.
    pub fn new(database: &str) -> Self {
        Self { database: database.to_owned(), owners: format!("longwait:{database}:owner:") }
    }

    fn lock_of(&self, owner: &LeaseOwner) -> Option<Key> {
        match &owner.liveness {
            Some(LivenessMark::WebLock { lock_name }) => lock_name.starts_with(&self.owners).then(|| lock_name.clone()),
            Some(LivenessMark::Opaque {}) | None => None,
        }
    }
}

impl Liveness for OwnerLocks {
    fn probe(&self, holder: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        let Some(name) = self.lock_of(holder) else { return NoProof.probe(holder) };
        async move {
            match JsFuture::from(js_is_free(&name)).await {
                Ok(free) if free.is_truthy() => Proof::Dead,
                _ => Proof::Unknown,
            }
        }
        .boxed_local()
    }

    fn gone(&self, owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        let (tell, told) = oneshot::channel();
        let mut tell = Some(tell);
        let told_by = Closure::new(move |freed| {
            if let Some(tell) = tell.take() {
                let _ = tell.send(freed);
            }
        });
        let watch = self.lock_of(owner).and_then(|name| js_watch(&name, &told_by).ok());
        let unknowable = NoProof.gone(owner);
        let Some(end) = watch.map(Ending) else { return unknowable };
        async move {
            let freed = told.await;
            drop((end, told_by));
            match freed {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => unknowable.await,
            }
        }
        .boxed_local()
    }

    /// A page that keeps others waiting is not kept in the back-forward cache: the lock is given back there, and taken
    /// again afterwards. By then the owner may have been taken for dead: its fences tell.
    fn live(&self, incarnation: &str) -> LocalBoxFuture<'static, LivenessLock> {
        let lock_name = Key::from(format!("{}{incarnation}", self.owners));
        async move {
            let taken = Lock::take(&lock_name);
            if !taken.is_held().await {
                return LivenessLock { mark: LivenessMark::Opaque {}, end: Box::new(()) };
            }
            let (mut lock, name) = (Some(taken), lock_name.clone());
            let following = Following::new(move |away| match away {
                true => lock = None,
                false if lock.is_none() => lock = Some(Lock::take(&name)),
                false => {}
            });
            LivenessLock { mark: LivenessMark::WebLock { lock_name }, end: Box::new(following) }
        }
        .boxed_local()
    }

    fn alone(&self, work: &str) -> LocalBoxFuture<'static, Option<Box<dyn Any>>> {
        let lock = Lock::take_if_free(&format!("longwait:{}:{work}", self.database));
        async move {
            let is_held = lock.is_held().await;
            is_held.then(|| Box::new(lock) as Box<dyn Any>)
        }
        .boxed_local()
    }
}

/// The page's ways into the back-forward cache and out of it; no longer followed when dropped.
pub struct Following {
    _ending: Ending,
    _turn: Closure<dyn FnMut(bool)>,
}

impl Following {
    /// Calls `turn(true)` when the page is put aside, and `turn(false)`, perhaps twice, when it is back.
    pub fn new(turn: impl FnMut(bool) + 'static) -> Self {
        let turn = Closure::new(turn);
        Self { _ending: Ending(js_follow(&turn)), _turn: turn }
    }
}

/// The moments at which the page may have been asleep; no longer followed when dropped.
pub struct Waking {
    _ending: Ending,
    _wake: Closure<dyn FnMut()>,
}

impl Waking {
    /// Calls `wake` when the page is back, thaws, or is shown again.
    pub fn new(wake: impl FnMut() + 'static) -> Self {
        let wake = Closure::new(wake);
        Self { _ending: Ending(js_on_wake(&wake)), _wake: wake }
    }
}

/// Calls a function when dropped.
pub struct Ending(pub Function);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}
