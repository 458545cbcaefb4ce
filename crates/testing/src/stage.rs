//! Several tabs over the same rows, for tests of programs: they crash, freeze and lose their hints as the test says, and time passes in leaps.
//!
//! It decides the order in which tabs and hints have their turns, by a seed, and how far time may be moved on without leaving anything
//! out. It refuses to know what runs in the tabs, and when nothing else is under way: the caller moves time only then.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all},
};
use longwait_core::{
    Code, Error, ProcessRecord, ProcessRegistry, Result,
    host::{Clock, Liveness, LivenessLock, NoBroadcast, NoProof, Spawn},
    model::{
        Millis,
        lease::{LeaseOwner, LivenessMark, MAX_TTL_MS, ProcessLease, Proof},
        schema::SchemaHost,
    },
    registry::Host,
    store::{Answer, Query, Store, engine::MemoryEngine, row_store::RowStore},
};

use crate::fake::{self, Alarm, Dice, EventLoop, FakeClock, Fate, Killed, Network, SharedRows};

/// For how long nothing has to change until time moves on in one leap to what is due next: pollers have looked since.
const QUIET_MS: Millis = 2_500;

/// For how long nothing has to change until nothing will by itself: longer than leases last, and than any pause of a driver.
const STILL_MS: Millis = 65_000;

/// The longest leap: leases are renewed for it, and last 24 days at the most.
const LEAP_MS: Millis = 20 * 86_400_000;

/// How many leased processes are looked at.
const MOST_LEASED: u64 = 10_000;

/// Tabs, and what they share.
pub struct Stage {
    clock: FakeClock,
    dice: Dice,
    network: Network,
    killed: Killed,
    rows: MemoryEngine,
    schemas: Rc<dyn SchemaHost>,
    alarm: Alarm,
    tabs: RefCell<Vec<Tab>>,
    is_partitioned: Cell<bool>,
    changed_at: Cell<Millis>,
    observer: Observer,
}

/// A registry of our own, for questions that no tab asks.
struct Observer {
    events: EventLoop,
    registry: ProcessRegistry,
}

/// One tab. Clones are of the same one.
#[derive(Clone)]
pub struct Tab(Rc<Opened>);

struct Opened {
    events: EventLoop,
    end: fake::Tab,
    locks: Locks,
    host: Host,
    store: Rc<dyn Store>,
    registry: RefCell<Option<ProcessRegistry>>,
    is_frozen: Cell<bool>,
}

/// How far time was moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// By so many milliseconds.
    By(Millis),
    /// Not at all: by itself, nothing will ever happen.
    Nothing,
}

impl Stage {
    /// A stage without tabs. `seed` decides the order of what is due at one time; `start` is what its clock shows, in epoch milliseconds.
    pub fn new(seed: u64, start: Millis, schemas: Rc<dyn SchemaHost>) -> Self {
        let (clock, dice, alarm) = (FakeClock::at(start), Dice::new(seed), Alarm::default());
        let rows = MemoryEngine::new("1d");
        let events = EventLoop::new(&Alarm::default());
        let store = store(&rows, &clock, &dice, &events);
        let host = Host {
            clock: Rc::new(clock.clone()),
            random: Rc::new(dice.clone()),
            liveness: Rc::new(NoProof),
            schemas: schemas.clone(),
            spawn: Rc::new(events.clone()),
            broadcast: Rc::new(NoBroadcast),
        };
        let observer = Observer { events, registry: ProcessRegistry::new(store, host) };
        let (network, killed, tabs) = (Network::default(), Killed::default(), RefCell::default());
        let (is_partitioned, changed_at) = (Cell::new(false), Cell::default());
        Self { clock, dice, network, killed, rows, schemas, alarm, tabs, is_partitioned, changed_at, observer }
    }

