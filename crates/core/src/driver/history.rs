//! What earlier runs of a process recorded: the values of its steps and the outcomes of its waits.
//!
//! A run gives them again in the order of the log, and takes nothing new before them. So whatever the program races, it
//! sees one winner in all runs.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use super::{RunContext, steps::StepEnd};
use crate::{
    error::{Code, Result},
    host::Semaphore,
    model::{
        Millis,
        event::{ProcessEvent, RESUMED, STEP, STEP_FAILED, StepFailure, TIMER},
        payload::Payload,
        process::ProcessAwaitOutput,
        wait::{Outcome, Resumed},
    },
    notify::backoff::Backoff,
    rules::attempt::{Advice, Thrown},
    store::EventRange,
    unordered::Map,
};
use futures::channel::oneshot;

/// The records of earlier runs, read once. Without any, which is how thousands of runs may sleep, it takes no room.
#[derive(Default)]
pub(super) struct History(OnceCell<Box<Records>>);

#[derive(Default)]
struct Records {
    /// Held while they are read.
    reading: Semaphore,
    read: Cell<bool>,
    steps: RefCell<Map<String, (u64, StepEnd)>>,
    /// The last attempt that failed of each step that has not come out: which one it was, and when the next one is to be made.
    failing: RefCell<Map<String, (u64, Millis)>>,
    /// When each timer is due.
    timers: RefCell<Map<String, Millis>>,
    waits: RefCell<Map<String, Recorded>>,
    /// For each wait, how many recorded ones must still come out before it.
    held: RefCell<Map<String, usize>>,
    /// How many records are being read to be given.
    giving: Cell<usize>,
    given: RefCell<Option<oneshot::Sender<()>>>,
}

/// What a step threw that failed in an earlier run.
fn thrown_before(error: &Payload) -> Thrown {
    Thrown { failure: ProcessAwaitOutput::from_error(error), advice: Advice::ByPolicy }
}

/// How a wait came out in an earlier run.
#[derive(Clone)]
pub(super) struct Recorded {
    /// The sequence of the event that records it.
    pub place: u64,
    pub outcome: Outcome,
    before: Rc<Vec<String>>,
}

impl Records {
    fn load(&self, event: &ProcessEvent) {
        let place = event.sequence;
        match event.event_type.as_str() {
            RESUMED => {
                if let Some(Resumed { key, outcome, before }) = event.as_resumed() {
                    self.waits.borrow_mut().insert(key, Recorded { place, outcome, before: Rc::new(before) });
                }
            }
            STEP => {
                if let Some((key, value)) = event.as_step() {
                    self.steps.borrow_mut().insert(key, (place, StepEnd::Returned(value)));
                }
            }
            STEP_FAILED => {
                let Some(StepFailure { key, attempt, error, retry_at, is_last }) = event.as_step_failed() else {
                    return;
                };
                if is_last {
                    self.steps.borrow_mut().insert(key, (place, StepEnd::Threw(thrown_before(&error))));
                } else {
                    self.failing.borrow_mut().insert(key, (attempt, retry_at.unwrap_or_default()));
                }
            }
            TIMER => self.timers.borrow_mut().extend(event.as_timer()),
            _ => {}
        }
    }

    fn taken(&self) -> Vec<u64> {
        let took = |recorded: &Recorded| match recorded.outcome {
            Outcome::Took(sequence) => Some(sequence),
            Outcome::Ended | Outcome::Due(_) | Outcome::TimedOut | Outcome::GivenUp => None,
        };
        self.waits.borrow().values().filter_map(took).collect()
    }
}

impl History {
    fn records(&self) -> &Records {
        self.0.get_or_init(Box::default)
    }

    /// Where the end of a step was recorded, and what that was.
    pub fn step(&self, key: &str) -> Option<(u64, StepEnd)> {
        self.0.get()?.steps.borrow().get(key).cloned()
    }

    /// How many attempts of a step have failed, and when the next one is to be made, where it has not come out.
    pub fn failing(&self, key: &str) -> Option<(u64, Millis)> {
        self.0.get()?.failing.borrow().get(key).copied()
    }

    /// Takes note of an attempt of a step that failed in this run, and when the next one is to be made.
    pub fn fails(&self, key: &str, attempt: u64, retry_at: Millis) {
        self.records().failing.borrow_mut().insert(key.to_owned(), (attempt, retry_at));
    }

    /// When a timer is due that an earlier run set, in epoch milliseconds.
    pub fn timer(&self, key: &str) -> Option<Millis> {
        self.0.get()?.timers.borrow().get(key).copied()
    }

    /// How a wait came out, where that has not been given in this run.
    pub fn wait(&self, key: &str) -> Option<Recorded> {
        self.0.get()?.waits.borrow().get(key).cloned()
    }

