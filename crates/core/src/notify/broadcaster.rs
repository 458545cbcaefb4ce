//! Change notifications to other tabs: which processes changed here.

use std::{cell::RefCell, rc::Rc};

use futures::FutureExt;

use crate::{
    host::{Broadcast, Spawn},
    model::key::{ProcessId, sorted},
};

/// Announces changes; those of one turn of the event loop are announced together.
pub struct ChangeBroadcaster {
    broadcast: Rc<dyn Broadcast>,
    spawn: Rc<dyn Spawn>,
    pending: Rc<RefCell<Vec<ProcessId>>>,
}

impl ChangeBroadcaster {
    /// A broadcaster that sends through `broadcast`.
    pub fn new(broadcast: Rc<dyn Broadcast>, spawn: Rc<dyn Spawn>) -> Self {
        Self { broadcast, spawn, pending: Rc::default() }
    }

    /// Announces, once this turn is over, that these processes changed or are about to.
    pub fn announce(&self, ids: &[ProcessId]) {
        let mut pending = self.pending.borrow_mut();
        let first = pending.is_empty();
        pending.extend_from_slice(ids);
        if !first || pending.is_empty() {
            return;
        }
        drop(pending);
        let (broadcast, pending) = (self.broadcast.clone(), self.pending.clone());
        self.spawn.spawn(async move { broadcast.announce(&sorted(&pending.take())) }.boxed_local());
    }
}
