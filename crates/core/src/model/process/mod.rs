//! Processes: what is registered, what the record says, and the rules that change the record
//! without an event.

mod outcome;
mod record;
mod registration;
mod schedule;
mod wait_state;

pub use self::{
    outcome::{FailureClass, ProcessAwaitOutput, ProcessStatus, Terminal, TerminalState},
    record::{LogHead, ProcessExternalRef, ProcessRecord, TypeCount},
    registration::{
        NewProcess, Originator, ProcessIdentity, ProcessInput, ProcessRegistration, Provenance, Recovery, Registered,
        normalise,
    },
    schedule::{Paused, Progress, Schedule},
    wait_state::WaitState,
};
