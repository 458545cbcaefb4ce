//! Waits for the ends of other processes, and for what would end in a circle.

use std::rc::Rc;

use super::{
    RunContext,
    issued_wait::Issued,
    waits::{Pending, timed_out_before},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        key::ProcessId,
        process::ProcessAwaitOutput,
        wait::{Awaited, Outcome},
    },
    notify::ProcessAwaiter,
};

impl RunContext {
    /// Waits for the end of another process, at most as long as `awaiter` allows. During the wait another process may run in
    /// this one's place. [`Code::InvalidArgument`] where that would wait for this one.
    pub async fn wait_for_end(
        &self,
        id: &ProcessId,
        awaiter: ProcessAwaiter,
        abortable: bool,
    ) -> Result<ProcessAwaitOutput> {
        if id == self.id() {
            return Err(Error::invalid(format!(
                "process `{id}` cannot await itself: it ends only when its runner does"
            )));
        }
        let wait = async {
            let issued = Issued::new(self, Awaited::Process(id.clone()), abortable || awaiter.is_limited());
            let outcome = match self.circle() {
                Some(circle) => Err(circle),
                None => self.end_of(&issued.wait, id, awaiter).await,
            };
            issued.came_out(&outcome);
            outcome
        };
        self.unless_aborted(wait).await
    }

    async fn end_of(&self, wait: &Rc<Pending>, id: &ProcessId, awaiter: ProcessAwaiter) -> Result<ProcessAwaitOutput> {
        self.patiently(async || self.history().await.map(drop)).await?;
        let outcome = match self.recorded(wait).map(|recorded| recorded.outcome) {
            Some(Outcome::TimedOut) => Err(timed_out_before()),
            Some(Outcome::Ended | Outcome::Took(_) | Outcome::GivenUp) | None => self.ended(id, awaiter).await,
        };
        let how = match &outcome {
            Ok(_) => Outcome::Ended,
            Err(fault) if fault.code() == Code::Timeout => Outcome::TimedOut,
            Err(_) => return outcome,
        };
        loop {
            let news = self.0.waits.news();
            let place = self.recorded(wait).map(|recorded| recorded.place);
            let is_behind = || self.0.history.holds(&wait.key) || self.is_behind(place.unwrap_or(u64::MAX));
            // Where no signal is waited for, nothing races with this: what several processes end with may come at once.
            let is_caught_up = !self.0.history.has_before(u64::MAX);
            if place.is_none() && how == Outcome::Ended && !self.0.waits.has_signals() && is_caught_up {
                return outcome;
            }
            let turn = self.0.waits.turn.acquire().await;
            self.lets_issue_before(place.unwrap_or(u64::MAX)).await;
            if !is_behind() {
                if place.is_some() || how != Outcome::Ended || self.0.waits.has_signals() {
                    self.comes_out(turn, wait, how, None).await?;
                }
                return outcome;
            }
            drop(turn);
            let _ = news.released().await;
        }
    }

    async fn ended(&self, id: &ProcessId, awaiter: ProcessAwaiter) -> Result<ProcessAwaitOutput> {
        let yielded = self.yields_permit();
        let outcome = awaiter.await_terminal(id).await;
        match &outcome {
            Err(fault) if fault.code() == Code::Timeout => drop(yielded),
            Ok(_) | Err(_) => yielded.end().await,
        }
        outcome
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
                Awaited::Process(_) | Awaited::Signals(_) => return false,
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
