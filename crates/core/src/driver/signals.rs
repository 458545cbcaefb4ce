//! Waits for signals: the nth wait gets the nth signal, whichever came first, and of several names the first in the log.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, join_all, pending, select},
};

use super::{
    RunContext,
    history::Giving,
    issued_wait::Issued,
    waits::{Pending, timed_out, timed_out_before},
};
use crate::{
    error::{Error, Result},
    host::{Sleep, latch},
    model::{
        Millis,
        event::{ProcessEvent, signal_type},
        wait::{Awaited, Outcome},
    },
    store::{Answer, EventRange, Query},
};

/// What a wait for signals may do now.
enum Look {
    /// Come out in this way.
    Ready(Outcome, Option<Rc<ProcessEvent>>),
    /// Wait for signals after this sequence, and where another wait comes first, for news of that one too.
    Wait(u64, bool),
    /// Wait until others have come out.
    Behind,
    /// Nothing: it was given up in an earlier run, and is so again in this one.
    Never,
}

impl RunContext {
    /// Waits for the next signal of a name: ASCII letters, digits, `_` and `-`. During the wait another process
    /// may run in this one's place, and the record shows what the process waits for.
    pub async fn wait_for_signal(&self, name: &str) -> Result<Rc<ProcessEvent>> {
        self.wait_for_signals(&[name], None, false).await
    }

    /// Waits for the first signal of any of these names, in the order of the log, at most `limit` milliseconds: then
    /// [`Code::Timeout`](crate::Code::Timeout). An `abortable` one may be dropped before that.
    pub async fn wait_for_signals<N: AsRef<str>>(
        &self,
        names: &[N],
        limit: Option<Millis>,
        abortable: bool,
    ) -> Result<Rc<ProcessEvent>> {
        let awaited = Awaited::signals(names)?;
        let bounded = abortable || limit.is_some();
        let wait = async {
            let issued = Issued::new(self, awaited, bounded);
            let outcome = self.signal(&issued.wait, limit).await;
            issued.came_out(&outcome);
            outcome
        };
        self.unless_aborted(wait.boxed_local()).await
    }

    async fn signal(&self, wait: &Rc<Pending>, limit: Option<Millis>) -> Result<Rc<ProcessEvent>> {
        self.patiently(async || self.history().await.map(drop)).await?;
        let (mut deadline, mut passed) = (None, false);
        loop {
            let news = self.0.waits.news.next();
            let turn = self.0.waits.turn.acquire().await;
            match self.look_at(wait).await? {
                Look::Ready(outcome, signal) => {
                    self.comes_out(turn, wait, outcome, signal.as_deref()).await?;
                    return signal.ok_or_else(timed_out_before);
                }
                Look::Wait(..) | Look::Never if passed => {
                    self.comes_out(turn, wait, Outcome::TimedOut, None).await?;
                    return Err(timed_out(limit.unwrap_or_default()));
                }
                Look::Behind => {
                    drop(turn);
                    let _ = news.released().await;
                }
                Look::Wait(after, too) => {
                    drop(turn);
                    self.begins(wait, limit, &mut deadline).await?;
                    let signals = self.signals_after(wait, after, too.then_some(&news));
                    passed = self.yields_until(&mut deadline, signals).await?;
                }
                Look::Never => {
                    drop(turn);
                    self.begins(wait, limit, &mut deadline).await?;
                    passed = self.yields_until(&mut deadline, pending()).await?;
                }
            }
        }
    }

    /// Shows a wait, and sets its deadline: it counts from when the wait first began, in whatever run that was.
    async fn begins(&self, wait: &Rc<Pending>, limit: Option<Millis>, deadline: &mut Option<Sleep>) -> Result<()> {
        if let Some(left) = self.shows(wait, limit).await? {
            *deadline = Some(self.0.registry.timers().elapse(left));
        }
        Ok(())
    }

