//! The conformance suite through the JavaScript interface of the built package, on IndexedDB, in a window.
//!
//! The package is `dist/`, which the test runner serves with the rest of the repository.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod border;
mod clock;
mod page;
mod registry;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

longwait_testing::conformance_through!(crate::page::Pages::default());
