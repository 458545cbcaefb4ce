//! A future that is polled by hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
};

use futures::{FutureExt, future::LocalBoxFuture};

use crate::support::tasks;

/// A future in hand: it moves only when it is polled, and it shows whether it asked to be.
pub struct Hand<'a, T> {
    future: LocalBoxFuture<'a, T>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a, T> Hand<'a, T> {
    /// Takes a future in hand, not polled yet.
    pub fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self { future: future.fuse().boxed_local(), woken: Arc::new(Woken(AtomicBool::new(true))) }
    }

    /// Polls it once.
    pub fn poll(&mut self) -> Option<T> {
        self.woken.0.store(false, Ordering::Relaxed);
        match self.future.as_mut().poll(&mut Context::from_waker(&self.woken.clone().into())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Polls it as often as it asks for it.
    pub fn run(&mut self) -> Option<T> {
        while self.is_woken() {
            if let Some(output) = self.poll() {
                return Some(output);
            }
        }
        None
    }

    /// Whether it asked to be polled since it last was, once everything beside it has run.
    pub fn is_woken(&self) -> bool {
        tasks().run();
        self.woken.0.load(Ordering::Relaxed)
    }
}

/// What a future gives that waits for nobody.
#[track_caller]
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match Hand::new(future).run() {
        Some(output) => output,
        None => panic!("waits for something that never comes"),
    }
}
