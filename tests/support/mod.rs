//! What the tests share: a world to act in, and stores to build it on.

use std::rc::Rc;

use longwait::{domain::schema::SchemaHost, host::Spawn};

pub mod memory;
mod world;

#[cfg(target_family = "wasm")]
pub mod indexed_db;
#[cfg(target_family = "wasm")]
mod schemas;

pub use world::*;

/// What the worlds of these tests run beside them.
#[cfg(target_family = "wasm")]
fn spawn() -> Rc<dyn Spawn> {
    Rc::new(longwait::host::browser::BrowserSpawn)
}

#[cfg(not(target_family = "wasm"))]
fn spawn() -> Rc<dyn Spawn> {
    Rc::new(tasks())
}

/// The tasks of the test that runs on this thread.
#[cfg(not(target_family = "wasm"))]
pub fn tasks() -> longwait::host::fake::Tasks {
    thread_local! {
        static TASKS: longwait::host::fake::Tasks = longwait::host::fake::Tasks::default();
    }
    TASKS.with(Clone::clone)
}

/// Runs a future to its end, polling it only when it was woken.
#[cfg(not(target_family = "wasm"))]
pub fn at_once(future: impl Future<Output = ()>) {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::{Context, Wake},
    };

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = woken.clone().into();
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        tasks().run();
        assert!(woken.0.swap(false, Ordering::Relaxed), "waits for something that never comes");
    }
}

/// The validator of these tests.
#[cfg(not(target_family = "wasm"))]
fn schemas() -> Rc<dyn SchemaHost> {
    Rc::new(longwait::host::native_schema::NativeSchemas)
}

/// The validator of these tests. The browser's own is written in TypeScript and tested there.
#[cfg(target_family = "wasm")]
fn schemas() -> Rc<dyn SchemaHost> {
    Rc::new(schemas::TypesAlone)
}
