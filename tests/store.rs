//! The store over an engine that fails: batches, commit tokens, the row cache, and connections that are lost.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "store/counts.rs"]
mod counts;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/lists.rs"]
mod lists;
#[path = "store/place.rs"]
mod place;
#[path = "store/prunes.rs"]
mod prunes;
