//! The exports: clone, convert, return.
//!
//! The hand-written TypeScript around this module has already checked that arguments are JSON
//! and of the right primitive types; here they get their shapes. Every handle is cloned before
//! a promise exists, because JavaScript may free the object meanwhile.

mod attach;
mod calls;
mod convert;
mod driver;
mod host;
mod receiver;
mod registry;
