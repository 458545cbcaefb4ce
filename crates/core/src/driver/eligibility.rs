//! Which processes this driver may run, and what a read of one means for it.

use std::rc::Rc;

use futures::future::try_join;

use super::work_driver::Driver;
use crate::{
    error::Result,
    model::{
        Millis,
        key::ProcessId,
        lease::{LeaseSlot, ProcessLease},
        process::ProcessRecord,
    },
    registry::answer,
    store::{Answer, Query},
};

/// Who may run a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eligibility {
    /// A driver with these runners.
    Drivable,
    /// A driver with other runners.
    NoRunner,
    /// No driver: the host does the work, or it is done.
    NotDrivable,
}

/// What a read of a process and its lease means for this driver.
pub(super) enum Finding {
    /// It is to be begun. Whether a run of it has begun before and lost its holder.
    Pending { has_begun: bool, rank: u64, created_at_ms: Millis },
    /// Its own row keeps it from being begun: it is paused, its time has not come, or another process of its key goes before it.
    NotNow,
    /// It requires the network, and the host says that there is none.
    Offline,
    /// It is drivable here, and held by another driver.
    Held(Rc<ProcessLease>),
    /// It is drivable here, and not begun again before then.
    Paused(Millis),
    /// It has neither a runner here nor a holder.
    Unhandled(Box<ProcessRecord>),
    /// It has no runner here, and is held by a driver that has one.
    RunsElsewhere,
    /// No driver runs it.
    NotDrivable,
    /// It has ended or is not there.
    Over,
}

impl Driver {
    /// Who may run a process.
    pub fn eligibility(&self, record: &ProcessRecord) -> Eligibility {
        if record.is_terminal() || record.registered.registration.input.is_external() {
            return Eligibility::NotDrivable;
        }
        match record.identity().is_some_and(|identity| self.runners.handles(&identity.kind, record.policy().version)) {
            true => Eligibility::Drivable,
            false => Eligibility::NoRunner,
        }
    }

    /// Reads a process and its lease, in one transaction with the other reads of this turn.
    pub async fn find(&self, id: &ProcessId) -> Result<Finding> {
        let slot = async { answer!(self.registry, Query::Lease(id.clone()).heard(), Answer::Lease) };
        let (process, slot) = try_join(self.heard_of(id), slot).await?;
        if let Some(due) = process.as_ref().and_then(ProcessRecord::due_at) {
            self.due_in(due.saturating_sub(self.registry.clock().now()));
        }
        Ok(process.map_or(Finding::Over, |record| self.judge(&record, &slot)))
    }

    /// A process as far as this registry has heard of it: what is missing, the claim will find.
    pub async fn heard_of(&self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        answer!(self.registry, Query::Process(id.clone()).heard(), Answer::Process)
    }

    fn judge(&self, record: &ProcessRecord, slot: &LeaseSlot) -> Finding {
        let (now, wall) = (self.registry.clock().monotonic(), self.registry.clock().now());
        let holder = slot.held.as_ref().filter(|holder| holder.is_live(wall) && !self.keeps(holder));
        match (self.eligibility(record), holder) {
            (Eligibility::Drivable, holder) => match (self.pauses.until(record), holder) {
                (Some(until), _) if until > now => Finding::Paused(until),
                // The clock of the store decides whether a lease has ended that was waited for here.
                (_, Some(holder)) if !self.has_outlasted(holder, now) => Finding::Held(Rc::new(holder.clone())),
                (_, _) => self.pending(record, slot),
            },
            (Eligibility::NoRunner, None) => Finding::Unhandled(Box::new(record.clone())),
            (Eligibility::NotDrivable, _) if record.is_terminal() => Finding::Over,
            (Eligibility::NoRunner, Some(_)) => Finding::RunsElsewhere,
            (Eligibility::NotDrivable, _) => Finding::NotDrivable,
        }
    }

    /// What is found of a process that has a runner here and no holder elsewhere.
    fn pending(&self, record: &ProcessRecord, slot: &LeaseSlot) -> Finding {
        let is_paused_run = record.paused.is_some() && slot.attempts.is_some();
        if !record.is_pending() || is_paused_run {
            return Finding::NotNow;
        }
        if self.lacks_network(record) {
            return Finding::Offline;
        }
        let (rank, created_at_ms) = (record.policy().rank(), record.registered.created_at_ms);
        Finding::Pending { has_begun: slot.held.is_some(), rank, created_at_ms }
    }
}

/// The kind by which runners are found.
pub(super) fn kind_of(record: &ProcessRecord) -> String {
    record.identity().map(|identity| identity.kind.clone()).unwrap_or_default()
}
