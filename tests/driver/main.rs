//! The driver with runners in Rust, on a clock that is moved by hand.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[allow(dead_code, reason = "made for the conformance suite")]
#[path = "../support/mod.rs"]
mod support;

#[path = "../support/hand.rs"]
mod hand;
#[allow(dead_code, reason = "the waits need more of it")]
#[path = "../support/held.rs"]
mod held;

mod backlog;
mod cancels;
mod drives;
mod ends;
mod faults;
mod forks;
mod leases;
mod network;
mod places;
mod policies;
mod races;
mod retention;
mod retried_steps;
mod runners;
mod shown_waits;
mod signals;
mod sleeps;
mod states;
mod steps;
mod stops;
mod streams;
mod sweeps;
mod trouble;
