//! Running processes: claims what can be run here, runs it, and ends it.
//!
//! It decides when to look for work and who may run how much at once. It refuses to know what a runner does,
//! and it trusts nobody to be the only one: every write is made under a lease, in the transaction that checks it.

mod agenda;
mod attempts;
mod eligibility;
mod ends;
mod history;
mod options;
mod owner_watch;
mod pages;
mod pauses;
mod run;
mod scheduler;
mod signals;
mod steps;
mod waits;
mod work_driver;

pub use options::{DriverOptions, Runners};
pub use run::{Abort, RunContext};
pub use work_driver::{DriveFailure, DriveReport, ProcessWorkDriver};
