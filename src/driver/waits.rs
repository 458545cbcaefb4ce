//! The waits of a run: which one comes out next, and what is recorded of that.
//!
//! One wait of a run comes out at a time. Its outcome is recorded first, then the program gets it, and only in a later
//! task of the event loop may the next one come out: by then the program has aborted those that it does not want. So a
//! wait that is aborted has taken nothing, and what a wait took, a later run gives to the same wait.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    pin::pin,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{join_all, select},
};

use super::{
    RunContext,
    history::{Giving, Recorded},
};
use crate::{
    domain::{
        Millis,
        event::{ProcessEvent, signal_type},
        key::ProcessId,
        process::ProcessAwaitOutput,
        wait::{Awaited, Outcome, RunWait},
    },
    error::{Code, Error, Result},
    host::{Limit, Permit, Permits, oneshot},
    operation,
    store::{Answer, EventRange, Query},
    watch::ProcessAwaiter,
};

/// The waits of one run.
#[derive(Default)]
pub(super) struct Waits {
    /// How many were issued for each thing, and which of these failed with a fault: the next one is that one again.
    issued: RefCell<BTreeMap<Awaited, (u64, BTreeSet<u64>)>>,
    /// Those under way, in the order in which they were issued.
    pending: RefCell<Vec<Rc<Pending>>>,
    /// The signals that waits took, in this run or by the record of another one.
    taken: RefCell<BTreeSet<u64>>,
    /// For each event type, the sequence of the last signal that a wait took in this run.
    last: RefCell<BTreeMap<String, u64>>,
    /// Held by the wait that comes out.
    turn: Permits,
    /// Released, and made anew, when a wait came out or was given up.
    news: RefCell<Option<(oneshot::Release, oneshot::Latch)>>,
    /// Waits that were given up, and not yet recorded as that. What the run writes next is written behind them.
    unsaid: RefCell<VecDeque<RunWait>>,
    saying: Permits,
    /// Whether something failed since the run last wrote. What the program gives up now, it may give up because of that, and
    /// where the run ends with it, another run goes another way: then nothing was given up.
    failing: Cell<bool>,
}

/// A wait under way.
struct Pending {
    wait: RunWait,
    key: String,
    /// Since when the record shows it.
    shown: Cell<Option<Millis>>,
    /// The signal that is being recorded as taken by it.
    taking: Cell<Option<u64>>,
    /// Whether it may end without what it waits for.
    bounded: bool,
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

    pub(super) fn heard(&self) -> oneshot::Latch {
        self.news.borrow_mut().get_or_insert_with(oneshot::latch).1.clone()
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

    fn has_signals(&self) -> bool {
        self.pending.borrow().iter().any(|wait| !wait.wait.names().is_empty())
    }

    /// The wait that the record shows: the latest that is shown.
    fn shown(&self) -> Option<(RunWait, Millis)> {
        let pending = self.pending.borrow();
        pending.iter().rev().find_map(|wait| Some((wait.wait.clone(), wait.shown.get()?)))
    }
}

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
    /// Waits for the next signal of a name: ASCII letters, digits, `_` and `-`. Meanwhile something else may run in
    /// this one's place, and the record says what the process waits for.
    #[cfg_attr(feature = "shipped", expect(dead_code, reason = "a shorthand in Rust for wait_for_signals"))]
    pub async fn wait_for_signal(&self, name: &str) -> Result<Rc<ProcessEvent>> {
        self.wait_for_signals(&[name], None, false).await
    }

    /// Waits for the first signal of any of these names, in the order of the log, at most `limit` milliseconds: then
    /// [`Code::Timeout`]. `abortable` says that it may be dropped before that.
    pub async fn wait_for_signals<N: AsRef<str>>(
        &self,
        names: &[N],
        limit: Option<Millis>,
        abortable: bool,
    ) -> Result<Rc<ProcessEvent>> {
        let awaited = Awaited::signals(names)?;
        let bounded = abortable || limit.is_some();
        let mut limit = Limit::new(self.0.registry.clock(), limit);
        let wait = async {
            let issued = Issued::new(self, awaited, bounded);
            let outcome = self.signal(&issued.wait, &mut limit).await;
            issued.came_out(&outcome);
            outcome
        };
        self.unless_aborted(wait).await
    }

