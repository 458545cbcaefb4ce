//! Durable processes that you can await, in the browser.
//!
//! A *process* is a durable row with an append-only event log. [`ProcessRegistry`] holds them
//! in a [`store::Store`], [`ProcessAwaiter`] turns their outcome or next event into a future,
//! and a [`ProcessChangeHub`] wakes it: subscribe, then read, then wait.
//!
//! The rules live in [`domain`] as pure, synchronous functions over rows; a store promises
//! atomicity and nothing else. ARCHITECTURE.md tells how the parts hang together.

pub mod domain;
#[cfg(feature = "shipped")]
mod driver;
#[cfg(not(feature = "shipped"))]
pub mod driver;
#[cfg(not(target_family = "wasm"))]
mod ecmascript;
pub mod error;
pub mod host;
pub mod operation;
#[cfg(feature = "shipped")]
mod registry;
#[cfg(not(feature = "shipped"))]
pub mod registry;
pub mod store;
mod text;
#[cfg(feature = "shipped")]
mod view;
#[cfg(not(feature = "shipped"))]
pub mod view;
#[cfg(feature = "shipped")]
mod watch;
#[cfg(not(feature = "shipped"))]
pub mod watch;

#[cfg(target_family = "wasm")]
mod wasm;

pub use error::{Code, Error, Result};
#[cfg(not(feature = "shipped"))]
pub use {
    driver::{ProcessWorkDriver, RunContext},
    registry::ProcessRegistry,
    view::SessionView,
    watch::{
        ProcessAttach, ProcessAwaiter, ProcessChangeHub, ProcessEventSink, watch_process_registry,
        watch_process_registry_with_sink,
    },
};