    /// One more tab, which has no registry yet.
    pub fn open(&self) -> Tab {
        let (events, end) = (EventLoop::new(&self.alarm), self.network.tab());
        let locks = Locks { killed: self.killed.clone(), names: Rc::default() };
        let host = Host {
            clock: Rc::new(self.clock.clone()),
            random: Rc::new(self.dice.clone()),
            liveness: Rc::new(locks.clone()),
            schemas: self.schemas.clone(),
            spawn: Rc::new(events.clone()),
            broadcast: Rc::new(end.clone()),
        };
        let store = store(&self.rows, &self.clock, &self.dice, &events);
        let (registry, is_frozen) = (RefCell::default(), Cell::new(false));
        let tab = Tab(Rc::new(Opened { events, end, locks, host, store, registry, is_frozen }));
        self.tabs.borrow_mut().push(tab.clone());
        tab
    }

    /// What the clock shows, in epoch milliseconds.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Whether every hint is lost from now on.
    pub fn partition(&self, is_partitioned: bool) {
        self.is_partitioned.set(is_partitioned);
    }

    /// Rings when a tab has something to do.
    pub fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// Delivers hints and gives each tab one turn, in an order of the seed. Whether anything was done, or is left to do.
    pub fn turn(&self) -> bool {
        self.alarm.rang();
        let is_busy = self.is_busy();
        self.deliver();
        // A tab with nothing to do throws no dice, so that a turn more or less makes no difference.
        let mut tabs: Vec<_> = self.awake().into_iter().filter(|tab| tab.0.events.has_work()).collect();
        let several = tabs.len() > 1;
        while !tabs.is_empty() {
            let tab = tabs.swap_remove(self.dice.below(tabs.len() as u64) as usize);
            // Tabs are not equally fast.
            if !(several && self.dice.chance(20)) {
                tab.0.events.turn();
            }
        }
        if !self.network.announced().is_empty() {
            self.changed_at.set(self.clock.monotonic());
        }
        is_busy || self.alarm.rang() || self.is_busy()
    }

    fn is_busy(&self) -> bool {
        self.network.deliverable() > 0 || self.awake().iter().any(|tab| tab.0.events.has_work())
    }

    fn deliver(&self) {
        let (is_partitioned, dice) = (self.is_partitioned.get(), &self.dice);
        self.network.decide(&mut || match is_partitioned {
            true => Fate::IsLost,
            false if dice.chance(25) => Fate::Waits,
            false => Fate::Arrives,
        });
    }

    /// Moves time on to what happens next, at the most by `limit`; without one, not where nothing will happen by itself. `wanted`: in how many
    /// milliseconds the caller waits for something.
    ///
    /// Nothing may be left to do. While nothing changes, what is done again and again (pollers look, leases are renewed) is left out: the leases of
    /// tabs that run are as they would be.
    pub fn skip(&self, limit: Option<Millis>, wanted: Option<Millis>) -> Moved {
        let quiet = self.clock.monotonic() - self.changed_at.get();
        let next = self.clock.next_timer();
        let due = if quiet < QUIET_MS { None } else { earliest([self.due(), wanted]) };
        let span = match (due, next) {
            (Some(due), _) => due,
            (None, Some(next)) if quiet < STILL_MS => earliest([Some(next), wanted]).unwrap_or(next),
            (None, _) if quiet < STILL_MS && wanted.is_some() => wanted.unwrap_or_default(),
            (None, _) => match limit {
                Some(limit) => limit,
                None => return Moved::Nothing,
            },
        };
        let span = limit.map_or(span, |limit| span.min(limit)).min(LEAP_MS);
        if next.is_none_or(|next| span > next) {
            self.leap(span);
        } else {
            self.clock.advance(span);
        }
        Moved::By(span)
    }

    /// Moves time on. The leases of the drivers of tabs that run are renewed for it first, as they would have been in between.
    fn leap(&self, span: Millis) {
        let (held, _) = self.leases();
        let (now, registry) = (self.clock.now(), self.observer.registry.clone());
        let renewed = held.into_iter().map(move |lease| {
            let (registry, left) = (registry.clone(), lease.expires_at_ms.saturating_sub(now));
            async move { registry.renew(lease, (left + span).min(MAX_TTL_MS)).await }
        });
        self.observe(join_all(renewed).boxed_local());
        self.clock.advance(span);
    }

