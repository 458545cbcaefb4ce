//! IndexedDB as futures: opening, requests, and transactions that count only once complete.
//!
//! Requests of one transaction are answered in order, so waiting for the last one of a batch is
//! enough: one callback instead of one per request. An error of any of them aborts the
//! transaction, and the wait ends with that.

use std::{cell::RefCell, future::Future, rc::Rc};

use futures::{
    channel::oneshot,
    future::{Either, select},
};
use js_sys::{Array, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{
    DomException, IdbDatabase, IdbFactory, IdbKeyRange, IdbOpenDbRequest, IdbRequest, IdbRequestReadyState,
    IdbTransaction, IdbTransactionMode,
};

use crate::{
    domain::Millis,
    error::{Code, Error, Result},
    host::{Clock, browser::Listener},
};

/// How the browser may treat a commit: see `IDBTransactionOptions.durability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// Done when the operating system has it. Survives a crash of the browser.
    #[default]
    Relaxed,
    /// Done when the disk has it. Survives a power cut too.
    Strict,
}

#[wasm_bindgen]
extern "C" {
    /// `transaction` with options, which web-sys has only in its unstable interface.
    #[wasm_bindgen(extends = IdbDatabase)]
    type Database;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn begin(
        this: &Database,
        stores: &Array,
        mode: IdbTransactionMode,
        options: &Object,
    ) -> std::result::Result<IdbTransaction, JsValue>;
}

/// A fault of the browser as an error of ours, with the fault as its cause.
pub fn failed(fault: JsValue) -> Error {
    let name = fault.dyn_ref::<DomException>().map(DomException::name).unwrap_or_default();
    let (code, what) = match name.as_str() {
        "QuotaExceededError" => (Code::QuotaExceeded, "the storage quota is used up; nothing was written"),
        "VersionError" => (Code::StorageVersion, "the database was written by a newer version of longwait"),
        "SecurityError" | "NotAllowedError" => (Code::StorageUnavailable, "the browser refuses IndexedDB here"),
        _ => (Code::StorageFailed, "IndexedDB failed"),
    };
    let detail = match fault.dyn_ref::<DomException>() {
        Some(exception) => format!("{what} ({}: {})", name, exception.message()),
        None => what.to_owned(),
    };
    Error::new(code, detail).caused_by(Rc::new(fault))
}

/// Whether a fault means that the connection is gone, so that a new one may do.
///
/// Safari kills its storage process under a page ("Connection to Indexed Database server lost",
/// `UnknownError`); a closed handle answers `InvalidStateError`; an engine that goes down aborts
/// what it was doing.
pub fn is_lost_connection(error: &Error) -> bool {
    let fault = error.cause().and_then(|cause| cause.downcast_ref::<JsValue>());
    let Some(exception) = fault.and_then(|fault| fault.dyn_ref::<DomException>()) else { return false };
    matches!(exception.name().as_str(), "UnknownError" | "InvalidStateError" | "AbortError")
}

/// The origin's IndexedDB, or [`Code::StorageUnavailable`].
pub fn factory() -> Result<IdbFactory> {
    let unavailable = || Error::new(Code::StorageUnavailable, "there is no IndexedDB here");
    // Firefox with storage switched off throws on the property itself.
    let found = Reflect::get(&js_sys::global(), &JsValue::from_str("indexedDB"));
    let found = found.map_err(|fault| unavailable().caused_by(Rc::new(fault)))?;
    match found.is_object() {
        true => Ok(found.unchecked_into()),
        false => Err(unavailable()),
    }
}

type Once<T> = Rc<RefCell<Option<oneshot::Sender<T>>>>;

/// A future and the two ends that may settle it; the first one does.
fn once<T>() -> (Once<T>, Once<T>, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    let shared = Rc::new(RefCell::new(Some(sender)));
    (shared.clone(), shared, receiver)
}

fn settle<T>(once: &Once<T>, value: T) {
    let sender = once.borrow_mut().take();
    if let Some(sender) = sender {
        let _ = sender.send(value);
    }
}

fn dropped() -> Error {
    Error::new(Code::Internal, "an IndexedDB callback was dropped")
}

