//! The door to `engine.js`, which drives IndexedDB by requests that are data.
//!
//! JavaScript does this part because it is all calls to the browser: one crossing a round instead
//! of one a request, and a fifth of the size of the same in Rust over `web-sys`.

use std::{cell::Cell, rc::Rc};

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::{
    domain::{parse::parse, value::Json},
    error::{Code, Error, Result},
    host::oneshot,
    text::{join_with, text},
};

#[wasm_bindgen(module = "/src/store/indexed_db/engine.js")]
extern "C" {
    #[wasm_bindgen(js_name = open)]
    fn js_open(name: &str, lost: &Closure<dyn FnMut()>) -> Promise;
    #[wasm_bindgen(js_name = persisted)]
    fn js_persisted() -> Promise;
    #[wasm_bindgen(js_name = run)]
    fn js_run(
        database: &Database,
        mode: &str,
        durability: &str,
        step: &Closure<dyn FnMut(String) -> JsValue>,
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

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read.
    Read,
    /// Read, then write.
    Write,
}

/// What a transaction does next.
pub enum Round {
    /// Reads, and shows the results to the next step. Requests are JSON text.
    Read(Vec<String>),
    /// Writes, and goes on while the browser still works on it.
    Write(Vec<String>),
    /// Writes, and is complete.
    Commit(Vec<String>),
    /// Nothing more.
    Done,
}

/// Gives the next round, with the results of the one before. Boxed, so that running one is compiled once.
pub type Step = Box<dyn FnMut(&[Json]) -> Round>;

/// Why nothing came of a transaction, as callers are told.
pub struct Failed {
    /// What they are told.
    pub error: Error,
    /// How far it came.
    pub how: How,
}

/// How far a transaction came that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was not begun: there is no connection.
    Unopened,
    /// The connection is gone, and it is not known whether the transaction was committed.
    Lost,
    /// It was taken back.
    Refused,
}

/// Opens a database; see `engine.js`. `lost` is called when it is of no use any more.
///
/// Any refusal makes the storage unavailable: browsers have many names for one, and none of them says that another attempt may do.
pub async fn open(name: &str, lost: &Closure<dyn FnMut()>) -> Result<Database> {
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
    let next = Closure::<dyn FnMut(String) -> JsValue>::new(move |results: String| {
        // No list of requests: `engine.js` takes it as an error and aborts.
        let Json::List(results) = parse(&results) else { return JsValue::TRUE };
        if is_gone.get() {
            return JsValue::TRUE;
        }
        match step(&results) {
            Round::Read(requests) => hand_over("read", requests),
            Round::Write(requests) => hand_over("write", requests),
            Round::Commit(requests) => hand_over("commit", requests),
            Round::Done => JsValue::UNDEFINED,
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
        tell.send(outcome);
    });
    let outcome = told.await.unwrap_or_else(|_| Err(JsValue::UNDEFINED));
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

fn hand_over(kind: &str, requests: Vec<String>) -> JsValue {
    let requests = text!["[\"", kind, "\",[", join_with(&requests, ","), "]]"];
    // Both are JSON, so parsing it cannot fail.
    js_sys::JSON::parse(&requests).unwrap_or(JsValue::TRUE)
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
