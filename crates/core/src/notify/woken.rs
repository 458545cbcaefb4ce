//! What woke which wait, for the listeners of that: see [`ProcessRegistry::on_wake`](crate::registry::ProcessRegistry::on_wake).
//!
//! The source of a wake comes with the notification, through the hub to the wait. It is not looked for afterwards.

use std::rc::Rc;

use serde::Serialize;

use crate::{
    host::Clock,
    model::{Millis, key::ProcessId},
};

/// How a hub learnt that a process may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum WokenBy {
    /// By a commit of this registry, or by a call of its hub's `notify`.
    Tick,
    /// By a notification of another registry on the database, as a rule in another tab.
    Hint,
    /// By no notification: the change poller found the change, or the wait looked again by itself.
    Poll,
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// The end of a process.
    Terminal,
    /// One event.
    Event,
    /// The next events of a log that is followed.
    Events,
    /// A signal that a run waits for.
    Signal,
    /// The next chunks of a stream.
    Stream,
}

/// A wait that was woken and has its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WokenWait {
    /// The process that it waits for.
    pub process_id: ProcessId,
    /// What it waits for.
    pub wait: WaitFor,
    /// What woke it, the last time before the answer.
    pub by: WokenBy,
    /// From that wake to the answer, in milliseconds that the host's monotonic clock counted.
    pub after_ms: Millis,
}

/// A wake on its way to a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    /// Its source.
    pub by: WokenBy,
    /// The monotonic time of the notification, where that was measured: only while there are listeners.
    pub at: Option<Millis>,
}

/// What is called with the waits that were woken. Without any, no clock is read and nothing is allocated.
#[derive(Default)]
pub(super) struct WakeListeners {
    clock: Option<Rc<dyn Clock>>,
    /// Shared, as one that is called may add and forget others.
    listeners: Rc<Vec<(u64, WakeListener)>>,
}

pub(super) type WakeListener = Rc<dyn Fn(&WokenWait)>;

impl WakeListeners {
    pub fn add(&mut self, number: u64, clock: Rc<dyn Clock>, listener: WakeListener) {
        self.clock = Some(clock);
        Rc::make_mut(&mut self.listeners).push((number, listener));
    }

    pub fn remove(&mut self, number: u64) {
        if self.listeners.iter().any(|(known, _)| *known == number) {
            Rc::make_mut(&mut self.listeners).retain(|(known, _)| *known != number);
        }
    }

    /// A wake that happens now.
    pub fn woken(&self, by: WokenBy) -> Woken {
        Woken { by, at: self.now() }
    }

    /// The monotonic time, where there is a listener.
    pub fn now(&self) -> Option<Millis> {
        let clock = self.clock.as_ref().filter(|_| !self.listeners.is_empty());
        clock.map(|clock| clock.monotonic())
    }

    pub fn listeners(&self) -> Rc<Vec<(u64, WakeListener)>> {
        self.listeners.clone()
    }
}
