//! What the crate needs of the world around it: time, chance, and news of a lease holder's death.

use futures::future::{Either, LocalBoxFuture, select};

use crate::{
    domain::{
        Millis,
        lease::{LeaseOwner, ProcessLease, Proof},
    },
    error::{Code, Error, Result},
};

#[cfg(target_family = "wasm")]
pub mod browser;
pub mod fake;
#[cfg(not(target_family = "wasm"))]
pub mod native_schema;

/// Time.
pub trait Clock {
    /// Now, in epoch milliseconds.
    fn now(&self) -> Millis;
    /// Resolves after `span` milliseconds. Dropping it cancels the timer.
    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()>;
}

/// Chance.
pub trait Random {
    /// A fresh name that nobody else has or can guess: 128 random bits in lower hex.
    fn name(&self) -> String;
}

/// Can tell whether the holder of a lease is dead.
pub trait Liveness {
    /// Looks for a proof. No answer is not a proof.
    fn probe(&self, holder: &ProcessLease) -> LocalBoxFuture<'static, Proof>;

    /// Resolves once the owner is dead. [`Code::InvalidArgument`] where that can never be known.
    fn gone(&self, _owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        let unknowable = Error::invalid("owner.liveness: is no lock by which this registry could know of its end");
        Box::pin(futures::future::ready(Err(unknowable)))
    }
}

/// Proves nothing: only the lease's end frees it.
pub struct NoProof;

impl Liveness for NoProof {
    fn probe(&self, _: &ProcessLease) -> LocalBoxFuture<'static, Proof> {
        Box::pin(futures::future::ready(Proof::Unknown))
    }
}

/// Gives a wait at most `span` milliseconds, if any are given: then [`Code::Timeout`].
/// Either way the loser is dropped at once, and with it what it held.
pub async fn within<T>(clock: &dyn Clock, span: Option<Millis>, wait: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(span) = span else { return wait.await };
    futures::pin_mut!(wait);
    match select(wait, clock.sleep(span)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(Error::new(Code::Timeout, format!("not within {span} ms"))),
    }
}
