//! Timers of a run: each is set once for its process, and is due at one time in all runs.

use std::rc::Rc;

use futures::{FutureExt, future::pending};

use super::{RunContext, history::Giving, issued_wait::Issued, waits::Pending};
use crate::{
    error::{Error, Result},
    model::{
        MAX_COUNT, Millis, check_name,
        wait::{Awaited, Outcome, When},
    },
    operation,
    rules::wait::Waiting,
    text::is_blank,
};

impl RunContext {
    /// Waits for so many milliseconds, counted from when a run of this process first did so under this key. During the wait another
    /// process may run in this one's place.
    ///
    /// A key is used once in a run; otherwise it is [`Code::InvalidArgument`](crate::Code::InvalidArgument). Steps have keys of their own.
    pub async fn sleep(&self, key: &str, span: Millis) -> Result<()> {
        self.timer(key, When::After(span)).await
    }

    /// Like [`sleep`](Self::sleep), until a time in epoch milliseconds. The first run decides which.
    pub async fn sleep_until(&self, key: &str, time: Millis) -> Result<()> {
        self.timer(key, When::At(time)).await
    }

    async fn timer(&self, key: &str, when: When) -> Result<()> {
        if is_blank(key) {
            return Err(Error::invalid("the key of a timer must not be blank"));
        }
        check_name("key", key)?;
        let used = self.0.timer_keys.begin(key, "timer")?;
        let wait = async {
            let issued = Issued::new(self, Awaited::Timer(key.to_owned()), true);
            let outcome = self.elapses(&issued.wait, when).await;
            issued.came_out(&outcome);
            outcome
        };
        self.unless_aborted(wait.boxed_local()).await?;
        used.keep();
        Ok(())
    }

    async fn elapses(&self, wait: &Rc<Pending>, when: When) -> Result<()> {
        // What is over before it sleeps, or comes after that, is boxed: thousands of runs may sleep.
        self.patiently(async || self.history().await.map(drop)).boxed_local().await?;
        let (due, mut left) = match self.0.history.wait(&wait.key).map(|recorded| recorded.outcome) {
            Some(Outcome::GivenUp) => {
                self.set(wait, when).boxed_local().await?;
                let _yielded = self.yields_permit();
                pending().await
            }
            Some(Outcome::Due(at)) => {
                // What the program races it with is issued first, as in the run in which it waited.
                let _giving = Giving::begin(self);
                self.0.registry.host().spawn.next_task().await;
                (at, 0)
            }
            Some(Outcome::Took(_) | Outcome::Ended | Outcome::TimedOut) | None => {
                self.set(wait, when).boxed_local().await?
            }
        };
        loop {
            if left > 0 {
                self.yields_for(left).await;
            }
            left = self.comes_out_in_turn(wait, Outcome::Due(due)).boxed_local().await?;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// Sets a timer, or finds it set. Answers when it is due, and how many milliseconds are left until then.
    async fn set(&self, wait: &Rc<Pending>, when: When) -> Result<(Millis, Millis)> {
        let known = match &wait.wait.awaited {
            Awaited::Timer(key) => self.0.history.timer(key),
            Awaited::Signals(_) | Awaited::Process(_) => None,
        };
        // One that seems to be due already need not be shown: whether it is, is checked when it comes out.
        if let Some(due) = known.filter(|due| *due <= self.0.registry.clock().now()) {
            return Ok((due, 0));
        }
        self.0.waits.shows(&wait.key);
        let set = operation::set_timer(self.lease().clone(), wait.wait.clone(), when);
        let Waiting { state, now } = self.0.registry.execute(set).await?;
        let due = state.until().unwrap_or(MAX_COUNT);
        wait.shown.replace(Some(state));
        Ok((due, due.saturating_sub(now)))
    }

    /// Yields the permit for so many milliseconds.
    pub(super) async fn yields_for(&self, span: Millis) {
        let yielded = self.yields_permit();
        self.0.registry.timers().elapse(span).await;
        yielded.end().await;
    }
}