    /// Yields the permit until there is news or the deadline passes; answers whether it did. A wait that is late does not wait for the
    /// permit as well: it is taken again beside it.
    async fn yields_until(&self, deadline: &mut Option<Sleep>, news: impl Future<Output = Result<()>>) -> Result<bool> {
        let yielded = self.yields_permit();
        if let Some(deadline) = deadline {
            match select(pin!(news), deadline).await {
                Either::Left((heard, _)) => heard?,
                Either::Right(_) => return Ok(true),
            }
        } else {
            news.await?;
        }
        yielded.end().await;
        Ok(false)
    }

    async fn look_at(&self, wait: &Rc<Pending>) -> Result<Look> {
        let recorded = self.0.history.wait(&wait.key);
        let place = recorded.as_ref().map_or(u64::MAX, |recorded| recorded.place);
        let outcome = recorded.map(|recorded| recorded.outcome);
        if outcome != Some(Outcome::GivenUp) {
            self.lets_issue_before(place).await;
        }
        match outcome {
            Some(Outcome::GivenUp) => Ok(Look::Never),
            _ if self.0.history.holds(&wait.key) || self.is_behind(place) => Ok(Look::Behind),
            Some(Outcome::Took(sequence)) => {
                let _giving = Giving::begin(self);
                let range = EventRange::After { after: sequence - 1, limit: Some(1), types: None };
                let read = async || self.0.registry.events(self.id(), range.clone()).await;
                let signal = self.patiently(read).await?.into_iter().next();
                Ok(Look::Ready(Outcome::Took(sequence), signal))
            }
            Some(outcome @ (Outcome::TimedOut | Outcome::Ended | Outcome::Due(_))) => Ok(Look::Ready(outcome, None)),
            None => self.look_for_signal(wait).await,
        }
    }

    /// Looks for the first signal that nothing took and that no earlier wait is to have.
    async fn look_for_signal(&self, wait: &Rc<Pending>) -> Result<Look> {
        let waits = &self.0.waits;
        let pages = wait.wait.names().iter().map(|name| {
            let event_type = signal_type(name).unwrap_or_default();
            let after = waits.last.borrow().get(&event_type).copied().unwrap_or_default();
            let taken = waits.taken.borrow().range(after + 1..).count() as u64;
            let range = EventRange::After { after, limit: Some(taken + 1), types: Some(vec![event_type]) };
            let read = self.0.registry.read(Query::Events(self.id().clone(), range));
            async move { (name, read.await) }
        });
        let (mut first, mut newest, mut preempted) = (None::<Rc<ProcessEvent>>, u64::MAX, false);
        for (name, page) in join_all(pages).await {
            let page = page?;
            let Answer::Events(Some(page)) = &*page else { return Err(Error::unknown_process(self.id())) };
            newest = newest.min(page.record.log.last_sequence);
            let taken = waits.taken.borrow();
            let Some(next) = page.events.iter().find(|event| !taken.contains(&event.sequence)) else { continue };
            if self.is_wanted_before(wait, name) {
                preempted = true;
            } else if first.as_ref().is_none_or(|first| next.sequence < first.sequence) {
                first = Some(next.clone());
            }
        }
        Ok(match first {
            Some(signal) => Look::Ready(Outcome::Took(signal.sequence), Some(signal)),
            None => Look::Wait(newest, preempted),
        })
    }

    /// Whether a wait that was issued earlier is to have the next signal of a name.
    fn is_wanted_before(&self, wait: &Rc<Pending>, name: &String) -> bool {
        let pending = self.0.waits.pending.borrow();
        let mut earlier = pending.iter().take_while(|other| !Rc::ptr_eq(other, wait));
        earlier.any(|other| other.wait.names().contains(name) && self.0.history.wait(&other.key).is_none())
    }

    /// Waits for signals after a sequence, or for news of the wait that is to have those before it.
    async fn signals_after(&self, wait: &Pending, after: u64, news: Option<&latch::Latch>) -> Result<()> {
        let types = wait.wait.names().iter().filter_map(|name| signal_type(name).ok()).collect();
        let awaiter = self.awaiter().for_signals();
        let signals = awaiter.await_events(self.id(), after, Some(types), false).map(|batch| batch.map(drop));
        match news {
            Some(news) => select(pin!(signals), news.released().map(|_| Ok(()))).await.factor_first().0,
            None => signals.await,
        }
    }
}
