//! The leases of a driver: renewed together while their runs last, and given back when a run does not end its process.

use std::rc::Rc;

use futures::FutureExt;

use super::{Abort, RunContext, work_driver::Driver};
use crate::{
    error::Result,
    host,
    model::{
        Millis,
        key::ProcessId,
        lease::{MAX_TTL_MS, ProcessLease},
    },
    operation,
};

/// How many leases are renewed in one transaction.
const RENEWED_AT_ONCE: usize = 256;

/// How many leases are renewed in one round, unless more would end soon. The leases of more runs than that last for as many rounds
/// more: runs may sleep by the thousand, and to renew all their leases every few seconds would keep a core busy.
const RENEWED_IN_A_ROUND: usize = 2 * RENEWED_AT_ONCE;

impl Driver {
    // ── Renewal ────────────────────────────────────────────────────────────

    /// Renews the leases of all runs until the last of them has ended.
    pub fn keep_renewing(self: &Rc<Self>) {
        if self.renewing.borrow().is_none() {
            let renew = self.clone().renew().boxed_local();
            self.renewing.replace(Some(host::Background::spawn(&*self.registry.host().spawn, renew)));
        }
    }

    /// Takes note that a process does not run here any more.
    pub fn ended(&self, id: &ProcessId) {
        self.runs.borrow_mut().remove(id);
        if self.runs.borrow().is_empty() {
            let renewing = self.renewing.take();
            drop(renewing);
        }
    }

    async fn renew(self: Rc<Self>) {
        loop {
            self.registry.clock().sleep(self.options.renew_every).await;
            let (due, ttl) = self.to_renew();
            for runs in due.chunks(RENEWED_AT_ONCE) {
                self.renew_leases(runs, ttl).await;
            }
        }
    }

    /// The runs whose leases are renewed in this round, and for how long.
    fn to_renew(&self) -> (Vec<RunContext>, Millis) {
        let mut runs = self.running();
        let rounds = runs.len().div_ceil(RENEWED_IN_A_ROUND).max(1);
        let lease_ttl = self.options.lease_ttl;
        let soon = self.registry.clock().monotonic() + lease_ttl;
        runs.sort_unstable_by_key(|run| run.0.held_until.get());
        let ends_soon = runs.partition_point(|run| run.0.held_until.get() <= soon);
        runs.truncate(ends_soon.max(RENEWED_IN_A_ROUND));
        (runs, lease_ttl.saturating_mul(rounds as Millis).min(MAX_TTL_MS))
    }

    /// Renews leases; the runs that have lost theirs are over.
    async fn renew_leases(&self, runs: &[RunContext], ttl: Millis) {
        let held = runs.iter().map(|run| run.lease().clone()).collect();
        let asked = self.registry.clock().monotonic();
        let renewed = self.registry.execute(operation::renew_all(held, ttl)).await;
        let now = self.registry.clock().monotonic();
        for run in runs {
            let lost = match &renewed {
                Ok(lost) => lost.contains(run.id()),
                // That is unknown, until it must have ended.
                Err(_) => run.0.held_until.get() <= now,
            };
            match (lost, &renewed) {
                (false, Ok(_)) => run.0.held_until.set(asked + ttl),
                (true, Err(fault)) => self.failed(run.id(), fault),
                (false, Err(_)) | (true, Ok(_)) => {}
            }
            if lost {
                run.stop(Abort::Over(run.lost()));
            }
        }
    }

    // ── Release ────────────────────────────────────────────────────────────

    /// Gives a lease back; the attempt counts if its runner was `called`. Where that cannot be written, the lease is kept in
    /// mind and given back before the next attempt.
    pub async fn release(&self, lease: &ProcessLease, called: bool) {
        let id = &lease.process_id;
        self.kept.borrow_mut().insert(id.clone(), (lease.clone(), called));
        let released = self.release_kept(id).await;
        // The next attempt tries again, and meets the fault if it lasts.
        drop(released);
    }

    /// Gives back the lease of an earlier attempt that could not be given back then.
    pub async fn release_kept(&self, id: &ProcessId) -> Result<()> {
        let Some(kept) = self.kept.borrow().get(id).cloned() else { return Ok(()) };
        match &kept {
            (lease, true) => self.registry.execute(operation::hand_back(lease.clone())).await?,
            (lease, false) => self.registry.execute(operation::take_back(lease.clone())).await?,
        }
        if self.kept.borrow().get(id) == Some(&kept) {
            self.kept.borrow_mut().remove(id);
        }
        // A driver that cannot watch the liveness lock of this one reads the process because of this notification.
        self.registry.hint(id);
        Ok(())
    }

    /// Whether a lease is one that could not be given back.
    pub fn keeps(&self, lease: &ProcessLease) -> bool {
        self.kept.borrow().get(&lease.process_id).is_some_and(|(kept, _)| kept.is(lease))
    }

    /// Gives back all leases that could not be given back before.
    pub async fn release_all_kept(&self) {
        let kept: Vec<_> = self.kept.borrow().keys().cloned().collect();
        for id in kept {
            if self.release_kept(&id).await.is_err() {
                return;
            }
        }
    }
}
