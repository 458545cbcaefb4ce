//! Ticks: a process changed, look again.
//!
//! A receiver carries a version and nothing else. A waiter that subscribes *before* reading cannot
//! lose a change: one that comes between the read and the wait has already moved the version.
//! The hub knows nothing of rows, and never says what changed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use super::{
    change_poller::ChangePoller,
    woken::{WaitFor, WakeListeners, Woken, WokenBy, WokenWait},
};
use crate::{
    host::Clock,
    model::key::{ProcessId, sorted},
    unordered::Map,
};
use futures::channel::oneshot;

/// Counts the changes of each process that has a receiver. Clones share it.
#[derive(Clone, Default)]
pub struct ProcessChangeHub(Rc<Shared>);

#[derive(Default)]
struct Shared {
    watched: RefCell<Map<ProcessId, Rc<RefCell<Watched>>>>,
    /// Shared, as one that is called may add and forget others.
    listeners: RefCell<Rc<Vec<(u64, Listener)>>>,
    next: Cell<u64>,
    wakes: RefCell<WakeListeners>,
    /// Finds what no tick told.
    poller: OnceCell<ChangePoller>,
}

type Listener = Rc<dyn Fn(&ProcessId)>;

/// A receiver that is waiting.
type Seat = oneshot::Sender<Woken>;

#[derive(Default)]
struct Watched {
    version: u64,
    /// The last notification, for receivers that were not waiting then.
    last: Option<Woken>,
    /// A seat for each receiver; taken while it is waiting right now.
    seats: Vec<Option<Seat>>,
    /// The seats that dropped receivers left.
    free: Vec<usize>,
}

impl ProcessChangeHub {
    /// A hub without receivers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts watching a process. Subscribe before reading.
    pub fn subscribe(&self, id: &ProcessId) -> ChangeReceiver {
        let first = self.0.watched.borrow().is_empty();
        let entry = self.0.watched.borrow_mut().entry(id.clone()).or_default().clone();
        if let (true, Some(poller)) = (first, self.poller()) {
            poller.prepare();
        }
        let mut entry = entry.borrow_mut();
        let seat = entry.free.pop().unwrap_or_else(|| {
            entry.seats.push(None);
            entry.seats.len() - 1
        });
        ChangeReceiver { hub: self.0.clone(), id: id.clone(), seat, seen: Cell::new(entry.version) }
    }

    /// Says that a process changed.
    pub fn notify(&self, id: &ProcessId) {
        self.notify_by(id, WokenBy::Tick);
    }

    /// Says that a process changed, and how that was learnt.
    pub(crate) fn notify_by(&self, id: &ProcessId, by: WokenBy) {
        let mut seats = Vec::new();
        if let Some(entry) = self.0.watched(id) {
            let woken = self.woken(by);
            entry.borrow_mut().tick(woken, &mut seats);
            wake(seats, woken);
            if let Some(poller) = self.poller() {
                poller.heard();
            }
        }
        let listeners = self.0.listeners.borrow().clone();
        for (_, listener) in &*listeners {
            listener(id);
        }
    }

    /// Notifies the receivers of every process, where it is not known which of them changed.
    pub fn notify_all(&self) {
        self.0.watched_ids().iter().for_each(|id| self.notify_by(id, WokenBy::Poll));
    }

    /// Makes every waiter look again, though nothing is known to have changed.
    pub(crate) fn wake_all(&self) {
        let (mut seats, woken) = (Vec::new(), self.woken(WokenBy::Poll));
        for id in self.0.watched_ids() {
            if let Some(entry) = self.0.watched(&id) {
                entry.borrow_mut().tick(woken, &mut seats);
            }
        }
        wake(seats, woken);
    }

    /// A wake that happens now.
    pub(crate) fn woken(&self, by: WokenBy) -> Woken {
        self.0.wakes.borrow().woken(by)
    }

