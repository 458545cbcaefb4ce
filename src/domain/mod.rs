//! The rules: what may happen to a process, decided from rows and nothing else.
//!
//! Nothing here waits, reads a clock, or knows which store asked. A rule takes a
//! [`Snapshot`](snapshot::Snapshot) and returns a [`Decision`](snapshot::Decision):
//! a reply and the rows to write.

pub mod attempt;
pub mod canonical;
pub mod event;
pub mod filter;
pub mod grant;
pub mod json;
pub mod key;
pub mod lease;
pub mod parse;
pub mod process;
pub mod retention;
pub mod schema;
pub mod selector;
pub mod session;
pub mod shape;
pub mod snapshot;
pub mod table;
pub mod value;

/// Milliseconds since the Unix epoch, or a span of milliseconds. A JavaScript-safe integer.
pub type Millis = u64;
