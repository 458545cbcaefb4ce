//! What the tests share: a world to act in, and stores to build it on.

pub use longwait_testing::*;

#[cfg(target_family = "wasm")]
pub mod indexed_db;
