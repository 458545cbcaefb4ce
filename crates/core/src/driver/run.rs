//! One run of one process, as its runner sees it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use futures::channel::oneshot;

use super::{
    abort::{Abort, Aborts},
    history::History,
    state::States,
    steps::{Keys, Steps},
    streams::Streams,
    waits::Waits,
    work_driver::Driver,
    yielded_permit::RunPermit,
};
use crate::{
    error::{Code, Error, Result},
    host::{Permit, latch},
    model::{
        Millis,
        attachment::{Attachment, AttachmentInfo},
        event::{AppendRequest, AppendResult, ProcessEvent},
        key::ProcessId,
        lease::ProcessLease,
        process::{ProcessAwaitOutput, ProcessRecord},
    },
    notify::ProcessAwaiter,
    registry::ProcessRegistry,
    rules::attempt::Attempt,
    store::EventRange,
};

/// What a runner is given. Clones share it.
#[derive(Clone)]
pub struct RunContext(pub(super) Rc<Run>);

pub(super) struct Run {
    /// Counts the changes that this run itself makes of its process.
    pub registry: ProcessRegistry,
    pub attempt: Rc<Attempt>,
    /// Until when the lease is held at least, by the monotonic clock: as far as is known here, and unless it is taken.
    pub held_until: Cell<Millis>,
    /// How long a renewal makes the lease last.
    pub lease_ttl: Millis,
    pub permit: RunPermit,
    pub aborts: Aborts,
    /// Released once the runner was called, where that takes a while.
    pub begun: RefCell<Option<latch::Latch>>,
    pub history: History,
    pub states: States,
    pub steps: Steps,
    pub streams: Streams,
    pub waits: Waits,
    /// The keys of the timers that this run has set.
    pub timer_keys: Keys,
    /// Knows what else runs here.
    driver: Weak<Driver>,
}

impl Run {
    /// The driver, which lasts as long as its runs.
    pub fn driver(&self) -> Option<Rc<Driver>> {
        self.driver.upgrade()
    }

    /// The run of another process under the same driver.
    pub fn peer(&self, id: &ProcessId) -> Option<RunContext> {
        let driver = self.driver()?;
        let active = driver.runs.borrow().get(id).cloned()?;
        active.run.get().cloned()
    }
}

impl RunContext {
    /// A run that has just begun; its claim was asked for at `asked`. With it, what resolves when the run is over.
    pub(super) fn new(
        attempt: Rc<Attempt>,
        asked: Millis,
        driver: &Rc<Driver>,
        permit: Permit,
    ) -> (Self, oneshot::Receiver<()>) {
        let lease_ttl = driver.options.lease_ttl;
        let (aborts, over) = Aborts::new();
        let run = Run {
            registry: driver.registry.counting(attempt.record.id()),
            held_until: Cell::new(asked + lease_ttl),
            lease_ttl,
            attempt,
            permit: RunPermit::new(driver.semaphore.clone(), permit),
            aborts,
            begun: RefCell::default(),
            history: History::default(),
            states: States::default(),
            steps: Steps::default(),
            streams: Streams::default(),
            waits: Waits::default(),
            timer_keys: Keys::default(),
            driver: Rc::downgrade(driver),
        };
        let run = Rc::new(run);
        let weak = Rc::downgrade(&run);
        // What this run recorded may be in the log, and it does not know: the next one reads that from its beginning.
        run.registry.on_unsettled(move || {
            let run = weak.upgrade().map(Self);
            run.iter().for_each(|run| run.stop(Abort::Over(run.lost())));
        });
        (Self(run), over)
    }

    /// The process as it was when it was claimed.
    pub fn record(&self) -> &ProcessRecord {
        &self.0.attempt.record
    }

    /// The lease that everything here is written under.
    pub fn lease(&self) -> &ProcessLease {
        &self.0.attempt.lease
    }

    /// 1 for the first run of the process, higher after a crash or a hand-over.
    pub fn attempt(&self) -> u64 {
        self.0.attempt.number
    }

    /// An awaiter that hears this tab's changes. Its waits do not yield the permit: see
    /// [`yielding_permit`](Self::yielding_permit).
    pub fn awaiter(&self) -> ProcessAwaiter {
        ProcessAwaiter::new(self.0.registry.clone(), self.0.registry.hub())
    }

    /// Appends to the process, only while the run holds its lease.
    pub async fn append(&self, request: AppendRequest) -> Result<AppendResult> {
        self.records_given_up().await?;
        let request = AppendRequest { lease: Some(self.lease().clone()), ..request };
        self.0.registry.append(self.id(), request).await.inspect_err(|_| self.0.waits.fails())
    }

    /// Attaches a value to the process, only while the run holds its lease.
    pub async fn put_attachment(&self, attachment: Attachment) -> Result<AttachmentInfo> {
        self.records_given_up().await?;
        let attached = self.0.registry.put_attachment(self.id(), attachment, Some(self.lease().clone()));
        attached.await.inspect_err(|_| self.0.waits.fails())
    }

    /// Waits for the end of another process. During the wait another process may run in this one's place.
    pub async fn await_terminal(&self, id: &ProcessId) -> Result<ProcessAwaitOutput> {
        self.wait_for_end(id, self.awaiter(), None, false).await
    }

    /// The fault of a run that has lost its lease.
    pub(super) fn lost(&self) -> Error {
        Error::of(Code::LeaseLost, self.id(), "is not held any more by this run")
    }

    pub(super) fn id(&self) -> &ProcessId {
        self.record().id()
    }

    pub(super) async fn first(&self, event_type: &str, after: u64) -> Result<Option<Rc<ProcessEvent>>> {
        let found = self.0.registry.events(self.id(), EventRange::first(event_type, after)).await?;
        Ok(found.into_iter().next())
    }
}
