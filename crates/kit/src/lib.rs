//! The WebAssembly of `longwait/testing`: the exports of the package, and a stage on which registries are opened in tabs that a test may
//! crash and freeze.
//!
//! It converts and decides nothing: tabs, hints and time are `longwait_testing::stage`'s, and what a registry does is what the package ships.

#![cfg(target_family = "wasm")]

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, select},
};
use js_sys::{Array, Function};
use longwait::{
    Code, Error,
    host::{Spawn, latch},
    model::Millis,
    wasm::{Elsewhere, Registry, process_error, promise_by, reply, schemas},
};
use longwait_testing::stage::{Moved, Stage, Tab};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

type Answer = Result<JsValue, JsValue>;

/// Tabs over the same rows, whose time moves when the caller says so.
#[wasm_bindgen]
pub struct TestWorld {
    stage: Rc<Stage>,
    _closing: latch::Release,
}

#[wasm_bindgen]
impl TestWorld {
    /// `call()` is called when a tab has something to do, and a turn is due.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: f64, start: f64, call: Function) -> Self {
        let stage = Rc::new(Stage::new(seed as u64, start as Millis, schemas()));
        let (_closing, closed) = latch::latch();
        let alarm = stage.alarm();
        spawn_local(async move {
            while let Either::Right(_) = select(closed.released(), pin!(alarm.rings())).await {
                // The TypeScript in front throws nothing.
                let _ = call.call0(&JsValue::UNDEFINED);
            }
        });
        Self { stage, _closing }
    }

    /// Opens one more tab.
    #[wasm_bindgen(js_name = openTab)]
    pub fn open_tab(&self) -> TestTab {
        TestTab { stage: self.stage.clone(), tab: self.stage.open(), outer: RefCell::default() }
    }

    /// Runs one turn; answers whether anything was done, or is left to do.
    pub fn turn(&self) -> bool {
        self.stage.turn()
    }

    /// Moves time on; answers by how much, or nothing where nothing will happen by itself.
    pub fn skip(&self, limit: Option<f64>, wanted: Option<f64>) -> Option<f64> {
        let span = |given: Option<f64>| given.map(|span| span as Millis);
        match self.stage.skip(span(limit), span(wanted)) {
            Moved::By(span) => Some(span as f64),
            Moved::Nothing => None,
        }
    }

    /// What the clock shows, in epoch milliseconds.
    pub fn now(&self) -> f64 {
        self.stage.now() as f64
    }

    /// Whether hints are lost from now on.
    pub fn partition(&self, is_partitioned: bool) {
        self.stage.partition(is_partitioned);
    }

    /// A process as it is stored, or `undefined`.
    pub fn process(&self, id: &str) -> Answer {
        reply(&self.stage.process(id).map_err(process_error)?)
    }

    /// The processes that have not ended, each with its lease: `[record, lease]`.
    pub fn running(&self) -> Answer {
        let all = self.stage.running().map_err(process_error)?;
        let pairs = all.iter().map(|(record, lease)| Ok(Array::of2(&reply(record)?, &reply(lease)?)));
        Ok(pairs.collect::<Result<Array, JsValue>>()?.into())
    }
}

/// A tab of a world.
#[wasm_bindgen]
pub struct TestTab {
    stage: Rc<Stage>,
    tab: Tab,
    /// What ran promises when this tab was entered.
    outer: RefCell<Vec<Option<Rc<dyn Spawn>>>>,
}

#[wasm_bindgen]
impl TestTab {
    /// Opens its registry.
    pub fn open(
        &self,
        name: String,
        owner_id: String,
        sink: Option<Function>,
        retention: JsValue,
    ) -> Result<Registry, JsValue> {
        let (store, host) = (self.tab.store(), self.tab.host().clone());
        let elsewhere = Elsewhere { store, host, name, owner_id, sink, retention };
        // Nothing here keeps it waiting.
        let opened = Registry::open_elsewhere(elsewhere).now_or_never();
        let waits = || Err(Error::new(Code::Internal, "a tab waits to be opened"));
        let (registry, inner) = opened.unwrap_or_else(waits).map_err(process_error)?;
        self.tab.has(inner);
        Ok(registry)
    }

    /// The calls from now on are made in this tab, until `leave()`.
    pub fn enter(&self) {
        let outer = promise_by(Some(Rc::new(self.tab.events().clone())));
        self.outer.borrow_mut().push(outer);
    }

    /// The calls from now on are made where they were before `enter()`.
    pub fn leave(&self) {
        let outer = self.outer.borrow_mut().pop();
        promise_by(outer.flatten());
    }

    /// Whether its timers and hints wait from now on.
    pub fn freeze(&self, is_frozen: bool) {
        self.tab.freeze(is_frozen);
    }

    /// Nothing of it runs from now on, and its locks are free.
    pub fn crash(&self) {
        self.stage.crash(&self.tab);
    }

    /// Its registry is closed.
    pub fn closed(&self) {
        self.stage.leave(&self.tab);
    }
}
