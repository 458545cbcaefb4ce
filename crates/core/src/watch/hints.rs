//! Hints to other tabs: which processes changed here.

use std::{cell::RefCell, rc::Rc};

use futures::FutureExt;

use crate::{
    domain::key::{ProcessId, sorted},
    host::{Broadcast, Spawn},
};

/// Announces changes, those of one turn of the event loop together.
pub struct Hints {
    broadcast: Rc<dyn Broadcast>,
    spawn: Rc<dyn Spawn>,
    unsaid: Rc<RefCell<Vec<ProcessId>>>,
}

impl Hints {
    /// Hints to whoever hears the broadcast.
    pub fn new(broadcast: Rc<dyn Broadcast>, spawn: Rc<dyn Spawn>) -> Self {
        Self { broadcast, spawn, unsaid: Rc::default() }
    }

    /// Says that these processes changed or are about to, once this turn is over.
    pub fn announce(&self, ids: &[ProcessId]) {
        let mut unsaid = self.unsaid.borrow_mut();
        let first = unsaid.is_empty();
        unsaid.extend_from_slice(ids);
        if !first || unsaid.is_empty() {
            return;
        }
        drop(unsaid);
        let (broadcast, unsaid) = (self.broadcast.clone(), self.unsaid.clone());
        self.spawn.spawn(async move { broadcast.announce(&sorted(&unsaid.take())) }.boxed_local());
    }
}
