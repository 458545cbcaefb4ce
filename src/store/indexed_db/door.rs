//! The door to `engine.js`, which drives IndexedDB by requests that are data.
//!
//! JavaScript does this part because it is all calls to the browser, and because the database is opened before the
//! WebAssembly is there: one crossing a round instead of one a request.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::{
    error::{Code, Error, Result},
    model::{key::Part, payload::Payload},
    store::engine::{Between, Failed, How, Key, KeyPath, LAYOUT, Mode, Read, Round, Source, Step, Write},
};
use futures::channel::oneshot;

#[wasm_bindgen(module = "/src/store/indexed_db/engine.js")]
extern "C" {
    #[wasm_bindgen(js_name = open)]
    fn js_open(name: &str, lost: &Closure<dyn FnMut(bool)>) -> Promise;
    #[wasm_bindgen(js_name = persisted)]
    fn js_persisted() -> Promise;
    #[wasm_bindgen(js_name = run)]
    fn js_run(
        database: &Database,
        mode: &str,
        durability: &str,
        step: &Closure<dyn FnMut(Array) -> JsValue>,
    ) -> Promise;

    /// What a transaction fails with whose outcome is not known.
    type Lost;
    #[wasm_bindgen(method, getter)]
    fn fault(this: &Lost) -> JsValue;

    /// An `IDBDatabase`.
    #[derive(Clone)]
    pub type Database;
    /// `IDBDatabase.close`.
    #[wasm_bindgen(method)]
    pub fn close(this: &Database);
}

/// How the browser may treat a commit: see `IDBTransactionOptions.durability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// Done when the operating system has it. Survives a crash of the browser.
    #[default]
    Relaxed,
    /// Done when the disk has it. Survives a power cut too.
    Strict,
}

/// Opens a database; see `engine.js`. `lost` is called when it is of no use any more, with whether it is being deleted.
///
/// Any refusal makes the storage unavailable: browsers have many names for one, and none of them says that another attempt may do.
pub async fn open(name: &str, lost: &Closure<dyn FnMut(bool)>) -> Result<Database> {
    let opened = JsFuture::from(js_open(name, lost)).await;
    opened.map(JsCast::unchecked_into).map_err(|fault| {
        let (code, what) = match text_of(&fault, "name").as_str() {
            "QuotaExceededError" => (Code::QuotaExceeded, FULL),
            "VersionError" => (Code::StorageVersion, "the database was written by a newer version of longwait"),
            "BlockedError" => (Code::StorageBlocked, "the database is blocked"),
            "ForeignError" => (Code::StorageFailed, "the database is not one of longwait's, and was left as it is"),
            _ => (Code::StorageUnavailable, "IndexedDB cannot be used here"),
        };
        told(code, what, fault)
    })
}

/// Whether the browser has promised to keep this origin's data.
pub async fn persisted() -> bool {
    JsFuture::from(js_persisted()).await.is_ok_and(|answer| answer.is_truthy())
}

/// Runs a transaction to its end. If the caller drops this, there is no next step: the transaction aborts, unless it is
/// committing already.
pub async fn run(database: &Database, mode: Mode, flush: Flush, mut step: Step) -> Result<(), Failed> {
    let caller = Caller(Rc::default());
    let is_gone = caller.0.clone();
    let failure = Rc::<RefCell<Option<Error>>>::default();
    let failing = failure.clone();
    let next = Closure::<dyn FnMut(Array) -> JsValue>::new(move |results: Array| {
        // No list of requests: `engine.js` takes it as an error and aborts.
        if is_gone.get() {
            return JsValue::TRUE;
        }
        let results = results.iter().map(|found| Array::from(&found).iter().map(Payload::from).collect()).collect();
        match step(results) {
            Round::Read(reads) => handed_over("read", reads.iter().map(read_request)),
            Round::Write(writes) => handed_over("write", writes.into_iter().map(write_request)),
            Round::Commit(writes) => handed_over("commit", writes.into_iter().map(write_request)),
            Round::Done => JsValue::UNDEFINED,
            Round::Fail(fault) => {
                failing.replace(Some(fault));
                JsValue::TRUE
            }
        }
    });
    let mode = match mode {
        Mode::Read => "readonly",
        Mode::Write => "readwrite",
    };
    let durability = match flush {
        Flush::Relaxed => "relaxed",
        Flush::Strict => "strict",
    };
    let ended = JsFuture::from(js_run(database, mode, durability, &next));
    let (tell, told) = oneshot::channel();
    // In a task, so that `next` outlives the caller: to call a closure that was dropped is a trap.
    spawn_local(async move {
        let outcome = ended.await;
        drop(next);
        let _ = tell.send(outcome);
    });
    let outcome = told.await.unwrap_or_else(|_| Err(JsValue::UNDEFINED));
    if let Some(error) = failure.take() {
        return Err(Failed { error, how: How::Refused });
    }
    outcome.map(drop).map_err(|fault| match fault.dyn_ref::<Lost>() {
        Some(lost) => Failed { error: failed(lost.fault()), how: How::Lost },
        None => Failed { error: failed(fault), how: How::Refused },
    })
}