    /// Shows the listeners a wait that has its answer, where it was woken and that was measured.
    pub(crate) fn answered(&self, id: &ProcessId, wait: WaitFor, woken: Option<Woken>) {
        let Some(Woken { by, at: Some(at) }) = woken else { return };
        let (now, listeners) = {
            let wakes = self.0.wakes.borrow();
            (wakes.now(), wakes.listeners())
        };
        let Some(now) = now else { return };
        let woken = WokenWait { process_id: id.clone(), wait, by, after_ms: now.saturating_sub(at) };
        for (_, listener) in &*listeners {
            listener(&woken);
        }
    }

    /// Calls `listener` with every wait that is woken and has its answer, until [`forget_wakes`](Self::forget_wakes).
    pub(crate) fn listen_to_wakes(&self, clock: Rc<dyn Clock>, listener: impl Fn(&WokenWait) + 'static) -> u64 {
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        self.0.wakes.borrow_mut().add(number, clock, Rc::new(listener));
        number
    }

    /// Stops calling a listener of wakes.
    pub(crate) fn forget_wakes(&self, listener: u64) {
        self.0.wakes.borrow_mut().remove(listener);
    }

    /// Has a poller find the changes that no tick tells of, unless it has one already.
    pub(crate) fn polled_by(&self, poller: impl FnOnce() -> ChangePoller) {
        if self.poller().is_some() {
            return;
        }
        let poller = self.0.poller.get_or_init(poller);
        if !self.0.watched.borrow().is_empty() {
            poller.prepare();
            // They may have read before the poller knows where to begin.
            self.wake_all();
        }
    }

    pub(crate) fn poller(&self) -> Option<&ChangePoller> {
        self.0.poller.get()
    }

    /// Calls `listener` with the id of every change, until [`forget`](Self::forget).
    pub fn listen(&self, listener: impl Fn(&ProcessId) + 'static) -> u64 {
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        Rc::make_mut(&mut self.0.listeners.borrow_mut()).push((number, Rc::new(listener)));
        number
    }

    /// Stops calling a listener.
    pub fn forget(&self, listener: u64) {
        Rc::make_mut(&mut self.0.listeners.borrow_mut()).retain(|(number, _)| *number != listener);
    }

    /// The number of processes with a receiver.
    pub fn tracked_processes(&self) -> usize {
        self.0.watched.borrow().len()
    }
}

impl Shared {
    fn watched(&self, id: &ProcessId) -> Option<Rc<RefCell<Watched>>> {
        self.watched.borrow().get(id).cloned()
    }

    /// In id order.
    fn watched_ids(&self) -> Vec<ProcessId> {
        let ids: Vec<_> = self.watched.borrow().keys().cloned().collect();
        sorted(&ids)
    }
}

impl Watched {
    /// Moves the version on, and adds the waiters for that.
    fn tick(&mut self, woken: Woken, seats: &mut Vec<Seat>) {
        self.version += 1;
        self.last = Some(woken);
        seats.extend(self.seats.iter_mut().filter_map(Option::take));
    }
}

fn wake(seats: Vec<Seat>, woken: Woken) {
    for waiter in seats {
        // The receiver may be dropped.
        let _ = waiter.send(woken);
    }
}

/// Watches one process. Dropping it ends the watch.
pub struct ChangeReceiver {
    hub: Rc<Shared>,
    id: ProcessId,
    seat: usize,
    seen: Cell<u64>,
}

impl ChangeReceiver {
    /// The number of notifications since the process got its first receiver, up to the last one that was seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.get()
    }

    /// Resolves when the process changed since this receiver last looked, at once if it already has, with what it was woken by. One call
    /// at a time.
    pub async fn changed(&self) -> Option<Woken> {
        let mut woken = None;
        loop {
            let next = match self.wait() {
                Ok(next) => next,
                Err(last) => return woken.or(last),
            };
            // The sender is dropped only together with this receiver.
            woken = next.await.ok();
        }
    }

    /// What to wait for; or where something changed already, the last notification of it.
    fn wait(&self) -> Result<oneshot::Receiver<Woken>, Option<Woken>> {
        let entry = self.hub.watched(&self.id).ok_or(None)?;
        let mut entry = entry.borrow_mut();
        if self.seen.replace(entry.version) != entry.version {
            return Err(entry.last);
        }
        let (waker, next) = oneshot::channel();
        *entry.seats.get_mut(self.seat).ok_or(None)? = Some(waker);
        drop(entry);
        if let Some(poller) = self.hub.poller.get() {
            poller.start(&ProcessChangeHub(self.hub.clone()));
        }
        Ok(next)
    }
}

