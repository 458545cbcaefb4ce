//! The conformance suite on rows in memory: over a sound engine, over one that loses every third transaction's connection, and over an
//! optimistic one whose commits lose races.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod lossy;
mod racing;

mod memory {
    longwait_testing::conformance!(longwait_testing::memory::Memory::default());
}

mod lossy_engine {
    longwait_testing::conformance!(crate::lossy::Lossy::default());
}

mod racing_engine {
    longwait_testing::conformance!(crate::racing::Racing::default());
}
