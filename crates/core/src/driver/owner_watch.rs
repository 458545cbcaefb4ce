//! Watches of owners: what another driver holds is taken over as soon as that driver ends.

use std::cell::RefCell;

use futures::FutureExt;

use crate::{
    host::Background,
    model::lease::{LeaseOwner, LivenessMark},
    registry::ProcessRegistry,
};

/// The owners whose end is waited for, one task each. Dropped, it watches none.
#[derive(Default)]
pub(super) struct OwnerWatches(RefCell<Vec<(LivenessMark, Background)>>);

impl OwnerWatches {
    /// Calls `on_death` once the owner is proven dead. One whose end can never be known, and one that is watched already, is not
    /// watched again.
    pub fn watch_owner(&self, registry: &ProcessRegistry, owner: &LeaseOwner, on_death: impl FnOnce() + 'static) {
        let Some(mark) = owner.liveness.clone().filter(|_| owner.is_mortal()) else { return };
        if self.0.borrow().iter().any(|(watched, _)| *watched == mark) {
            return;
        }
        let gone = registry.owner_gone(owner);
        let watch = async move {
            if gone.await.is_ok() {
                on_death();
            }
        };
        let watch = Background::spawn(&*registry.host().spawn, watch.boxed_local());
        self.0.borrow_mut().push((mark, watch));
    }

    /// Ends the watch of an owner.
    pub fn forget(&self, mark: &LivenessMark) {
        let mut watches = self.0.borrow_mut();
        let place = watches.iter().position(|(watched, _)| watched == mark);
        let over = place.map(|place| watches.swap_remove(place));
        drop(watches);
        drop(over);
    }
}
