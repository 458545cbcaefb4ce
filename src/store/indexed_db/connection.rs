//! The one connection of a store: opened when needed, given up when asked, opened again.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join},
};
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;

use super::door::{self, Database, Flush};
use crate::{
    error::{Code, Error, Result},
    host::latch::{self, Latch, Release},
    store::{
        Durability,
        engine::{Connection, Engine, Failed, Mode, Step},
    },
};

/// A database of IndexedDB, with its one connection: open, or being opened, or not needed yet. Clones share it.
#[derive(Clone)]
pub struct IndexedDb(Rc<Shared>);

struct Shared {
    name: String,
    flush: Flush,
    durability: Durability,
    state: Rc<RefCell<State>>,
    /// Counts attempts to open one, so that what is known of one is not taken for the next.
    generation: Cell<u64>,
    /// While the page is put aside: what ends that, and the end of it.
    away: RefCell<Option<(Release, Latch)>>,
    /// Released when the database is deleted. It is not made anew then: what was deleted must not come back.
    deleted: Rc<RefCell<Option<Release>>>,
    deletion: Latch,
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
struct Open {
    database: Database,
    generation: u64,
    _lost: Closure<dyn FnMut(bool)>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl IndexedDb {
    /// Opens the database of that name, or makes it.
    pub async fn open(name: &str, flush: Flush) -> Result<Self> {
        let (deleted, deletion) = latch::latch();
        let mut shared = Shared {
            name: name.to_owned(),
            flush,
            durability: Durability::Evictable,
            state: Rc::new(RefCell::new(State::Idle)),
            generation: Cell::new(0),
            away: RefCell::default(),
            deleted: Rc::new(RefCell::new(Some(deleted))),
            deletion,
        };
        let (opened, persisted) = join(shared.opened(), door::persisted()).await;
        opened?;
        if persisted {
            shared.durability = Durability::Persistent;
        }
        Ok(Self(Rc::new(shared)))
    }

    /// Resolves when another connection has the database deleted. From then on every call is [`Code::Closed`].
    pub async fn deleted(&self) {
        let _ = self.0.deletion.clone().released().await;
    }
}

impl Engine for IndexedDb {
    fn durability(&self) -> Durability {
        self.0.durability
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let shared = self.0.clone();
        async move {
            let open = shared.opened().await?;
            Ok(Rc::new(Connected { open, flush: shared.flush }) as Rc<dyn Connection>)
        }
        .boxed_local()
    }

    fn forget(&self, generation: u64) {
        forget(&self.0.state, generation);
    }

    fn pause(&self) {
        let shared = &self.0;
        shared.away.borrow_mut().get_or_insert_with(latch::latch);
        if let State::Opening(Opening { outcome, .. }) = &*shared.state.borrow()
            && let Some(Ok(open)) = &*outcome.borrow()
        {
            open.database.close();
        }
        self.forget(shared.generation.get());
    }

    fn resume(&self) {
        let away = self.0.away.take();
        drop(away);
    }

    fn close(&self) {
        self.resume();
        let last = self.0.state.replace(State::Closed);
        drop(last);
    }
}

/// An open connection, as a store uses it.
struct Connected {
    open: Rc<Open>,
    flush: Flush,
}

impl Connection for Connected {
    fn generation(&self) -> u64 {
        self.open.generation
    }

    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let (open, flush) = (self.open.clone(), self.flush);
        async move { door::run(&open.database, mode, flush, step).await }.boxed_local()
    }
}

impl Shared {
    /// The open connection; callers at the same time share one attempt.
    async fn opened(&self) -> Result<Rc<Open>> {
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
            forget(&self.state, generation);
        }
        outcome
    }

    fn attempt(&self) -> Opening {
        let (name, state, deleted) = (self.name.clone(), self.state.clone(), self.deleted.clone());
        let generation = self.generation.get() + 1;
        self.generation.set(generation);
        let away = self.away.borrow().as_ref().map(|(_, end)| end.clone());
        let attempt = async move {
            if let Some(away) = away {
                let _ = away.released().await;
            }
            let lost = Closure::new(move |is_deleted| {
                if is_deleted {
                    let last = state.replace(State::Closed);
                    let tell = deleted.take();
                    drop((last, tell));
                }
                forget(&state, generation);
            });
            let database = door::open(&name, &lost).await?;
            Ok(Rc::new(Open { database, generation, _lost: lost }))
        };
        let ((ends, over), outcome) = (latch::latch(), Rc::<RefCell<_>>::default());
        let opening = Opening { generation, over, outcome: outcome.clone() };
        spawn_local(async move {
            outcome.replace(Some(attempt.await));
            drop(ends);
        });
        opening
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
