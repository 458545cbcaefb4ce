//! Running processes: claims what can be run here, runs it, and ends it.
//!
//! It decides when to look for work, how much runs at once, and what a run may still write. It refuses to know what a runner
//! does, and that it is the only driver: every write is made under a lease, in the transaction that checks it.

mod abort;
mod agenda;
mod attempt;
mod children;
mod drive;
mod due;
mod eligibility;
mod ends;
mod history;
mod issued_wait;
mod leases;
mod network;
mod options;
mod owner_watch;
mod pauses;
mod pending;
mod retention;
mod run;
mod run_watch;
mod scheduler;
mod signals;
mod state;
mod steps;
mod streams;
mod sweep;
mod timer;
mod wait_outcomes;
mod waits;
mod work_driver;
mod work_loop;
mod yielded_permit;

pub use abort::Abort;
pub use options::{DriverOptions, RunEnd, Runners};
pub use run::RunContext;
pub use steps::{StepAttempt, StepEnd};
pub use streams::{StreamOptions, StreamWriter};
pub use sweep::{DriveFailure, DriveReport};
pub use work_driver::ProcessWorkDriver;
