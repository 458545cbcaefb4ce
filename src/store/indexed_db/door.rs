//! The door to `engine.js`, which drives IndexedDB by [requests](crate::store::requests).
//!
//! JavaScript does this part because it is all calls to the browser, and because the database is opened before the
//! WebAssembly is there: one crossing a round instead of one a request.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error::{Code, Error, Result},
    store::{
        engine::{Failed, How, Mode, Step},
        requests::{Fault, Next, Transaction, name_of, text_of},
    },
};

#[wasm_bindgen(module = "/src/store/indexed_db/engine.js")]
extern "C" {
    #[wasm_bindgen(js_name = open)]
    fn js_open(name: &str, lost: &Closure<dyn FnMut(bool)>) -> Promise;
    #[wasm_bindgen(js_name = persisted)]
    fn js_persisted() -> Promise;
    #[wasm_bindgen(js_name = run)]
    fn js_run(database: &Database, mode: &str, durability: &str, step: &Next) -> Promise;

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

/// Runs a transaction to its end.
pub async fn run(database: &Database, mode: Mode, flush: Flush, step: Step) -> Result<(), Failed> {
    let durability = match flush {
        Flush::Relaxed => "relaxed",
        Flush::Strict => "strict",
    };
    let transaction = Transaction::new(step);
    let promise = js_run(database, name_of(mode), durability, &transaction.next);
    transaction.ends(promise).await.map_err(|fault| match fault {
        Fault::Taken(error) => Failed { error, how: How::Refused },
        Fault::Thrown(fault) => match fault.dyn_ref::<Lost>() {
            Some(lost) => Failed { error: failed(lost.fault()), how: How::Lost },
            None => Failed { error: failed(fault), how: How::Refused },
        },
    })
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
