//! How a run is asked to stop: by a request to cancel its process, or because it is over.

use std::cell::RefCell;

use futures::{
    channel::oneshot,
    future::{Either, LocalBoxFuture, select},
};

use super::RunContext;
use crate::{
    error::{Code, Error, Result},
    host::latch,
};

/// Why a runner is to stop.
#[derive(Clone, Debug)]
pub enum Abort {
    /// A cancel request, perhaps with a reason. The run still holds its lease, and ends the process as it sees fit.
    Cancelled(Option<String>),
    /// The run is over: [`Code::LeaseLost`], [`Code::AlreadyTerminal`], [`Code::UnknownProcess`] or [`Code::Closed`].
    Over(Error),
}

/// Whether and why one run is to stop, and what that ends.
pub(super) struct Aborts {
    state: RefCell<State>,
    aborted: latch::Latch,
}

struct State {
    /// The first reason; and then perhaps that the run is over.
    why: Option<Abort>,
    listener: Option<Listener>,
    /// Dropped to end the waits of the run.
    waits: Option<latch::Release>,
    /// Dropped to end the run.
    run: Option<oneshot::Sender<()>>,
}

type Listener = Box<dyn FnOnce(&Abort)>;

impl Aborts {
    /// Those of a run that has just begun. With it, what resolves when the run is over.
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let ((waits, aborted), (run, over)) = (latch::latch(), oneshot::channel());
        let state = RefCell::new(State { why: None, listener: None, waits: Some(waits), run: Some(run) });
        (Self { state, aborted }, over)
    }
}

impl RunContext {
    /// Why the runner is to stop, if it is.
    pub fn abort(&self) -> Option<Abort> {
        self.0.aborts.state.borrow().why.clone()
    }

    /// Resolves when the runner is to stop.
    pub async fn aborted(&self) {
        let _ = self.0.aborts.aborted.released().await;
    }

    /// Has the run count as begun only once what this gives is dropped. For runners that are called in a later turn: a
    /// cancel request that came before it aborts the run after that.
    pub fn begins_later(&self) -> latch::Release {
        let (release, begun) = latch::latch();
        self.0.begun.replace(Some(begun));
        release
    }

    /// Calls `listener` once with the reason why the runner is to stop, before any wait of the run ends for that.
    pub fn on_abort(&self, listener: impl FnOnce(&Abort) + 'static) {
        match self.abort() {
            Some(why) => listener(&why),
            None => self.0.aborts.state.borrow_mut().listener = Some(Box::new(listener)),
        }
    }

    /// Takes note that the runner has returned: an abort that comes later is not reported to it.
    pub(super) fn settles(&self) {
        let listener = self.0.aborts.state.borrow_mut().listener.take();
        drop(listener);
    }

    /// Aborts the run, and ends it where it is over.
    pub(super) fn stop(&self, why: Abort) {
        let mut state = self.0.aborts.state.borrow_mut();
        let ends = if matches!(why, Abort::Over(_)) { state.run.take() } else { None };
        if state.why.is_none() || ends.is_some() {
            state.why = Some(why.clone());
        }
        let (listener, waits) = (state.listener.take(), state.waits.take());
        drop(state);
        if let Some(listener) = listener {
            listener(&why);
        }
        drop((waits, ends));
    }

    /// Refuses where the run is over.
    pub(super) fn is_on(&self) -> Result<()> {
        match self.abort() {
            Some(Abort::Over(fault)) => Err(fault),
            Some(Abort::Cancelled(_)) | None => Ok(()),
        }
    }

    /// Runs a wait until the run is aborted. Boxed, as every call that it passes through would have room for it twice.
    pub(super) async fn unless_aborted<T>(&self, wait: LocalBoxFuture<'_, Result<T>>) -> Result<T> {
        match select(self.0.aborts.aborted.released(), wait).await {
            Either::Left(_) => Err(self.is_on().err().unwrap_or_else(|| {
                Error::of(Code::Closed, self.id(), "was asked to stop, and waits for nothing any more")
            })),
            Either::Right((outcome, _)) => outcome,
        }
    }
}
