//! Rows in memory that several tabs share, each by a connection of its own.

use std::{cell::Cell, rc::Rc};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait_core::{
    error::{Code, Error, Result},
    store::{
        Durability,
        engine::{Connection, Engine, MemoryEngine},
    },
};

/// One tab's connection to rows in memory: closing it leaves the rows to the other tabs.
pub struct SharedRows {
    rows: MemoryEngine,
    is_closed: Cell<bool>,
}

impl SharedRows {
    /// A connection to these rows.
    pub fn of(rows: &MemoryEngine) -> Self {
        Self { rows: rows.clone(), is_closed: Cell::new(false) }
    }
}

impl Engine for SharedRows {
    fn durability(&self) -> Durability {
        self.rows.durability()
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        match self.is_closed.get() {
            true => ready(Err(Error::new(Code::Closed, "the registry is closed"))).boxed_local(),
            false => self.rows.connect(),
        }
    }

    fn forget(&self, generation: u64) {
        self.rows.forget(generation);
    }

    fn close(&self) {
        self.is_closed.set(true);
    }
}
