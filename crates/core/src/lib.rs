//! Durable processes that you can await.
//!
//! A *process* is a durable row with an append-only event log. [`ProcessRegistry`] holds them
//! in a [`store::Store`], [`ProcessAwaiter`] turns their outcome or next event into a future,
//! and a [`ProcessChangeHub`] wakes it: subscribe, then read, then wait.
//!
//! The rules live in [`domain`] as pure, synchronous functions over rows; a store promises
//! atomicity and nothing else. ARCHITECTURE.md tells how the parts hang together.

pub mod domain;
pub mod driver;
#[cfg(not(target_family = "wasm"))]
mod ecmascript;
pub mod error;
pub mod host;
pub mod operation;
pub mod registry;
pub mod store;
mod text;
#[cfg(test)]
mod typescript;
pub mod view;
pub mod watch;

pub use {
    driver::{ProcessWorkDriver, RunContext},
    error::{Code, Error, Result},
    registry::ProcessRegistry,
    view::SessionView,
    watch::{
        ProcessAttach, ProcessAwaiter, ProcessChangeHub, ProcessEventSink, watch_process_registry,
        watch_process_registry_with_sink,
    },
};