    /// In how many milliseconds something is due next, beyond what is done again and again.
    fn due(&self) -> Option<Millis> {
        let asked = self.observe(self.observer.registry.read(Query::Due(1)).boxed_local());
        let by_store = match asked.as_ref().and_then(|answer| answer.as_ref().ok()).map(AsRef::as_ref) {
            Some(Answer::Due(due)) => due.next,
            _ => None,
        };
        let by_runs = self.awake().iter().filter_map(Tab::next_of_runs).min();
        let now = self.clock.now();
        let (_, others) = self.leases();
        let by_leases =
            others.iter().filter_map(|lease| lease.expires_at_ms.checked_sub(now).filter(|left| *left > 0)).min();
        earliest([by_store, by_runs, by_leases])
    }

    /// The leases of runs whose tab renews them, and all others.
    fn leases(&self) -> (Vec<ProcessLease>, Vec<ProcessLease>) {
        let registry = self.observer.registry.clone();
        let asked = async move {
            let Answer::Leased(ids) = &*registry.read(Query::Leased(None, MOST_LEASED)).await? else {
                return Ok(vec![]);
            };
            let leases = join_all(ids.iter().map(|id| registry.lease(id))).await;
            leases.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>>>()
        };
        let all = self.observe(asked.boxed_local()).and_then(Result::ok).unwrap_or_default();
        let awake = self.awake();
        all.into_iter().partition(|lease| awake.iter().any(|tab| tab.drives(&lease.owner)))
    }

    /// The answer to a question of our own: rows in memory do not keep anyone waiting.
    fn observe<T: 'static>(&self, question: LocalBoxFuture<'static, T>) -> Option<T> {
        let answer = Rc::new(Cell::new(None));
        let kept = answer.clone();
        self.observer.events.spawn(question.map(move |given| kept.set(Some(given))).boxed_local());
        while self.observer.events.has_work() {
            self.observer.events.turn();
        }
        answer.take()
    }

    /// The tabs that run.
    fn awake(&self) -> Vec<Tab> {
        self.tabs.borrow().iter().filter(|tab| !tab.0.is_frozen.get()).cloned().collect()
    }

    /// A process, as it is stored.
    pub fn process(&self, id: &str) -> Result<Option<ProcessRecord>> {
        let (registry, id) = (self.observer.registry.clone(), id.into());
        self.answer(async move { registry.process(&id).await })
    }

    /// The processes that have not ended, in the order of their ids; each with its lease.
    pub fn running(&self) -> Result<Vec<(ProcessRecord, Option<ProcessLease>)>> {
        let registry = self.observer.registry.clone();
        self.answer(async move {
            let mut all = Vec::new();
            for record in registry.list_non_terminal(Default::default()).await? {
                let lease = registry.lease(record.id()).await?;
                all.push((record, lease));
            }
            Ok(all)
        })
    }

    fn answer<T: 'static>(&self, question: impl Future<Output = Result<T>> + 'static) -> Result<T> {
        let unanswered = || Error::new(Code::Internal, "rows in memory gave no answer");
        self.observe(question.boxed_local()).unwrap_or_else(|| Err(unanswered()))
    }

    /// Ends a tab as a crash of its renderer does: nothing of it runs again, and its locks are free.
    pub fn crash(&self, tab: &Tab) {
        self.leave(tab);
        tab.0.events.kill();
        tab.0.locks.lose();
    }

    /// Forgets a tab whose registry is closed.
    pub fn leave(&self, tab: &Tab) {
        self.tabs.borrow_mut().retain(|other| !Rc::ptr_eq(&other.0, &tab.0));
        tab.0.end.leave();
    }
}

