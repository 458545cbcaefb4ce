//! The locks by which others see that a tab lives.

use std::{cell::RefCell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Result,
    host::{Liveness, LivenessLock},
    model::lease::{LeaseOwner, Proof},
};
use longwait_testing::fake::Killed;

use crate::store::Remote;

/// The lives of one tab's drivers: they end with the tab, and may end before, as locks do in a page that is put aside.
#[derive(Clone)]
pub struct Locks {
    pub killed: Killed,
    pub store: Remote,
    names: Rc<RefCell<Vec<String>>>,
}

impl Locks {
    pub fn new(killed: Killed, store: Remote) -> Self {
        Self { killed, store, names: Rc::default() }
    }

    /// Gives back every lock of the tab.
    pub fn lose(&self) {
        self.names.take().into_iter().for_each(|name| self.lost(name));
    }

    fn lost(&self, name: String) {
        self.store.log.borrow_mut().dead.insert(name.clone());
        self.killed.kill(name);
    }
}

impl Liveness for Locks {
    fn probe(&self, holder: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        self.killed.probe(holder)
    }

    fn gone(&self, owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        self.killed.gone(owner)
    }

    fn live(&self, name: &str) -> LocalBoxFuture<'static, LivenessLock> {
        self.names.borrow_mut().push(name.to_owned());
        let (locks, name) = (self.clone(), name.to_owned());
        let life = self.killed.live(&name);
        life.map(move |LivenessLock { mark, end }| LivenessLock { mark, end: Box::new((Given(locks, name), end)) })
            .boxed_local()
    }
}

/// A lock that is given back when this is dropped.
struct Given(Locks, String);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.lost(self.1.clone());
    }
}