    /// Waits for the end of another process, at most as long as `awaiter` says. Meanwhile something else may run in this
    /// one's place. [`Code::InvalidArgument`] where that would wait for this one.
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

    // ── Signals ────────────────────────────────────────────────────────────

    async fn signal(&self, wait: &Rc<Pending>, limit: &mut Limit) -> Result<Rc<ProcessEvent>> {
        self.history().await?;
        let mut passed = Ok(());
        loop {
            let news = self.0.waits.heard();
            let turn = self.0.waits.turn.take().await;
            match self.look_at(wait).await? {
                Look::Ready(outcome, signal) => {
                    self.comes_out(turn, wait, outcome, signal.as_deref()).await?;
                    return signal.ok_or_else(timed_out_before);
                }
                Look::Wait(..) | Look::Never if passed.is_err() => {
                    self.comes_out(turn, wait, Outcome::TimedOut, None).await?;
                    return Err(passed.err().unwrap_or_else(timed_out_before));
                }
                Look::Behind => {
                    drop(turn);
                    let _ = news.released().await;
                }
                Look::Wait(after, too) => {
                    drop(turn);
                    self.shows(wait).await?;
                    passed = self.rests_until(limit, self.signals_after(wait, after, too.then_some(&news))).await?;
                }
                Look::Never => {
                    drop(turn);
                    self.shows(wait).await?;
                    passed = self.rests_until(limit, futures::future::pending()).await?;
                }
            }
        }
    }

    /// Rests until there is news, or the limit passes: what is late need not wait for the permit as well. It is taken back
    /// beside that.
    async fn rests_until(&self, limit: &mut Limit, news: impl Future<Output = Result<()>>) -> Result<Result<()>> {
        let rest = self.rests();
        match limit.bound(news).await {
            Ok(heard) => {
                heard?;
                rest.end().await;
                Ok(Ok(()))
            }
            Err(passed) => Ok(Err(passed)),
        }
    }

    /// How a wait came out in an earlier run, unless that was that it was given up.
    fn recorded(&self, wait: &Pending) -> Option<Recorded> {
        self.0.history.wait(&wait.key).filter(|recorded| recorded.outcome != Outcome::GivenUp)
    }

    /// Whether a recorded wait is under way that comes out before `place` in the log, and can do so now.
    pub(super) fn is_behind(&self, place: u64) -> bool {
        let waits = self.0.waits.pending.borrow();
        waits.iter().any(|wait| {
            self.recorded(wait).is_some_and(|recorded| recorded.place < place) && !self.0.history.holds(&wait.key)
        })
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
                let signal = self.0.registry.events(self.id(), range).await?.into_iter().next();
                Ok(Look::Ready(Outcome::Took(sequence), signal))
            }
            Some(outcome @ (Outcome::TimedOut | Outcome::Ended)) => Ok(Look::Ready(outcome, None)),
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
    async fn signals_after(&self, wait: &Pending, after: u64, news: Option<&oneshot::Latch>) -> Result<()> {
        let types = wait.wait.names().iter().filter_map(|name| signal_type(name).ok()).collect();
        let signals = self.0.awaiter.await_events(self.id(), after, Some(types), false).map(|batch| batch.map(drop));
        match news {
            Some(news) => select(pin!(signals), news.released().map(|_| Ok(()))).await.factor_first().0,
            None => signals.await,
        }
    }

    /// Has the record say that the process waits.
    async fn shows(&self, wait: &Rc<Pending>) -> Result<()> {
        if wait.shown.get().is_some() {
            return Ok(());
        }
        wait.shown.set(Some(self.0.registry.clock().now()));
        let shows = operation::wait(self.lease().clone(), wait.wait.clone(), self.0.registry.schemas());
        wait.shown.set(Some(self.0.registry.execute(shows).await?));
        Ok(())
    }