fn store(rows: &MemoryEngine, clock: &FakeClock, dice: &Dice, events: &EventLoop) -> Rc<dyn Store> {
    let engine = Rc::new(SharedRows::of(rows));
    Rc::new(RowStore::new(engine, Rc::new(clock.clone()), Rc::new(events.clone()), dice))
}

fn earliest<const N: usize>(spans: [Option<Millis>; N]) -> Option<Millis> {
    spans.into_iter().flatten().filter(|span| *span > 0).min()
}

impl Tab {
    /// What its registry needs of the world.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Its store, over the rows of all tabs.
    pub fn store(&self) -> Rc<dyn Store> {
        self.0.store.clone()
    }

    /// What runs its tasks.
    pub fn events(&self) -> &EventLoop {
        &self.0.events
    }

    /// This is its registry.
    pub fn has(&self, registry: ProcessRegistry) {
        self.0.registry.replace(Some(registry));
    }

    /// Whether its timers and hints wait from now on. It holds its locks.
    pub fn freeze(&self, is_frozen: bool) {
        self.0.is_frozen.set(is_frozen);
        self.0.end.freeze(is_frozen);
        self.0.events.ring();
    }

    /// Whether that is the owner of a run of a driver of this tab.
    fn drives(&self, owner: &LeaseOwner) -> bool {
        let Some(LivenessMark::WebLock { lock_name }) = &owner.liveness else { return false };
        // The first lock is that of the registry's own owner, whose leases a program renews by itself.
        self.0.locks.names.borrow().iter().skip(1).any(|name| **name == **lock_name)
    }

    fn next_of_runs(&self) -> Option<Millis> {
        self.0.registry.borrow().as_ref().and_then(ProcessRegistry::next_of_runs)
    }
}

/// The locks of one tab: they are free when it crashes.
#[derive(Clone)]
struct Locks {
    killed: Killed,
    names: Rc<RefCell<Vec<String>>>,
}

impl Locks {
    fn lose(&self) {
        self.names.take().into_iter().for_each(|name| self.killed.kill(name));
    }
}

impl Liveness for Locks {
    fn probe(&self, holder: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        self.killed.probe(holder)
    }

