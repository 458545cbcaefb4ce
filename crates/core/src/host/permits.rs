//! Permits: how many run at once. A single one is a turn.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::channel::oneshot;

/// So many permits. Clones share them.
#[derive(Clone)]
pub struct Permits(Rc<State>);

struct State {
    free: Cell<usize>,
    returning: RefCell<Vec<oneshot::Sender<Permit>>>,
    new: RefCell<Vec<oneshot::Sender<Permit>>>,
}

/// One.
impl Default for Permits {
    fn default() -> Self {
        Self::new(1)
    }
}

/// The permission to run. Given back when dropped.
pub struct Permit(Permits);

impl Permits {
    /// So many of them.
    pub fn new(count: usize) -> Self {
        Self(Rc::new(State { free: Cell::new(count), returning: RefCell::default(), new: RefCell::default() }))
    }

    /// One for something new, in the order of asking.
    pub async fn take(&self) -> Permit {
        self.from(&self.0.new).await
    }

    /// One for something that had one and goes on: before anything new, or what has begun would starve.
    pub async fn take_back(&self) -> Permit {
        self.from(&self.0.returning).await
    }

    /// One for something new, if one is free.
    pub fn try_take(&self) -> Option<Permit> {
        let left = self.0.free.get().checked_sub(1)?;
        self.0.free.set(left);
        Some(Permit(self.clone()))
    }

    async fn from(&self, queue: &RefCell<Vec<oneshot::Sender<Permit>>>) -> Permit {
        if let Some(permit) = self.try_take() {
            return permit;
        }
        let (give, given) = oneshot::channel();
        queue.borrow_mut().push(give);
        // The sender is dropped only with the queue, which lives as long as whoever asks.
        given.await.unwrap_or_else(|_| Permit(self.clone()))
    }

    fn next(&self) -> Option<oneshot::Sender<Permit>> {
        let queues = [&self.0.returning, &self.0.new];
        let mut queue = queues.into_iter().find(|queue| !queue.borrow().is_empty())?.borrow_mut();
        Some(queue.remove(0))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let permits = &self.0;
        while let Some(next) = permits.next() {
            if !next.is_canceled() {
                // If the receiver is dropped before it polls, the permit is dropped with it, and passed on.
                let _ = next.send(Permit(permits.clone()));
                return;
            }
        }
        permits.0.free.set(permits.0.free.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_permit_that_is_given_back_goes_to_whoever_returns_before_anybody_new() {
        let permits = Permits::new(1);
        let first = permits.take().now_or_never();
        assert!(first.is_some());
        let (mut new, mut returning) = (Box::pin(permits.take()), Box::pin(permits.take_back()));
        assert!((&mut new).now_or_never().is_none());
        assert!((&mut returning).now_or_never().is_none());
        drop(first);
        assert!((&mut new).now_or_never().is_none());
        let returned = (&mut returning).now_or_never();
        assert!(returned.is_some());
        drop(returned);
        assert!((&mut new).now_or_never().is_some());
    }

    #[test]
    fn a_permit_in_the_hands_of_somebody_who_went_away_is_not_lost() {
        let permits = Permits::new(1);
        let first = permits.take().now_or_never();
        let (mut gone, mut second, mut third) =
            (Box::pin(permits.take()), Box::pin(permits.take()), Box::pin(permits.take()));
        assert!((&mut gone).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(gone);
        drop(first);
        // It is the second one's by now, who has not looked yet.
        drop(second);
        assert!((&mut third).now_or_never().is_some());
    }
}
