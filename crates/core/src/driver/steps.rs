//! Steps: what has been done once is not done again by another run.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use super::RunContext;
use crate::{
    error::{Code, Error, Result},
    model::{check_name, event::AppendRequest, payload::Payload},
    text::is_blank,
};

/// The steps of one run.
#[derive(Default)]
pub(super) struct Steps {
    /// The keys that gave a value in this run, or are about to.
    used: RefCell<BTreeSet<String>>,
    /// How many do their work now.
    working: Cell<usize>,
}

/// The value that a step gave, where it gave one.
type Recorded = Option<Payload>;

impl Steps {
    /// Whether a step does its work now.
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
        if is_blank(key) {
            return Err(Error::invalid("the key of a step must not be blank"));
        }
        check_name("key", key)?;
        let used = Used::begin(&self.0.steps, key)?;
        if let Some((place, value)) = self.history().await?.step(key) {
            self.after_waits_before(place).await;
            used.keep();
            return Ok(value);
        }
        self.is_on()?;
        let value = {
            let _working = Working::begin(&self.0.steps);
            work().await?
        };
        self.append(AppendRequest::step(key, &value)).await.map_err(|fault| {
            // What was not there when this run began was recorded by a run that has taken over since.
            if fault.code() == Code::ReplayConflict { self.lost() } else { fault }
        })?;
        used.keep();
        Ok(value)
    }

    /// Resolves once the waits that came out before `place` in the log have come out in this run, as far as they are under way.
    async fn after_waits_before(&self, place: u64) {
        self.lets_issue_before(place).await;
        loop {
            let news = self.0.waits.news();
            if !self.is_behind(place) {
                return;
            }
            let _ = news.released().await;
        }
    }
}

/// A key in use. Free again when dropped, unless it gave a value.
struct Used<'a>(&'a Steps, &'a str, Cell<bool>);

impl<'a> Used<'a> {
    fn begin(steps: &'a Steps, key: &'a str) -> Result<Self> {
        match steps.used.borrow_mut().insert(key.to_owned()) {
            true => Ok(Self(steps, key, Cell::new(false))),
            false => Err(Error::invalid(format!(
                "the step key `{key}` is used a second time in this run: each step needs a key of its own"
            ))),
        }
    }

    fn keep(&self) {
        self.2.set(true);
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        if !self.2.get() {
            self.0.used.borrow_mut().remove(self.1);
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
