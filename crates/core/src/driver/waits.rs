//! The waits of a run: which one comes out next, and what is recorded of that.
//!
//! One wait of a run comes out at a time. Its outcome is recorded first, then the program gets it, and only in a later
//! task of the event loop may the next one come out: by then the program has aborted those that it does not want. So a
//! wait that is aborted has taken nothing, and what a wait took, a later run gives to the same wait.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use futures::FutureExt;

use super::{RunContext, history::Recorded};
use crate::{
    domain::{
        Millis,
        event::ProcessEvent,
        wait::{Awaited, Outcome, RunWait},
    },
    error::{Code, Error, Result},
    host::{Permit, Permits, latch},
    operation,
};

/// The waits of one run.
#[derive(Default)]
pub(super) struct Waits {
    /// How many were issued for each thing, and which of these failed with a fault: the next one is that one again.
    issued: RefCell<BTreeMap<Awaited, (u64, BTreeSet<u64>)>>,
    /// Those under way, in the order in which they were issued.
    pub pending: RefCell<Vec<Rc<Pending>>>,
    /// The signals that waits took, in this run or by the record of another one.
    pub taken: RefCell<BTreeSet<u64>>,
    /// For each event type, the sequence of the last signal that a wait took in this run.
    pub last: RefCell<BTreeMap<String, u64>>,
    /// Held by the wait that comes out.
    pub turn: Permits,
    /// Released, and made anew, when a wait came out or was given up.
    news: RefCell<Option<(latch::Release, latch::Latch)>>,
    /// Waits that were given up, and not yet recorded as that. What the run writes next is written behind them.
    given_up: RefCell<VecDeque<RunWait>>,
    recording: Permits,
    /// Whether something failed since the run last wrote. What the program gives up now, it may give up because of that, and
    /// where the run ends with it, another run goes another way: then nothing was given up.
    failing: Cell<bool>,
}

/// A wait under way.
pub(super) struct Pending {
    pub wait: RunWait,
    pub key: String,
    /// Since when the record shows it.
    pub shown: Cell<Option<Millis>>,
    /// The signal that is being recorded as taken by it.
    taking: Cell<Option<u64>>,
    /// Whether it may end without what it waits for.
    pub bounded: bool,
}

/// The most waits that a record names as those it came before. Beyond that, the order of waits that never race is not worth its room.
const MOST_BEFORE: usize = 100;

impl Waits {
    pub(super) fn take(&self, signals: BTreeSet<u64>) {
        self.taken.borrow_mut().extend(signals);
    }

    fn number(&self, awaited: &Awaited) -> u64 {
        let mut issued = self.issued.borrow_mut();
        let (count, failed) = issued.entry(awaited.clone()).or_default();
        failed.pop_first().unwrap_or_else(|| {
            *count += 1;
            *count
        })
    }

    fn failed(&self, wait: &RunWait) {
        if let Some((_, failed)) = self.issued.borrow_mut().get_mut(&wait.awaited) {
            failed.insert(wait.ordinal);
        }
    }

    pub(super) fn heard(&self) -> latch::Latch {
        self.news.borrow_mut().get_or_insert_with(latch::latch).1.clone()
    }

    /// Something failed that the run asked for.
    pub(super) fn fails(&self) {
        self.failing.set(true);
    }

    fn tell(&self) {
        let news = self.news.take();
        drop(news);
    }

    fn others(&self, key: &str, which: impl Fn(&Pending) -> bool) -> Vec<String> {
        let pending = self.pending.borrow();
        let others = pending.iter().filter(|other| other.key != key && which(other));
        others.take(MOST_BEFORE).map(|other| other.key.clone()).collect()
    }

    pub fn has_signals(&self) -> bool {
        self.pending.borrow().iter().any(|wait| !wait.wait.names().is_empty())
    }

