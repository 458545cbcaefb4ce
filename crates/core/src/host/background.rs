//! Tasks with an owner.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    task::{Poll, Waker},
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, poll_fn},
};

use super::Spawn;

/// A task that ends, and lets go of all it holds, the moment this is dropped: not when it is polled next.
pub struct Background(Rc<RefCell<Running>>);

struct Running {
    /// Not here while it is being polled.
    task: Option<LocalBoxFuture<'static, ()>>,
    waker: Option<Waker>,
}

impl Background {
    /// Runs a task until it ends or is dropped.
    pub fn spawn(spawn: &dyn Spawn, task: LocalBoxFuture<'static, ()>) -> Self {
        let running = Rc::new(RefCell::new(Running { task: Some(task), waker: None }));
        let owned = Rc::downgrade(&running);
        spawn.spawn(poll_fn(move |context| poll(&owned, context)).boxed_local());
        Self(running)
    }
}

fn poll(owned: &Weak<RefCell<Running>>, context: &mut std::task::Context<'_>) -> Poll<()> {
    let Some(running) = owned.upgrade() else { return Poll::Ready(()) };
    running.borrow_mut().waker = Some(context.waker().clone());
    let Some(mut task) = running.borrow_mut().task.take() else { return Poll::Ready(()) };
    // The task itself may drop its owner: hold no borrow of it while it is polled.
    drop(running);
    let outcome = task.as_mut().poll(context);
    if let (Poll::Pending, Some(running)) = (outcome, owned.upgrade()) {
        running.borrow_mut().task = Some(task);
        return Poll::Pending;
    }
    Poll::Ready(())
}

impl Drop for Background {
    fn drop(&mut self) {
        let Running { task, waker } = &mut *self.0.borrow_mut();
        let (task, waker) = (task.take(), waker.take());
        drop(task);
        // So that the spawner sees that there is nothing left to run.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
