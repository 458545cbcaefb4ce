//! Steps: what has been done once is not done again by another run, and what failed is tried again.

use std::cell::{Cell, RefCell};

use futures::FutureExt;

use super::{RunContext, waits::Waits};
use crate::{
    error::{Code, Error, Result},
    model::{Millis, check_name, event::AppendRequest, payload::Payload, policy::RetryPolicy, process::WaitState},
    operation,
    rules::{
        attempt::Thrown,
        step::{Failing, StepFailed},
    },
    text::is_blank,
};

/// The steps of one run.
#[derive(Default)]
pub(super) struct Steps {
    pub used: Keys,
    /// How many do their work now, or are about to do it again.
    working: Cell<usize>,
}

/// The value that a step gave, where it gave one.
type Recorded = Option<Payload>;

/// What came of a step, or of one attempt of it.
#[derive(Clone, Debug, PartialEq)]
pub enum StepEnd {
    /// It gave this value, or none.
    Returned(Option<Payload>),
    /// It threw.
    Threw(Thrown),
}

/// One attempt of a step.
#[derive(Clone, Debug)]
pub struct StepAttempt {
    /// Its number, from 1: over all runs of the process.
    pub number: u64,
    /// `<process id>/<key of the step>`: the same in all attempts and runs.
    pub idempotency_key: String,
}

impl Steps {
    /// Whether a step does its work now, or is about to do it again.
    pub fn is_working(&self) -> bool {
        self.working.get() > 0
    }
}

impl RunContext {
    /// Runs `work`, once for each process and key, and records its value. Where it is recorded already, answers that.
    ///
    /// A crash after the work and before the record is on disk runs the work again. One that fails is not recorded, and
    /// may be tried again under its key; otherwise a key that is used a second time in one run is
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument): a second call would be given the value of the first.
    pub async fn step<W: Future<Output = Result<Recorded>>>(
        &self,
        key: &str,
        work: impl FnOnce() -> W,
    ) -> Result<Recorded> {
        let mut work = Some(work);
        let once = async |_| match work.take() {
            Some(work) => work().await.map(StepEnd::Returned),
            None => Err(Error::new(Code::Internal, "a step without a policy was tried twice")),
        };
        match self.step_with(key, None, once).await? {
            StepEnd::Returned(value) => Ok(value),
            StepEnd::Threw(Thrown { failure, .. }) => {
                let why = failure.to_error().member("message").and_then(|message| message.as_str());
                let what = format!("step `{key}` failed: {}", why.unwrap_or_default());
                Err(Error::of(Code::Internal, self.id(), what))
            }
        }
    }

    /// Like [`step`](Self::step), of work that may throw. With a policy, each attempt that throws is recorded, and another one is made
    /// when the policy says so, in this run or in a later one; during the wait another process may run in this one's place. Once there
    /// is no further attempt, that the step failed is recorded, and every later run is given that instead.
    ///
    /// Without a policy, what is thrown is not recorded. An error is never recorded: it is trouble of the driver. Nor is what is thrown
    /// once the run is to stop.
    pub async fn step_with(
        &self,
        key: &str,
        retry: Option<&RetryPolicy>,
        mut work: impl AsyncFnMut(StepAttempt) -> Result<StepEnd>,
    ) -> Result<StepEnd> {
        if is_blank(key) {
            return Err(Error::invalid("the key of a step must not be blank"));
        }
        check_name("key", key)?;
        if let Some(retry) = retry {
            retry.check("options.retry")?;
        }
        let used = self.0.steps.used.begin(key, "step")?;
        if let Some((place, end)) = self.history().await?.step(key) {
            self.after_waits_before(place).await;
            used.keep();
            return Ok(end);
        }
        self.is_on()?;
        let _working = Working::begin(&self.0.steps);
        let (failed, retry_at) = self.0.history.failing(key).unwrap_or_default();
        let mut number = failed + 1;
        if failed > 0 && retry.is_some() {
            let wait = self.retry_wait(key, number, retry_at);
            self.waits_for_retry(key, wait, None).await?;
        }
        loop {
            let idempotency_key = format!("{}/{key}", self.id());
            let end = work(StepAttempt { number, idempotency_key }).await?;
            let thrown = match end {
                StepEnd::Returned(value) => {
                    self.append(AppendRequest::step(key, &value)).await.map_err(|fault| self.unless_replayed(fault))?;
                    used.keep();
                    return Ok(StepEnd::Returned(value));
                }
                StepEnd::Threw(thrown) => thrown,
            };
            let Some(retry) = retry.filter(|_| self.abort().is_none()) else { return Ok(StepEnd::Threw(thrown)) };
            match self.fails(key, number, retry, &thrown).await? {
                StepFailed::Stopped => return Ok(StepEnd::Threw(thrown)),
                StepFailed::Over => {
                    used.keep();
                    return Ok(StepEnd::Threw(thrown));
                }
                StepFailed::Retried { wait, left } => {
                    // Where a fault ends this wait, the run may try the step again.
                    self.0.history.fails(key, number, wait.until().unwrap_or_default());
                    self.waits_for_retry(key, wait, Some(left)).await?;
                }
            }
            number += 1;
        }
    }

    /// Records an attempt that threw.
    async fn fails(&self, key: &str, attempt: u64, retry: &RetryPolicy, thrown: &Thrown) -> Result<StepFailed> {
        self.records_given_up().await?;
        let chance = self.0.registry.host().random.chance();
        let (key, thrown, retry) = (key.to_owned(), thrown.clone(), retry.clone());
        let fails = operation::fail_step(self.lease().clone(), Failing { key, attempt, thrown, retry, chance });
        let failed = self.0.registry.execute(fails).await.inspect_err(|_| self.0.waits.fails());
        failed.map_err(|fault| self.unless_replayed(fault))
    }

    /// What was not there when this run began was recorded by a run that has taken over since.
    fn unless_replayed(&self, fault: Error) -> Error {
        if fault.code() == Code::ReplayConflict { self.lost() } else { fault }
    }

    fn retry_wait(&self, key: &str, attempt: u64, until_ms: Millis) -> WaitState {
        let known = self.record().wait.clone();
        let same = known.filter(|known| matches!(known, WaitState::Retry { step: Some(step), .. } if step == key));
        let since_ms = self.0.registry.clock().now();
        same.unwrap_or_else(|| WaitState::Retry { until_ms, attempt, step: Some(key.to_owned()), since_ms })
    }

    /// Waits until the next attempt of a step is to be made: in `left` milliseconds, where the record shows that already, and not without
    /// the network where the process requires it.
    async fn waits_for_retry(&self, key: &str, wait: WaitState, left: Option<Millis>) -> Result<()> {
        let retrying = Retrying::begin(&self.0.waits, key, wait.clone());
        let mut left = left;
        loop {
            if let Some(left) = left {
                self.0.waits.shows(&retrying.name);
                self.unless_aborted(self.yields_for(left).map(Ok).boxed_local()).await?;
            }
            self.awaits_network().boxed_local().await?;
            let outlasts = operation::outlast(self.lease().clone(), wait.clone(), retrying.others());
            match self.0.registry.execute(outlasts).await? {
                0 => return Ok(()),
                more => left = Some(more),
            }
        }
    }

    /// Resolves once the waits that came out before `place` in the log have come out in this run, as far as they are under way.
    async fn after_waits_before(&self, place: u64) {
        self.lets_issue_before(place).await;
        loop {
            let news = self.0.waits.news.next();
            if !self.is_behind(place) {
                return;
            }
            let _ = news.released().await;
        }
    }
}

