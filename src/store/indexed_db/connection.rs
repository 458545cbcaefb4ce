//! The one connection of a store: opened when needed, given up when asked, opened again.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;

use super::engine::{self, Database};
use crate::{
    error::{Code, Error, Result},
    host::oneshot::{self, Latch, Release},
};

/// A connection that is open, or being opened, or not needed yet.
pub struct Connection {
    name: String,
    state: Rc<RefCell<State>>,
    /// Counts attempts to open one, so that what is known of one is not taken for the next.
    generation: Cell<u64>,
    /// While the page is put aside: what ends that, and the end of it.
    away: RefCell<Option<(Release, Latch)>>,
}

/// An attempt to open one.
#[derive(Clone)]
struct Opening {
    generation: u64,
    over: Latch,
    outcome: Rc<RefCell<Option<Result<Rc<Open>>>>>,
}

enum State {
    Idle,
    Opening(Opening),
    Closed,
}

/// An open connection; closed when its last user is gone.
pub struct Open {
    pub database: Database,
    pub generation: u64,
    _lost: Closure<dyn FnMut()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl Connection {
    /// Not opened yet.
    pub fn new(name: String) -> Self {
        Self { name, state: Rc::new(RefCell::new(State::Idle)), generation: Cell::new(0), away: RefCell::default() }
    }

    /// The open connection; callers at the same time share one attempt.
    pub async fn open(&self) -> Result<Rc<Open>> {
        let opening = match &mut *self.state.borrow_mut() {
            State::Closed => return Err(Error::new(Code::Closed, "the registry is closed")),
            State::Opening(opening) => opening.clone(),
            idle @ State::Idle => {
                let opening = self.attempt();
                *idle = State::Opening(opening.clone());
                opening
            }
        };
        let Opening { generation, over, outcome } = opening;
        let _ = over.released().await;
        let outcome =
            outcome.borrow().clone().unwrap_or_else(|| Err(Error::new(Code::Internal, "an attempt was dropped")));
        if outcome.is_err() {
            self.forget(generation);
        }
        outcome
    }

    fn attempt(&self) -> Opening {
        let (name, state) = (self.name.clone(), self.state.clone());
        let generation = self.generation.get() + 1;
        self.generation.set(generation);
        let away = self.away.borrow().as_ref().map(|(_, end)| end.clone());
        let attempt = async move {
            if let Some(away) = away {
                let _ = away.released().await;
            }
            let lost = Closure::new(move || forget(&state, generation));
            let database = engine::open(&name, &lost).await?;
            Ok(Rc::new(Open { database, generation, _lost: lost }))
        };
        let ((ends, over), outcome) = (oneshot::latch(), Rc::<RefCell<_>>::default());
        let opening = Opening { generation, over, outcome: outcome.clone() };
        spawn_local(async move {
            outcome.replace(Some(attempt.await));
            drop(ends);
        });
        opening
    }

    /// Drops a dead connection; the next use opens another. One that was opened since is left alone.
    pub fn forget(&self, generation: u64) {
        forget(&self.state, generation);
    }

    /// Closes the connection, even one in use: its transactions still end, and whoever wants another
    /// waits until [`resume`](Self::resume). A page with an open connection may not be kept.
    pub fn pause(&self) {
        self.away.borrow_mut().get_or_insert_with(oneshot::latch);
        if let State::Opening(Opening { outcome, .. }) = &*self.state.borrow()
            && let Some(Ok(open)) = &*outcome.borrow()
        {
            open.database.close();
        }
        self.forget(self.generation.get());
    }

    /// Opens again when needed.
    pub fn resume(&self) {
        let away = self.away.take();
        drop(away);
    }

    /// Drops the connection for good.
    pub fn close(&self) {
        self.resume();
        let last = self.state.replace(State::Closed);
        drop(last);
    }
}

fn forget(state: &RefCell<State>, of: u64) {
    let mut state = state.borrow_mut();
    let last = match &*state {
        State::Opening(Opening { generation, .. }) if *generation == of => {
            Some(std::mem::replace(&mut *state, State::Idle))
        }
        State::Closed | State::Idle | State::Opening(_) => None,
    };
    drop(state);
    drop(last);
}
