//! Hints between tabs that a test can lose, delay and double.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    rc::Rc,
};

use longwait_core::{
    host::{Announced, Broadcast, Heard},
    model::{key::ProcessId, stream::StreamNotification},
};

/// Connects tabs. What one announces is on its way to each other one until the test says what becomes
/// of it. Clones share it.
#[derive(Clone, Default)]
pub struct Network(Rc<Wires>);

#[derive(Default)]
struct Wires {
    next: Cell<u64>,
    listening: RefCell<Vec<(u64, Heard)>>,
    frozen: RefCell<Vec<u64>>,
    on_their_way: RefCell<Vec<Hint>>,
    announced: RefCell<Vec<Vec<ProcessId>>>,
}

#[derive(Clone)]
struct Hint {
    to: u64,
    says: Says,
}

#[derive(Clone)]
enum Says {
    Changed(Rc<[ProcessId]>),
    Chunks(Rc<StreamNotification>),
}

/// What becomes of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives,
    /// It arrives, and once more later.
    ArrivesTwice,
    /// It is still on its way.
    Waits,
    /// It never arrives.
    IsLost,
}

/// One tab's end of the network.
#[derive(Clone)]
pub struct Tab {
    number: u64,
    network: Network,
}

impl Network {
    /// One more tab.
    pub fn tab(&self) -> Tab {
        let number = self.0.next.replace(self.0.next.get() + 1);
        Tab { number, network: self.clone() }
    }

    /// Lets everything arrive.
    pub fn deliver(&self) {
        self.decide(&mut || Fate::Arrives);
    }

    /// Decides for each hint on its way what becomes of it. Those to frozen tabs wait.
    pub fn decide(&self, fate: &mut dyn FnMut() -> Fate) {
        for hint in self.0.on_their_way.take() {
            let frozen = self.0.frozen.borrow().contains(&hint.to);
            let fate = if frozen { Fate::Waits } else { fate() };
            if matches!(fate, Fate::Waits | Fate::ArrivesTwice) {
                self.0.on_their_way.borrow_mut().push(hint.clone());
            }
            if matches!(fate, Fate::Arrives | Fate::ArrivesTwice) {
                self.arrive(&hint);
            }
        }
    }

    fn arrive(&self, hint: &Hint) {
        let heard: Vec<_> = {
            let listening = self.0.listening.borrow();
            listening.iter().filter(|(tab, _)| *tab == hint.to).map(|(_, heard)| heard.clone()).collect()
        };
        heard.iter().for_each(|heard| {
            heard(match &hint.says {
                Says::Changed(ids) => Announced::Changed(ids),
                Says::Chunks(notification) => Announced::Chunks(notification.clone()),
            });
        });
    }

    /// How many hints are on their way.
    pub fn on_their_way(&self) -> usize {
        self.0.on_their_way.borrow().len()
    }

    /// How many hints are on their way to tabs that are not frozen.
    pub fn deliverable(&self) -> usize {
        let frozen = self.0.frozen.borrow();
        self.0.on_their_way.borrow().iter().filter(|hint| !frozen.contains(&hint.to)).count()
    }

    /// What was announced since the last time this was asked, one list of ids for each announcement.
    pub fn announced(&self) -> Vec<Vec<ProcessId>> {
        self.0.announced.take()
    }

    /// How many listen.
    pub fn listening(&self) -> usize {
        self.0.listening.borrow().len()
    }
}

impl Tab {
    /// Whether hints to this tab wait from now on.
    pub fn freeze(&self, frozen: bool) {
        let mut all = self.network.0.frozen.borrow_mut();
        all.retain(|number| *number != self.number);
        if frozen {
            all.push(self.number);
        }
    }

    /// Hears nothing from now on, and nothing is on its way here any more.
    pub fn leave(&self) {
        let wires = &self.network.0;
        wires.listening.borrow_mut().retain(|(tab, _)| *tab != self.number);
        wires.on_their_way.borrow_mut().retain(|hint| hint.to != self.number);
    }

    fn send(&self, says: &Says) {
        let wires = &self.network.0;
        let others = wires.listening.borrow();
        let others = others.iter().map(|(tab, _)| *tab).filter(|tab| *tab != self.number);
        wires.on_their_way.borrow_mut().extend(others.map(|to| Hint { to, says: says.clone() }));
    }
}

impl Broadcast for Tab {
    fn announce(&self, ids: &[ProcessId]) {
        self.network.0.announced.borrow_mut().push(ids.to_vec());
        self.send(&Says::Changed(ids.into()));
    }

    fn announce_chunks(&self, notification: &Rc<StreamNotification>) {
        self.send(&Says::Chunks(notification.clone()));
    }

    fn listen(&self, heard: Heard) -> Box<dyn Any> {
        self.network.0.listening.borrow_mut().push((self.number, heard));
        Box::new(Leaves(self.clone()))
    }
}

/// Ends the listening of a tab.
struct Leaves(Tab);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.network.0.listening.borrow_mut().retain(|(tab, _)| *tab != self.0.number);
    }
}
