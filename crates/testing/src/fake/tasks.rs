//! Tasks that stand still until they are told to run.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake},
};

use futures::future::LocalBoxFuture;

use longwait_core::host::Spawn;

/// Tasks that run only inside of [`run`](Tasks::run). Clones share them.
#[derive(Clone, Default)]
pub struct Tasks(Rc<RefCell<Vec<Task>>>);

struct Task {
    future: LocalBoxFuture<'static, ()>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Tasks {
    /// Runs every task that has something to do, until none has.
    pub fn run(&self) {
        while self.0.borrow().iter().any(Task::is_woken) {
            let tasks = self.0.take();
            let pending: Vec<_> = tasks.into_iter().filter_map(Task::step).collect();
            let spawned = self.0.replace(pending);
            self.0.borrow_mut().extend(spawned);
        }
    }

    /// Drops every task where it stands.
    pub fn kill(&self) {
        drop(self.0.take());
    }

    /// How many have not ended.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether all have ended.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Spawn for Tasks {
    fn spawn(&self, future: LocalBoxFuture<'static, ()>) {
        self.0.borrow_mut().push(Task { future, woken: Arc::new(Woken(AtomicBool::new(true))) });
    }
}

impl Task {
    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }

    /// Polls it if it was woken; gives it back unless it ended.
    fn step(mut self) -> Option<Self> {
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return Some(self);
        }
        let waker = self.woken.clone().into();
        self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending().then_some(self)
    }
}
