//! The conformance suite in a window: on memory and on IndexedDB.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../property/mod.rs"]
mod property;
#[path = "../property/seeds.rs"]
mod seeds;
#[path = "../storage/mod.rs"]
mod storage;
#[path = "../support/mod.rs"]
mod support;
#[path = "../tab/mod.rs"]
mod tab;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod memory {
    longwait_testing::conformance!(crate::support::memory::Memory::on(std::rc::Rc::new(
        longwait::host::browser::BrowserSpawn
    )));
}

mod indexed_db {
    longwait_testing::conformance!(crate::support::indexed_db::Database::default());
}
