//! Rows in memory, shared by the tabs of one case.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::{
    host::fake::FakeClock,
    store::{Store, memory::MemoryStore},
};

use super::Place;

/// The first tab makes the store, the others share it.
#[derive(Default)]
pub struct Memory(RefCell<Option<MemoryStore>>);

impl Place for Memory {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let store = self.0.borrow_mut().get_or_insert_with(|| MemoryStore::new(Rc::new(clock))).clone();
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        self.0.take();
        ready(()).boxed_local()
    }
}
