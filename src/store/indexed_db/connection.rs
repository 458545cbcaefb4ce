//! The one connection of a store: opened when needed, given up when asked, opened again.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, IdbDatabase};

use super::{request, schema};
use crate::{
    domain::Millis,
    error::{Code, Error, Result},
    host::Clock,
};

/// How long an upgrade or deletion in another tab may keep this one waiting. Long enough for the
/// other tab's `versionchange` handler to run, even a throttled one; short enough to tell a person.
pub const PATIENCE_MS: Millis = 5_000;

/// A connection that is open, or being opened, or not needed yet.
pub struct Connection {
    name: String,
    clock: Rc<dyn Clock>,
    state: Rc<RefCell<State>>,
    /// Counts connections, so that what was cached under one is not used under the next.
    generation: Rc<Cell<u64>>,
}

type Opening = Shared<LocalBoxFuture<'static, Result<Rc<Open>>>>;

enum State {
    Idle,
    Opening(Opening),
    Closed,
}

/// An open connection; closed when its last user is gone.
pub struct Open {
    pub database: IdbDatabase,
    pub generation: u64,
    _on_versionchange: Closure<dyn FnMut(Event)>,
    _on_close: Closure<dyn FnMut(Event)>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

impl Connection {
    /// Not opened yet.
    pub fn new(name: String, clock: Rc<dyn Clock>) -> Self {
        Self { name, clock, state: Rc::new(RefCell::new(State::Idle)), generation: Rc::default() }
    }

    /// The open connection; callers at the same time share one attempt.
    pub async fn open(&self) -> Result<Rc<Open>> {
        let opening = match &mut *self.state.borrow_mut() {
            State::Closed => return Err(Error::new(Code::Closed, "the registry is closed")),
            State::Opening(opening) => opening.clone(),
            idle @ State::Idle => {
                let opening = self.attempt().boxed_local().shared();
                *idle = State::Opening(opening.clone());
                opening
            }
        };
        let outcome = opening.await;
        if outcome.is_err() {
            self.forget();
        }
        outcome
    }

    fn attempt(&self) -> impl Future<Output = Result<Rc<Open>>> + 'static {
        let (name, clock, state) = (self.name.clone(), self.clock.clone(), self.state.clone());
        self.generation.set(self.generation.get() + 1);
        let generation = self.generation.get();
        async move {
            let database = request::open(&name, schema::VERSION, schema::upgrade, &*clock, PATIENCE_MS).await?;
            // Another tab upgrades or deletes: make way at once, or that tab would hang.
            let (closing, at_versionchange) = (database.clone(), state.clone());
            let on_versionchange = Closure::new(move |_: Event| {
                closing.close();
                forget(&at_versionchange);
            });
            // The browser closed it: storage cleared, disk gone, storage process dead.
            let on_close = Closure::new(move |_: Event| forget(&state));
            database.set_onversionchange(Some(on_versionchange.as_ref().unchecked_ref()));
            database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
            let (_on_versionchange, _on_close) = (on_versionchange, on_close);
            Ok(Rc::new(Open { database, generation, _on_versionchange, _on_close }))
        }
    }

    /// Drops a dead connection; the next use opens another.
    pub fn forget(&self) {
        forget(&self.state);
    }

    /// Drops the connection for good.
    pub fn close(&self) {
        let last = self.state.replace(State::Closed);
        drop(last);
    }
}

fn forget(state: &RefCell<State>) {
    let mut state = state.borrow_mut();
    let last = match &*state {
        State::Closed => None,
        State::Idle | State::Opening(_) => Some(std::mem::replace(&mut *state, State::Idle)),
    };
    drop(state);
    drop(last);
}
