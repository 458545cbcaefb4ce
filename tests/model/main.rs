//! The nouns as callers give them: shapes that are refused, and payload schemas.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod schemas;
mod shapes;
