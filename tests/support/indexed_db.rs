//! Rows in IndexedDB: every case has a database of its own, every tab a connection of its own.

use std::rc::Rc;

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Result,
    host::{
        Random, Spawn,
        browser::{BrowserRandom, BrowserSpawn},
    },
    store::{
        Store,
        indexed_db::{Flush, IndexedDb},
        row_store::RowStore,
    },
};
use longwait_testing::{Place, fake::FakeClock};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/tests/storage/bare.js")]
extern "C" {
    /// Deletes a database; resolves once it is gone.
    #[wasm_bindgen(catch)]
    pub async fn remove(name: &str) -> std::result::Result<JsValue, JsValue>;
}

/// A store over the database of that name.
pub async fn open(name: &str, flush: Flush, clock: &FakeClock) -> Result<RowStore> {
    let engine = IndexedDb::open(name, flush).await?;
    Ok(RowStore::new(Rc::new(engine), Rc::new(clock.clone()), Rc::new(BrowserSpawn), &BrowserRandom))
}

/// A database under a fresh name.
pub struct Database(pub String);

impl Default for Database {
    fn default() -> Self {
        Self(format!("longwait-test-{}", BrowserRandom.name()))
    }
}

impl Place for Database {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let name = self.0.clone();
        async move { Rc::new(open(&name, Flush::Relaxed, &clock).await.unwrap()) as Rc<dyn Store> }.boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        let name = self.0.clone();
        async move { remove(&name).await.map(drop).unwrap() }.boxed_local()
    }
    fn spawn(&self) -> Rc<dyn Spawn> {
        Rc::new(BrowserSpawn)
    }
}
