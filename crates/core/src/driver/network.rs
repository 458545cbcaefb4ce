//! The network that a process may require: whether it is there, and the wait of a run for it.
//!
//! A process that requires it is not claimed without it. A run that has begun is left alone: of that, the next attempt of a step waits here,
//! once its time has come.

use futures::{FutureExt, future::select};

use super::{
    RunContext,
    scheduler::LEFT_MS,
    work_driver::{Driver, ProcessWorkDriver},
};
use crate::{error::Result, model::process::ProcessRecord};

impl ProcessWorkDriver {
    /// Has the driver look again at what it leaves alone, and at what waits for the network: that is back, for example.
    pub fn look_again(&self) {
        self.0.look_again_at_all();
        self.0.network.notify();
    }
}

impl Driver {
    /// Whether a process requires the network, and the host says that there is none.
    pub fn lacks_network(&self, record: &ProcessRecord) -> bool {
        record.requires_network() && self.runners.is_offline()
    }

    /// Resolves once the host does not say any more that there is no network. It is asked now and then, as its news may be lost.
    async fn is_online(&self) {
        while self.runners.is_offline() {
            let news = self.network.next();
            select(news.released(), self.registry.clock().sleep(LEFT_MS)).await;
        }
    }
}

impl RunContext {
    /// Waits until the process does not lack the network. Until then the record shows the step that is to be tried again, and another
    /// process may run in this one's place.
    pub(super) async fn awaits_network(&self) -> Result<()> {
        let Some(driver) = self.0.driver().filter(|driver| driver.lacks_network(self.record())) else { return Ok(()) };
        // A run that comes later than the time of the attempt does not show it otherwise.
        self.shows_what_is_left().await?;
        // The network may be gone again by the time that the run has its permit.
        while driver.lacks_network(self.record()) {
            self.yielding_permit(driver.is_online().map(Ok)).await?;
        }
        Ok(())
    }
}
