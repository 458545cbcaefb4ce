//! The agenda of a started driver: what is known of each process, and what is to be done with it next.
//!
//! It decides which processes are read next, in which order they are begun, and until when one is left alone. It does no
//! input or output, and takes the time as a parameter: milliseconds of a monotonic clock.
//!
//! It is bounded: of any number of pending processes it keeps as many as can be begun soon. What it drops is found again by
//! another pass over the list of processes, which is needed where [`Agenda::has_dropped`].

use std::{
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use super::pending::PAGE;
use crate::{
    model::{
        Millis,
        key::ProcessId,
        lease::{LivenessMark, ProcessLease},
    },
    notify::backoff::LONGEST_MS,
    unordered::Map,
};

mod entry;
#[cfg(test)]
mod tests;

use entry::{AgendaEntry, Precedence, State};

/// Below this number of processes that are ready or to be read, the next page of the list is wanted.
const FEW: usize = PAGE as usize;

/// The most processes that are kept ready to be begun, apart from those that have begun before: what is left and a page.
const MOST_READY: usize = 2 * FEW;

/// The most processes that are kept to be read.
const MOST_DUE: usize = 1_024;

/// How long a process waits without a runner before the host is warned of it.
pub(super) const UNHANDLED_MS: Millis = 5_000;

/// What is known of the processes that a driver may have to begin.
#[derive(Default)]
pub(super) struct Agenda {
    entries: Map<ProcessId, AgendaEntry>,
    /// The processes to be read, in the order in which that was asked for. Those in another state by now are passed over.
    due: VecDeque<ProcessId>,
    /// The processes to be begun.
    ready: BTreeSet<Precedence>,
    dropped: bool,
}

/// A process to be begun.
#[derive(Debug, PartialEq)]
pub(super) struct Next {
    pub id: ProcessId,
    /// The lease of a holder that is proven dead, to be taken over.
    pub dead: Option<Rc<ProcessLease>>,
}

impl Agenda {
    // ── What is to be read ─────────────────────────────────────────────────

    /// Takes note that a process changed. Returns whether there is something to do now: a process that is left alone is read once
    /// a second at most, however often it changes.
    pub fn notify(&mut self, id: &ProcessId, now: Millis) -> bool {
        let Some(entry) = self.entries.get_mut(id) else { return self.offer(id) };
        match (&mut entry.state, entry.notified) {
            (State::Due | State::Ready(..), _) => false,
            (State::Reading { changed }, _) => {
                *changed = true;
                false
            }
            (State::Deferred(until) | State::Ignored(until), Some(notified)) if now < notified + LONGEST_MS => {
                entry.state = State::Deferred((notified + LONGEST_MS).min(*until));
                false
            }
            (State::Deferred(_) | State::Ignored(_), _) => {
                entry.notified = Some(now);
                self.read(id);
                true
            }
        }
    }

    /// Has a process read, unless it is known. Returns whether it is new.
    pub fn offer(&mut self, id: &ProcessId) -> bool {
        let is_full = self.due.len() >= MOST_DUE;
        let is_new = !self.entries.contains_key(id);
        self.dropped |= is_new && is_full;
        if is_new && !is_full {
            self.read(id);
        }
        is_new && !is_full
    }

    /// Has a process read, whatever is known of it.
    pub fn read_again(&mut self, id: &ProcessId) {
        match self.entries.get_mut(id).map(|entry| &mut entry.state) {
            None | Some(State::Deferred(_) | State::Ignored(_)) => self.read(id),
            Some(State::Reading { changed }) => *changed = true,
            Some(State::Due | State::Ready(..)) => {}
        }
    }

    /// Has all processes read that are left alone: any of them may have changed.
    pub fn read_all_again(&mut self) {
        self.read_deferred(|_| true);
    }

    /// Has the processes read that are left alone until `now` or earlier.
    pub fn read_what_is_due(&mut self, now: Millis) {
        self.read_deferred(|until| until <= now);
    }

    /// Takes the next processes to be read, at most `count`.
    pub fn take_due(&mut self, count: usize) -> Vec<ProcessId> {
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some(id) = self.due.pop_front()
        {
            if let Some(entry) = self.entries.get_mut(&id)
                && matches!(entry.state, State::Due)
            {
                entry.state = State::Reading { changed: false };
                taken.push(id);
            }
        }
        taken
    }

    /// Whether a process is still being read, so that what was found of it counts.
    pub fn is_reading(&self, id: &ProcessId) -> bool {
        self.entries.get(id).is_some_and(|entry| matches!(entry.state, State::Reading { .. }))
    }

    /// Whether any process is to be read.
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether more processes are wanted from the list.
    pub fn has_room(&self) -> bool {
        self.due.len() + self.ready.len() < FEW
    }

    /// Whether a process was dropped since the last pass over the list began.
    pub fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// Takes note that a pass over the list begins, which finds again what was dropped.
    pub fn begins_pass(&mut self) {
        self.dropped = false;
    }

    // ── What was found ─────────────────────────────────────────────────────

    /// Forgets a process that is not to be begun, unless it changed since it was read.
    pub fn forget(&mut self, id: &ProcessId) {
        match self.entries.get(id).map(|entry| &entry.state) {
            Some(State::Reading { changed: true }) => self.read(id),
            Some(State::Reading { changed: false } | State::Ready(..) | State::Deferred(_) | State::Ignored(_)) => {
                self.remove(id);
            }
            Some(State::Due) | None => {}
        }
    }

    /// Leaves a process alone until then, unless it changed since it was read.
    pub fn defer(&mut self, id: &ProcessId, until: Millis) {
        self.leave_afresh(id, State::Deferred(until));
    }

    /// Leaves a process alone until it changes, unless it changed since it was read. It is known until then, so that it is not read
    /// with each of its changes.
    pub fn ignore(&mut self, id: &ProcessId, until: Millis) {
        self.leave_afresh(id, State::Ignored(until));
    }

    /// Leaves a process alone while another driver holds it: until then, or until that driver ends.
    pub fn defer_to(&mut self, holder: Rc<ProcessLease>, until: Millis) {
        let id = holder.process_id.clone();
        self.defer(&id, until);
        self.entry(&id).holder = Some((holder, until));
    }

    /// Leaves a process alone that has neither a runner here nor a holder. Returns whether that has been so for
    /// [`UNHANDLED_MS`].
    pub fn defer_unhandled(&mut self, id: &ProcessId, now: Millis) -> bool {
        let warned_at = *self.entry(id).unhandled_since.get_or_insert(now) + UNHANDLED_MS;
        if now < warned_at {
            self.leave(id, State::Deferred(warned_at));
        }
        now >= warned_at
    }

    /// Has a process begun that is pending. One that `has_begun` before goes before those that are new.
    pub fn make_ready(&mut self, id: &ProcessId, has_begun: bool, rank: u64, created_at_ms: Millis) {
        self.queue(Precedence { is_new: !has_begun, rank, created_at_ms, id: id.clone() }, None);
    }

    /// Has everything taken over that an owner held, who is proven dead.
    pub fn take_over(&mut self, of: &LivenessMark) {
        let held_by_it = |entry: &AgendaEntry| match (&entry.state, &entry.holder) {
            (State::Deferred(_) | State::Reading { .. }, Some((holder, _))) => {
                (holder.owner.liveness.as_ref() == Some(of)).then(|| holder.clone())
            }
            (State::Due | State::Ready(..) | State::Ignored(_), _) | (_, None) => None,
        };
        let dead: Vec<_> = self.entries.values().filter_map(held_by_it).collect();
        for lease in dead {
            self.queue(
                Precedence { is_new: false, rank: 0, created_at_ms: 0, id: lease.process_id.clone() },
                Some(lease),
            );
        }
    }

    /// Whether a lease was waited for to its end, and has not been renewed since.
    pub fn has_outlasted(&self, lease: &ProcessLease, now: Millis) -> bool {
        let holder = self.entries.get(&lease.process_id).and_then(|entry| entry.holder.as_ref());
        holder.is_some_and(|(holder, until)| **holder == *lease && *until <= now)
    }

    // ── What is to be begun ────────────────────────────────────────────────

    /// Whether the process to be begun next has begun before; none where none is ready.
    pub fn next_has_begun(&self) -> Option<bool> {
        self.ready.first().map(|turn| !turn.is_new)
    }

    /// Takes the process to be begun next. From here on the agenda knows nothing of it.
    pub fn take_next(&mut self) -> Option<Next> {
        let Precedence { id, .. } = self.ready.pop_first()?;
        let dead = match self.entries.remove(&id)?.state {
            State::Ready(_, dead) => dead,
            State::Due | State::Reading { .. } | State::Deferred(_) | State::Ignored(_) => None,
        };
        Some(Next { id, dead })
    }

    // ── Entries ────────────────────────────────────────────────────────────

    fn entry(&mut self, id: &ProcessId) -> &mut AgendaEntry {
        self.entries
            .entry(id.clone())
            .or_insert_with(|| AgendaEntry { state: State::Reading { changed: false }, ..AgendaEntry::default() })
    }

    fn read(&mut self, id: &ProcessId) {
        self.entries.entry(id.clone()).or_default().state = State::Due;
        self.due.push_back(id.clone());
    }

    fn read_deferred(&mut self, is_due: impl Fn(Millis) -> bool) {
        self.entries.retain(|_, entry| !matches!(entry.state, State::Ignored(until) if is_due(until)));
        let is_due = |entry: &AgendaEntry| matches!(entry.state, State::Deferred(until) if is_due(until));
        let due: Vec<_> = self.entries.iter().filter(|(_, entry)| is_due(entry)).map(|(id, _)| id.clone()).collect();
        due.iter().for_each(|id| self.read(id));
    }

    fn leave_afresh(&mut self, id: &ProcessId, until: State) {
        let entry = self.entry(id);
        (entry.holder, entry.unhandled_since) = (None, None);
        self.leave(id, until);
    }

    fn leave(&mut self, id: &ProcessId, until: State) {
        let state = &mut self.entry(id).state;
        match state {
            State::Due => {}
            State::Reading { changed: true } => self.read(id),
            State::Ready(..) => {
                if let State::Ready(turn, _) = std::mem::replace(state, until) {
                    self.ready.remove(&turn);
                }
            }
            State::Reading { changed: false } | State::Deferred(_) | State::Ignored(_) => *state = until,
        }
    }

    fn queue(&mut self, turn: Precedence, dead: Option<Rc<ProcessLease>>) {
        self.entry(&turn.id).state = State::Ready(turn.clone(), dead);
        self.ready.insert(turn);
        let is_too_many = self.ready.len() > MOST_READY;
        if let Some(last) = self.ready.last().filter(|last| is_too_many && last.is_new).cloned() {
            self.remove(&last.id);
            self.dropped = true;
        }
    }

    fn remove(&mut self, id: &ProcessId) {
        if let Some(AgendaEntry { state: State::Ready(turn, _), .. }) = self.entries.remove(id) {
            self.ready.remove(&turn);
        }
    }
}
