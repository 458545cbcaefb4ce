//! What the crate needs of the world around it: time, chance, tasks, and news of other tabs.

use std::{any::Any, pin::pin, rc::Rc, task::Poll};

use futures::future::{Either, LocalBoxFuture, poll_fn, select};

use crate::{
    error::{Code, Error, Result},
    model::{
        Millis,
        key::ProcessId,
        lease::{LeaseOwner, LivenessMark, Proof},
        stream::StreamNotification,
    },
};

mod background;
pub mod latch;
#[cfg(not(target_family = "wasm"))]
pub mod native_schema;
mod semaphore;
mod timers;

pub use background::Background;
pub use semaphore::{Permit, Semaphore};
pub use timers::{Sleep, Timers};

/// Time.
pub trait Clock {
    /// Now, in epoch milliseconds: for what is stored. It may be set back or forward at any time.
    fn now(&self) -> Millis;
    /// A reading in milliseconds that never goes back and belongs to this process alone: spans are measured by it.
    fn monotonic(&self) -> Millis;
    /// Resolves after `span` milliseconds. Dropping it cancels the timer. A host is asked for a minute at most: see [`Timers`].
    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()>;
}

/// Chance.
pub trait Random {
    /// A fresh name that no other caller has or can guess: 128 random bits in lower hex.
    fn name(&self) -> String;

    /// A number from 0 up to 1, made of a fresh name.
    fn chance(&self) -> f64 {
        chance_of(&self.name())
    }
}

/// The number from 0 up to 1 that a name of [`Random::name`] stands for.
pub fn chance_of(name: &str) -> f64 {
    let digits = name.chars().take(8).collect::<String>();
    f64::from(u32::from_str_radix(&digits, 16).unwrap_or_default()) / f64::from(u32::MAX)
}

/// Can tell whether the holder of a lease is dead.
pub trait Liveness {
    /// Looks for a proof that an owner is dead. No answer is not a proof.
    fn probe(&self, holder: &LeaseOwner) -> LocalBoxFuture<'static, Proof>;

    /// Resolves once the owner is dead. [`Code::InvalidArgument`] where that can never be known.
    fn gone(&self, _owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        let unknowable = Error::invalid("owner.liveness: is no lock by which this registry could know of its end");
        Box::pin(futures::future::ready(Err(unknowable)))
    }

    /// Makes it visible to all that this incarnation lives, before it can be seen in a lease.
    fn live(&self, _incarnation: &str) -> LocalBoxFuture<'static, LivenessLock> {
        Box::pin(futures::future::ready(LivenessLock { mark: LivenessMark::Opaque {}, end: Box::new(()) }))
    }

    /// Takes a piece of work that one tab at a time need do, until what is given back is dropped; none where another tab has it. A host without
    /// locks gives it to every tab.
    fn alone(&self, _work: &str) -> LocalBoxFuture<'static, Option<Box<dyn Any>>> {
        Box::pin(futures::future::ready(Some(Box::new(()) as Box<dyn Any>)))
    }
}

/// What an owner holds for its life: a free lock is proof of its death, where the mark names one.
pub struct LivenessLock {
    /// How its death can be proven.
    pub mark: LivenessMark,
    /// Dropped to end it.
    pub end: Box<dyn Any>,
}

/// Proves nothing: only the lease's end frees it.
pub struct NoProof;

impl Liveness for NoProof {
    fn probe(&self, _: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        Box::pin(futures::future::ready(Proof::Unknown))
    }
}

/// Runs tasks beside whatever is being waited for.
pub trait Spawn {
    /// Runs a task to its end. It begins in a later turn: never inside of this call. No timer may stand between,
    /// since those of hidden pages are slowed down.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Resolves in a later task of the event loop: once everything that follows from what was just resolved has run.
    /// No timer stands between here either.
    fn next_task(&self) -> LocalBoxFuture<'static, ()> {
        Box::pin(turn())
    }
}

/// Resolves when everything that is to run now has had its turn.
pub async fn turn() {
    let mut over = false;
    poll_fn(|context| match std::mem::replace(&mut over, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Tells other tabs of changes, and hears of theirs.
///
/// A hint says which processes to look at again, and nothing of their state: it may come late, twice, or
/// never. Where all of them are lost, the sweep finds the changes. Notifications of streams may be lost as well, but never
/// come before what they have is committed.
pub trait Broadcast {
    /// Tells all others that these processes changed.
    fn announce(&self, ids: &[ProcessId]);
    /// Sends all others what was committed to a stream.
    fn announce_chunks(&self, notification: &Rc<StreamNotification>);
    /// Calls `heard` with what others announce, until what is given back is dropped.
    fn listen(&self, heard: Heard) -> Box<dyn Any>;
}

/// What is called with what others announce.
pub type Heard = Rc<dyn Fn(Announced)>;

/// What another tab announces.
pub enum Announced<'a> {
    /// These processes changed.
    Changed(&'a [ProcessId]),
    /// This was committed to a stream.
    Chunks(Rc<StreamNotification>),
}

/// Sends nothing and receives nothing.
pub struct NoBroadcast;

impl Broadcast for NoBroadcast {
    fn announce(&self, _: &[ProcessId]) {}
    fn announce_chunks(&self, _: &Rc<StreamNotification>) {}
    fn listen(&self, _: Heard) -> Box<dyn Any> {
        Box::new(())
    }
}

/// How long a wait may last, counted from when this is made. It bounds the waiting alone: a wait looks first, and looks
/// once more when the limit has passed, so what is there already is found whatever the limit.
pub struct Limit {
    span: Millis,
    timer: Option<LocalBoxFuture<'static, ()>>,
    passed: bool,
}

impl Limit {
    /// A limit of `span` milliseconds from now, or none.
    pub fn new(clock: &dyn Clock, span: Option<Millis>) -> Self {
        Self { span: span.unwrap_or_default(), timer: span.map(|span| clock.sleep(span)), passed: false }
    }

    /// Waits for a change, at most until the limit: then [`Code::Timeout`]. A change that has happened comes first.
    pub async fn bound<T>(&mut self, change: impl Future<Output = T>) -> Result<T> {
        let timer = match (&mut self.timer, self.passed) {
            (None, _) => return Ok(change.await),
            (Some(_), true) => return Err(self.fault()),
            (Some(timer), false) => timer,
        };
        match select(pin!(change), timer).await {
            Either::Left((change, _)) => Ok(change),
            Either::Right(((), _)) => {
                self.passed = true;
                Err(self.fault())
            }
        }
    }

    fn fault(&self) -> Error {
        Error::new(Code::Timeout, format!("not within {} ms", self.span))
    }
}
