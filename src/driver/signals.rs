//! Waiting for signals: the nth wait for a name gets the nth signal of that name, whichever came first.
//!
//! A wait that was given up took no signal: the next one gets what it would have got.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::FutureExt;

use super::RunContext;
use crate::{
    domain::{
        Millis,
        attempt::SignalWait,
        event::{ProcessEvent, signal_type},
        table::ById,
    },
    error::Result,
    host::Permits,
    operation,
};

/// The signals of one run.
#[derive(Default)]
pub(super) struct Signals {
    by_name: RefCell<ById<Taken>>,
    /// The waits under way, the latest last: that one the record shows.
    waiting: RefCell<Vec<Rc<Shown>>>,
}

/// A wait, and since when.
struct Shown {
    wait: SignalWait,
    since: Cell<Millis>,
}

/// What the waits for a name have got so far.
#[derive(Default)]
struct Taken {
    /// Of the wait that gets the next one.
    turn: Permits,
    count: Cell<u64>,
    /// The sequence of the last one.
    sequence: Cell<u64>,
}

impl RunContext {
    /// Waits for the next signal of a name: ASCII letters, digits, `_` and `-`. Meanwhile something else may run in
    /// this one's place, and the record says what the process waits for.
    pub async fn wait_for_signal(&self, name: &str) -> Result<Rc<ProcessEvent>> {
        let event_type = signal_type(name)?;
        self.unless_aborted(self.next_signal(name, event_type)).await
    }

    async fn next_signal(&self, name: &str, event_type: String) -> Result<Rc<ProcessEvent>> {
        let taken = self.0.signals.by_name.borrow_mut().get_or_default(name);
        let _turn = taken.turn.take().await;
        let (after, ordinal) = (taken.sequence.get(), taken.count.get() + 1);
        let wait = SignalWait { name: name.to_owned(), event_type: event_type.clone(), ordinal };
        let signal = match self.first(&event_type, after).await? {
            Some(signal) => {
                // An earlier run was in this wait when it died or was stopped; the signal came after that.
                if self.record().wait.as_ref().is_some_and(|left| wait.is(left)) {
                    end(self.clone(), Rc::new(Shown { wait, since: Cell::default() })).await?;
                }
                signal
            }
            None => {
                let waiting = Waiting::begin(self, wait).await?;
                let signal = self.resting(self.0.awaiter.await_event(self.id(), &event_type, after, false)).await?;
                waiting.end().await?;
                signal
            }
        };
        taken.count.set(ordinal);
        taken.sequence.set(signal.sequence);
        Ok(signal)
    }
}

/// A wait that the record shows. Given up halfway, it is taken out of there, too.
struct Waiting {
    context: RunContext,
    /// None once it is over.
    wait: Option<Rc<Shown>>,
}

impl Waiting {
    async fn begin(context: &RunContext, wait: SignalWait) -> Result<Self> {
        let run = &context.0;
        let shown = Rc::new(Shown { since: Cell::new(run.registry.clock().now()), wait });
        run.signals.waiting.borrow_mut().push(shown.clone());
        // Made before anything is written: from here on, giving up undoes it.
        let waiting = Self { context: context.clone(), wait: Some(shown.clone()) };
        let wait = operation::wait(run.attempt.lease.clone(), shown.wait.clone(), run.registry.schemas());
        shown.since.set(run.registry.execute(wait).await?);
        Ok(waiting)
    }

    async fn end(mut self) -> Result<()> {
        match self.wait.take() {
            Some(over) => end(self.context.clone(), over).await,
            None => Ok(()),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(over) = self.wait.take() {
            let context = self.context.clone();
            let spawn = context.0.registry.host().spawn.clone();
            // Where it cannot be written, the lease is lost, or the store is: then others will say what the process does.
            spawn.spawn(end(context, over).map(drop).boxed_local());
        }
    }
}

async fn end(context: RunContext, over: Rc<Shown>) -> Result<()> {
    let run = &context.0;
    let still = {
        let mut waiting = run.signals.waiting.borrow_mut();
        // The same wait may have begun anew by now: that one is another.
        waiting.retain(|wait| !Rc::ptr_eq(wait, &over));
        waiting.last().map(|still| (still.wait.clone(), still.since.get()))
    };
    let resume = operation::resume(run.attempt.lease.clone(), over.wait.clone(), still, run.registry.schemas());
    run.registry.execute(resume).await
}
