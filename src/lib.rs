//! Durable processes that you can await, in the browser: the crate behind the npm package.
//!
//! It has the exports, and what the browser is to [`longwait_core`]: its clock, its tabs and its database. What may happen to a
//! process stands there. ARCHITECTURE.md tells how the parts hang together.

pub use longwait_core::*;

/// The [host](longwait_core::host) that the browser is.
pub mod host {
    pub use longwait_core::host::*;

    #[cfg(target_family = "wasm")]
    pub mod browser;
}

/// The [store](longwait_core::store), and rows in IndexedDB or over a network.
pub mod store {
    pub use longwait_core::store::*;

    #[cfg(target_family = "wasm")]
    pub mod indexed_db;
    #[cfg(target_family = "wasm")]
    pub mod remote;
    #[cfg(target_family = "wasm")]
    mod requests;
}

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod wasm;
