//! What a driver is given.

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};

use super::RunContext;
use crate::{
    error::{Error, Result},
    model::{
        Millis,
        key::Key,
        lease::MAX_TTL_MS,
        process::{ProcessAwaitOutput, ProcessRecord},
        retention::Retention,
    },
    rules::attempt::Thrown,
};

/// What a driver runs processes with.
pub trait Runners {
    /// The kinds of which processes can be run here.
    fn kinds(&self) -> Vec<String>;
    /// Whether processes of this kind and version can be run here.
    fn handles(&self, kind: &str, _version: Option<u64>) -> bool {
        self.kinds().iter().any(|known| known == kind)
    }
    /// Whether the host says that there is no network.
    fn is_offline(&self) -> bool {
        false
    }
    /// Gets ready to run a process that was claimed. An error is trouble of the driver, as below; the attempt does not count
    /// then, since nothing was run.
    fn ready(&self, _claimed: &ProcessRecord) -> LocalBoxFuture<'static, Result<()>> {
        ready(Ok(())).boxed_local()
    }
    /// Runs a process, and answers how it ends. Dropped where the process is no longer to be run here; what the
    /// context writes from then on is refused.
    ///
    /// An error is trouble of the driver, not of the process: it ends the attempt and is reported, and the process is
    /// begun again later, here or elsewhere.
    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>>;
    /// Is called with each fault of a drive that no caller waits for.
    fn failed(&self, _fault: &Error) {}
    /// Is called once for each kind of which a process waited for a few seconds, held by no driver, while this driver was
    /// started and had no runner for it.
    fn unhandled(&self, _waiting: &ProcessRecord) {}
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// The runner returned, and the process ends so.
    Returned(ProcessAwaitOutput),
    /// The runner threw. Another attempt may be made.
    Threw(Thrown),
}

impl From<ProcessAwaitOutput> for RunEnd {
    fn from(output: ProcessAwaitOutput) -> Self {
        Self::Returned(output)
    }
}

/// How a driver works.
#[derive(Clone, Debug)]
pub struct DriverOptions {
    /// Who holds its leases, across lives.
    pub owner_id: Key,
    /// How long a lease lasts without a renewal, in milliseconds.
    pub lease_ttl: Millis,
    /// How often leases are renewed, in milliseconds: at least three times in the life of one, so that one renewal
    /// that comes late does not lose it.
    pub renew_every: Millis,
    /// How many processes run at once. Those that wait for another process or for a signal do not count.
    pub concurrency: usize,
    /// How long ended processes are kept, while it is started.
    pub retention: Retention,
}

impl DriverOptions {
    /// The defaults of lash-core 0.1.0-alpha.83, which this is a build of: 30 s, renewed every 10 s, 64 at once.
    pub fn new(owner_id: impl Into<Key>) -> Self {
        let retention = Retention::default();
        Self { owner_id: owner_id.into(), lease_ttl: 30_000, renew_every: 10_000, concurrency: 64, retention }
    }

    pub(super) fn check(&self) -> Result<()> {
        let Self { lease_ttl, renew_every, concurrency, .. } = self;
        if *renew_every == 0 || *lease_ttl > MAX_TTL_MS || lease_ttl / 3 < *renew_every {
            return Err(Error::invalid("leaseTtlMs must be at least 3 times renewEveryMs, and that at least 1"));
        }
        if *concurrency == 0 {
            return Err(Error::invalid("concurrency must be at least 1"));
        }
        Ok(())
    }
}
