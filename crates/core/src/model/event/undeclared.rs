//! Event types that exist without being declared: signals, which anyone may send, and the types that the driver writes.

use super::{STEP, signal::is_signal};

/// The event types that the driver alone writes. No registration declares one, and no caller appends one.
pub const DRIVER_TYPES: [&str; 6] =
    [STEP, "process.attempt_failed", "process.step_failed", "process.timer", "process.paused", "process.unpaused"];

/// Whether the driver alone writes events of this type.
pub fn is_of_driver(event_type: &str) -> bool {
    DRIVER_TYPES.contains(&event_type)
}

/// Whether every process may have events of this type, whatever it declares.
pub fn exists_undeclared(event_type: &str) -> bool {
    is_of_driver(event_type) || is_signal(event_type)
}
