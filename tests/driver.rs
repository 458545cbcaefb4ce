//! The driver with runners in Rust, on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[allow(dead_code, reason = "made for the conformance suite")]
mod support;

#[path = "watch/hand.rs"]
mod hand;
#[allow(dead_code, reason = "the waits need more of it")]
#[path = "watch/held.rs"]
mod held;

#[path = "driver/backlog.rs"]
mod backlog;
#[path = "driver/cancels.rs"]
mod cancels;
#[path = "driver/drives.rs"]
mod drives;
#[path = "driver/ends.rs"]
mod ends;
#[path = "driver/faults.rs"]
mod faults;
#[path = "driver/leases.rs"]
mod leases;
#[path = "driver/places.rs"]
mod places;
#[path = "driver/races.rs"]
mod races;
#[path = "driver/runners.rs"]
mod runners;
#[path = "driver/signals.rs"]
mod signals;
#[path = "driver/steps.rs"]
mod steps;
#[path = "driver/stops.rs"]
mod stops;
#[path = "driver/sweeps.rs"]
mod sweeps;
#[path = "driver/trouble.rs"]
mod trouble;