    fn gone(&self, owner: &LeaseOwner) -> LocalBoxFuture<'static, Result<()>> {
        self.killed.gone(owner)
    }

    fn live(&self, incarnation: &str) -> LocalBoxFuture<'static, LivenessLock> {
        self.names.borrow_mut().push(incarnation.to_owned());
        self.killed.live(incarnation)
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use futures::FutureExt;
    use longwait_core::{
        DriverOptions, ProcessWorkDriver, RunContext, RunEnd, Runners,
        host::native_schema::NativeSchemas,
        model::{
            policy::Policy,
            process::{NewProcess, ProcessAwaitOutput, ProcessStatus},
        },
        watch_process_registry,
    };
    use serde_json::json;

    use super::*;
    use crate::made;

    const DAY_MS: Millis = 86_400_000;

    /// Sleeps for three days.
    struct Sleeper(Rc<Cell<u32>>);

    impl Runners for Sleeper {
        fn kinds(&self) -> Vec<String> {
            vec!["sleeper".to_owned()]
        }

        fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
            self.0.set(self.0.get() + 1);
            async move {
                context.sleep("days", 3 * DAY_MS).await?;
                Ok(RunEnd::Returned(ProcessAwaitOutput::success(json!("slept").into())))
            }
            .boxed_local()
        }
    }

    struct Played {
        stage: Stage,
        runs: Rc<Cell<u32>>,
        /// Each with its driver.
        tabs: Vec<(Tab, ProcessRegistry, ProcessWorkDriver)>,
    }

    impl Played {
        fn new() -> Self {
            Self { stage: Stage::new(7, 1_000, Rc::new(NativeSchemas)), runs: Rc::default(), tabs: Vec::new() }
        }

        fn opens(&mut self) {
            let tab = self.stage.open();
            // As a page does, which holds a lock of its own first.
            let life = tab.host().liveness.live("page").now_or_never();
            assert!(life.map(std::mem::forget).is_some());
            let (registry, _) = watch_process_registry(ProcessRegistry::new(tab.store(), tab.host().clone()));
            tab.has(registry.clone());
            let (options, runners) = (DriverOptions::new("driver"), Rc::new(Sleeper(self.runs.clone())));
            let driver = ProcessWorkDriver::new(registry.clone(), runners, options).unwrap();
            driver.start();
            self.tabs.push((tab, registry, driver));
            self.rests();
        }

        fn registers(&self, place: usize) {
            let (tab, registry, _) = &self.tabs[place];
            let sleeper = json!({"id": "p", "input": {"type": "engine", "kind": "sleeper"}});
            let (registry, process) = (registry.clone(), NewProcess::new(made(sleeper), Policy::default()));
            tab.events().spawn(async move { drop(registry.register_with(process, None).await.unwrap()) }.boxed_local());
            self.rests();
        }

        fn rests(&self) {
            while self.stage.turn() {}
        }

        fn passes(&self, span: Millis) {
            let end = self.stage.now() + span;
            while self.stage.now() < end {
                assert!(self.stage.skip(Some(end - self.stage.now()), None) != Moved::Nothing);
                self.rests();
            }
        }

        fn has_ended(&self) -> bool {
            self.stage.process("p").unwrap().unwrap().status != ProcessStatus::Running
        }

        fn fence(&self) -> Option<u64> {
            self.stage.running().unwrap()[0].1.as_ref().map(|lease| lease.fencing_token)
        }
    }

    #[test]
    fn days_pass_in_few_leaps_and_no_lease_runs_out_in_them() {
        let mut played = Played::new();
        played.opens();
        played.opens();
        played.registers(0);
        let (began, mut steps) = (played.stage.now(), 0);
        while !played.has_ended() {
            assert!(matches!(played.stage.skip(None, None), Moved::By(_)));
            played.rests();
            steps += 1;
        }
        assert_eq!(played.runs.get(), 1, "nothing took the run over");
        assert!(steps < 50 && played.stage.now() - began < 3 * DAY_MS + 1_000, "{steps}");
    }

    #[test]
    fn the_lease_of_a_frozen_tab_runs_out_and_that_of_a_crashed_one_is_taken_over_before() {
        let mut played = Played::new();
        played.opens();
        played.registers(0);
        played.tabs[0].0.freeze(true);
        played.opens();
        played.passes(20_000);
        assert_eq!((played.fence(), played.runs.get()), (Some(1), 1));
        played.passes(20_000);
        assert_eq!((played.fence(), played.runs.get()), (Some(2), 2));
        played.stage.crash(&played.tabs[1].0.clone());
        played.opens();
        played.passes(5_000);
        assert_eq!((played.fence(), played.runs.get()), (Some(3), 3));
    }

    #[test]
    fn time_stands_still_where_nothing_will_happen_by_itself() {
        let mut played = Played::new();
        played.opens();
        played.registers(0);
        played.tabs[0].0.freeze(true);
        let moved = (0..500).find(|_| {
            let moved = played.stage.skip(None, None);
            played.rests();
            moved == Moved::Nothing
        });
        assert!(moved.is_some() && played.stage.now() < DAY_MS);
        assert_eq!(played.stage.skip(None, Some(10 * DAY_MS)), Moved::By(10 * DAY_MS));
    }

    #[test]
    fn a_tab_that_hears_nothing_of_another_finds_its_work_by_looking() {
        let mut played = Played::new();
        played.opens();
        played.opens();
        played.tabs[0].2.stop().now_or_never();
        played.stage.partition(true);
        played.registers(0);
        assert_eq!(played.runs.get(), 0);
        played.passes(2_000);
        assert_eq!(played.runs.get(), 1);
    }
}
