//! The conformance suite on rows in memory: over a sound engine, and over one that loses every third transaction's connection.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod lossy;

mod memory {
    longwait_testing::conformance!(longwait_testing::memory::Memory::default());
}

mod lossy_engine {
    longwait_testing::conformance!(crate::lossy::Lossy::default());
}