/// Opens a database, upgrading it where it is older than `version`.
///
/// Another connection that does not make way for the upgrade within `patience` milliseconds is
/// [`Code::StorageBlocked`]; the upgrade may still happen later, and is then closed at once.
pub async fn open(
    name: &str,
    version: u32,
    upgrade: impl Fn(&IdbDatabase, u32) -> std::result::Result<(), JsValue> + 'static,
    clock: &dyn Clock,
    patience: Millis,
) -> Result<IdbDatabase> {
    let request = factory()?.open_with_u32(name, version).map_err(failed)?;
    let upgrading = request.clone();
    let _upgrade = Listener::new(&request, "upgradeneeded", move |event| {
        let from = event.unchecked_ref::<web_sys::IdbVersionChangeEvent>().old_version() as u32;
        let outcome = upgrading.result().and_then(|database| upgrade(database.unchecked_ref(), from));
        if let (Err(_), Some(transaction)) = (outcome, upgrading.transaction()) {
            let _ = transaction.abort();
        }
    });
    let opened = settled(&request);
    futures::pin_mut!(opened);
    match select(opened, clock.sleep(patience)).await {
        Either::Left((outcome, _)) => outcome.map(JsCast::unchecked_into),
        Either::Right(((), _)) => {
            close_when_opened(&request);
            let what = "another tab holds the database open against an upgrade or deletion";
            Err(Error::new(Code::StorageBlocked, what))
        }
    }
}

/// An open request cannot be taken back. If it succeeds after all, its connection must not stand
/// in the way of others.
fn close_when_opened(request: &IdbOpenDbRequest) {
    let opened = request.clone();
    let close = Closure::once_into_js(move || {
        if let Ok(database) = opened.result() {
            database.unchecked_into::<IdbDatabase>().close();
        }
    });
    request.set_onsuccess(Some(close.unchecked_ref()));
}

/// The result of a request that belongs to no transaction of ours.
fn settled(request: &IdbRequest) -> impl Future<Output = Result<JsValue>> + use<> {
    let (on_success, on_error, settled) = once();
    let (succeeded, errored) = (request.clone(), request.clone());
    let success = Listener::new(request, "success", move |_| settle(&on_success, succeeded.result().map_err(failed)));
    let error = Listener::new(request, "error", move |event| {
        event.prevent_default();
        settle(&on_error, Err(failed(errored.error().ok().flatten().map_or(JsValue::NULL, Into::into))));
    });
    async move {
        let outcome = settled.await.unwrap_or_else(|_| Err(dropped()));
        drop((success, error));
        outcome
    }
}

/// A transaction. One that may write is aborted when it is dropped before it is
/// [`done`](Transaction::done), unless it has already committed.
pub struct Transaction {
    inner: IdbTransaction,
    ended: oneshot::Receiver<Result<()>>,
    _handlers: [Listener; 2],
    finished: bool,
}

/// A request whose result is there once a later one of the same transaction was answered.
#[derive(Clone)]
pub struct Pending(IdbRequest);

impl Pending {
    /// The result; `undefined` where nothing was found.
    pub fn result(&self) -> Result<JsValue> {
        self.0.result().map_err(failed)
    }

    /// The result as an array; empty where it is none.
    pub fn array(&self) -> Result<Array> {
        Ok(self.result()?.dyn_into().unwrap_or_default())
    }
}

impl Transaction {
    /// Begins a transaction over some object stores.
    pub fn begin(database: &IdbDatabase, stores: &[&str], mode: IdbTransactionMode, flush: Flush) -> Result<Self> {
        let names: Array = stores.iter().map(|name| JsString::from(*name)).collect();
        let options = Object::new();
        if mode == IdbTransactionMode::Readwrite {
            let durability = match flush {
                Flush::Relaxed => "relaxed",
                Flush::Strict => "strict",
            };
            let _ = Reflect::set(&options, &JsValue::from_str("durability"), &JsValue::from_str(durability));
        }
        let inner = database.unchecked_ref::<Database>().begin(&names, mode, &options).map_err(failed)?;
        let (on_complete, on_abort, ended) = once();
        let aborted = inner.clone();
        let complete = Listener::new(&inner, "complete", move |_| settle(&on_complete, Ok(())));
        let abort = Listener::new(&inner, "abort", move |_| {
            let fault = aborted.error().map_or_else(lost_without_a_word, Into::into);
            settle(&on_abort, Err(failed(fault)));
        });
        Ok(Self { inner, ended, _handlers: [complete, abort], finished: mode == IdbTransactionMode::Readonly })
    }

