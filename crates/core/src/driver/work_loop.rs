//! The loop of a started driver: looks for work, and begins a pending process when a permit is free.
//!
//! It decides when to ask the store. It reads one page or one batch of processes at a time and spawns a task for each process
//! that it begins, so tasks and memory are bounded by the concurrency, however many processes are pending.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, join_all, pending, select, try_join},
};

use super::{
    agenda::Agenda,
    eligibility::{Finding, kind_of},
    pending::{PAGE, Page, Pending},
    retention::Pruning,
    scheduler::{LEFT_MS, Scheduler},
    work_driver::Driver,
};
use crate::{
    error::{Code, Result},
    host::Permit,
    model::{Millis, key::ProcessId, process::ProcessRecord},
    notify::backoff::LONGEST_MS,
    store::{Answer, Point, Query},
    unordered::Set,
};

/// The state of the loop.
pub(super) struct WorkLoop {
    driver: Rc<Driver>,
    scheduler: Rc<Scheduler>,
    /// Up to where changes have been seen; none before the first look.
    seen: Option<Point>,
    /// When the changes were asked for last.
    polled: Option<Millis>,
    pass: Pass,
    pruning: Pruning,
}

/// One pass over the processes that the driver may have to begin.
struct Pass {
    pending: Pending,
    /// When a page was read last, or not read because of a fault.
    read: Option<Millis>,
    has_failed: bool,
    /// The kinds without a runner that it met: one process of each is enough to warn the host of the kind.
    kinds: Set<String>,
}

impl Pass {
    /// Whether the next page is to be read. Without room in the agenda one is read once a second, to find what is held by
    /// others.
    fn is_due(&self, has_room: bool, now: Millis) -> bool {
        let is_rested = self.read.is_none_or(|read| now >= read + LONGEST_MS);
        !self.pending.is_at_end() && (is_rested || has_room && !self.has_failed)
    }
}

impl WorkLoop {
    pub fn new(driver: Rc<Driver>, scheduler: Rc<Scheduler>) -> Self {
        let pass = Pass { pending: Pending::at_end(), read: None, has_failed: false, kinds: Set::default() };
        Self { driver, scheduler, seen: None, polled: None, pass, pruning: Pruning::default() }
    }

    /// Looks for work until the registry is closed.
    pub async fn run(mut self) {
        loop {
            // The registry is closed, and with it the driver.
            match self.look().await {
                Err(fault) if fault.code() == Code::Closed => return,
                Ok(()) | Err(_) => {}
            }
            self.begin(None);
            if self.has_work() {
                continue;
            }
            if self.pruning.is_due(&self.driver) {
                self.pruning.prune(&self.driver).await;
            } else {
                let permit = self.wait().await;
                self.begin(permit);
            }
        }
    }

    fn now(&self) -> Millis {
        self.driver.registry.clock().monotonic()
    }

    fn has_work(&self) -> bool {
        let agenda = self.scheduler.agenda.borrow();
        let is_due = self.scheduler.due.get().is_some_and(|due| due <= self.now());
        is_due || agenda.has_due() || self.pass.is_due(agenda.has_room(), self.now()) || self.is_pass_wanted(&agenda)
    }

    /// Whether another pass is to find what was dropped.
    fn is_pass_wanted(&self, agenda: &Agenda) -> bool {
        agenda.has_dropped() && agenda.has_room() && self.pass.pending.is_at_end()
    }

    // ── Looking for work ───────────────────────────────────────────────────

    async fn look(&mut self) -> Result<()> {
        let now = self.now();
        if self.polled.is_none_or(|polled| now >= polled + LONGEST_MS) {
            self.polled = Some(now);
            self.scheduler.change(|agenda| agenda.read_what_is_due(now));
            self.poll().await?;
        } else if self.scheduler.due.get().is_some_and(|due| due <= now) {
            self.settle_due().await?;
        }
        if self.is_pass_wanted(&self.scheduler.agenda.borrow()) {
            self.begin_pass();
        }
        let has_room = self.scheduler.agenda.borrow().has_room();
        if self.pass.is_due(has_room, self.now()) {
            self.read_page().await?;
        }
        self.read_due().await;
        Ok(())
    }

    /// Asks which processes changed: the floor under the notifications. Where that is not known, all are read.
    async fn poll(&mut self) -> Result<()> {
        let changed = self.driver.registry.read(Query::ChangedIds(self.seen));
        // In one transaction with what is due, so that a time that another tab set is known a second later at most.
        let (answer, ()) = try_join(changed, self.settle_due()).await?;
        let Answer::ChangedIds(ids, end) = &*answer else { return Ok(()) };
        if let Some(ids) = ids {
            ids.iter().for_each(|id| self.driver.notified(id));
        } else {
            self.scheduler.change(Agenda::read_all_again);
            self.begin_pass();
        }
        self.seen = Some(*end);
        Ok(())
    }

    /// Does what is due by the clock.
    async fn settle_due(&self) -> Result<()> {
        self.scheduler.due.set(None);
        if let Some(next) = self.driver.settle_due().await? {
            self.scheduler.due_at(self.now() + next);
        }
        Ok(())
    }