    /// Whether a wait came out before a place of the log and has not been given in this run.
    pub fn has_before(&self, place: u64) -> bool {
        let is_before = |recorded: &Recorded| recorded.place < place && recorded.outcome != Outcome::GivenUp;
        self.0.get().is_some_and(|records| records.waits.borrow().values().any(is_before))
    }

    /// Whether a wait lost to one that was recorded and has not come out in this run.
    pub fn holds(&self, key: &str) -> bool {
        self.0.get().is_some_and(|records| records.held.borrow().get(key).is_some_and(|others| *others > 0))
    }

    /// A wait came out in this run, or was given up: its record holds nothing any more.
    pub fn is_over(&self, key: &str) {
        let Some(records) = self.0.get() else { return };
        let Some(recorded) = records.waits.borrow_mut().remove(key) else { return };
        let mut held = records.held.borrow_mut();
        for key in &*recorded.before {
            if let Some(others) = held.get_mut(key) {
                *others -= 1;
            }
        }
    }
}

impl RunContext {
    /// What earlier runs recorded. Read once, and not at all in the first run of a process that was not forked: nothing can have been
    /// recorded before.
    pub(super) async fn history(&self) -> Result<&History> {
        let history = &self.0.history;
        if self.is_new() {
            return Ok(history);
        }
        let records = history.records();
        if records.read.get() {
            return Ok(history);
        }
        let _giving = Giving::begin(self);
        let _turn = records.reading.acquire().await;
        if records.read.get() {
            return Ok(history);
        }
        let types = Some([STEP, STEP_FAILED, TIMER, RESUMED].map(str::to_owned).into());
        let all = EventRange::After { after: 0, limit: None, types };
        for event in self.0.registry.events(self.id(), all).await? {
            records.load(&event);
        }
        let mut held = records.held.borrow_mut();
        for recorded in records.waits.borrow().values().filter(|recorded| recorded.outcome != Outcome::GivenUp) {
            for key in &*recorded.before {
                *held.entry(key.clone()).or_default() += 1;
            }
        }
        drop(held);
        self.0.waits.take(records.taken());
        records.read.set(true);
        Ok(history)
    }

    /// Whether nothing can have been recorded before the run.
    fn is_new(&self) -> bool {
        let is_recorded = |event_type: &&str| self.record().count_in_row(event_type) > 0;
        self.attempt() == 1 && ![STEP, STEP_FAILED, RESUMED, TIMER].iter().any(is_recorded)
    }

    /// Reads what a wait needs of earlier runs, again and again where the store fails. A wait that failed with such a fault would
    /// be overtaken by one that is new, and so lose the place that it has in the log.
    pub(super) async fn patiently<T>(&self, read: impl AsyncFn() -> Result<T>) -> Result<T> {
        let mut backoff = Backoff::default();
        loop {
            match read().await {
                Err(fault) if matches!(fault.code(), Code::StorageFailed | Code::Disconnected) => {
                    self.0.registry.clock().sleep(backoff.span()).await;
                    backoff.lengthen();
                }
                outcome => return outcome,
            }
        }
    }

    /// Where something was recorded before a place of the log that was not given in this run: lets the program issue it, if it is
    /// about to.
    pub(super) async fn lets_issue_before(&self, place: u64) {
        let is_new = place == u64::MAX;
        if self.0.history.has_before(place) || is_new && self.has_steps_left() {
            let _giving = Giving::begin(self);
            self.0.registry.host().spawn.next_task().await;
        }
    }

    /// Whether earlier runs recorded steps that this one has not come to. What is new comes after them.
    fn has_steps_left(&self) -> bool {
        let records = self.0.history.0.get();
        records.is_some_and(|records| records.steps.borrow().keys().any(|key| !self.0.steps.used.has(key)))
    }

    /// Resolves once the run has been given what it asked for and earlier runs recorded: what it does from then on is new.
    pub(super) async fn caught_up(&self) {
        loop {
            self.0.registry.host().spawn.next_task().await;
            let Some(records) = self.0.history.0.get().filter(|records| records.giving.get() > 0) else { return };
            let (given, all_given) = oneshot::channel();
            records.given.replace(Some(given));
            let _ = all_given.await;
        }
    }
}

/// A read of what is recorded, on its way to the program.
pub(super) struct Giving<'a>(&'a Records);

impl<'a> Giving<'a> {
    pub fn begin(context: &'a RunContext) -> Self {
        let records = context.0.history.records();
        records.giving.set(records.giving.get() + 1);
        Self(records)
    }
}

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        self.0.giving.set(self.0.giving.get() - 1);
        if self.0.giving.get() == 0 {
            let given = self.0.given.take();
            drop(given);
        }
    }
}
