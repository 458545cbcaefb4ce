//! The store over an engine that fails: batches, commit tokens, the row cache, and connections that are lost.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod attachments;
mod counts;
mod faults;
mod lists;
mod place;
mod prunes;
mod races;
mod rounds;
mod totals;
mod uploads;