    fn begin_pass(&mut self) {
        self.scheduler.change(Agenda::begins_pass);
        let kinds = self.driver.unhandled.borrow().clone();
        self.pass = Pass { pending: Pending::new(&*self.driver.runners), read: None, has_failed: false, kinds };
    }

    async fn read_page(&mut self) -> Result<()> {
        self.pass.read = Some(self.now());
        let page = self.pass.pending.next(&self.driver.registry).await;
        self.pass.has_failed = page.is_err();
        let ids = match page? {
            Some(Page::Leased(ids)) => ids,
            Some(Page::Turns(turns)) => turns.into_iter().map(|turn| turn.id).collect(),
            Some(Page::NoRunner(turn)) if self.pass.kinds.insert(turn.kind.clone()) => vec![turn.id],
            Some(Page::NoRunner(_)) | None => Vec::new(),
        };
        let runs = self.driver.runs.borrow();
        for id in ids.iter().filter(|id| !runs.contains_key(*id)) {
            self.scheduler.change(|agenda| agenda.offer(id));
        }
        Ok(())
    }

    /// Reads the next processes, together.
    async fn read_due(&self) {
        let due = self.scheduler.change(|agenda| agenda.take_due(PAGE as usize));
        let reads = due.iter().map(|id| self.driver.find(id).map(move |found| (id, found)));
        for (id, found) in join_all(reads).await {
            if self.scheduler.agenda.borrow().is_reading(id) {
                self.note(id, found);
            }
        }
    }

    fn note(&self, id: &ProcessId, found: Result<Finding>) {
        let (driver, now) = (&self.driver, self.now());
        if driver.runs.borrow().contains_key(id) {
            return self.scheduler.change(|agenda| agenda.forget(id));
        }
        match found {
            Ok(Finding::Pending { has_begun, rank, created_at_ms }) => {
                self.scheduler.change(|agenda| agenda.make_ready(id, has_begun, rank, created_at_ms));
            }
            // The change that lets it be begun is to be noticed at once.
            Ok(Finding::NotNow) => self.scheduler.change(|agenda| agenda.forget(id)),
            Ok(Finding::Offline) => self.scheduler.change(|agenda| agenda.defer(id, now + LEFT_MS)),
            Ok(Finding::Held(holder)) => driver.held_elsewhere(holder),
            Ok(Finding::Paused(until)) => self.scheduler.change(|agenda| agenda.defer(id, until)),
            Ok(Finding::Unhandled(record)) => self.note_unhandled(&record, now),
            Ok(Finding::RunsElsewhere) => self.scheduler.change(|agenda| agenda.defer(id, now + LEFT_MS)),
            Ok(Finding::NotDrivable) => self.scheduler.change(|agenda| agenda.ignore(id, now + LEFT_MS)),
            Ok(Finding::Over) => driver.forget(id),
            Err(fault) => {
                driver.try_later(id);
                if fault.code() != Code::Closed {
                    driver.failed(id, &fault);
                }
            }
        }
    }

    /// Warns the host of a kind of which a process has waited for a while.
    fn note_unhandled(&self, record: &ProcessRecord, now: Millis) {
        let (id, kind) = (record.id(), kind_of(record));
        let is_new = !self.driver.unhandled.borrow().contains(&kind);
        if is_new && !self.scheduler.change(|agenda| agenda.defer_unhandled(id, now)) {
            return;
        }
        self.scheduler.change(|agenda| agenda.ignore(id, now + LEFT_MS));
        if is_new {
            self.driver.unhandled.borrow_mut().insert(kind);
            self.driver.runners.unhandled(record);
        }
    }

    // ── Beginning ──────────────────────────────────────────────────────────

    /// Begins what is ready, as far as permits are free.
    fn begin(&self, mut permit: Option<Permit>) {
        while self.scheduler.agenda.borrow().next_has_begun().is_some() {
            let Some(permit) = permit.take().or_else(|| self.driver.semaphore.try_acquire()) else { return };
            let Some(next) = self.scheduler.change(Agenda::take_next) else { return };
            let (driver, id) = (self.driver.clone(), next.id.clone());
            self.driver.spawn_attempt(next, permit, move |tried| match tried {
                Err(fault) if fault.code() != Code::Closed => driver.failed(&id, &fault),
                Ok(_) | Err(_) => {}
            });
        }
    }

    /// Waits until the agenda changed, the next poll is due, or a permit is free for what is ready.
    async fn wait(&self) -> Option<Permit> {
        let (wake, woken) = oneshot::channel();
        self.scheduler.wake.replace(Some(wake));
        let next = self.scheduler.agenda.borrow().next_has_begun();
        let permit = pin!(async {
            match next {
                None => pending().await,
                Some(true) => self.driver.semaphore.reacquire().await,
                Some(false) => self.driver.semaphore.acquire().await,
            }
        });
        let since_poll = self.polled.map_or(LONGEST_MS, |polled| self.now().saturating_sub(polled));
        let until_due = self.scheduler.due.get().map_or(LONGEST_MS, |due| due.saturating_sub(self.now()));
        let poll = self.driver.registry.clock().sleep(LONGEST_MS.saturating_sub(since_poll).min(until_due));
        match select(permit, select(woken, poll)).await {
            Either::Left((permit, _)) => Some(permit),
            Either::Right(_) => None,
        }
    }
}
