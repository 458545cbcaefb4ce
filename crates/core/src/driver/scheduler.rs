//! The scheduler of a started driver: its agenda, the owners that it watches, and the loop that works through them.
//!
//! It decides what a notification, a run, a sweep or the end of an owner changes in the agenda. When to look for work is
//! the loop's business, and what is to be done next the agenda's.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, channel::oneshot};

use super::{agenda::Agenda, owner_watch::OwnerWatches, work_driver::Driver, work_loop::WorkLoop};
use crate::{
    host,
    model::{Millis, key::ProcessId, lease::ProcessLease, process::Registered},
    notify::ProcessChangeHub,
};

/// What a started driver has. Dropped, it stops looking for work.
pub(super) struct Scheduler {
    pub agenda: RefCell<Agenda>,
    owners: OwnerWatches,
    /// When something is due next by the clock alone, in milliseconds of the monotonic clock.
    pub due: Cell<Option<Millis>>,
    /// Dropped to end the wait of the loop.
    pub wake: RefCell<Option<oneshot::Sender<()>>>,
    listener: Cell<Option<(ProcessChangeHub, u64)>>,
    running: RefCell<Option<host::Background>>,
}

/// The longest that a process is left alone: a notification may be lost, and the lease of another may last for days.
pub(super) const LEFT_MS: Millis = 60_000;

impl Scheduler {
    /// Starts the loop, which runs until [`end`](Self::end): the caller need not keep the driver.
    pub fn start(driver: &Rc<Driver>) {
        if driver.scheduler.borrow().is_some() {
            return;
        }
        let scheduler = Rc::new(Self {
            agenda: RefCell::default(),
            owners: OwnerWatches::default(),
            due: Cell::default(),
            wake: RefCell::default(),
            listener: Cell::default(),
            running: RefCell::default(),
        });
        let (hub, notified) = (driver.registry.hub(), Rc::downgrade(driver));
        let listener = hub.listen(move |id| {
            if let Some(driver) = notified.upgrade() {
                driver.notified(id);
            }
        });
        scheduler.listener.set(Some((hub, listener)));
        driver.scheduler.replace(Some(scheduler.clone()));
        let run = WorkLoop::new(driver.clone(), scheduler.clone()).run().boxed_local();
        scheduler.running.replace(Some(host::Background::spawn(&*driver.registry.host().spawn, run)));
    }

    /// Ends the loop, and what it is reading.
    pub fn end(&self) {
        let running = self.running.take();
        drop(running);
    }

    /// Changes the agenda. The loop is not woken.
    pub fn change<T>(&self, change: impl FnOnce(&mut Agenda) -> T) -> T {
        change(&mut self.agenda.borrow_mut())
    }

    /// Takes note that something is due at that time of the monotonic clock.
    pub fn due_at(&self, at: Millis) {
        if self.due.get().is_none_or(|due| at < due) {
            self.due.set(Some(at));
            self.wake();
        }
    }

    fn wake(&self) {
        let wake = self.wake.take();
        drop(wake);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        if let Some((hub, listener)) = self.listener.take() {
            hub.forget(listener);
        }
    }
}

impl Driver {
    fn scheduled(&self, change: impl FnOnce(&mut Agenda)) {
        if let Some(scheduler) = &*self.scheduler.borrow() {
            scheduler.change(change);
            scheduler.wake();
        }
    }

    /// Has a process read that changed, unless it runs here.
    pub fn notified(&self, id: &ProcessId) {
        if self.runs.borrow().contains_key(id) {
            return;
        }
        let now = self.registry.clock().monotonic();
        if let Some(scheduler) = &*self.scheduler.borrow()
            && scheduler.change(|agenda| agenda.notify(id, now))
        {
            scheduler.wake();
        }
    }

    /// Whether a lease was waited for to its end here, and has not been renewed since.
    pub fn has_outlasted(&self, lease: &ProcessLease, now: Millis) -> bool {
        let scheduler = self.scheduler.borrow();
        scheduler.as_ref().is_some_and(|scheduler| scheduler.agenda.borrow().has_outlasted(lease, now))
    }

    /// Forgets a process that is over.
    pub fn forget(&self, id: &ProcessId) {
        self.pauses.end(id);
        self.scheduled(|agenda| agenda.forget(id));
    }

    /// Has a process read as soon as possible.
    pub fn look_again(&self, id: &ProcessId) {
        self.scheduled(|agenda| agenda.read_again(id));
    }

    /// Has all processes read that are left alone.
    pub fn look_again_at_all(&self) {
        self.scheduled(Agenda::read_all_again);
    }

    /// Has a process read after an attempt that did not end it. That registration of it is begun again only after a pause, which
    /// begins at `from`.
    pub fn look_again_after(&self, attempted: &Rc<Registered>, from: Millis) {
        let id = &attempted.registration.id;
        if self.scheduler.borrow().is_some() {
            self.pauses.begin(id, Some(attempted.clone()), from, self.registry.clock().monotonic());
        }
        self.look_again(id);
    }

    /// Has a process read after a pause, as a fault kept it from being read or claimed.
    pub fn try_later(&self, id: &ProcessId) {
        if self.scheduler.borrow().is_some() {
            let now = self.registry.clock().monotonic();
            let until = self.pauses.begin(id, None, now, now);
            self.scheduled(|agenda| agenda.defer(id, until));
        }
    }

    /// Leaves a process alone that another driver holds, until its lease ends or that driver does.
    pub fn held_elsewhere(&self, holder: Rc<ProcessLease>) {
        let Some(scheduler) = self.scheduler.borrow().clone() else { return };
        let clock = self.registry.clock();
        let until = clock.monotonic() + holder.expires_at_ms.saturating_sub(clock.now()).min(LEFT_MS);
        scheduler.change(|agenda| agenda.defer_to(holder.clone(), until));
        let (by, owner) = (Rc::downgrade(&scheduler), &holder.owner);
        let Some(mark) = owner.liveness.clone() else { return };
        scheduler.owners.watch_owner(&self.registry, owner, move || {
            if let Some(scheduler) = by.upgrade() {
                scheduler.change(|agenda| agenda.take_over(&mark));
                scheduler.owners.forget(&mark);
                scheduler.wake();
            }
        });
    }
}
