//! What a driver does by the clock alone: it fails processes at their deadlines, and lets those be begun whose time has come.
//!
//! Each store has one index of all such times. A driver knows the earliest one and waits for it with the one timer of its loop.

use futures::future::join_all;

use super::work_driver::{Driver, ProcessWorkDriver};
use crate::{
    error::Result,
    model::Millis,
    operation,
    registry::answer,
    store::{Answer, Due, Query},
    unordered::Set,
};

/// How many processes are dealt with at a time. They share a few transactions.
const BATCH: u64 = 256;

impl Driver {
    /// Does what is due. Answers after how many milliseconds something is due next.
    pub async fn settle_due(&self) -> Result<Option<Millis>> {
        loop {
            let due: Due = answer!(self.registry, Query::Due(BATCH), Answer::Due)?;
            let settled = join_all(due.ids.iter().map(|id| self.registry.execute(operation::due(id.clone())))).await;
            let mut failed = Set::default();
            for (id, settled) in due.ids.iter().zip(settled) {
                if let Err(fault) = settled {
                    // It is found again each second: one report is enough.
                    if !self.unsettled.borrow().contains(id) {
                        self.failed(id, &fault);
                    }
                    failed.insert(id.clone());
                }
            }
            let is_last = due.ids.len() < BATCH as usize || !failed.is_empty();
            self.unsettled.replace(failed);
            if is_last {
                return Ok(due.next);
            }
        }
    }

    /// Takes note that something is due after so many milliseconds.
    pub fn due_in(&self, span: Millis) {
        if let Some(scheduler) = &*self.scheduler.borrow() {
            scheduler.due_at(self.registry.clock().monotonic() + span);
        }
    }
}

impl ProcessWorkDriver {
    /// Looks at once for what is due: the page may have been asleep, and its timers with it.
    pub fn wake(&self) {
        self.0.registry.timers().compare_clocks();
        self.0.due_in(0);
    }
}
