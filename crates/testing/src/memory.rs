//! Rows in memory, shared by the tabs of one case.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait_core::{
    host::Spawn,
    store::{Store, engine::MemoryEngine, row_store::RowStore},
};

use crate::{
    Place,
    fake::{Counter, FakeClock},
    tasks,
};

/// The first tab makes the rows. Each tab has a store of its own over them.
pub struct Memory {
    rows: RefCell<Option<MemoryEngine>>,
    spawn: Rc<dyn Spawn>,
}

impl Memory {
    /// Rows whose tabs run their tasks by `spawn`.
    pub fn on(spawn: Rc<dyn Spawn>) -> Self {
        Self { rows: RefCell::default(), spawn }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::on(Rc::new(tasks()))
    }
}

impl Place for Memory {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let engine = self.rows.borrow_mut().get_or_insert_with(|| MemoryEngine::new("1d")).clone();
        let store = RowStore::new(Rc::new(engine), Rc::new(clock), self.spawn(), &Counter::default());
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        self.rows.take();
        ready(()).boxed_local()
    }

    fn spawn(&self) -> Rc<dyn Spawn> {
        self.spawn.clone()
    }
}