    // ── Processes ──────────────────────────────────────────────────────────

    async fn end_of(&self, wait: &Rc<Pending>, id: &ProcessId, awaiter: ProcessAwaiter) -> Result<ProcessAwaitOutput> {
        self.history().await?;
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
            let news = self.0.waits.heard();
            let place = self.recorded(wait).map(|recorded| recorded.place);
            let is_behind = || self.0.history.holds(&wait.key) || self.is_behind(place.unwrap_or(u64::MAX));
            // Where no signal is waited for, nothing races with this: what several processes end with may come at once.
            let is_caught_up = !self.0.history.has_before(u64::MAX);
            if place.is_none() && how == Outcome::Ended && !self.0.waits.has_signals() && is_caught_up {
                return outcome;
            }
            let turn = self.0.waits.turn.take().await;
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
        let rest = self.rests();
        let outcome = awaiter.await_terminal(id).await;
        match &outcome {
            Err(fault) if fault.code() == Code::Timeout => drop(rest),
            Ok(_) | Err(_) => rest.end().await,
        }
        outcome
    }

    /// Refuses where every run that this one waits for waits for it in turn.
    fn circle(&self) -> Option<Error> {
        let mut path = Vec::new();
        self.is_stuck(&mut path).then(|| {
            let told =
                "awaits a process that awaits it: neither could ever end. A wait with a limit or a signal may end";
            Error::of(Code::InvalidArgument, self.id(), told)
        })
    }

    /// Whether this run can only go on when one of `path` has ended, as far as this driver knows.
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

    // ── Outcomes ───────────────────────────────────────────────────────────

    /// Records how a wait comes out, unless that is on record, and lets go of its turn once the program has had its own.
    async fn comes_out(
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
        self.says().await?;
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
    pub(super) async fn says(&self) -> Result<()> {
        let (run, waits) = (&self.0, &self.0.waits);
        waits.failing.set(false);
        if waits.unsaid.borrow().is_empty() {
            return Ok(());
        }
        let _turn = waits.saying.take().await;
        loop {
            let Some(wait) = waits.unsaid.borrow().front().cloned() else { return Ok(()) };
            let over = (wait, Outcome::GivenUp, Vec::new());
            let resume = operation::resume(self.lease().clone(), over, waits.shown(), run.registry.schemas());
            run.registry.execute(resume).await.inspect_err(|_| waits.fails())?;
            waits.unsaid.borrow_mut().pop_front();
        }
    }
}

fn timed_out_before() -> Error {
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
struct Issued<'a> {
    context: &'a RunContext,
    wait: Rc<Pending>,
    over: Cell<bool>,
}

impl<'a> Issued<'a> {
    fn new(context: &'a RunContext, awaited: Awaited, bounded: bool) -> Self {
        let waits = &context.0.waits;
        let wait = RunWait { ordinal: waits.number(&awaited), awaited };
        let (key, shown, taking) = (wait.key(), Cell::default(), Cell::default());
        let wait = Rc::new(Pending { wait, key, shown, taking, bounded });
        waits.pending.borrow_mut().push(wait.clone());
        Self { context, wait, over: Cell::new(false) }
    }

    fn came_out<T>(&self, outcome: &Result<T>) {
        let waits = &self.context.0.waits;
        if outcome.as_ref().is_err_and(|fault| fault.code() != Code::Timeout) {
            // It failed, and would not in another run: a wait that the program issues in its place is the same one.
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
        let is_said = known == Some(Outcome::GivenUp) && self.wait.shown.get().is_none();
        if self.context.is_on().is_err() || self.wait.wait.names().is_empty() || is_said {
            return;
        }
        waits.unsaid.borrow_mut().push_back(self.wait.wait.clone());
        if waits.failing.get() {
            // What the run writes next says it.
            return;
        }
        let context = self.context.clone();
        // A fault is met again by what the run writes next.
        run.registry.host().spawn.spawn(async move { drop(context.says().await) }.boxed_local());
    }
}
