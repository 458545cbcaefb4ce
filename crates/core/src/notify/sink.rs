//! The best-effort feed of appended events.
//!
//! A sink is for freshness, never for truth: what it missed is in the log.

use std::{cell::RefCell, rc::Rc};

use futures::{channel::oneshot, future::LocalBoxFuture};

use crate::{
    model::{event::ProcessEvent, key::ProcessId},
    unordered::Map,
};

/// Sees each event that an append inserted, after its commit. Replays and the terminal events
/// of `complete_process…` are not shown.
///
/// `emit` is called in append order per process, and the append waits for its future: a slow
/// sink slows appends. It cannot fail them.
pub trait ProcessEventSink {
    /// Shows one event.
    fn emit(&self, event: &ProcessEvent) -> LocalBoxFuture<'static, ()>;
}

/// Keeps the calls of a sink in append order, per process, while the calls themselves may
/// overlap. (Were each call to wait for the one before, a sink that appends would wait for itself.)
#[derive(Clone, Default)]
pub struct Turns(Rc<RefCell<Map<ProcessId, Queue>>>);

/// Shared, so that the map is not borrowed while a place is called.
type Queue = Rc<RefCell<Vec<Place>>>;

struct Place {
    number: u64,
    /// Known once the append has landed.
    sequence: Option<u64>,
    call: Option<oneshot::Sender<()>>,
}

impl Place {
    /// Whether its turn comes before another's: by sequence where both have landed, since an append
    /// that the store had to try again lands behind later ones; else by which of them began first.
    fn precedes(&self, other: &Place) -> bool {
        match (self.sequence, other.sequence) {
            (Some(own), Some(others)) => own < others,
            (Some(_) | None, _) => self.number < other.number,
        }
    }
}

/// One append's place in the order. Dropping it lets the next one go.
pub struct Turn {
    turns: Turns,
    id: ProcessId,
    number: u64,
}

impl Turns {
    /// Takes the next place. Call it in append order: before the append is sent to the store.
    pub fn join(&self, id: &ProcessId) -> Turn {
        let queue = self.0.borrow_mut().entry(id.clone()).or_default().clone();
        let mut queue = queue.borrow_mut();
        let number = queue.last().map_or(0, |last| last.number + 1);
        queue.push(Place { number, sequence: None, call: None });
        Turn { turns: self.clone(), id: id.clone(), number }
    }

    fn queue(&self, id: &ProcessId) -> Option<Queue> {
        self.0.borrow().get(id).cloned()
    }

    /// Calls the place that waits and has no other before it, if there is one.
    fn call_next(&self, id: &ProcessId) {
        let call = {
            let Some(queue) = self.queue(id) else { return };
            let mut queue = queue.borrow_mut();
            let is_next = |place: &Place| place.call.is_some() && !queue.iter().any(|other| other.precedes(place));
            let next = queue.iter().position(is_next);
            next.and_then(|next| queue.get_mut(next)?.call.take())
        };
        if let Some(call) = call {
            // The receiver may be dropped.
            let _ = call.send(());
        }
    }
}

impl Turn {
    /// Resolves when the append, which has landed as `sequence`, has no other before it.
    pub async fn come(&self, sequence: u64) {
        let (call, called) = oneshot::channel();
        if let Some(queue) = self.turns.queue(&self.id)
            && let Some(place) = queue.borrow_mut().iter_mut().find(|place| place.number == self.number)
        {
            place.sequence = Some(sequence);
            place.call = Some(call);
        }
        self.turns.call_next(&self.id);
        // The sender is dropped only with this place, which is still held.
        let _ = called.await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let Some(queue) = self.turns.queue(&self.id) else { return };
            let mut queue = queue.borrow_mut();
            queue.retain(|place| place.number != self.number);
            if queue.is_empty() {
                self.turns.0.borrow_mut().remove(&self.id);
            }
        }
        self.turns.call_next(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_later_append_waits_until_every_earlier_one_had_its_turn_or_gave_up() {
        let (turns, id) = (Turns::default(), ProcessId::from("a"));
        let (first, second, third) = (turns.join(&id), turns.join(&id), turns.join(&id));
        let mut come = Box::pin(third.come(2));
        assert!((&mut come).now_or_never().is_none());
        drop(second);
        assert!((&mut come).now_or_never().is_none());
        drop(first);
        assert!((&mut come).now_or_never().is_some());
        drop(come);
        drop(third);
        assert!(turns.0.borrow().is_empty());
    }

    #[test]
    fn an_append_that_landed_late_lets_those_before_it_go_first() {
        let (turns, id) = (Turns::default(), ProcessId::from("a"));
        let (late, early) = (turns.join(&id), turns.join(&id));
        let mut early_comes = Box::pin(early.come(1));
        assert!((&mut early_comes).now_or_never().is_none());
        let mut late_comes = Box::pin(late.come(2));
        assert!((&mut late_comes).now_or_never().is_none());
        assert!((&mut early_comes).now_or_never().is_some());
        drop(early_comes);
        drop(early);
        assert!((&mut late_comes).now_or_never().is_some());
    }

    #[test]
    fn processes_do_not_wait_for_each_other() {
        let turns = Turns::default();
        let _busy = turns.join(&"a".into());
        assert!(turns.join(&"b".into()).come(1).now_or_never().is_some());
    }
}
