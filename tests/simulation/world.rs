//! The world of a simulation: what happens to the tabs, and when their promises are due.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::FutureExt;
use longwait::{
    domain::key::ProcessId,
    host::{
        Clock,
        fake::{Counter, FakeClock, Fate, Killed, Network},
    },
    store::{Answer, EventRange, Query, Store, memory::MemoryStore},
};

use crate::{
    dice::Dice,
    history::{History, Tally, Until},
    store::{LAG_MS, Remote},
    tab::Tab,
};

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const STEPS: usize = 250;
/// The most that time moves on at once, unless all are asleep.
const STEP_MS: u64 = 15;

/// How late a wait may end after what it waits for has come true and its tab has been awake: the sweep's longest
/// pause. Around it, six ways of at most [`LAG_MS`], each noticed a step late: a look under way, the look
/// that finds the change, and the wait's own, each there and back. And the step in which the pause ends.
const BOUND_MS: u64 = 1_000 + 6 * (LAG_MS + STEP_MS) + STEP_MS;

struct World {
    dice: Dice,
    clock: FakeClock,
    network: Network,
    killed: Rc<Killed>,
    names: Rc<Counter>,
    store: Remote,
    tabs: Vec<Tab>,
    opened: u64,
    numbers: u64,
}

/// Lives through a seed, and panics where a promise was broken.
pub fn simulate(seed: u64) -> Tally {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.happens();
        world.passes(world.dice.below(STEP_MS + 1));
    }
    world.rests();
    world.store.log.take().tally
}

impl World {
    fn new(seed: u64) -> Self {
        let (dice, clock) = (Dice::new(seed), FakeClock::at(1_000_000));
        let store = Remote {
            rows: MemoryStore::new(Rc::new(clock.clone())),
            clock: clock.clone(),
            dice: dice.clone(),
            log: Rc::new(RefCell::new(History::default())),
            faults: Rc::new(Cell::new(0)),
        };
        let (network, killed, names) = (Network::default(), Rc::default(), Rc::default());
        let mut world = Self { dice, clock, network, killed, names, store, tabs: Vec::new(), opened: 0, numbers: 0 };
        for _ in 0..2 + world.dice.below(4) {
            world.open();
        }
        IDS.iter().for_each(|id| world.tabs[0].register(id));
        world
    }

