//! Waits, ticks and sinks, polled by hand on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[allow(dead_code, reason = "made for the conformance suite")]
#[path = "../support/mod.rs"]
mod support;

#[path = "../support/hand.rs"]
mod hand;
mod hears;
#[allow(dead_code, reason = "the driver needs more of it")]
#[path = "../support/held.rs"]
mod held;
mod reads;
mod shows;
mod sweeps;
mod waits;
mod wakes;
