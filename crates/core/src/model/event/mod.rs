//! The event log: what may be appended, and what a repeated append answers.

mod declared;
mod signal;
mod step;
mod stored;
mod undeclared;

pub use self::{
    declared::{DedupeKey, ProcessEventType, SemanticsSpec, TerminalSpec, WakeSpec, add_core_types, check_types},
    signal::{PREFIX as SIGNAL_PREFIX, event_type as signal_type, is_signal},
    step::{STEP, StepFailure, step_key},
    stored::{AppendRequest, AppendResult, Author, ProcessEvent, Semantics, Wake, WakeDelivery},
    undeclared::{ATTEMPT_FAILED, DRIVER_TYPES, PAUSED, STEP_FAILED, TIMER, UNPAUSED, exists_undeclared, is_of_driver},
};
/// The event type that asks a process to stop.
pub const CANCEL_REQUESTED: &str = "process.cancel_requested";
/// The event type that says that a process waits.
pub const WAITING: &str = "process.waiting";
/// The event type that says that a process waits no more.
pub const RESUMED: &str = "process.resumed";
