//! The floor under change notifications: one look at the change sequence, for all receivers of a hub.
//!
//! It asks which processes changed since it last looked, in any tab, and notifies the hub of those. It begins when a receiver
//! first waits, as most reads find what they look for, ends with the last receiver, and refuses to know what they wait for.
//!
//! Why no change is missed: a waiter has subscribed before reading, and a point of the change sequence from before that
//! is known by then. Where the poller looked before that read, it looks next from that point on; where it looked after it, it
//! ticked the subscriber.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, select},
};

use super::{ProcessChangeHub, WokenBy, backoff::Backoff};
use crate::{
    error::{Code, Result},
    host::{Background, Clock, Spawn},
    store::{Answer, Point, Query, shared::SharedReads},
};

/// Looks for changes on behalf of the receivers of one hub.
pub struct ChangePoller {
    reads: Rc<SharedReads>,
    clock: Rc<dyn Clock>,
    spawn: Rc<dyn Spawn>,
    /// All changes up to here have been ticked. It outlasts a pause: what changes during one is found after it.
    seen: Cell<Option<Point>>,
    backoff: Cell<Backoff>,
    /// Where the change sequence ended when the first receiver came, if that had to be asked for and there was no waiter yet.
    origin: RefCell<Option<LocalBoxFuture<'static, Looked>>>,
    /// Dropped to end the sleep.
    alarm: RefCell<Option<oneshot::Sender<()>>>,
    running: RefCell<Option<Background>>,
}

/// What a look at the change sequence comes to.
type Looked = Result<Rc<Answer>>;

impl ChangePoller {
    /// A poller that has not begun.
    pub fn new(reads: Rc<SharedReads>, clock: Rc<dyn Clock>, spawn: Rc<dyn Spawn>) -> Self {
        let (seen, backoff) = (Cell::default(), Cell::default());
        let (origin, alarm, running) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { reads, clock, spawn, seen, backoff, origin, alarm, running }
    }

    /// There is a first receiver, which has not read yet: if nothing is known of the change sequence, its end is asked for
    /// before that.
    pub fn prepare(&self) {
        if self.seen.get().is_none() {
            self.origin.replace(Some(self.reads.ask(Rc::new(Query::ChangedIds(None)))));
        }
    }

    /// Begins, because a receiver waits, unless it has begun already.
    pub fn start(&self, hub: &ProcessChangeHub) {
        if self.running.borrow().is_none() {
            let task = run(hub.clone(), self.origin.take()).boxed_local();
            self.running.replace(Some(Background::spawn(&*self.spawn, task)));
        }
    }

    /// Stops, and with it its timer, because there are no receivers any more.
    pub fn stop(&self) {
        let running = self.running.take();
        drop(running);
        self.backoff.take();
        // If none of them waited, the answer is here with theirs; the next ones need not ask again.
        let answer = self.origin.take().and_then(FutureExt::now_or_never);
        answer.iter().for_each(|answer| self.begin_at(answer));
    }

    fn begin_at(&self, answer: &Looked) {
        if let Ok(answer) = answer
            && let Answer::ChangedIds(_, end) = **answer
        {
            self.seen.set(Some(end));
        }
    }

    /// Something was heard of, and more may follow: looks soon, at most as late as if it had just begun.
    pub fn heard(&self) {
        let mut backoff = self.backoff.get();
        if backoff.reset() {
            self.backoff.set(backoff);
            let alarm = self.alarm.take();
            drop(alarm);
        }
    }

    /// The changes after one point up to another have been ticked.
    pub fn ticked(&self, after: u64, up_to: u64) {
        // With a gap before them, they are found once more, together with what lies in it.
        if let Some(seen) = self.seen.get()
            && seen.number == after
        {
            self.seen.set(Some(Point { number: up_to, ..seen }));
        }
    }

    async fn pause(&self) {
        loop {
            let (alarm, rung) = oneshot::channel();
            self.alarm.replace(Some(alarm));
            match select(self.clock.sleep(self.backoff.get().span()), rung).await {
                Either::Left(_) => break,
                Either::Right(_) => {}
            }
        }
        let mut backoff = self.backoff.get();
        backoff.lengthen();
        self.backoff.set(backoff);
    }
}

async fn run(hub: ProcessChangeHub, origin: Option<LocalBoxFuture<'static, Looked>>) {
    let Some(poller) = hub.poller() else { return };
    if let Some(origin) = origin {
        poller.begin_at(&origin.await);
    }
    loop {
        poller.pause().await;
        let answer = poller.reads.ask(Rc::new(Query::ChangedIds(poller.seen.get()))).await;
        match answer.as_deref() {
            Ok(Answer::ChangedIds(Some(ids), end)) => {
                let own = poller.seen.get().filter(|seen| seen.database == end.database);
                let number = own.map_or(end.number, |own| own.number.max(end.number));
                poller.seen.set(Some(Point { number, ..*end }));
                ids.iter().for_each(|id| hub.notify_by(id, WokenBy::Poll));
            }
            // Too many to name, or nothing to compare with: each waiter looks for itself.
            Ok(Answer::ChangedIds(None, end)) => {
                poller.seen.set(Some(*end));
                hub.notify_all();
            }
            // The waiters look as well, and meet the fault if it lasts.
            outcome => {
                hub.wake_all();
                if outcome.is_err_and(|fault| fault.code() == Code::Closed) {
                    return;
                }
            }
        }
    }
}
