//! A durable engine that owns the waits of what it runs.

use futures::future::LocalBoxFuture;

use crate::{
    error::Result,
    model::{key::ProcessId, process::ProcessAwaitOutput},
};

/// Waits for processes in another system's own way. Installed with
/// [`ProcessAwaiter::with_attach`](super::ProcessAwaiter::with_attach).
pub trait ProcessAttach {
    /// The outcome. An error is the answer: nothing falls back to polling.
    fn await_terminal(&self, id: &ProcessId) -> LocalBoxFuture<'static, Result<ProcessAwaitOutput>>;
}
