//! A reader of a stream in JavaScript's hands.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{
    convert::{is_open, promise_of_wait},
    host::process_error,
    registry::Registry,
};
use crate::{host::latch, notify::StreamReader};

/// Reads one stream until it is freed.
#[wasm_bindgen]
pub struct ChunkReader {
    reader: Rc<StreamReader>,
    closed: latch::Latch,
}

#[wasm_bindgen]
impl Registry {
    /// A reader of a stream of a process.
    #[wasm_bindgen(js_name = readStream)]
    pub fn read_stream(&self, id: String, name: &str) -> std::result::Result<ChunkReader, JsValue> {
        is_open(&self.closed).map_err(process_error)?;
        let reader = Rc::new(self.registry.read_stream(&id.into(), name));
        Ok(ChunkReader { reader, closed: self.closed.clone() })
    }
}

#[wasm_bindgen]
impl ChunkReader {
    /// The chunks from an index on: at least one, or none and `done`. One call at a time.
    pub fn next(&self, until: Option<Function>, from: f64) -> Promise {
        let reader = self.reader.clone();
        promise_of_wait(until, self.closed.clone(), async move { reader.next(from as u64).await })
    }
}
