//! Waiting: what changed, which waiters are notified, and the promise that no waiter misses a change.

pub mod attach;
pub mod awaiter;
pub mod backoff;
pub mod broadcaster;
pub mod change_poller;
pub mod hub;
pub mod sink;
mod stream_hub;
mod stream_reader;
mod woken;

pub use attach::ProcessAttach;
pub use awaiter::{EventBatch, ProcessAwaiter, WaitSource};
pub use hub::{ChangeReceiver, ProcessChangeHub};
pub use sink::ProcessEventSink;
pub(crate) use stream_hub::StreamHub;
pub use stream_reader::StreamReader;
pub use woken::{WaitFor, Woken, WokenBy, WokenWait};
