//! The door to `engine.js`, which drives IndexedDB by requests that are data.
//!
//! JavaScript does this part because it is all calls to the browser: one crossing a round instead
//! of one a request, and a fifth of the size of the same in Rust over `web-sys`.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::DomException;

use crate::{
    domain::{parse::parse, value::Json},
    error::{Code, Error, Result},
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

/// Opens a database; see `engine.js`. `lost` is called when it is of no use any more.
pub async fn open(name: &str, lost: &Closure<dyn FnMut()>) -> Result<Database> {
    JsFuture::from(js_open(name, lost)).await.map(JsCast::unchecked_into).map_err(failed)
}

/// Whether the browser has promised to keep this origin's data.
pub async fn persisted() -> bool {
    JsFuture::from(js_persisted()).await.is_ok_and(|answer| answer.is_truthy())
}

/// Runs a transaction to its end. Where the caller goes away meanwhile, there is no next step: it aborts, unless it is
/// committing already.
pub async fn run(database: &Database, mode: Mode, flush: Flush, mut step: Step) -> Result<()> {
    let step = Closure::<dyn FnMut(String) -> JsValue>::new(move |results: String| {
        // No list of requests: `engine.js` takes it as an error and aborts.
        let Json::List(results) = parse(&results) else { return JsValue::TRUE };
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
    JsFuture::from(js_run(database, mode, durability, &step)).await.map(drop).map_err(failed)
}

fn hand_over(kind: &str, requests: Vec<String>) -> JsValue {
    let requests = text!["[\"", kind, "\",[", join_with(&requests, ","), "]]"];
    // Both are JSON, so parsing it cannot fail.
    js_sys::JSON::parse(&requests).unwrap_or(JsValue::TRUE)
}

/// A fault of the browser as an error of ours, with the fault as its cause.
pub fn failed(fault: JsValue) -> Error {
    let exception = fault.dyn_ref::<DomException>();
    let name = exception.map(DomException::name).unwrap_or_default();
    let (code, what) = match name.as_str() {
        "QuotaExceededError" => (Code::QuotaExceeded, "the storage quota is used up; nothing was written"),
        "VersionError" => (Code::StorageVersion, "the database was written by a newer version of longwait"),
        "BlockedError" => (Code::StorageBlocked, "the database is blocked"),
        "NotFoundError" | "SecurityError" | "NotAllowedError" => {
            (Code::StorageUnavailable, "IndexedDB cannot be used here")
        }
        _ => (Code::StorageFailed, "IndexedDB failed"),
    };
    let detail = exception.map(DomException::message).unwrap_or_default();
    Error::new(code, text![what, " (", name, ": ", detail, ")"]).caused_by(Rc::new(fault))
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