    /// An object store of it.
    pub fn store(&self, name: &str) -> Result<Table> {
        self.inner.object_store(name).map(Table).map_err(failed)
    }

    /// Waits until `last`, and with it every request before it, is answered.
    pub async fn answered(&mut self, last: &Pending) -> Result<()> {
        if last.0.ready_state() == IdbRequestReadyState::Done {
            return Ok(());
        }
        let (on_success, _, answered) = once();
        let _success = Listener::new(&last.0, "success", move |_| settle(&on_success, ()));
        match select(answered, &mut self.ended).await {
            Either::Left(_) => Ok(()),
            Either::Right((Ok(Err(fault)), _)) => {
                self.finished = true;
                Err(fault)
            }
            Either::Right((Ok(Ok(())) | Err(_), _)) => Err(dropped()),
        }
    }

    /// Waits until the transaction is complete: only then is anything written.
    pub async fn done(mut self) -> Result<()> {
        let outcome = (&mut self.ended).await.unwrap_or_else(|_| Err(dropped()));
        self.finished = true;
        outcome
    }

    /// Lets the transaction end by itself; for those that turn out to write nothing.
    pub fn leave(mut self) {
        self.finished = true;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.finished {
            // Already committing is fine too: it happens wholly or not at all.
            let _ = self.inner.abort();
        }
    }
}

/// An abort that gives no reason: the database was closed by the browser, or the page is going away.
fn lost_without_a_word() -> JsValue {
    match DomException::new_with_message_and_name("the transaction was aborted", "AbortError") {
        Ok(exception) => exception.into(),
        Err(fault) => fault,
    }
}

/// An object store within a transaction.
pub struct Table(web_sys::IdbObjectStore);

impl Table {
    /// The row under a key.
    pub fn get(&self, key: &JsValue) -> Result<Pending> {
        self.0.get(key).map(Pending).map_err(failed)
    }

    /// The rows of a key range, in key order.
    pub fn get_all(&self, range: &IdbKeyRange, limit: Option<u64>) -> Result<Pending> {
        let request = match limit {
            Some(limit) => self.0.get_all_with_key_and_limit(range, clamp(limit)),
            None => self.0.get_all_with_key(range),
        };
        request.map(Pending).map_err(failed)
    }

    /// Puts a row.
    pub fn put(&self, row: &JsValue) -> Result<Pending> {
        self.0.put(row).map(Pending).map_err(failed)
    }

    /// Adds a row under a key that must be free.
    pub fn add(&self, row: &JsValue) -> Result<Pending> {
        self.0.add(row).map(Pending).map_err(failed)
    }

    /// Deletes a row or a range of rows.
    pub fn delete(&self, key: &JsValue) -> Result<Pending> {
        self.0.delete(key).map(Pending).map_err(failed)
    }

    /// An index of it.
    pub fn index(&self, name: &str) -> Result<Index> {
        self.0.index(name).map(Index).map_err(failed)
    }
}

/// An index within a transaction.
pub struct Index(web_sys::IdbIndex);

impl Index {
    /// The first row of a key or key range.
    pub fn get(&self, key: &JsValue) -> Result<Pending> {
        self.0.get(key).map(Pending).map_err(failed)
    }

    /// The rows of a key range, in index order.
    pub fn get_all(&self, range: &IdbKeyRange, limit: Option<u64>) -> Result<Pending> {
        let request = match limit {
            Some(limit) => self.0.get_all_with_key_and_limit(range, clamp(limit)),
            None => self.0.get_all_with_key(range),
        };
        request.map(Pending).map_err(failed)
    }

    /// A cursor on the last entry of a range, or of the whole index; `null` where there is none.
    pub fn last(&self, range: &JsValue) -> Result<Pending> {
        let request = self.0.open_cursor_with_range_and_direction(range, web_sys::IdbCursorDirection::Prev);
        request.map(Pending).map_err(failed)
    }

    /// The same without the row.
    pub fn last_key(&self) -> Result<Pending> {
        let all = JsValue::NULL;
        let request = self.0.open_key_cursor_with_range_and_direction(&all, web_sys::IdbCursorDirection::Prev);
        request.map(Pending).map_err(failed)
    }
}

fn clamp(limit: u64) -> u32 {
    // 0 means "no limit" to IndexedDB; whoever asks for nothing does not get here.
    u32::try_from(limit).unwrap_or(u32::MAX).max(1)
}
