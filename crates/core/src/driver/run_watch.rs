//! The watch beside a run: aborts it where its process or its lease asks for that.

use futures::FutureExt;

use super::{Abort, RunContext};
use crate::{
    error::{Code, Error, Result},
    model::{event::CANCEL_REQUESTED, lease::ProcessLease},
    notify::{ChangeReceiver, backoff},
    rules::attempt::cancel_reason,
};

impl RunContext {
    /// Aborts the run where its process or its lease asks for that; resolves when the run is over. What it does when it was woken is
    /// boxed: it waits beside every run, and thousands of these may sleep.
    pub(super) async fn watch(&self, changes: &ChangeReceiver) {
        let (mut seen, mut own) = (changes.seen(), self.0.registry.own_changes());
        // A cancel request that came before this run began is in the record that was claimed.
        if self.record().is_cancel_requested() && self.is_found_over().boxed_local().await {
            return;
        }
        loop {
            changes.changed().await;
            let (all, of_these) = (changes.seen() - seen, self.0.registry.own_changes() - own);
            (seen, own) = (seen + all, own + of_these);
            // What this run wrote itself, it need not read.
            if all > of_these && self.is_found_over().boxed_local().await {
                return;
            }
        }
    }

    /// Whether all changes after the `first` were made by this run.
    pub(super) fn is_alone(&self, changes: &ChangeReceiver, first: u64) -> bool {
        let _ = changes.changed().now_or_never();
        changes.seen() - first == self.0.registry.own_changes()
    }

    /// Reads the process and its lease, until that succeeds: whether the run is over.
    async fn is_found_over(&self) -> bool {
        loop {
            match self.judge().await {
                Ok(over) => return over,
                Err(fault) if fault.code() == Code::Closed => {
                    self.stop(Abort::Over(fault));
                    return true;
                }
                Err(_) => self.0.registry.clock().sleep(backoff::LONGEST_MS).await,
            }
        }
    }

    async fn judge(&self) -> Result<bool> {
        let (found, slot) = self.0.registry.process_and_lease(self.id()).await?;
        let is_held = match slot.held.as_ref().filter(|held| held.is(self.lease())) {
            Some(own) => self.is_in_force(own).await?,
            None => false,
        };
        let fault = match &found {
            None => Error::unknown_process(self.id()),
            Some(record) if record.is_terminal() => Error::of(Code::AlreadyTerminal, self.id(), "was ended by others"),
            Some(_) if !is_held => self.lost(),
            Some(record) => {
                if self.abort().is_none() && record.is_cancel_requested() {
                    self.cancel().await?;
                }
                return Ok(false);
            }
        };
        self.stop(Abort::Over(fault));
        Ok(true)
    }

    /// Whether the lease of this run is in force; no other owner has claimed it. If it has expired by the local clock, a
    /// renewal asks the store, whose clock decides.
    async fn is_in_force(&self, lease: &ProcessLease) -> Result<bool> {
        let clock = self.0.registry.clock();
        if lease.is_live(clock.now()) {
            return Ok(true);
        }
        let (asked, ttl) = (clock.monotonic(), self.0.lease_ttl);
        match self.0.registry.renew(lease.clone(), ttl).await {
            Ok(_) => {
                self.0.held_until.set(asked + ttl);
                Ok(true)
            }
            Err(fault) if fault.code() == Code::LeaseLost => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Aborts the run with the reason of the cancel request: once its runner has been called and was given what earlier
    /// runs recorded, so that it listens by then as it did in the run before.
    async fn cancel(&self) -> Result<()> {
        let begun = self.0.begun.borrow().clone();
        if let Some(begun) = begun {
            let _ = begun.released().await;
        }
        self.caught_up().await;
        let asked = self.first(CANCEL_REQUESTED, 0).await?;
        let reason = asked.as_ref().and_then(|event| cancel_reason(&event.payload));
        self.stop(Abort::Cancelled(reason));
        Ok(())
    }
}
