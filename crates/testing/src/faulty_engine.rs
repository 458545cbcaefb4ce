//! An engine that fails as platforms do. What becomes of each transaction is the test's to say.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait_core::{
    Code, Error, Result,
    host::latch::{Latch, latch},
    store::{
        Durability,
        engine::{Connection, Engine, Failed, How, Mode, Round, Step, Traits, Upload, Write},
    },
};

/// What becomes of one transaction.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It runs to its end.
    Answered,
    /// It is taken back, for a fault of its own.
    Aborted(Error),
    /// It runs, and is taken back if it writes: there is no room.
    Full,
    /// Its connection dies before it is answered, and before or after it was committed.
    Lost {
        /// Whether it was committed.
        committed: bool,
    },
    /// Its connection dies before it is answered, and whether it was committed is not to be found out.
    Unsettled {
        /// Whether it was committed.
        committed: bool,
    },
}

/// One transaction: how long it takes until it begins, what becomes of it, and how long until its caller learns that.
pub struct Course {
    /// Until it begins.
    pub there: LocalBoxFuture<'static, ()>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Until its caller learns that.
    pub back: LocalBoxFuture<'static, ()>,
}

impl Course {
    /// One that takes no time.
    pub fn at_once(outcome: Outcome) -> Self {
        Self { there: ready(()).boxed_local(), outcome, back: ready(()).boxed_local() }
    }
}

/// An engine over another one.
pub struct FaultyEngine(Rc<Parts>);

/// Is called with what a transaction wrote.
type Noted = dyn Fn(&[Write]);

struct Parts {
    inner: Rc<dyn Engine>,
    course: Box<dyn Fn(Mode) -> Course>,
    committed: Box<Noted>,
    generation: Cell<u64>,
    connection: RefCell<Option<Rc<FaultyConnection>>>,
}

impl FaultyEngine {
    /// `course` says what becomes of each transaction when it is begun; `committed` is called with what one wrote.
    pub fn new(
        inner: Rc<dyn Engine>,
        course: impl Fn(Mode) -> Course + 'static,
        committed: impl Fn(&[Write]) + 'static,
    ) -> Self {
        let (course, committed) = (Box::new(course), Box::new(committed));
        Self(Rc::new(Parts { inner, course, committed, generation: Cell::new(0), connection: RefCell::default() }))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Engine for FaultyEngine {
    fn durability(&self) -> Durability {
        self.0.inner.durability()
    }

    fn traits(&self) -> Traits {
        self.0.inner.traits()
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let parts = self.0.clone();
        async move {
            let inner = parts.inner.connect().await?;
            let mut connection = parts.connection.borrow_mut();
            let open = connection.get_or_insert_with(|| {
                parts.generation.set(parts.generation.get() + 1);
                Rc::new(FaultyConnection {
                    inner,
                    parts: parts.clone(),
                    generation: parts.generation.get(),
                    dead: Rc::default(),
                    last_write: RefCell::default(),
                })
            });
            Ok(open.clone() as Rc<dyn Connection>)
        }
        .boxed_local()
    }

    fn upload(&self, upload: &Upload) -> Option<LocalBoxFuture<'static, Result<()>>> {
        self.0.inner.upload(upload)
    }

    fn discard(&self, upload: &Upload) {
        self.0.inner.discard(upload);
    }

    fn forget(&self, generation: u64) {
        // The engine below has lost no connection.
        self.0.connection.borrow_mut().take_if(|connection| connection.generation == generation);
    }

    fn pause(&self) {
        self.0.inner.pause();
    }

    fn resume(&self) {
        self.0.inner.resume();
    }

    fn close(&self) {
        self.0.inner.close();
    }
}

struct FaultyConnection {
    inner: Rc<dyn Connection>,
    parts: Rc<Parts>,
    generation: u64,
    dead: Rc<Cell<bool>>,
    /// Released when the write that was begun last has run: writes and the reads behind them keep their order.
    last_write: RefCell<Option<Latch>>,
}

#[deny(clippy::missing_trait_methods)]
impl Connection for FaultyConnection {
    fn generation(&self) -> u64 {
        self.generation
    }

    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let Course { there, outcome, back } = (self.parts.course)(mode);
        let (inner, parts, dead) = (self.inner.clone(), self.parts.clone(), self.dead.clone());
        let (done, ran) = latch();
        let before = match mode {
            Mode::Read | Mode::ReadHeard => self.last_write.borrow().clone(),
            Mode::Write => self.last_write.replace(Some(ran)),
        };
        async move {
            there.await;
            if let Some(before) = before {
                let _ = before.released().await;
            }
            let outcome = match outcome {
                Outcome::Lost { committed: false } => Err(lost()),
                _ if dead.get() => Err(lost()),
                Outcome::Aborted(error) => Err(Failed { error, how: How::Refused }),
                Outcome::Full => commits(&*inner, &parts, mode, without_room(step)).await,
                Outcome::Answered => commits(&*inner, &parts, mode, step).await,
                Outcome::Lost { committed: true } => commits(&*inner, &parts, mode, step).await.and(Err(lost())),
                Outcome::Unsettled { committed: false } => Err(unsettled()),
                Outcome::Unsettled { committed: true } => {
                    commits(&*inner, &parts, mode, step).await.and(Err(unsettled()))
                }
            };
            dead.set(dead.get() || matches!(outcome, Err(Failed { how: How::Lost, .. })));
            drop(done);
            back.await;
            outcome
        }
        .boxed_local()
    }
}

async fn commits(inner: &dyn Connection, parts: &Parts, mode: Mode, mut step: Step) -> std::result::Result<(), Failed> {
    let written = Rc::<RefCell<Vec<Write>>>::default();
    let noted = written.clone();
    let noting: Step = Box::new(move |results| {
        let round = step(results);
        if let Round::Write(writes) | Round::Commit(writes) = &round {
            noted.borrow_mut().extend_from_slice(writes);
        }
        round
    });
    inner.run(mode, noting).await?;
    (parts.committed)(&written.take());
    Ok(())
}

fn without_room(mut step: Step) -> Step {
    Box::new(move |results| match step(results) {
        Round::Write(writes) | Round::Commit(writes) if !writes.is_empty() => {
            Round::Fail(Error::new(Code::QuotaExceeded, "full"))
        }
        round @ (Round::Read(_) | Round::Write(_) | Round::Commit(_) | Round::Done | Round::Fail(_)) => round,
    })
}

fn unsettled() -> Failed {
    Failed { error: Error::new(Code::Disconnected, "the connection is gone"), how: How::Unsettled }
}

fn lost() -> Failed {
    Failed { error: Error::new(Code::StorageFailed, "the connection is gone"), how: How::Lost }
}
