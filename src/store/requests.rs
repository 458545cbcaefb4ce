//! Transactions that JavaScript runs: each round crosses to it as requests, which are plain arrays with rows by reference.
//!
//! What runs them decides where rows lie, and refuses to know what they mean.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::channel::oneshot;
use js_sys::{Array, Promise};
use wasm_bindgen::{JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::engine::{Between, Key, KeyPath, LAYOUT, Mode, Read, Round, Source, Step, Write};
use crate::{
    error::Error,
    model::{key::Part, payload::Payload},
};

/// Is called with the results of a round, a list of rows for each request, and gives the next one: `["read" | "write" | "commit", requests]`,
/// `undefined` when there is nothing more to do, and anything else to have the transaction taken back.
pub type Next = Closure<dyn FnMut(Array) -> JsValue>;

/// Why nothing came of a transaction.
pub enum Fault {
    /// A rule had it taken back.
    Taken(Error),
    /// What the promise was rejected with.
    Thrown(JsValue),
}

/// A transaction for JavaScript to run. If it is dropped, there is no next step: it is taken back, unless it is committing already.
pub struct Transaction {
    /// Gives its rounds.
    pub next: Next,
    failure: Rc<RefCell<Option<Error>>>,
    caller: Caller,
}

impl Transaction {
    /// A transaction with these rounds.
    pub fn new(mut step: Step) -> Self {
        let caller = Caller(Rc::default());
        let is_gone = caller.0.clone();
        let failure = Rc::<RefCell<Option<Error>>>::default();
        let failing = failure.clone();
        let next = Next::new(move |results: Array| {
            if is_gone.get() {
                return JsValue::TRUE;
            }
            let results = results.iter().map(|found| Array::from(&found).iter().map(Payload::from).collect()).collect();
            match step(results) {
                Round::Read(reads) => handed_over("read", &mut reads.iter().map(read_request)),
                Round::Write(writes) => handed_over("write", &mut writes.into_iter().map(write_request)),
                Round::Commit(writes) => handed_over("commit", &mut writes.into_iter().map(write_request)),
                Round::Done => JsValue::UNDEFINED,
                Round::Fail(fault) => {
                    failing.replace(Some(fault));
                    JsValue::TRUE
                }
            }
        });
        Self { next, failure, caller }
    }

    /// Resolves with what becomes of it, where this is the promise of that.
    pub async fn ends(self, promise: Promise) -> Result<(), Fault> {
        let Self { next, failure, caller } = self;
        let ended = JsFuture::from(promise);
        let (settle, settled) = oneshot::channel();
        // In a task, so that `next` outlives the caller: to call a closure that was dropped is a trap.
        spawn_local(async move {
            let outcome = ended.await;
            drop(next);
            let _ = settle.send(outcome);
        });
        let outcome = settled.await.unwrap_or_else(|_| Err(JsValue::UNDEFINED));
        drop(caller);
        match failure.take() {
            Some(error) => Err(Fault::Taken(error)),
            None => outcome.map(drop).map_err(Fault::Thrown),
        }
    }
}

/// The caller of a transaction; notes when it is dropped.
struct Caller(Rc<Cell<bool>>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// What JavaScript calls a mode.
pub fn name_of(mode: Mode) -> &'static str {
    match mode {
        Mode::Read | Mode::ReadHeard => "readonly",
        Mode::Write => "readwrite",
    }
}

/// The text under a name of a fault; none where it has none.
pub fn text_of(fault: &JsValue, name: &str) -> String {
    let text = js_sys::Reflect::get(fault, &name.into()).ok().and_then(|text| text.as_string());
    text.unwrap_or_default()
}

fn handed_over(kind: &str, requests: &mut dyn Iterator<Item = JsValue>) -> JsValue {
    Array::of2(&kind.into(), &list(requests)).into()
}

/// A list of values. `collect` would be compiled for each sort of iterator.
fn list(values: &mut dyn Iterator<Item = JsValue>) -> Array {
    let list = Array::new();
    for value in values {
        list.push(&value);
    }
    list
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
        (_, parts) => list(&mut parts.iter().map(part)).into(),
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
