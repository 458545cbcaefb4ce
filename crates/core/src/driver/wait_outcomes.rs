//! What is recorded of the waits of a run, and the order in which they come out.

use std::rc::Rc;

use futures::FutureExt;

use super::{RunContext, history::Recorded, waits::Pending};
use crate::{
    error::Result,
    host::Permit,
    model::{
        Millis,
        event::ProcessEvent,
        wait::{Awaited, Outcome},
    },
    operation,
    rules::wait::Waiting,
};

impl RunContext {
    /// How a wait came out in an earlier run, unless that was that it was given up.
    pub(super) fn recorded(&self, wait: &Pending) -> Option<Recorded> {
        self.0.history.wait(&wait.key).filter(|recorded| recorded.outcome != Outcome::GivenUp)
    }

    /// Whether a recorded wait is under way that comes out before `place` in the log, and can do so now.
    pub(super) fn is_behind(&self, place: u64) -> bool {
        let waits = self.0.waits.pending.borrow();
        waits.iter().any(|wait| {
            self.recorded(wait).is_some_and(|recorded| recorded.place < place) && !self.0.history.holds(&wait.key)
        })
    }

    /// Records how a wait comes out, unless that is on record, and releases its turn in a later task, once the program could react.
    /// Answers how many milliseconds are left until it may come out so. Where that is not 0, it has not come out.
    pub(super) async fn comes_out(
        &self,
        turn: Permit,
        wait: &Rc<Pending>,
        outcome: Outcome,
        signal: Option<&ProcessEvent>,
    ) -> Result<Millis> {
        let (run, waits) = (&self.0, &self.0.waits);
        if self.recorded(wait).is_none() {
            if let Outcome::Took(sequence) = outcome {
                wait.taking.set(Some(sequence));
                waits.taken.borrow_mut().insert(sequence);
            }
            let recorded = self.records(wait, outcome).await;
            if !matches!(recorded, Ok(0)) {
                waits.leave(wait);
                return recorded;
            }
        }
        if let Some(signal) = signal {
            let mut last = waits.last.borrow_mut();
            let last = last.entry(signal.event_type.clone()).or_default();
            *last = signal.sequence.max(*last);
        }
        wait.taking.set(None);
        run.history.is_over(&wait.key);
        waits.pending.borrow_mut().retain(|other| !Rc::ptr_eq(other, wait));
        let (spawn, context) = (run.registry.host().spawn.clone(), self.clone());
        let task = spawn.next_task();
        let over = async move {
            task.await;
            drop(turn);
            context.0.waits.news.notify();
        };
        spawn.spawn(over.boxed_local());
        Ok(0)
    }

    /// Has a wait come out once those did that came out before it, and nothing new before what is recorded. Answers as
    /// [`comes_out`](Self::comes_out) does.
    pub(super) async fn comes_out_in_turn(&self, wait: &Rc<Pending>, outcome: Outcome) -> Result<Millis> {
        loop {
            let news = self.0.waits.news.next();
            let place = self.recorded(wait).map_or(u64::MAX, |recorded| recorded.place);
            let turn = self.0.waits.turn.acquire().await;
            self.lets_issue_before(place).await;
            if !self.0.history.holds(&wait.key) && !self.is_behind(place) {
                return self.comes_out(turn, wait, outcome, None).await;
            }
            drop(turn);
            let _ = news.released().await;
        }
    }

    /// Has the record show a wait, and the log say once that it began. Answers what is left of its limit, where it has one.
    pub(super) async fn shows(&self, wait: &Rc<Pending>, limit: Option<Millis>) -> Result<Option<Millis>> {
        let now = self.0.registry.clock().now();
        let known = wait.shown.replace(Some(wait.wait.state(now, 0)));
        if known.is_some() {
            wait.shown.replace(known);
            return Ok(None);
        }
        self.0.waits.shows(&wait.key);
        let shows = operation::wait(self.lease().clone(), wait.wait.clone(), self.0.registry.schemas());
        let Waiting { state, now } = self.0.registry.execute(shows).await?;
        let left = limit.map(|limit| state.since().saturating_add(limit).saturating_sub(now));
        wait.shown.replace(Some(state));
        Ok(left)
    }

    /// Has the record show what the run still waits for.
    pub(super) async fn shows_what_is_left(&self) -> Result<()> {
        let shows = operation::show_wait(self.lease().clone(), self.0.waits.shown());
        self.0.registry.execute(shows).await.map(drop)
    }

    async fn records(&self, wait: &Rc<Pending>, outcome: Outcome) -> Result<Millis> {
        let (run, waits) = (&self.0, &self.0.waits);
        self.records_given_up().await?;
        // Those that came out in an earlier run have their places in the log.
        let is_new = |other: &Pending| run.history.wait(&other.key).is_none();
        let before = match wait.wait.awaited {
            Awaited::Signals(_) | Awaited::Timer(_) => waits.others(&wait.key, is_new),
            Awaited::Process(_) => waits.others(&wait.key, |other| is_new(other) && other.wait.awaited.is_recorded()),
        };
        let shown = wait.shown.take();
        let over = (wait.wait.clone(), outcome, before);
        let resume = operation::resume(self.lease().clone(), over, waits.shown(), run.registry.schemas());
        let written = run.registry.execute(resume).boxed_local().shared();
        waits.writing.replace(Some(written.clone()));
        let left = written.await;
        if !matches!(left, Ok(0)) {
            wait.shown.replace(shown);
        }
        left
    }

    /// Records the waits that were given up. Everything else that the run writes is written behind that: else a later run
    /// could find what the program did because of it, and give the wait what came since. And it is written behind what such a wait
    /// was about to take: the store may repeat that write after a lost connection, although the wait was dropped.
    pub(super) async fn records_given_up(&self) -> Result<()> {
        let (run, waits) = (&self.0, &self.0.waits);
        waits.failing.set(false);
        if waits.given_up.borrow().is_empty() {
            return Ok(());
        }
        let _turn = waits.recording.acquire().await;
        let writing = waits.writing.take();
        if let Some(writing) = writing {
            let _ = writing.await;
        }
        loop {
            let Some(wait) = waits.given_up.borrow().front().cloned() else { return Ok(()) };
            let over = (wait, Outcome::GivenUp, Vec::new());
            let resume = operation::resume(self.lease().clone(), over, waits.shown(), run.registry.schemas());
            run.registry.execute(resume).await.inspect_err(|_| waits.fails())?;
            waits.given_up.borrow_mut().pop_front();
        }
    }
}
