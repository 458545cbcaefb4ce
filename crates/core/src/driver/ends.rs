//! Waits for the ends of other processes, and for what would end in a circle.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, select},
};

use super::{
    RunContext,
    issued_wait::Issued,
    waits::{Pending, timed_out, timed_out_before},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        Millis,
        key::ProcessId,
        process::{ProcessAwaitOutput, WaitState},
        wait::{Awaited, Outcome},
    },
    notify::ProcessAwaiter,
    operation,
};

impl RunContext {
    /// Waits for the end of another process, at most `limit` milliseconds, counted from when the wait first began, in whatever run that
    /// was. During the wait another process may run in this one's place. [`Code::InvalidArgument`] where that would wait for this one.
    pub async fn wait_for_end(
        &self,
        id: &ProcessId,
        awaiter: ProcessAwaiter,
        limit: Option<Millis>,
        abortable: bool,
    ) -> Result<ProcessAwaitOutput> {
        if id == self.id() {
            return Err(Error::invalid(format!(
                "process `{id}` cannot await itself: it ends only when its runner does"
            )));
        }
        let wait = async {
            let issued = Issued::new(self, Awaited::Process(id.clone()), abortable || limit.is_some());
            let outcome = match self.circle() {
                Some(circle) => Err(circle),
                None => self.end_of(&issued.wait, id, awaiter, limit).await,
            };
            issued.came_out(&outcome);
            outcome
        };
        self.unless_aborted(wait.boxed_local()).await
    }

    async fn end_of(
        &self,
        wait: &Rc<Pending>,
        id: &ProcessId,
        awaiter: ProcessAwaiter,
        limit: Option<Millis>,
    ) -> Result<ProcessAwaitOutput> {
        self.patiently(async || self.history().await.map(drop)).await?;
        let outcome = match self.recorded(wait).map(|recorded| recorded.outcome) {
            Some(Outcome::TimedOut) => Err(timed_out_before()),
            Some(Outcome::Ended | Outcome::Took(_) | Outcome::Due(_) | Outcome::GivenUp) | None => {
                self.ended(wait, id, awaiter, limit).await
            }
        };
        let how = match &outcome {
            Ok(_) => Outcome::Ended,
            Err(fault) if fault.code() == Code::Timeout => Outcome::TimedOut,
            Err(_) => {
                self.hides(wait).await?;
                return outcome;
            }
        };
        // Where nothing is waited for that will be recorded, nothing races with this: what several processes end with may come at once.
        let races = || {
            let is_caught_up = !self.0.history.has_before(u64::MAX);
            how != Outcome::Ended || self.recorded(wait).is_some() || self.0.waits.has_recorded() || !is_caught_up
        };
        loop {
            let news = self.0.waits.news.next();
            if !races() {
                self.hides(wait).await?;
                return outcome;
            }
            let place = self.recorded(wait).map_or(u64::MAX, |recorded| recorded.place);
            let turn = self.0.waits.turn.acquire().await;
            self.lets_issue_before(place).await;
            if !self.0.history.holds(&wait.key) && !self.is_behind(place) {
                if races() {
                    self.comes_out(turn, wait, how, None).await?;
                } else {
                    self.hides(wait).await?;
                }
                return outcome;
            }
            drop(turn);
            let _ = news.released().await;
        }
    }

    async fn ended(
        &self,
        wait: &Rc<Pending>,
        id: &ProcessId,
        awaiter: ProcessAwaiter,
        limit: Option<Millis>,
    ) -> Result<ProcessAwaitOutput> {
        if let Some(output) = self.end_of_now(id).await? {
            let is_shown = matches!(self.record().wait, Some(WaitState::Process { .. }));
            if is_shown && !self.0.waits.shows_any() {
                // A run before this one had the record show it.
                self.shows_what_is_left().await?;
            }
            return Ok(output);
        }
        let yielded = self.yields_permit();
        let Some(limit) = limit else {
            let state = wait.wait.state(self.0.registry.clock().now(), 0);
            wait.shown.replace(Some(state.clone()));
            // Of the waits for many processes one is shown at a time: a fan-out need not pay for each.
            if !self.0.waits.shows_any() {
                self.0.waits.shows(&wait.key);
                let shows = operation::show_wait(self.lease().clone(), Some(state));
                wait.shown.replace(self.0.registry.execute(shows).await?);
            }
            let outcome = awaiter.await_terminal(id).await;
            yielded.end().await;
            return outcome;
        };
        let left = self.shows(wait, Some(limit)).await?;
        match select(pin!(awaiter.await_terminal(id)), self.0.registry.timers().elapse(left.unwrap_or(limit))).await {
            Either::Left((outcome, _)) => {
                yielded.end().await;
                outcome
            }
            // One that is late does not wait for the permit as well.
            Either::Right(_) => self.end_of_now(id).await?.ok_or_else(|| timed_out(limit)),
        }
    }

    /// How a process ended, if it has.
    async fn end_of_now(&self, id: &ProcessId) -> Result<Option<ProcessAwaitOutput>> {
        let record = self.0.registry.process(id).await?.ok_or_else(|| Error::unknown_process(id))?;
        Ok(record.terminal().map(|terminal| terminal.await_output.clone()))
    }

    /// Has the record show this wait no more, if it does.
    async fn hides(&self, wait: &Pending) -> Result<()> {
        wait.shown.take();
        if self.0.waits.is_on_record(wait) { self.shows_what_is_left().await } else { Ok(()) }
    }

    /// Refuses where every run that this one waits for waits for it in turn.
    fn circle(&self) -> Option<Error> {
        let mut path = Vec::new();
        self.is_stuck(&mut path).then(|| {
            let circle =
                "awaits a process that awaits it: neither could ever end. A wait with a limit or a signal may end";
            Error::of(Code::InvalidArgument, self.id(), circle)
        })
    }

    /// Whether this run can only continue when one of `path` has ended, as far as this driver knows.
    fn is_stuck(&self, path: &mut Vec<ProcessId>) -> bool {
        if path.contains(self.id()) {
            return true;
        }
        let mut awaited = Vec::new();
        for wait in &*self.0.waits.pending.borrow() {
            match &wait.wait.awaited {
                Awaited::Process(id) if !wait.bounded => awaited.push(id.clone()),
                Awaited::Process(_) | Awaited::Signals(_) | Awaited::Timer(_) => return false,
            }
        }
        if awaited.is_empty() || self.0.steps.is_working() {
            return false;
        }
        path.push(self.id().clone());
        let stuck = awaited.iter().all(|id| self.0.peer(id).is_some_and(|peer| peer.is_stuck(path)));
        path.pop();
        stuck
    }
}
