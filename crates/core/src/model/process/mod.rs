//! Processes: what is registered, what the record says, and the rules that change the record
//! without an event.

mod outcome;
mod record;
mod registration;

pub use self::{
    outcome::{FailureClass, ProcessAwaitOutput, ProcessStatus, Terminal, TerminalState},
    record::{LogHead, ProcessExternalRef, ProcessRecord, TypeCount, WaitKind, WaitState},
    registration::{
        Originator, ProcessIdentity, ProcessInput, ProcessRegistration, Provenance, Recovery, Registered, normalise,
    },
};
