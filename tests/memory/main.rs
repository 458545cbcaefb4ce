//! What a run holds of the heap while it sleeps.
#![cfg(not(target_family = "wasm"))]
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, reason = "tests, and an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    ProcessWorkDriver, Result, RunContext,
    driver::{DriverOptions, RunEnd, Runners},
    model::{
        payload::Payload,
        process::{ProcessAwaitOutput, ProcessInput, ProcessRegistration},
    },
};

#[path = "../support/hand.rs"]
mod hand;
#[allow(dead_code, reason = "made for the conformance suite")]
#[path = "../support/mod.rs"]
mod support;

use hand::now;
use support::{World, memory::Memory, tasks};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: All that is asked of it is passed on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs that sleep, and how many began to.
#[derive(Default)]
struct Sleepers(Cell<usize>);

impl Runners for Sleepers {
    fn kinds(&self) -> Vec<String> {
        vec!["job".to_owned()]
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        self.0.set(self.0.get() + 1);
        async move {
            context.sleep("timer", 3_600_000).await?;
            Ok(RunEnd::from(ProcessAwaitOutput::success(Payload::null())))
        }
        .boxed_local()
    }
}

const RUNS: usize = 200;

/// Natively, where a pointer takes twice as many bytes as in WebAssembly. What it takes is looked at with `npm run bench -- --only
/// sleepers`.
const MOST: usize = 5_000;

#[test]
fn a_run_that_sleeps_holds_no_more_than_it_needs_to_wake_up() {
    let world: World = now(World::new(Rc::new(Memory::default())));
    for number in 0..RUNS {
        let job = ProcessInput::engine("job", true);
        now(world.registry.register(ProcessRegistration::new(format!("p{number:03}"), job))).unwrap();
    }
    let sleepers = Rc::new(Sleepers::default());
    let driver = ProcessWorkDriver::new(world.registry.clone(), sleepers.clone(), DriverOptions::new("tab")).unwrap();
    driver.start();
    tasks().run();
    assert_eq!(sleepers.0.get(), RUNS);
    let asleep = LIVE.load(Ordering::Relaxed);
    // Their rows stay, and their registrations, which the store has cached.
    now(driver.stop());
    tasks().run();
    let each = (asleep - LIVE.load(Ordering::Relaxed)) / RUNS;
    assert!(each <= MOST, "{each} bytes");
}
