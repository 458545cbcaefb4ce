//! A semaphore: how many run at once. What continues goes before what is new.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use futures::channel::oneshot;

/// A number of permits. Clones share them.
#[derive(Clone)]
pub struct Semaphore(Rc<State>);

struct State {
    free: Cell<usize>,
    continuing: RefCell<VecDeque<oneshot::Sender<Permit>>>,
    new: RefCell<VecDeque<oneshot::Sender<Permit>>>,
}

/// A semaphore with one permit, that is, a mutex.
impl Default for Semaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

/// The right to run. Released when dropped.
pub struct Permit(Semaphore);

impl Semaphore {
    /// `count` permits.
    pub fn new(count: usize) -> Self {
        Self(Rc::new(State { free: Cell::new(count), continuing: RefCell::default(), new: RefCell::default() }))
    }

    /// Resolves with a permit for something new, in the order of the calls.
    pub async fn acquire(&self) -> Permit {
        self.from(&self.0.new).await
    }

    /// Resolves with a permit for something that had one before: before anything new, or what has begun would starve.
    pub async fn reacquire(&self) -> Permit {
        self.from(&self.0.continuing).await
    }

    /// A permit, if one is free.
    pub fn try_acquire(&self) -> Option<Permit> {
        let left = self.0.free.get().checked_sub(1)?;
        self.0.free.set(left);
        Some(Permit(self.clone()))
    }

    async fn from(&self, queue: &RefCell<VecDeque<oneshot::Sender<Permit>>>) -> Permit {
        if let Some(permit) = self.try_acquire() {
            return permit;
        }
        let (give, given) = oneshot::channel();
        queue.borrow_mut().push_back(give);
        // The sender is dropped only with the queue, which lives as long as this semaphore.
        given.await.unwrap_or_else(|_| Permit(self.clone()))
    }

    fn next(&self) -> Option<oneshot::Sender<Permit>> {
        let continuing = self.0.continuing.borrow_mut().pop_front();
        continuing.or_else(|| self.0.new.borrow_mut().pop_front())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let semaphore = &self.0;
        while let Some(next) = semaphore.next() {
            if !next.is_canceled() {
                // If the receiver is dropped before it polls, the permit is dropped with it, and passed on.
                let _ = next.send(Permit(semaphore.clone()));
                return;
            }
        }
        semaphore.0.free.set(semaphore.0.free.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_permit_that_is_released_goes_to_what_continues_before_anything_new() {
        let semaphore = Semaphore::new(1);
        let first = semaphore.acquire().now_or_never();
        assert!(first.is_some());
        let (mut new, mut continuing) = (Box::pin(semaphore.acquire()), Box::pin(semaphore.reacquire()));
        assert!((&mut new).now_or_never().is_none());
        assert!((&mut continuing).now_or_never().is_none());
        drop(first);
        assert!((&mut new).now_or_never().is_none());
        let continued = (&mut continuing).now_or_never();
        assert!(continued.is_some());
        drop(continued);
        assert!((&mut new).now_or_never().is_some());
    }

    #[test]
    fn a_permit_that_was_given_to_a_dropped_receiver_is_not_lost() {
        let semaphore = Semaphore::new(1);
        let first = semaphore.acquire().now_or_never();
        let (mut gone, mut second, mut third) =
            (Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()));
        assert!((&mut gone).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(gone);
        drop(first);
        // It was given to the second one, which has not been polled since.
        drop(second);
        assert!((&mut third).now_or_never().is_some());
    }

    #[test]
    fn a_permit_is_free_at_once_only_while_none_waits_for_it() {
        let semaphore = Semaphore::new(1);
        let first = semaphore.try_acquire();
        assert!(first.is_some() && semaphore.try_acquire().is_none());
        let mut waiting = Box::pin(semaphore.acquire());
        assert!((&mut waiting).now_or_never().is_none());
        drop(first);
        assert!(semaphore.try_acquire().is_none());
        drop(waiting);
        assert!(semaphore.try_acquire().is_some());
    }
}
