//! The event loop of one tab: its tasks run in turns, in the order in which they were woken.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn},
    stream::FuturesUnordered,
    task::AtomicWaker,
};
use longwait_core::host::Spawn;

/// Rings when one of some event loops has something to do. Clones share it.
#[derive(Clone, Default)]
pub struct Alarm(Arc<Bell>);

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    /// Whether that was heard.
    heard: AtomicBool,
    heard_by: AtomicWaker,
}

impl Alarm {
    /// Whether it rang since this was asked before.
    pub fn rang(&self) -> bool {
        self.0.heard.store(false, Ordering::Relaxed);
        self.0.rung.swap(false, Ordering::Relaxed)
    }

    /// Resolves when it has rung, once until [`rang`](Self::rang) is asked. One caller at a time.
    pub async fn rings(&self) {
        poll_fn(|context| {
            self.0.heard_by.register(context.waker());
            let is_news = self.0.rung.load(Ordering::Relaxed) && !self.0.heard.swap(true, Ordering::Relaxed);
            if is_news { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn ring(&self) {
        self.0.rung.store(true, Ordering::Relaxed);
        self.0.heard_by.wake();
    }
}

/// Tasks that run only in a [`turn`](Self::turn). Clones share them.
#[derive(Clone)]
pub struct EventLoop(Rc<State>);

struct State {
    tasks: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Spawned since a task was last polled.
    spawned: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// Each waits for the next turn.
    later: RefCell<Vec<oneshot::Sender<()>>>,
    woken: Arc<Woken>,
    is_dead: Cell<bool>,
}

struct Woken {
    flag: AtomicBool,
    alarm: Alarm,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::Relaxed);
        self.alarm.ring();
    }
}

impl EventLoop {
    /// A loop without tasks, which rings when it has something to do.
    pub fn new(alarm: &Alarm) -> Self {
        let woken = Arc::new(Woken { flag: AtomicBool::new(false), alarm: alarm.clone() });
        let (tasks, spawned, later) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self(Rc::new(State { tasks, spawned, later, woken, is_dead: Cell::new(false) }))
    }

    /// Runs one task of the loop: what waited for it, then each of our tasks that is woken, until none is.
    pub fn turn(&self) {
        let later = self.0.later.take();
        for waiting in later {
            let _ = waiting.send(());
        }
        let waker = Waker::from(self.0.woken.clone());
        let mut context = Context::from_waker(&waker);
        while self.has_woken() {
            self.0.woken.flag.store(false, Ordering::Relaxed);
            let spawned = self.0.spawned.take();
            let mut tasks = self.0.tasks.borrow_mut();
            tasks.extend(spawned);
            while let Poll::Ready(Some(())) = tasks.poll_next_unpin(&mut context) {}
        }
        if self.0.is_dead.get() {
            self.kill();
        }
    }

    /// Whether a turn would do anything.
    pub fn has_work(&self) -> bool {
        self.has_woken() || !self.0.later.borrow().is_empty()
    }

    /// Rings the alarm, as if there were something to do.
    pub fn ring(&self) {
        self.0.woken.alarm.ring();
    }

    fn has_woken(&self) -> bool {
        !self.0.is_dead.get() && (self.0.woken.flag.load(Ordering::Relaxed) || !self.0.spawned.borrow().is_empty())
    }

    /// Drops every task where it stands. None runs from now on.
    pub fn kill(&self) {
        self.0.is_dead.set(true);
        // A task that is being polled goes when its turn is over.
        let Ok(tasks) = self.0.tasks.try_borrow_mut().map(|mut tasks| std::mem::take(&mut *tasks)) else { return };
        drop((tasks, self.0.spawned.take(), self.0.later.take()));
    }
}

impl Spawn for EventLoop {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        if self.0.is_dead.get() {
            return;
        }
        self.0.spawned.borrow_mut().push(task);
        self.0.woken.alarm.ring();
    }

    fn next_task(&self) -> LocalBoxFuture<'static, ()> {
        let (turn, begun) = oneshot::channel();
        self.0.later.borrow_mut().push(turn);
        self.0.woken.alarm.ring();
        begun.map(drop).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noting(notes: &Rc<RefCell<Vec<&'static str>>>, note: &'static str) -> impl FnOnce() + use<> {
        let notes = notes.clone();
        move || notes.borrow_mut().push(note)
    }

    #[test]
    fn tasks_run_in_the_order_in_which_they_were_woken() {
        let (events, notes) = (EventLoop::new(&Alarm::default()), Rc::default());
        let (first, second) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        for (begins, note) in [(first.1, "first"), (second.1, "second")] {
            let note = noting(&notes, note);
            events.spawn(begins.map(|_| note()).boxed_local());
        }
        events.turn();
        drop(second.0);
        drop(first.0);
        events.turn();
        assert_eq!(*notes.borrow(), ["second", "first"]);
    }

    #[test]
    fn what_waits_for_a_later_task_runs_in_the_next_turn_and_not_in_this_one() {
        let alarm = Alarm::default();
        let (events, notes) = (EventLoop::new(&alarm), Rc::default());
        let (inside, note) = (events.clone(), noting(&notes, "later"));
        events.spawn(async move { inside.next_task().await }.map(|()| note()).boxed_local());
        events.turn();
        assert!(notes.borrow().is_empty() && events.has_work() && alarm.rang());
        events.turn();
        assert!(*notes.borrow() == ["later"] && !events.has_work());
    }

    #[test]
    fn a_loop_that_was_killed_runs_nothing_and_keeps_nothing() {
        let (events, kept) = (EventLoop::new(&Alarm::default()), Rc::new(()));
        for task in [kept.clone(), kept.clone()] {
            events.spawn(futures::future::pending::<()>().map(move |()| drop(task)).boxed_local());
            events.turn();
        }
        events.kill();
        let task = kept.clone();
        events.spawn(async move { drop(task) }.boxed_local());
        events.turn();
        assert!(Rc::strong_count(&kept) == 1 && !events.has_work());
    }
}
