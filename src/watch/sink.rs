//! The best-effort feed of appended events.
//!
//! A sink is for freshness, never for truth: what it missed is in the log.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use futures::{channel::oneshot, future::LocalBoxFuture};

use crate::domain::{event::ProcessEvent, key::ProcessId};

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
pub struct Turns(Rc<RefCell<HashMap<ProcessId, VecDeque<Place>>>>);

#[derive(Default)]
struct Place {
    number: u64,
    call: Option<oneshot::Sender<()>>,
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
        let mut turns = self.0.borrow_mut();
        let queue = turns.entry(id.clone()).or_default();
        let number = queue.back().map_or(0, |last| last.number + 1);
        queue.push_back(Place { number, call: None });
        Turn { turns: self.clone(), id: id.clone(), number }
    }
}

impl Turn {
    /// Resolves when every earlier place was given up.
    pub async fn come(&self) {
        let called = {
            let mut turns = self.turns.0.borrow_mut();
            let Some(queue) = turns.get_mut(&self.id) else { return };
            if queue.front().is_none_or(|first| first.number == self.number) {
                return;
            }
            let (call, called) = oneshot::channel();
            match queue.iter_mut().find(|place| place.number == self.number) {
                Some(place) => place.call = Some(call),
                None => return,
            }
            called
        };
        // The sender is dropped only with this place, which is still held.
        let _ = called.await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut turns = self.turns.0.borrow_mut();
            let Some(queue) = turns.get_mut(&self.id) else { return };
            queue.retain(|place| place.number != self.number);
            let next = queue.front_mut().and_then(|first| first.call.take());
            if queue.is_empty() {
                turns.remove(&self.id);
            }
            next
        };
        if let Some(next) = next {
            let _ = next.send(());
        }
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
        let mut come = Box::pin(third.come());
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
    fn processes_do_not_wait_for_each_other() {
        let turns = Turns::default();
        let _busy = turns.join(&"a".into());
        assert!(turns.join(&"b".into()).come().now_or_never().is_some());
    }
}
