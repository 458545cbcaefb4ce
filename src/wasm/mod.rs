//! The exports: clone, convert, return.
//!
//! The hand-written TypeScript around this module has already checked that arguments are JSON
//! and of the right primitive types; here they get their shapes. Every handle is cloned before
//! a promise exists, because JavaScript may free the object before it settles.
//!
//! What an export does is a public method of [`ProcessRegistry`](crate::ProcessRegistry),
//! [`SessionView`](crate::SessionView), [`ProcessAwaiter`](crate::ProcessAwaiter) or
//! [`ProcessWorkDriver`](crate::ProcessWorkDriver), so that what the conformance suite runs is what ships.

#![deny(
    clippy::disallowed_methods,
    reason = "an operation or a query that is run from here is run by no test of the crate"
)]

mod attach;
mod chunks;
mod convert;
mod driver;
mod exports;
mod host;
mod receiver;
mod registry;
mod words;

pub use self::{
    convert::{promise_by, reply},
    host::{process_error, schemas},
    registry::{Elsewhere, Registry},
};
