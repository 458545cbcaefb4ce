//! The rules: what may happen to a process, decided from rows and nothing else.
//!
//! Nothing here waits, reads a clock, or knows which store asked. A rule takes a
//! [`Snapshot`](snapshot::Snapshot) and returns a [`Decision`](snapshot::Decision):
//! a reply and the rows to write.

pub mod append;
pub mod attachment;
pub mod attempt;
pub mod counted;
pub mod due;
mod ending;
pub mod fork;
pub mod grant;
pub mod import;
pub mod key;
pub mod lease;
pub mod log;
pub mod pause;
pub mod process;
pub mod prune;
pub mod register;
mod reserved;
pub mod session;
pub mod snapshot;
pub mod state;
pub mod step;
pub mod stream;
pub mod wait;
