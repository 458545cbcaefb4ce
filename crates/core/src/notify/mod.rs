//! Waiting: who changed, who is told, and the promise that nobody misses it.

pub mod attach;
pub mod awaiter;
pub mod backoff;
pub mod broadcaster;
pub mod change_poller;
pub mod hub;
pub mod sink;

pub use attach::ProcessAttach;
pub use awaiter::{EventBatch, ProcessAwaiter, WaitSource};
pub use hub::{ChangeReceiver, ProcessChangeHub};
pub use sink::ProcessEventSink;
