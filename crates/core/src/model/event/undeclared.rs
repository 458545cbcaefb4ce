//! Event types that exist without being declared: signals, which anyone may send, and the types that the driver writes.

use super::{STEP, signal::is_signal};

/// The event type of an attempt that failed and is followed by another one.
pub const ATTEMPT_FAILED: &str = "process.attempt_failed";
/// The event type of an attempt of a step that failed.
pub const STEP_FAILED: &str = "process.step_failed";
/// The event type of a timer that a run set.
pub const TIMER: &str = "process.timer";
/// The event type of a pause.
pub const PAUSED: &str = "process.paused";
/// The event type of the end of a pause.
pub const UNPAUSED: &str = "process.unpaused";

/// The event types that the driver alone writes. No registration declares one, and no caller appends one.
pub const DRIVER_TYPES: [&str; 6] = [STEP, ATTEMPT_FAILED, STEP_FAILED, TIMER, PAUSED, UNPAUSED];

/// Whether the driver alone writes events of this type.
pub fn is_of_driver(event_type: &str) -> bool {
    DRIVER_TYPES.contains(&event_type)
}

/// Whether every process may have events of this type, whatever it declares.
pub fn exists_undeclared(event_type: &str) -> bool {
    is_of_driver(event_type) || is_signal(event_type)
}
