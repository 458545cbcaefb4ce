//! The world of a simulation: what happens to the tabs, and when their promises are due.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use longwait::{
    host::Clock,
    model::{
        export::{ExportedChunks, ExportedEvent, ProcessExport},
        fork::Renames,
        key::ProcessId,
        policy::{OnConflict, Policy, RetryPolicy},
        schema::Schemas,
    },
    rules::import,
    store::{Answer, ChunkPage, ChunkRange, EventPage, EventRange, Query, engine::MemoryEngine},
};
use longwait_testing::{
    RacingServer,
    fake::{Counter, Dice, FakeClock, Fate, Killed, Network},
};

use crate::{
    history::{History, Until},
    store::{LAG_MS, Remote, Rows, SILENCE_MS, id_of},
    streams::NAME,
    tab::Tab,
    tally::Tally,
};

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// What drivers run: `once` is not to be run again after a crash, `again` is retried, `late` has a start and a deadline, those that begin
/// with `k` share a concurrency key, and `x` starts a child.
const JOBS: [&str; 8] = ["v", "again", "x", "once", "late", "k1", "k2", "k3"];
const STEPS: usize = 250;
/// The most that time moves on at once, unless all are asleep.
const STEP_MS: u64 = 15;

/// How late a wait may end after what it waits for has come true and its tab has been awake: the sweep's longest
/// pause. Around it, six ways of at most [`LAG_MS`], each noticed a step late: a look under way, the look
/// that finds the change, and the wait's own, each there and back, and each perhaps unanswered at first. And the step in
/// which the pause ends.
const BOUND_MS: u64 = 1_000 + 6 * (LAG_MS + STEP_MS) + 3 * (SILENCE_MS + STEP_MS) + STEP_MS;

/// How late a wait may end over an optimistic engine, where its looks wait for the writes of its tab. One is begun at most before each, and
/// each may be on its way three times, unanswered twice, and lose a few races.
const OPTIMISTIC_BOUND_MS: u64 = BOUND_MS + 3 * 4 * (3 * (LAG_MS + STEP_MS) + 2 * (SILENCE_MS + STEP_MS));

/// How long one living tab may take for all jobs once nothing goes wrong any more: what a dead one held is free after
/// half a second, a job that met trouble again and again is in a pause of up to a minute, and whoever waits for a signal gets
/// one each half second.
const CALM_MS: u64 = 120_000;

struct World {
    dice: Dice,
    clock: FakeClock,
    network: Network,
    killed: Killed,
    names: Rc<Counter>,
    /// Whether every runner is to come to an end.
    calm: Rc<Cell<bool>>,
    store: Remote,
    tabs: Vec<Tab>,
    opened: u64,
    numbers: u64,
}

/// Lives through a seed, over an engine that is `optimistic` or locks its rows, and panics where a promise was broken.
pub fn simulate(seed: u64, optimistic: bool) -> Tally {
    let mut world = World::new(seed, optimistic);
    for _ in 0..STEPS {
        world.happens();
        world.passes(world.dice.below(STEP_MS + 1));
    }
    // A driver that begins anew looks at everything, one that goes on must have missed nothing.
    if world.dice.chance(50) {
        world.rests();
    }
    world.calms();
    world.store.log.take().tally
}

impl World {
    fn new(seed: u64, optimistic: bool) -> Self {
        let (dice, clock) = (Dice::new(seed), FakeClock::at(1_000_000_000));
        let (engine, names) = (MemoryEngine::new("1d"), Rc::new(Counter::default()));
        let (gap, reading) = (dice.clone(), clock.clone());
        let server = || RacingServer::new(engine.clone(), move || gap.below(3), move || reading.monotonic());
        let store = Remote {
            rows: Rows::over(&engine, &clock, &names),
            server: optimistic.then(server),
            decided_at: Rc::default(),
            unsettled: Rc::default(),
            engine,
            clock: clock.clone(),
            dice: dice.clone(),
            log: Rc::new(RefCell::new(History::with_lag(if optimistic { LAG_MS } else { 0 }))),
            faults: Rc::new(Cell::new(0)),
            full: Rc::default(),
            silent: Rc::default(),
            unreadable: Rc::default(),
        };
        let (network, killed, calm) = (Network::default(), Killed::default(), Rc::default());
        let (tabs, opened, numbers) = (Vec::new(), 0, 0);
        let mut world = Self { dice, clock, network, killed, names, calm, store, tabs, opened, numbers };
        for _ in 0..2 + world.dice.below(4) {
            world.open();
        }
        IDS.iter().for_each(|id| world.tabs[0].register(id));
        JOBS.iter().for_each(|id| world.registers_job(0, id));
        world
    }

