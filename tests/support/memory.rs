//! Rows in memory, shared by the tabs of one case.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::{
    host::fake::{Counter, FakeClock},
    store::{Store, engine::MemoryEngine, row_store::RowStore},
};

use super::{Place, spawn};

/// The first tab makes the rows. Each tab has a store of its own over them.
#[derive(Default)]
pub struct Memory(RefCell<Option<MemoryEngine>>);

impl Place for Memory {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let engine = self.0.borrow_mut().get_or_insert_with(|| MemoryEngine::new("1d")).clone();
        let store = RowStore::new(Rc::new(engine), Rc::new(clock), spawn(), &Counter::default());
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        self.0.take();
        ready(()).boxed_local()
    }
}
