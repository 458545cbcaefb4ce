//! Rows in memory that are reached by connections which die. Nothing that a caller sees may differ from rows that are reached safely.

use std::{cell::Cell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::store::{Store, engine::MemoryEngine, row_store::RowStore};
use longwait_testing::{
    Course, FaultyEngine, Outcome, Place,
    fake::{Counter, FakeClock},
    tasks,
};

/// Every third transaction of a tab loses its connection: in turns before and after it was committed.
pub struct Lossy {
    rows: MemoryEngine,
    /// Names the writers of all tabs: two of one name would take each other's commit tokens for their own.
    names: Counter,
}

impl Default for Lossy {
    fn default() -> Self {
        Self { rows: MemoryEngine::new("1d"), names: Counter::default() }
    }
}

impl Place for Lossy {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let begun = Cell::new(0);
        let course = move |_| {
            begun.set(begun.get() + 1);
            Course::at_once(match begun.get() % 6 {
                3 => Outcome::Lost { committed: true },
                0 => Outcome::Lost { committed: false },
                _ => Outcome::Answered,
            })
        };
        let engine = Rc::new(FaultyEngine::new(Rc::new(self.rows.clone()), course, |_| {}));
        let store = RowStore::new(engine, Rc::new(clock), Rc::new(tasks()), &self.names);
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}