    /// The wait that the record shows: the latest that is shown.
    fn shown(&self) -> Option<(RunWait, Millis)> {
        let pending = self.pending.borrow();
        pending.iter().rev().find_map(|wait| Some((wait.wait.clone(), wait.shown.get()?)))
    }
}

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

    /// Records how a wait comes out, unless that is on record, and lets go of its turn once the program has had its own.
    pub(super) async fn comes_out(
        &self,
        turn: Permit,
        wait: &Rc<Pending>,
        outcome: Outcome,
        signal: Option<&ProcessEvent>,
    ) -> Result<()> {
        let (run, waits) = (&self.0, &self.0.waits);
        if self.recorded(wait).is_none() {
            if let Outcome::Took(sequence) = outcome {
                wait.taking.set(Some(sequence));
                waits.taken.borrow_mut().insert(sequence);
            }
            let recorded = self.records(wait, outcome).await;
            if recorded.is_err() {
                waits.leave(wait);
            }
            recorded?;
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
            context.0.waits.tell();
        };
        spawn.spawn(over.boxed_local());
        Ok(())
    }

    async fn records(&self, wait: &Rc<Pending>, outcome: Outcome) -> Result<()> {
        let (run, waits) = (&self.0, &self.0.waits);
        self.records_given_up().await?;
        // Those that came out in an earlier run have their places in the log.
        let is_new = |other: &Pending| run.history.wait(&other.key).is_none();
        let before = match wait.wait.awaited {
            Awaited::Signals(_) => waits.others(&wait.key, is_new),
            Awaited::Process(_) => waits.others(&wait.key, |other| is_new(other) && !other.wait.names().is_empty()),
        };
        wait.shown.set(None);
        let over = (wait.wait.clone(), outcome, before);
        run.registry.execute(operation::resume(self.lease().clone(), over, waits.shown(), run.registry.schemas())).await
    }

    /// Records the waits that were given up. Everything else that the run writes is written behind that: else a later run
    /// could find what the program did because of it, and give the wait what came since.
    pub(super) async fn records_given_up(&self) -> Result<()> {
        let (run, waits) = (&self.0, &self.0.waits);
        waits.failing.set(false);
        if waits.given_up.borrow().is_empty() {
            return Ok(());
        }
        let _turn = waits.recording.take().await;
        loop {
            let Some(wait) = waits.given_up.borrow().front().cloned() else { return Ok(()) };
            let over = (wait, Outcome::GivenUp, Vec::new());
            let resume = operation::resume(self.lease().clone(), over, waits.shown(), run.registry.schemas());
            run.registry.execute(resume).await.inspect_err(|_| waits.fails())?;
            waits.given_up.borrow_mut().pop_front();
        }
    }
}

pub(super) fn timed_out_before() -> Error {
    Error::new(Code::Timeout, "timed out in an earlier run")
}

impl Waits {
    /// Leaves the signal that a wait was about to take to others.
    fn leave(&self, wait: &Pending) {
        if let Some(sequence) = wait.taking.take() {
            self.taken.borrow_mut().remove(&sequence);
        }
    }
}

/// A wait from its beginning until it came out. Dropped before, it is given up: recorded as that where it was for signals.
pub(super) struct Issued<'a> {
    context: &'a RunContext,
    pub wait: Rc<Pending>,
    over: Cell<bool>,
}

impl<'a> Issued<'a> {
    pub fn new(context: &'a RunContext, awaited: Awaited, bounded: bool) -> Self {
        let waits = &context.0.waits;
        let wait = RunWait { ordinal: waits.number(&awaited), awaited };
        let (key, shown, taking) = (wait.key(), Cell::default(), Cell::default());
        let wait = Rc::new(Pending { wait, key, shown, taking, bounded });
        waits.pending.borrow_mut().push(wait.clone());
        Self { context, wait, over: Cell::new(false) }
    }

    pub fn came_out<T>(&self, outcome: &Result<T>) {
        let waits = &self.context.0.waits;
        if outcome.as_ref().is_err_and(|fault| fault.code() != Code::Timeout) {
            // The fault is of this run alone: the next wait for that thing takes over its ordinal.
            waits.failed(&self.wait.wait);
            waits.fails();
        }
        waits.pending.borrow_mut().retain(|other| !Rc::ptr_eq(other, &self.wait));
        waits.tell();
        self.over.set(true);
    }
}

impl Drop for Issued<'_> {
    fn drop(&mut self) {
        if self.over.get() {
            return;
        }
        let (run, waits) = (&self.context.0, &self.context.0.waits);
        waits.pending.borrow_mut().retain(|other| !Rc::ptr_eq(other, &self.wait));
        let known = run.history.wait(&self.wait.key).map(|recorded| recorded.outcome);
        run.history.is_over(&self.wait.key);
        waits.leave(&self.wait);
        if let Some(Outcome::Took(sequence)) = known {
            waits.taken.borrow_mut().remove(&sequence);
            for last in waits.last.borrow_mut().values_mut() {
                *last = (sequence - 1).min(*last);
            }
        }
        waits.tell();
        let is_on_record = match known {
            Some(Outcome::GivenUp) => self.wait.shown.get().is_none(),
            // What came out in an earlier run does so in every run, but for one that is asked to stop before it gets there.
            Some(Outcome::Took(_) | Outcome::TimedOut | Outcome::Ended) => self.context.abort().is_some(),
            None => false,
        };
        if self.context.is_on().is_err() || self.wait.wait.names().is_empty() || is_on_record {
            return;
        }
        waits.given_up.borrow_mut().push_back(self.wait.wait.clone());
        if waits.failing.get() {
            // What the run writes next says it.
            return;
        }
        let context = self.context.clone();
        // A fault is met again by what the run writes next.
        run.registry.host().spawn.spawn(async move { drop(context.records_given_up().await) }.boxed_local());
    }
}