/// The caller of a transaction; notes when it is dropped.
struct Caller(Rc<Cell<bool>>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

fn handed_over(kind: &str, requests: impl Iterator<Item = JsValue>) -> JsValue {
    Array::of2(&kind.into(), &requests.collect::<Array>()).into()
}

/// `[kind, store, index or null, ...arguments]`
fn request(kind: &str, Source { store, index }: Source, arguments: &[JsValue]) -> JsValue {
    let request = Array::of3(&kind.into(), &store.into(), &index.map_or(JsValue::NULL, JsValue::from_str));
    for argument in arguments {
        request.push(argument);
    }
    request.into()
}

fn read_request(read: &Read) -> JsValue {
    let bound = |source: &Source, key: &Option<Key>| key.as_ref().map_or(JsValue::NULL, |key| js_key(*source, key));
    let range = |source, Between { after, before }: &Between| [bound(source, after), bound(source, before)];
    match read {
        Read::Get(source, key) => request("get", *source, &[js_key(*source, key)]),
        Read::Only(source, key) => request("only", *source, &[js_key(*source, key)]),
        Read::All(source, between, limit) => {
            let [after, before] = range(source, between);
            request("all", *source, &[after, before, limit.map_or(JsValue::NULL, JsValue::from)])
        }
        Read::Keys(source, between, limit) => {
            let [after, before] = range(source, between);
            request("keys", *source, &[after, before, (*limit).into()])
        }
        Read::Last(source, between) => request("last", *source, &range(source, between)),
        Read::Back(source, between, limit) => {
            let [after, before] = range(source, between);
            request("back", *source, &[after, before, (*limit).into()])
        }
        Read::Count(source, between) => request("count", *source, &range(source, between)),
        Read::LastKey(source, before) => request("lastKey", *source, &[js_key(*source, before)]),
    }
}

fn write_request(write: Write) -> JsValue {
    let table = |store| Source { store, index: None };
    match write {
        Write::Put(store, row) => request("put", table(store), &[row.into_js()]),
        Write::Add(store, row) => request("add", table(store), &[row.into_js()]),
        Write::Delete(store, key) => request("delete", table(store), &[js_key(table(store), &key)]),
        Write::Clear(store, Between { after, before }) => {
            let bound = |key: Option<Key>| key.map_or(JsValue::NULL, |key| js_key(table(store), &key));
            request("clear", table(store), &[bound(after), bound(before)])
        }
        Write::Visit(source, key) => request("get", source, &[js_key(source, &key)]),
    }
}

/// A key as IndexedDB has it: an array, unless the key path of the source is a single one.
fn js_key(source: Source, key: &Key) -> JsValue {
    let part = |part: &Part| match part {
        Part::Number(number) => JsValue::from_f64(*number as f64),
        Part::Text(text) => JsValue::from_str(text),
        Part::End => Array::new().into(),
    };
    match (key_path(source), key.as_slice()) {
        ([_], [only]) => part(only),
        (_, parts) => parts.iter().map(part).collect::<Array>().into(),
    }
}

fn key_path(Source { store, index }: Source) -> KeyPath {
    let layout = LAYOUT.iter().find(|layout| layout.name == store);
    let path = layout.and_then(|layout| match index {
        None => Some(layout.key_path),
        Some(name) => Some(layout.indexes.iter().find(|index| index.name == name)?.key_path),
    });
    path.unwrap_or_default()
}

const FULL: &str = "the storage quota is used up; nothing was written";

/// A fault of a transaction as an error of ours, with the fault as its cause.
fn failed(fault: JsValue) -> Error {
    match text_of(&fault, "name").as_str() {
        "QuotaExceededError" => told(Code::QuotaExceeded, FULL, fault),
        _ => told(Code::StorageFailed, "IndexedDB failed", fault),
    }
}

/// An error that says what the fault says: a `DOMException`, another error, or whatever was thrown.
fn told(code: Code, what: &str, fault: JsValue) -> Error {
    let words = match (text_of(&fault, "name"), text_of(&fault, "message")) {
        (name, message) if name.is_empty() && message.is_empty() => {
            fault.as_string().unwrap_or_else(|| "without saying why".to_owned())
        }
        (name, message) if message.is_empty() => name,
        (name, message) if name.is_empty() => message,
        (name, message) => format!("{name}: {message}"),
    };
    Error::new(code, format!("{what} ({words})")).caused_by(Rc::new(fault))
}

fn text_of(fault: &JsValue, name: &str) -> String {
    let text = js_sys::Reflect::get(fault, &name.into()).ok().and_then(|text| text.as_string());
    text.unwrap_or_default()
}
