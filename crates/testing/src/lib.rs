//! Fakes of a host, and the conformance suite that every store of [`longwait_core`] has to pass.
//!
//! A store of your own is tested by a [`Place`] and one line, [`conformance!`]: it makes a test of each case.
//!
//! ```ignore
//! longwait_testing::conformance!(longwait_testing::memory::Memory::default());
//! ```
//!
//! In a browser the crate of the tests needs `wasm-bindgen-test`.
//!
//! The cases can also run through an interface to the registry that is not Rust's own, as the one that JavaScript has: for a [`Tabs`]
//! that opens an [`AnyRegistry`], `conformance_through!` makes a test of each case that such an interface can express.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::rc::Rc;

use longwait_core::model::schema::SchemaHost;

mod any_registry;
#[macro_use]
mod cases;
#[doc(hidden)]
pub mod conformance;
pub mod fake;
mod faulty_engine;
pub mod memory;
#[cfg(not(target_family = "wasm"))]
mod racing_engine;
#[cfg(target_family = "wasm")]
mod schemas;
pub mod stage;
mod world;

pub use any_registry::{AnyAwaiter, AnyHub, AnyReceiver, AnyRegistry, AnyView, blob};
pub use faulty_engine::{Course, FaultyEngine, Outcome};
#[cfg(not(target_family = "wasm"))]
pub use racing_engine::{Race, RacingEngine, RacingServer};
pub use world::*;

/// The tasks of the test that runs on this thread.
pub fn tasks() -> fake::Tasks {
    thread_local! {
        static TASKS: fake::Tasks = fake::Tasks::default();
    }
    TASKS.with(Clone::clone)
}

/// Runs a future to its end, polling it only when it was woken.
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
    Rc::new(longwait_core::host::native_schema::NativeSchemas)
}

/// The validator of these tests. The browser's own is written in TypeScript and tested there.
#[cfg(target_family = "wasm")]
fn schemas() -> Rc<dyn SchemaHost> {
    Rc::new(schemas::TypesAlone)
}
