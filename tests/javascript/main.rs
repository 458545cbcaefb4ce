//! The conformance suite through the JavaScript interface of the built package, in a window: on IndexedDB, and on NATS servers.
//!
//! The package is `dist/`, which the test runner serves with the rest of the repository. The servers are those of `page.js`; the job of
//! browsers runs the first module alone, and the job `nats` the second.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod border;
mod clock;
mod page;
mod registry;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod indexed_db {
    longwait_testing::conformance_through!(crate::page::Pages::on_indexed_db());
}

mod nats {
    longwait_testing::conformance_through!(crate::page::Pages::on_nats(), without proofs);
}