/// The keys that one run uses, each once, in their order.
#[derive(Default)]
pub(super) struct Keys(RefCell<Vec<String>>);

impl Keys {
    /// Takes a key into use. [`Code::InvalidArgument`] where it is in use; `what` it is the key of.
    pub fn begin<'a>(&'a self, key: &'a str, what: &str) -> Result<Used<'a>> {
        match self.place(key) {
            Ok(_) => Err(Error::invalid(format!(
                "the {what} key `{key}` is used a second time in this run: each {what} needs a key of its own"
            ))),
            Err(place) => {
                self.0.borrow_mut().insert(place, key.to_owned());
                Ok(Used(self, key, Cell::new(false)))
            }
        }
    }

    /// Whether a key is in use.
    pub fn has(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Where a key is, or else belongs.
    fn place(&self, key: &str) -> std::result::Result<usize, usize> {
        self.0.borrow().binary_search_by(|used| used.as_str().cmp(key))
    }
}

/// A key in use. Free again when dropped, unless it is kept.
pub(super) struct Used<'a>(&'a Keys, &'a str, Cell<bool>);

impl Used<'_> {
    /// Keeps it for the rest of the run.
    pub fn keep(&self) {
        self.2.set(true);
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        if let (false, Ok(place)) = (self.2.get(), self.0.place(self.1)) {
            self.0.0.borrow_mut().remove(place);
        }
    }
}

/// A step that does its work.
struct Working<'a>(&'a Steps);

impl<'a> Working<'a> {
    fn begin(steps: &'a Steps) -> Self {
        steps.working.set(steps.working.get() + 1);
        Self(steps)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.set(self.0.working.get() - 1);
    }
}

/// A step that is to be tried again, as the record shows it.
struct Retrying<'a> {
    waits: &'a Waits,
    name: String,
}

impl<'a> Retrying<'a> {
    fn begin(waits: &'a Waits, key: &str, wait: WaitState) -> Self {
        let name = format!("step/{key}");
        waits.retries.borrow_mut().insert(name.clone(), wait);
        Self { waits, name }
    }

    /// What the record is to show once this is over.
    fn others(&self) -> Option<WaitState> {
        let own = self.waits.retries.borrow_mut().remove_entry(&self.name);
        let others = self.waits.shown();
        self.waits.retries.borrow_mut().extend(own);
        others
    }
}

impl Drop for Retrying<'_> {
    fn drop(&mut self) {
        self.waits.retries.borrow_mut().remove(&self.name);
    }
}
