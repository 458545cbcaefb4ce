//! One value from one place to another, within a thread.
//!
//! The one of the `futures` crate is made for many threads, and its locks would be a kilobyte of the download.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

struct Shared<T> {
    value: Cell<Option<T>>,
    /// Whether the sender is gone.
    over: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// Where the value comes from. Dropped, it says that none will come.
pub struct Sender<T>(Rc<Shared<T>>);

/// Resolves with the value, or with an error where none will come.
pub struct Receiver<T>(Rc<Shared<T>>);

/// The sender was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canceled;

/// Both ends.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared { value: Cell::new(None), over: Cell::new(false), waker: Cell::new(None) });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Sends the value. Where nobody receives it any more, it is dropped.
    pub fn send(self, value: T) {
        self.0.value.set(Some(value));
    }

    /// Whether nobody would receive it.
    pub fn is_canceled(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.over.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

/// Whoever went away is not woken any more, nor kept by the waker.
impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.waker.take();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Canceled>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Canceled>> {
        if self.0.over.get() {
            return Poll::Ready(self.0.value.take().ok_or(Canceled));
        }
        self.0.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

/// Releases a [`Latch`] when dropped.
pub struct Release(Latch);

/// Something that happens once, for any number to wait for. Clones share it.
#[derive(Clone)]
pub struct Latch(Rc<RefCell<Option<Vec<Sender<()>>>>>);

/// A latch that is not released yet.
pub fn latch() -> (Release, Latch) {
    let latch = Latch(Rc::new(RefCell::new(Some(Vec::new()))));
    (Release(latch.clone()), latch)
}

impl Latch {
    /// Whether it has happened.
    pub fn is_released(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// Resolves when it has happened.
    pub fn released(&self) -> Receiver<()> {
        let (sender, receiver) = channel();
        if let Some(waiting) = &mut *self.0.borrow_mut() {
            // Whoever went away is left out whenever the list would grow: together that costs no more than the waits.
            if waiting.len() == waiting.capacity() {
                waiting.retain(|sender| !sender.is_canceled());
            }
            waiting.push(sender);
        }
        receiver
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let waiting = self.0.0.take();
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::Wake,
    };

    use futures::FutureExt;

    use super::*;

    #[test]
    fn what_was_sent_is_received_also_once_the_sender_is_gone() {
        let (sender, receiver) = channel();
        sender.send(7);
        assert_eq!(receiver.now_or_never(), Some(Ok(7)));
    }

    #[test]
    fn a_sender_that_is_dropped_ends_the_wait_without_a_value() {
        let (sender, mut receiver) = channel::<()>();
        assert_eq!((&mut receiver).now_or_never(), None);
        drop(sender);
        assert_eq!(receiver.now_or_never(), Some(Err(Canceled)));
    }

    #[test]
    fn nobody_is_woken_who_went_away() {
        struct Woken(AtomicBool);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let (sender, mut receiver) = channel::<()>();
        let waker = woken.clone().into();
        assert!(receiver.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        drop((receiver, waker));
        assert_eq!(Arc::strong_count(&woken), 1);
        drop(sender);
        assert!(!woken.0.load(Ordering::Relaxed));
    }

    #[test]
    fn a_latch_that_is_released_stays_so_for_all() {
        let (release, latch) = latch();
        let mut early = latch.released();
        assert!((&mut early).now_or_never().is_none() && !latch.is_released());
        drop(release);
        assert!(
            early.now_or_never().is_some() && latch.clone().released().now_or_never().is_some() && latch.is_released()
        );
    }

    #[test]
    fn a_latch_keeps_nothing_of_those_who_went_away() {
        let (_release, latch) = latch();
        (0..1_000).for_each(|_| drop(latch.released()));
        assert!(latch.0.borrow().as_ref().is_some_and(|waiting| waiting.len() < 10));
    }

    #[test]
    fn a_sender_knows_when_nobody_would_receive() {
        let (sender, receiver) = channel::<()>();
        assert!(!sender.is_canceled());
        drop(receiver);
        assert!(sender.is_canceled());
    }
}
