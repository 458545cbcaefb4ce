//! The conformance suite on the memory store.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

longwait_testing::conformance!(longwait_testing::memory::Memory::default());
