//! Something that happens, once or again and again, and that any number of futures wait for.

use std::{cell::RefCell, rc::Rc};

use futures::channel::oneshot::{Receiver, Sender, channel};

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
            // Senders without a receiver are removed whenever the list would grow: amortised, that costs no more than the waits.
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

/// Something that happens again and again, for any number to wait for the next time.
#[derive(Default)]
pub struct News(RefCell<Option<(Release, Latch)>>);

impl News {
    /// What is released the next time. Ask for it before looking at what may have changed.
    pub fn next(&self) -> Latch {
        self.0.borrow_mut().get_or_insert_with(latch).1.clone()
    }

    /// Releases all that wait.
    pub fn notify(&self) {
        let next = self.0.take();
        drop(next);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

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
    fn news_release_those_who_wait_and_not_those_who_come_later() {
        let news = News::default();
        let before = news.next();
        news.notify();
        assert!(before.is_released() && !news.next().is_released());
    }

    #[test]
    fn a_latch_keeps_nothing_of_those_who_went_away() {
        let (_release, latch) = latch();
        (0..1_000).for_each(|_| drop(latch.released()));
        assert!(latch.0.borrow().as_ref().is_some_and(|waiting| waiting.len() < 10));
    }
}
