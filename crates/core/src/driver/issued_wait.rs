//! A wait of a run from its beginning until it comes out or is given up.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::FutureExt;

use super::{RunContext, waits::Pending};
use crate::{
    error::{Code, Result},
    model::wait::{Awaited, Outcome, RunWait},
};

/// A wait from its beginning until it came out. Dropped before, it is given up: recorded as that where its outcome would be.
pub(super) struct Issued<'a> {
    context: &'a RunContext,
    pub wait: Rc<Pending>,
    over: Cell<bool>,
}

impl<'a> Issued<'a> {
    pub fn new(context: &'a RunContext, awaited: Awaited, bounded: bool) -> Self {
        let waits = &context.0.waits;
        let wait = RunWait { ordinal: waits.number(&awaited), awaited };
        let (key, shown, taking) = (wait.key(), RefCell::default(), Cell::default());
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
        waits.news.notify();
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
        waits.news.notify();
        let is_on_record = match known {
            Some(Outcome::GivenUp) => self.wait.shown.borrow().is_none(),
            // What came out in an earlier run does so in every run, but for one that is asked to stop before it gets there.
            Some(Outcome::Took(_) | Outcome::TimedOut | Outcome::Ended | Outcome::Due(_)) => {
                self.context.abort().is_some()
            }
            None => false,
        };
        if self.context.is_on().is_err() || is_on_record {
            return;
        }
        let (context, spawn) = (self.context.clone(), &run.registry.host().spawn);
        if !self.wait.wait.awaited.is_recorded() {
            if waits.is_on_record(&self.wait) {
                spawn.spawn(async move { drop(context.shows_what_is_left().await) }.boxed_local());
            }
            return;
        }
        waits.given_up.borrow_mut().push_back(self.wait.wait.clone());
        if waits.failing.get() {
            // What the run writes next records it first.
            return;
        }
        // A fault is met again by what the run writes next.
        spawn.spawn(async move { drop(context.records_given_up().await) }.boxed_local());
    }
}
