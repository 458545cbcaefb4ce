//! How a started driver prunes what ended long ago: a small batch at a time, and only while it has nothing else to do.
//!
//! One tab at a time does so, where the host has locks. Elsewhere several may: a second pruning of a process changes nothing.

use std::any::Any;

use super::work_driver::Driver;
use crate::{
    error::{Code, Result},
    model::{Millis, reports::PruneReport, retention::Outdated},
    operation,
};

/// How long after one pass the next one begins at the earliest.
const PAUSE_MS: Millis = 60_000;

/// How many processes are pruned at a time.
const BATCH: usize = 32;

/// Names the work among the tabs.
const WORK: &str = "retention";

/// What a driver has pruned, and when.
#[derive(Default)]
pub(super) struct Pruning {
    /// When a pass began last, by the monotonic clock.
    began: Option<Millis>,
    /// During a pass: what keeps other tabs from it.
    alone: Option<Box<dyn Any>>,
}

impl Pruning {
    /// Whether there may be something to prune.
    pub fn is_due(&self, driver: &Driver) -> bool {
        let now = driver.registry.clock().monotonic();
        let is_rested = self.began.is_none_or(|began| now >= began + PAUSE_MS);
        !driver.options.retention.is_for_ever() && (self.alone.is_some() || is_rested)
    }

    /// Prunes a batch, if no other tab is at it.
    pub async fn prune(&mut self, driver: &Driver) {
        let alone = match self.alone.take() {
            Some(alone) => Some(alone),
            None => {
                self.began = Some(driver.registry.clock().monotonic());
                driver.registry.host().liveness.alone(WORK).await
            }
        };
        if alone.is_none() {
            return;
        }
        match driver.prune_outdated().await {
            Ok(PruneReport { more: true, .. }) => self.alone = alone,
            Ok(PruneReport { more: false, .. }) => {}
            Err(fault) if fault.code() == Code::Closed => {}
            Err(fault) => driver.runners.failed(&fault),
        }
    }
}

impl Driver {
    async fn prune_outdated(&self) -> Result<PruneReport> {
        let outdated = Outdated::KeptFor(self.options.retention);
        self.registry.execute(operation::prune(outdated, BATCH)).await
    }
}