    fn open(&mut self) {
        self.opened += 1;
        let life = format!("life-{}", self.opened);
        let faults = Rc::new(Cell::new(if self.dice.chance(40) { 8 } else { 0 }));
        let silent = Rc::new(Cell::new(if self.dice.chance(40) { 5 } else { 0 }));
        let rows = Rows::over(&self.store.engine, &self.clock, &self.names);
        let store =
            Remote { rows, faults, silent, decided_at: Rc::default(), unsettled: Rc::default(), ..self.store.clone() };
        let (killed, names, calm) = (self.killed.clone(), self.names.clone(), self.calm.clone());
        let tab = Tab::open(store, &self.network, killed, names, life, calm);
        if self.dice.chance(70) {
            tab.driver.start();
        }
        self.tabs.push(tab);
    }

    fn registers_job(&self, place: usize, id: &str) {
        self.tabs[place].register_job(id, if id == "once" { "abandon" } else { "rerun" }, self.policy(id));
    }

    fn policy(&self, id: &str) -> Policy {
        let (now, dice) = (self.clock.now(), &self.dice);
        let retry = RetryPolicy { max_attempts: Some(3), initial_interval_ms: Some(50), ..RetryPolicy::default() };
        match id {
            "again" => Policy { retry: Some(retry), ..Policy::default() },
            "late" => Policy {
                start_at_ms: Some(now + dice.below(500)),
                deadline_at_ms: Some(now + 500 + dice.below(5_000)),
                ..Policy::default()
            },
            "k1" | "k2" | "k3" => Policy {
                concurrency_key: Some("k".to_owned()),
                priority: Some(dice.below(3) as i64),
                retry: (id == "k3").then_some(retry),
                on_conflict: dice
                    .pick(&[OnConflict::Queue, OnConflict::ReplacePending, OnConflict::CancelRunning])
                    .copied(),
                ..Policy::default()
            },
            _ => Policy::default(),
        }
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
        if dice.chance(5) {
            self.store.full.set(false);
        }
        if dice.chance(5) {
            self.store.heals();
        }
        if dice.chance(8) {
            return self.strikes(place);
        }
        if dice.chance(30) && !self.tabs[other].frozen {
            let job = self.job();
            self.tabs[other].read(job);
        }
        if dice.chance(35) && !self.tabs[place].frozen {
            return self.drives(place, number);
        }
        let waited = if dice.chance(20) { self.job() } else { id };
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
            14 if dice.chance(30) => tab.delete(id),
            14 => tab.prune(),
            15..=17 => tab.wait(waited, Until::Ended, dice.chance(10)),
            18 => tab.wait(id, Until::Event(event_type, dice.below(6)), dice.chance(10)),
            _ if !tab.waits.is_empty() => drop(tab.waits.swap_remove(dice.below(tab.waits.len() as u64) as usize)),
            _ => {}
        }
    }

    fn job(&self) -> &'static str {
        JOBS[self.dice.below(JOBS.len() as u64) as usize]
    }

    /// Something happens to a job, or to the driver of one of the tabs.
    fn drives(&mut self, place: usize, number: u64) {
        let (dice, id) = (self.dice.clone(), self.job());
        let tab = &self.tabs[place];
        match dice.below(20) {
            0..=5 => self.registers_job(place, id),
            6..=11 => tab.signal(id, if dice.chance(60) { "go" } else { "stop" }, number),
            12 if dice.chance(30) => tab.delete(id),
            12 => tab.cancel(id),
            13 => tab.end_job(id),
            14 if dice.chance(60) => {
                tab.pause(id, dice.chance(50));
                self.count("pause");
            }
            14..=15 => tab.driver.start(),
            16 => tab.sweep(),
            17 => {
                tab.stop();
                self.count("stop");
            }
            18 => {
                tab.stop();
                tab.driver.start();
            }
            _ => tab.sweep(),
        }
    }

    /// A tab is frozen, goes on, or is killed; or everything sleeps for a while.
    fn strikes(&mut self, place: usize) {
        let tab = &mut self.tabs[place];
        match self.dice.below(16) {
            0..=3 => {
                tab.freeze(!tab.frozen);
                let loses = tab.frozen && self.dice.chance(40);
                if loses {
                    tab.locks.lose();
                    self.count("lock lost");
                }
                self.count("freeze");
            }
            4..=8 => {
                self.tabs.swap_remove(place).dies();
                self.open();
                self.count("kill");
                // Others race for what it held.
                for (tab, id) in self.tabs.iter().filter(|tab| !tab.frozen).flat_map(|tab| IDS.map(|id| (tab, id))) {
                    if self.dice.chance(50) {
                        tab.claim(id, true);
                    }
                }
            }
            9 => self.sets_clock(-1),
            10 => self.sets_clock(1),
            11..=12 => {
                self.store.full.set(true);
                self.count("store full");
            }
            13..=14 => {
                let id =
                    if self.dice.chance(50) { self.job() } else { IDS[self.dice.below(IDS.len() as u64) as usize] };
                self.store.spoils(id);
            }
            _ => {
                self.clock.advance(self.dice.below(60_000));
                let now = self.clock.monotonic();
                self.tabs.iter_mut().for_each(|tab| tab.awake_since = now);
                self.count("jump");
            }
        }
    }

    /// Somebody sets the clock, by a second, a minute or an hour.
    fn sets_clock(&self, sign: i64) {
        let most = self.dice.pick(&[1_000, 60_000, 3_600_000]).copied().unwrap_or_default();
        let by = self.dice.below(most);
        self.clock.set_wall_clock(sign * by as i64);
        if sign < 0 {
            let mut log = self.store.log.borrow_mut();
            (log.set_back, log.behind) = (self.clock.monotonic(), log.behind + by);
        }
        self.count(if sign < 0 { "clock set back" } else { "clock set forward" });
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
        let (now, bound, log) = (self.clock.monotonic(), self.bound(), self.store.log.borrow());
        for tab in self.tabs.iter_mut() {
            tab.waits.retain(|wait| !wait.done.get());
            for wait in tab.waits.iter().filter(|_| !tab.frozen) {
                let Some(since) = log.holds_since(wait.id, &wait.until, wait.start) else { continue };
                let due = since.max(wait.start).max(tab.awake_since) + bound;
                assert!(now <= due, "{} still waits for {:?} of {} at {now}, due {due}", tab.life, wait.until, wait.id);
            }
        }
    }

    /// All wake up, drivers stop and nothing more happens; every hint is lost.
    fn rests(&mut self) {
        let now = self.clock.monotonic();
        self.tabs.iter_mut().filter(|tab| tab.frozen).for_each(|tab| tab.freeze(false));
        self.tabs.iter().for_each(Tab::stop);
        while self.clock.monotonic() <= now + self.bound() + 2 * STEP_MS {
            self.goes_by();
        }
        self.have_read();
        self.is_as_committed();
    }

    fn bound(&self) -> u64 {
        if self.store.server.is_some() { OPTIMISTIC_BOUND_MS } else { BOUND_MS }
    }

    fn goes_by(&mut self) {
        self.clock.advance(STEP_MS);
        self.run();
        self.network.decide(&mut || Fate::IsLost);
        self.look();
    }

    /// One tab is left, in which nothing fails any more: it runs every job to its end.
    fn calms(&mut self) {
        self.tabs.drain(1..).for_each(Tab::dies);
        let tab = &mut self.tabs[0];
        tab.waits.clear();
        if tab.frozen {
            tab.freeze(false);
        }
        tab.faults.set(0);
        tab.store.silent.set(0);
        self.store.full.set(false);
        self.store.heals();
        self.calm.set(true);
        // What waits for a time waits for that of the store, which may have been set back by hours.
        self.clock.set_wall_clock(self.store.log.borrow().behind as i64);
        tab.driver.start();
        let (start, mut rings) = (self.clock.monotonic(), 0);
        loop {
            let running = self.store.log.borrow().running_jobs();
            if running.is_empty() {
                break;
            }
            let passed = self.clock.monotonic() - start;
            assert!(passed < CALM_MS, "{running:?} have not ended {passed} ms after everything was calm");
            if passed >= rings * 500 {
                rings += 1;
                let number = self.number();
                for id in &running {
                    self.tabs[0].signal(id, "go", number);
                    self.tabs[0].pause(id, false);
                }
            }
            self.goes_by();
        }
        self.store.log.borrow_mut().check_jobs();
        self.rests();
        let left = (self.tabs[0].tasks.len(), self.clock.timers());
        assert_eq!(left, (0, 0), "something is left that nobody needs");
    }

    /// Every reader has read what is there, or has come to its end, or cannot: the row of its process is spoilt.
    fn have_read(&mut self) {
        let log = self.store.log.borrow();
        for reader in self.tabs.iter_mut().flat_map(|tab| tab.readers.drain(..)) {
            let (id, all) = (reader.id, log.streams.of(&reader.id.into()));
            let is_spoilt = self.store.unreadable.borrow().as_ref().is_some_and(|row| id_of(row).as_str() == id);
            let is_over = reader.done.get() || is_spoilt || log.born(id) != reader.born;
            assert!(is_over || reader.next.get() == all.len() as u64, "a reader of {id} has not read all");
        }
    }

    /// Nothing is watched that nobody waits for, and the store has what was committed to it.
    fn is_as_committed(&self) {
        self.store.heals();
        assert!(self.tabs.iter().all(Tab::is_tidy), "something is watched that nobody waits for");
        for (id, life) in &self.store.log.borrow().lives {
            let range = EventRange::After { after: 0, limit: None, types: None };
            let answers = self.store.rows.read(vec![Query::Events(ProcessId::from(id.as_str()), range).into()]);
            let answer = answers.unwrap().remove(0).unwrap();
            let Answer::Events(Some(page)) = answer else { panic!("{id} is lost") };
            let range = ChunkRange { name: NAME.to_owned(), from: 0, limit: u64::MAX };
            let answers = self.store.rows.read(vec![Query::Chunks(ProcessId::from(id.as_str()), range).into()]);
            let Answer::Chunks(Some(chunks)) = answers.unwrap().remove(0).unwrap() else { panic!("{id} is lost") };
            let mut read = Vec::new();
            chunks.chunks.iter().for_each(|row| row.add_from(0, &mut read));
            assert_eq!(read, self.store.log.borrow().streams.of(&id.as_str().into()), "of the stream of {id}");
            let committed: Vec<_> = life.events.iter().map(|(event, _)| event.clone()).collect();
            assert_eq!(page.events, committed, "the log of {id} is not what was committed");
            self.may_be_moved(&id.as_str().into(), &page, &chunks);
        }
    }

    /// What registries and drivers wrote of a process is what an import takes.
    fn may_be_moved(&self, id: &ProcessId, page: &EventPage, chunks: &ChunkPage) {
        let answers = self.store.rows.read(vec![Query::Export(id.clone()).into()]);
        let Answer::Export(Some(head)) = answers.unwrap().remove(0).unwrap() else { panic!("{id} is lost") };
        let export = ProcessExport {
            process: head.process.clone(),
            events: page.events.iter().map(|event| ExportedEvent::from(&**event)).collect(),
            streams: head.streams.clone(),
            chunks: chunks.chunks.iter().map(ExportedChunks::from).collect(),
            attachments: Vec::new(),
        };
        let checked = import::check(&export, &Renames::of_processes([]), &Schemas::unchecked());
        assert_eq!(checked.unwrap().record.log.last_sequence, page.events.len() as u64);
    }
}
