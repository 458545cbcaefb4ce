//! Rows that are reached over an optimistic engine. Nothing that a caller sees may differ from rows that are locked.

use std::{cell::Cell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::{
    host::turn,
    store::{
        Store,
        engine::{MemoryEngine, Mode},
        row_store::RowStore,
    },
};
use longwait_testing::{
    Place, Race, RacingServer,
    fake::{Counter, FakeClock},
    tasks,
};

/// Every third commit of a tab loses its race, and each takes a few turns, in which other tabs commit.
pub struct Racing {
    server: RacingServer,
    names: Counter,
}

impl Default for Racing {
    fn default() -> Self {
        let left_out = Cell::new(0);
        let gap = move || left_out.replace((left_out.get() + 1) % 4);
        Self { server: RacingServer::new(MemoryEngine::new("1d"), gap, || 0), names: Counter::default() }
    }
}

impl Place for Racing {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let (begun, server) = (Cell::new(0), self.server.clone());
        let course = move |mode| {
            if mode != Mode::Write {
                return Race::alone();
            }
            begun.set(begun.get() + 1);
            let (number, server) = (begun.get(), server.clone());
            let between = async move {
                for _ in 0..number % 3 {
                    turn().await;
                }
                if number % 3 == 0 {
                    server.disturb();
                }
            };
            Race { lag: 0, between: between.boxed_local() }
        };
        let engine = Rc::new(self.server.tab(course));
        let store = RowStore::new(engine, Rc::new(clock), Rc::new(tasks()), &self.names);
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}
