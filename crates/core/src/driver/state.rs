//! What a run shows of itself in the record of its process.
//!
//! At most one write of it is under way. What is shown in the meantime is merged, and written next.

use std::cell::RefCell;

use futures::{FutureExt, channel::oneshot};

use super::RunContext;
use crate::{
    error::Result,
    host::latch::{self, Latch, Release},
    model::{payload::Payload, trace::TraceContext},
    operation,
    rules::state::Shown,
};

/// What a run shows and is not written yet.
#[derive(Default)]
pub(super) struct States {
    next: RefCell<Option<Box<Next>>>,
    /// While something is being written: the end of that.
    writing: RefCell<Option<Latch>>,
}

/// What is to be written next, and its callers.
struct Next {
    shown: Shown,
    callers: Vec<oneshot::Sender<Result<()>>>,
}

impl RunContext {
    /// Replaces the `state` in the record of the process, only while the run holds its lease. It is part of the row that every
    /// append writes. Calls made while one is being written are merged: the last one is written, and all of them resolve with that.
    pub async fn set_state(&self, state: Payload) -> Result<()> {
        self.show(Shown::state(state)).await
    }

    /// Replaces the `progress` in the record of the process, like [`set_state`](Self::set_state).
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for a number that is not finite.
    pub async fn progress(&self, current: f64, total: Option<f64>, message: Option<String>) -> Result<()> {
        self.show(Shown::progress(current, total, message)?).await
    }

    /// Replaces the `runTraceContext` in the record of the process, like [`set_state`](Self::set_state).
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for what is no trace context.
    pub async fn set_trace_context(&self, context: TraceContext) -> Result<()> {
        self.show(Shown::trace_context(context)?).await
    }

    async fn show(&self, shown: Shown) -> Result<()> {
        let (caller, written) = oneshot::channel();
        let next = self.0.states.next.take();
        let (before, mut callers) = next.map_or_else(Default::default, |next| (next.shown, next.callers));
        callers.push(caller);
        self.0.states.next.replace(Some(Box::new(Next { shown: before.then(shown), callers })));
        self.keep_writing();
        written.await.unwrap_or_else(|_| Err(self.lost()))
    }

    fn keep_writing(&self) {
        let states = &self.0.states;
        if states.writing.borrow().is_none() {
            let (ends, over) = latch::latch();
            states.writing.replace(Some(over));
            self.0.registry.host().spawn.spawn(self.clone().write_states(ends).boxed_local());
        }
    }

    async fn write_states(self, _ends: Release) {
        let states = &self.0.states;
        loop {
            let next = states.next.take();
            let Some(next) = next else { break };
            let Next { shown, callers } = *next;
            let written = self.0.registry.execute(operation::show(self.lease().clone(), shown)).await;
            for caller in callers {
                // The caller may have dropped its future.
                let _ = caller.send(written.clone());
            }
        }
        states.writing.replace(None);
    }

    /// Resolves once all that was shown is written: what ends the process must not overtake it.
    pub(super) async fn states_written(&self) {
        let writing = self.0.states.writing.borrow().clone();
        if let Some(over) = writing {
            let _ = over.released().await;
        }
    }
}