    fn open(&mut self) {
        self.opened += 1;
        let life = format!("life-{}", self.opened);
        let faults = Rc::new(Cell::new(if self.dice.chance(40) { 8 } else { 0 }));
        let store = Remote { faults, ..self.store.clone() };
        let (killed, names, now) = (self.killed.clone(), self.names.clone(), self.clock.now());
        self.tabs.push(Tab::open(store, &self.network, killed, names, life, now));
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Something happens to one of the tabs, or in it.
    fn happens(&mut self) {
        let (place, number) = (self.dice.below(self.tabs.len() as u64) as usize, self.number());
        let other = self.dice.below(self.tabs.len() as u64) as usize;
        let id = IDS[self.dice.below(IDS.len() as u64) as usize];
        let (leased, dice) = (self.dice.chance(60), self.dice.clone());
        let event_type = if dice.chance(70) { "note" } else { "ring" };
        if dice.chance(8) {
            return self.strikes(place);
        }
        let tab = &mut self.tabs[place];
        if tab.frozen {
            return;
        }
        match dice.below(20) {
            0..=3 => tab.register(id),
            4..=6 => tab.append(id, event_type, number, leased, false),
            7 => {
                tab.append(id, event_type, number, false, true);
                // The same append from elsewhere.
                if !self.tabs[other].frozen {
                    self.tabs[other].append(id, event_type, number, false, true);
                }
            }
            8 => tab.complete(id, number, leased),
            9..=10 => tab.claim(id, false),
            11 => tab.claim(id, true),
            12 => tab.renew(),
            13 => tab.release(),
            14 => tab.prune(),
            15..=17 => tab.wait(id, Until::Ended, dice.chance(10)),
            18 => tab.wait(id, Until::Event(event_type, dice.below(6)), dice.chance(10)),
            _ if !tab.waits.is_empty() => drop(tab.waits.swap_remove(dice.below(tab.waits.len() as u64) as usize)),
            _ => {}
        }
    }

    /// A tab is frozen, goes on, or is killed; or everything sleeps for a while.
    fn strikes(&mut self, place: usize) {
        let now = self.clock.now();
        let tab = &mut self.tabs[place];
        match self.dice.below(10) {
            0..=3 => {
                tab.frozen = !tab.frozen;
                tab.awake_since = now;
                tab.end.freeze(tab.frozen);
                self.count("freeze");
            }
            4..=8 => {
                let tab = self.tabs.swap_remove(place);
                tab.tasks.kill();
                self.killed.kill(tab.life.clone());
                self.store.log.borrow_mut().dead.insert(tab.life.clone());
                drop(tab);
                self.open();
                self.count("kill");
                // Others race for what it held.
                for (tab, id) in self.tabs.iter().filter(|tab| !tab.frozen).flat_map(|tab| IDS.map(|id| (tab, id))) {
                    if self.dice.chance(50) {
                        tab.claim(id, true);
                    }
                }
            }
            _ => {
                self.clock.advance(self.dice.below(60_000));
                let now = self.clock.now();
                self.tabs.iter_mut().for_each(|tab| tab.awake_since = now);
                self.count("jump");
            }
        }
    }

    fn count(&self, what: &'static str) {
        self.store.log.borrow_mut().tally.count(what);
    }

    /// Time passes, tabs run, hints arrive or do not.
    fn passes(&mut self, span: u64) {
        self.clock.advance(span);
        self.run();
        let dice = self.dice.clone();
        self.network.decide(&mut || match dice.below(10) {
            0..=3 => Fate::Arrives,
            4 => Fate::ArrivesTwice,
            5..=6 => Fate::Waits,
            _ => Fate::IsLost,
        });
        self.run();
        self.look();
    }

    fn run(&self) {
        self.tabs.iter().filter(|tab| !tab.frozen).for_each(|tab| tab.tasks.run());
    }

    /// No wait that is due is still waiting.
    fn look(&mut self) {
        let (now, log) = (self.clock.now(), self.store.log.borrow());
        for tab in self.tabs.iter_mut() {
            tab.waits.retain(|wait| !wait.done.get());
            for wait in tab.waits.iter().filter(|_| !tab.frozen) {
                let Some(since) = log.holds_since(wait.id, &wait.until, wait.start) else { continue };
                let due = since.max(wait.start).max(tab.awake_since) + BOUND_MS;
                assert!(now <= due, "{} still waits for {:?} of {} at {now}, due {due}", tab.life, wait.until, wait.id);
            }
        }
    }

    /// All wake up and nothing more happens; every hint is lost.
    fn rests(&mut self) {
        let now = self.clock.now();
        for tab in self.tabs.iter_mut().filter(|tab| tab.frozen) {
            tab.frozen = false;
            tab.awake_since = now;
        }
        while self.clock.now() <= now + BOUND_MS + 2 * STEP_MS {
            self.clock.advance(STEP_MS);
            self.run();
            self.network.decide(&mut || Fate::IsLost);
            self.look();
        }
        assert!(self.tabs.iter().all(Tab::is_tidy), "something is watched that nobody waits for");
        for (id, life) in &self.store.log.borrow().lives {
            let range = EventRange::After { after: 0, limit: None, types: None };
            let answers = self.store.rows.read(vec![Query::Events(ProcessId::from(id.as_str()), range).into()]);
            let answer = answers.now_or_never().unwrap().unwrap().remove(0).unwrap();
            let Answer::Events(Some(page)) = answer else { panic!("{id} is lost") };
            let committed: Vec<_> = life.events.iter().map(|(event, _)| event.clone()).collect();
            assert_eq!(page.events, committed, "the log of {id} is not what was committed");
        }
    }
}
