//! Durable processes that you can await.
//!
//! A *process* is a durable row with an append-only event log. [`ProcessRegistry`] holds them
//! in a [`store::Store`], [`ProcessAwaiter`] turns their outcome or next event into a future,
//! and a [`ProcessChangeHub`] wakes it: subscribe, then read, then wait.
//!
//! A program begins with `Host::native` and `ProcessRegistry::in_memory` (in `native.rs`, so not for a browser); `examples/order.rs` is one that
//! runs: `cargo run --example order`. Rows that outlive the program need an [`Engine`](store::engine::Engine) of your own, or
//! a whole [`store::Store`]; the crate `longwait-testing` has the suite that either must pass.
//!
//! The rules live in [`model`] as pure, synchronous functions over rows; a store promises
//! atomicity and nothing else. ARCHITECTURE.md tells how the parts hang together.

pub mod driver;
#[cfg(not(target_family = "wasm"))]
mod ecmascript;
pub mod error;
pub mod host;
pub mod model;
#[cfg(not(target_family = "wasm"))]
pub mod native;
pub mod notify;
pub mod operation;
pub mod registry;
pub mod rules;
pub mod session;
pub mod store;
mod text;
mod transfer;
#[cfg(test)]
mod typescript;
mod unordered;

pub use {
    driver::{DriverOptions, ProcessWorkDriver, RunContext, RunEnd, Runners},
    error::{Code, Error, Result},
    model::{
        event::{AppendRequest, AppendResult, ProcessEvent, ProcessEventType},
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease},
        payload::Payload,
        process::{FailureClass, ProcessAwaitOutput, ProcessInput, ProcessRecord, ProcessRegistration},
    },
    notify::{ProcessAttach, ProcessAwaiter, ProcessChangeHub, ProcessEventSink},
    registry::{Host, ProcessRegistry, watch_process_registry, watch_process_registry_with_sink},
    session::SessionView,
};
