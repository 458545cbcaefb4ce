//! Waiting: who changed, who is told, and the promise that nobody misses it.

pub mod attach;
pub mod awaiter;
pub mod backoff;
pub mod hints;
pub mod hub;
pub mod sink;
pub mod sweep;

pub use attach::ProcessAttach;
pub use awaiter::{EventBatch, ProcessAwaiter};
pub use hub::{ChangeReceiver, ProcessChangeHub};
pub use sink::ProcessEventSink;

use std::rc::Rc;

use crate::registry::ProcessRegistry;

/// Gives a registry a hub: every change of a process row made through the returned registry
/// ticks it, after the commit.
pub fn watch_process_registry(registry: ProcessRegistry) -> (ProcessRegistry, ProcessChangeHub) {
    let hub = ProcessChangeHub::new();
    (registry.with_hub(hub.clone()), hub)
}

/// The same, and shows `sink` each event that an append inserted.
pub fn watch_process_registry_with_sink(
    registry: ProcessRegistry,
    sink: Rc<dyn ProcessEventSink>,
) -> (ProcessRegistry, ProcessChangeHub) {
    let (registry, hub) = watch_process_registry(registry);
    (registry.with_sink(sink), hub)
}