impl Drop for ChangeReceiver {
    fn drop(&mut self) {
        let Some(entry) = self.hub.watched(&self.id) else { return };
        let mut entry = entry.borrow_mut();
        let waiting = entry.seats.get_mut(self.seat).and_then(Option::take);
        entry.free.push(self.seat);
        if entry.free.len() == entry.seats.len() {
            self.hub.watched.borrow_mut().remove(&self.id);
        }
        drop(entry);
        drop(waiting);
        let nobody_left = self.hub.watched.borrow().is_empty();
        if let (true, Some(poller)) = (nobody_left, self.hub.poller.get()) {
            poller.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_tick_between_subscribing_and_waiting_is_seen() {
        let (hub, id) = (ProcessChangeHub::new(), ProcessId::from("a"));
        let receiver = hub.subscribe(&id);
        hub.notify(&id);
        assert!(receiver.changed().now_or_never().is_some());
        assert!(receiver.changed().now_or_never().is_none(), "one change is seen once");
    }

    #[test]
    fn ticks_that_nobody_looked_at_count_as_one() {
        let (hub, id) = (ProcessChangeHub::new(), ProcessId::from("a"));
        let receiver = hub.subscribe(&id);
        hub.notify(&id);
        hub.notify(&id);
        assert!(receiver.changed().now_or_never().is_some());
        assert!(receiver.changed().now_or_never().is_none());
    }

    #[test]
    fn a_wait_given_up_halfway_leaves_the_next_one_whole() {
        let (hub, id) = (ProcessChangeHub::new(), ProcessId::from("a"));
        let receiver = hub.subscribe(&id);
        assert!(receiver.changed().now_or_never().is_none());
        hub.notify(&id);
        assert!(receiver.changed().now_or_never().is_some());
    }

    #[test]
    fn only_the_watchers_of_the_changed_process_wake() {
        let hub = ProcessChangeHub::new();
        let (a, b) = (ProcessId::from("a"), ProcessId::from("b"));
        let (on_a, on_b) = (hub.subscribe(&a), hub.subscribe(&b));
        hub.notify(&a);
        assert!(on_a.changed().now_or_never().is_some());
        assert!(on_b.changed().now_or_never().is_none());
    }

    #[test]
    fn a_tick_for_all_wakes_the_watchers_of_every_process() {
        let hub = ProcessChangeHub::new();
        let mut receivers = ["a", "b"].map(|id| hub.subscribe(&ProcessId::from(id)));
        hub.notify_all();
        assert!(receivers.iter_mut().all(|receiver| receiver.changed().now_or_never().is_some()));
    }

    #[test]
    fn an_entry_vanishes_with_its_last_receiver_whether_or_not_a_tick_follows() {
        let (hub, id) = (ProcessChangeHub::new(), ProcessId::from("a"));
        let (first, second) = (hub.subscribe(&id), hub.subscribe(&id));
        drop(first);
        assert_eq!(hub.tracked_processes(), 1);
        assert!(second.changed().now_or_never().is_none());
        drop(second);
        assert_eq!(hub.tracked_processes(), 0);
        hub.notify(&id);
        assert_eq!(hub.tracked_processes(), 0);
    }

    #[test]
    fn a_listener_may_subscribe_notify_and_forget_from_inside() {
        let (hub, id) = (ProcessChangeHub::new(), ProcessId::from("a"));
        let (inner, heard) = (hub.clone(), Rc::new(RefCell::new(0)));
        let count = heard.clone();
        let number = Rc::new(RefCell::new(0));
        let own = number.clone();
        *number.borrow_mut() = hub.listen(move |id| {
            *count.borrow_mut() += 1;
            inner.forget(*own.borrow());
            drop(inner.subscribe(id));
            inner.notify(id);
        });
        hub.notify(&id);
        assert_eq!(*heard.borrow(), 1);
    }
}
