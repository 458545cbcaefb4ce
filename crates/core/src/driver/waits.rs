//! The waits of a run: which are under way, and what they took.
//!
//! One wait of a run comes out at a time. Its outcome is recorded first, then the program gets it, and only in a later
//! task of the event loop may the next one come out: by then the program has aborted those that it does not want. So a
//! wait that is aborted has taken nothing, and what a wait took, a later run gives to that wait again.

use std::{
    cell::{Cell, LazyCell, RefCell},
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use futures::future::{LocalBoxFuture, Shared};

use crate::{
    error::{Code, Error, Result},
    host::{Semaphore, latch},
    model::{
        Millis,
        process::WaitState,
        wait::{Awaited, RunWait},
    },
    unordered::Map,
};

/// The waits of one run.
#[derive(Default)]
pub(super) struct Waits {
    /// How many were issued for each thing, in the order of those.
    issued: RefCell<Vec<Issued>>,
    /// Those under way, in the order in which they were issued.
    pub pending: RefCell<Vec<Rc<Pending>>>,
    /// The signals that waits took, in this run or by the record of another one.
    pub taken: RefCell<BTreeSet<u64>>,
    /// For each event type, the sequence of the last signal that a wait took in this run.
    pub last: RefCell<Map<String, u64>>,
    /// Held by the wait that comes out.
    pub turn: LazyCell<Semaphore>,
    /// A wait came out or was given up.
    pub news: latch::News,
    /// Waits that were given up, and not yet recorded as that. What the run writes next is written behind them.
    pub given_up: RefCell<VecDeque<RunWait>>,
    /// Held while those are recorded.
    pub recording: LazyCell<Semaphore>,
    /// The record of the last wait that came out, perhaps still on its way.
    pub writing: RefCell<Option<Shared<LocalBoxFuture<'static, Result<Millis>>>>>,
    /// What the record shows of the steps that are to be tried again, by what names that.
    pub retries: RefCell<Map<String, WaitState>>,
    /// What names the wait that the record shows, as far as this run has it show one: see [`shown`](Self::shown).
    on_record: RefCell<Option<String>>,
    /// Whether something failed since the run last wrote. What the program gives up now, it may give up because of that, and
    /// where the run ends with it, another run goes another way: then nothing was given up.
    pub failing: Cell<bool>,
}

/// How many waits were issued for one thing.
struct Issued {
    awaited: Awaited,
    count: u64,
    /// Which of them failed with a fault: the next one is that one again.
    failed: Vec<u64>,
}

/// A wait under way.
pub(super) struct Pending {
    pub wait: RunWait,
    pub key: String,
    /// What the record shows of it, from when it may.
    pub shown: RefCell<Option<WaitState>>,
    /// The signal that is being recorded as taken by it.
    pub taking: Cell<Option<u64>>,
    /// Whether it may end without what it waits for.
    pub bounded: bool,
}

/// The most waits that a record names as those it came before. Beyond that, the order of waits that never race is not worth its room.
const MOST_BEFORE: usize = 100;

impl Waits {
    /// Takes note of the signals that earlier runs took.
    pub fn take(&self, signals: Vec<u64>) {
        self.taken.borrow_mut().extend(signals);
    }

    /// The ordinal of the next wait for that.
    pub fn number(&self, awaited: &Awaited) -> u64 {
        let mut issued = self.issued.borrow_mut();
        let place = place(&issued, awaited).unwrap_or_else(|place| {
            if issued.is_empty() {
                // Thousands of runs may sleep, each with one wait.
                issued.reserve_exact(1);
            }
            issued.insert(place, Issued { awaited: awaited.clone(), count: 0, failed: Vec::new() });
            place
        });
        let Some(Issued { count, failed, .. }) = issued.get_mut(place) else { return 0 };
        let first = failed.iter().enumerate().min_by_key(|(_, ordinal)| **ordinal).map(|(place, _)| place);
        first.map(|first| failed.swap_remove(first)).unwrap_or_else(|| {
            *count += 1;
            *count
        })
    }

    /// Has the next wait for that thing take over the ordinal of one that failed.
    pub fn failed(&self, wait: &RunWait) {
        let mut issued = self.issued.borrow_mut();
        if let Some(issued) = place(&issued, &wait.awaited).ok().and_then(|place| issued.get_mut(place)) {
            issued.failed.push(wait.ordinal);
        }
    }

    /// Takes note that something failed that the run asked for.
    pub fn fails(&self) {
        self.failing.set(true);
    }

    /// The keys of the waits under way besides that one.
    pub fn others(&self, key: &str, which: impl Fn(&Pending) -> bool) -> Vec<String> {
        let pending = self.pending.borrow();
        let others = pending.iter().filter(|other| other.key != key && which(other));
        others.take(MOST_BEFORE).map(|other| other.key.clone()).collect()
    }

    /// Whether a wait is under way whose outcome will be recorded.
    pub fn has_recorded(&self) -> bool {
        self.pending.borrow().iter().any(|wait| wait.wait.awaited.is_recorded())
    }

    /// What the record is to show from now on: a step that is to be tried again, or the latest of the waits that may be shown.
    pub fn shown(&self) -> Option<WaitState> {
        let retries = self.retries.borrow();
        let last = retries.iter().max_by_key(|(name, _)| *name);
        let retry = last.map(|(name, state)| (name.clone(), state.clone()));
        let latest = retry.or_else(|| {
            let pending = self.pending.borrow();
            pending.iter().rev().find_map(|wait| Some((wait.key.clone(), wait.shown.borrow().clone()?)))
        });
        let (key, state) = latest.unzip();
        self.on_record.replace(key);
        state
    }

    /// Takes note that the record is to show this wait from now on.
    pub fn shows(&self, key: &str) {
        self.on_record.replace(Some(key.to_owned()));
    }

    /// Whether the record shows any wait of this run.
    pub fn shows_any(&self) -> bool {
        self.on_record.borrow().is_some()
    }

    /// Whether the record shows this wait.
    pub fn is_on_record(&self, wait: &Pending) -> bool {
        self.on_record.borrow().as_deref() == Some(&wait.key)
    }

    /// Leaves the signal to others that a wait was about to take.
    pub fn leave(&self, wait: &Pending) {
        if let Some(sequence) = wait.taking.take() {
            self.taken.borrow_mut().remove(&sequence);
        }
    }
}

/// Where the waits for something are, or else belong.
fn place(issued: &[Issued], awaited: &Awaited) -> std::result::Result<usize, usize> {
    issued.binary_search_by(|one| one.awaited.cmp(awaited))
}

/// The fault of a wait whose limit passed.
pub(super) fn timed_out(limit: Millis) -> Error {
    Error::new(Code::Timeout, format!("not within {limit} ms"))
}

/// The fault of a wait whose limit passed in an earlier run.
pub(super) fn timed_out_before() -> Error {
    Error::new(Code::Timeout, "timed out in an earlier run")
}
