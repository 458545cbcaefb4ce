//! The driver with runners in Rust, on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[allow(dead_code, reason = "made for the conformance suite")]
mod support;

#[path = "driver/drives.rs"]
mod drives;
#[path = "driver/runners.rs"]
mod runners;
#[path = "driver/runs.rs"]
mod runs;
