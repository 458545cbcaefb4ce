//! Waits, ticks and sinks, polled by hand on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[allow(dead_code, reason = "made for the conformance suite")]
mod support;

#[path = "watch/hand.rs"]
mod hand;
#[path = "watch/hears.rs"]
mod hears;
#[allow(dead_code, reason = "the driver needs more of it")]
#[path = "watch/held.rs"]
mod held;
#[path = "watch/reads.rs"]
mod reads;
#[path = "watch/shows.rs"]
mod shows;
#[path = "watch/sweeps.rs"]
mod sweeps;
#[path = "watch/waits.rs"]
mod waits;
