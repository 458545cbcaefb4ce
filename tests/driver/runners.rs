//! Runners that do what a test says, and tabs with drivers.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    fmt::Debug,
    rc::Rc,
};

use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};
use longwait::{
    Error, ProcessWorkDriver, Result, RunContext,
    driver::{Abort, DriveReport, DriverOptions, RunEnd, Runners, StepAttempt, StepEnd},
    model::{
        lease::{LeaseOwner, ProcessLease},
        payload::Payload,
        policy::RetryPolicy,
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord},
    },
    rules::attempt::{Advice, Thrown},
};
use serde_json::{Value, json};

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, memory::Memory, tasks},
};

type Work = Rc<dyn Fn(RunContext) -> LocalBoxFuture<'static, Result<RunEnd>>>;

/// Runners by kind, and what failed.
#[derive(Default)]
pub struct Works {
    by_kind: RefCell<BTreeMap<String, Work>>,
    /// Whether the host says that there is no network.
    pub offline: Cell<bool>,
    pub failures: RefCell<Vec<String>>,
    /// The processes that no runner here is for, as they were told of.
    pub unhandled: RefCell<Vec<String>>,
}

impl Works {
    /// Has a kind run so.
    pub fn on<F: Future<Output = ProcessAwaitOutput> + 'static>(
        self: &Rc<Self>,
        kind: &str,
        work: impl Fn(RunContext) -> F + 'static,
    ) -> Rc<Self> {
        self.by_kind
            .borrow_mut()
            .insert(kind.to_owned(), Rc::new(move |context| work(context).map(|end| Ok(end.into())).boxed_local()));
        self.clone()
    }

    /// Has a kind run so, and throw.
    pub fn on_end<F: Future<Output = RunEnd> + 'static>(
        self: &Rc<Self>,
        kind: &str,
        work: impl Fn(RunContext) -> F + 'static,
    ) -> Rc<Self> {
        self.by_kind.borrow_mut().insert(kind.to_owned(), Rc::new(move |context| work(context).map(Ok).boxed_local()));
        self.clone()
    }

    /// Has a kind run so; what is an error is the driver's own trouble.
    pub fn on_trouble<F: Future<Output = Result<ProcessAwaitOutput>> + 'static>(
        self: &Rc<Self>,
        kind: &str,
        work: impl Fn(RunContext) -> F + 'static,
    ) -> Rc<Self> {
        self.by_kind.borrow_mut().insert(
            kind.to_owned(),
            Rc::new(move |context| work(context).map(|end| end.map(Into::into)).boxed_local()),
        );
        self.clone()
    }
}

impl Runners for Works {
    fn kinds(&self) -> Vec<String> {
        self.by_kind.borrow().keys().cloned().collect()
    }

    fn is_offline(&self) -> bool {
        self.offline.get()
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        let kind = context.record().identity().unwrap().kind.clone();
        let work = self.by_kind.borrow()[&kind].clone();
        work(context)
    }

    fn failed(&self, fault: &Error) {
        self.failures.borrow_mut().push(fault.code().as_str().to_owned());
    }

    fn unhandled(&self, waiting: &ProcessRecord) {
        self.unhandled.borrow_mut().push(waiting.id().to_string());
    }
}

/// Runs each process of the kind `job` with this.
pub fn job<F: Future<Output = ProcessAwaitOutput> + 'static>(work: impl Fn(RunContext) -> F + 'static) -> Rc<Works> {
    Rc::new(Works::default()).on("job", work)
}

/// The runs that began and were not yet looked at, for a test to do their work itself.
#[derive(Clone, Default)]
pub struct Runs(Rc<RefCell<VecDeque<Run>>>);

/// A run whose runner is the test. Dropped, its runner never returns.
pub struct Run {
    pub context: RunContext,
    returns: oneshot::Sender<ProcessAwaitOutput>,
    /// Why it was to stop, in the order it was told.
    told: Notes,
}

impl Runs {
    /// Runners for the kind `job` that put each run here.
    pub fn works(&self) -> Rc<Works> {
        let runs = self.clone();
        job(move |context| {
            let (returns, returned) = oneshot::channel();
            let told = Notes::default();
            let tell = told.clone();
            context.on_abort(move |why| tell.add(reason(why)));
            runs.0.borrow_mut().push_back(Run { context, returns, told });
            async move {
                match returned.await {
                    Ok(output) => output,
                    Err(_) => futures::future::pending().await,
                }
            }
        })
    }

    /// The next run, which must have begun.
    #[track_caller]
    pub fn next(&self) -> Run {
        self.0.borrow_mut().pop_front().expect("nothing runs")
    }

    /// How many have begun and were not looked at.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Run {
    /// Its runner returns.
    pub fn returns(self, output: ProcessAwaitOutput) {
        drop(self.returns.send(output));
        tasks().run();
    }

    /// Whether its runner is still wanted.
    pub fn is_wanted(&self) -> bool {
        !self.returns.is_canceled()
    }

    /// What it is told, also once it has returned.
    pub fn notes(&self) -> Notes {
        self.told.clone()
    }

    /// Why it was told to stop.
    pub fn told(&self) -> Vec<String> {
        self.told.all()
    }

    /// A step that gives a value at once.
    pub fn step(&self, key: &str, value: impl Into<Value>) -> Result<Option<Payload>> {
        let value = Payload::from(value.into());
        now(self.context.step(key, async || Ok(Some(value))))
    }

    /// A timer, in hand.
    pub fn sleeps(&self, key: &'static str, span: u64) -> Hand<'static, Result<()>> {
        let context = self.context.clone();
        Hand::new(async move { context.sleep(key, span).await })
    }

    /// A step of this policy, in hand, whose attempts come out in this way.
    pub fn tries(
        &self,
        key: &'static str,
        retry: Option<RetryPolicy>,
        mut attempt: impl FnMut(StepAttempt) -> StepEnd + 'static,
    ) -> Hand<'static, Result<StepEnd>> {
        let context = self.context.clone();
        Hand::new(async move { context.step_with(key, retry.as_ref(), async |one| Ok(attempt(one))).await })
    }

    /// A wait for a signal, in hand.
    pub fn waits(&self, name: &'static str) -> Hand<'static, Result<Value>> {
        let context = self.context.clone();
        Hand::new(async move { context.wait_for_signal(name).await.map(|signal| signal.payload.value()) })
    }

    /// A wait for another process, in hand.
    pub fn awaits(&self, id: &'static str) -> Hand<'static, Result<ProcessAwaitOutput>> {
        let context = self.context.clone();
        Hand::new(async move { context.await_terminal(&id.into()).await })
    }
}

/// Why a run is to stop: a code, or `cancelled` and what was said.
pub fn reason(why: &Abort) -> String {
    match why {
        Abort::Cancelled(reason) => format!("cancelled: {reason:?}"),
        Abort::Over(fault) => fault.code().as_str().to_owned(),
    }
}

/// What a test notes down.
#[derive(Clone, Default)]
pub struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub fn add(&self, note: impl ToString) {
        self.0.borrow_mut().push(note.to_string());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// A success of this value.
pub fn done(value: impl Into<Value>) -> ProcessAwaitOutput {
    ProcessAwaitOutput::success(Payload::from(value.into()))
}

/// An attempt of a step that throws this.
pub fn threw(message: &str, advice: Advice) -> StepEnd {
    let failure = ProcessAwaitOutput::failure(FailureClass::Unavailable, "no_luck", message);
    StepEnd::Threw(Thrown { failure, advice })
}

/// One that throws, and leaves it to the policy whether another one is made.
pub fn fails(message: &str) -> StepEnd {
    threw(message, Advice::ByPolicy)
}

/// One that gives this value.
pub fn gives(value: impl Into<Value>) -> StepEnd {
    StepEnd::Returned(Some(Payload::from(value.into())))
}

/// One tab over rows in memory.
pub fn tab() -> World {
    tasks().kill();
    now(World::new(Rc::new(Memory::default())))
}

/// One tab over rows that can be held back and break.
pub fn held_tab() -> (World, Rc<Hold>) {
    tasks().kill();
    let held = Held::default();
    let hold = held.hold.clone();
    (now(World::new(Rc::new(held))), hold)
}

/// One more tab over the same rows.
pub fn another(world: &World) -> World {
    now(world.another())
}

/// A driver of a tab, with these runners.
pub fn driver(world: &World, works: &Rc<Works>) -> ProcessWorkDriver {
    driver_of(world, works, 64)
}

/// The same, with so many at once.
pub fn driver_of(world: &World, works: &Rc<Works>, concurrency: usize) -> ProcessWorkDriver {
    let options = DriverOptions { concurrency, ..DriverOptions::new("tab") };
    ProcessWorkDriver::new(world.registry.clone(), works.clone(), options).unwrap()
}

/// A driver of a tab that drives on.
pub fn started(world: &World, works: &Rc<Works>) -> ProcessWorkDriver {
    let driver = driver(world, works);
    driver.start();
    tasks().run();
    driver
}

/// Registers a process of a kind.
pub fn register(world: &World, id: &str, kind: &str) {
    register_so(world, json!({"id": id, "input": {"type": "engine", "kind": kind}}));
}

/// Registers a process so.
pub fn register_so(world: &World, registration: Value) {
    now(world.register(registration)).unwrap();
    tasks().run();
}

/// A process `p` that runs, in the hands of the test.
pub fn running(world: &World) -> (ProcessWorkDriver, Runs, Run) {
    let runs = Runs::default();
    register(world, "p", "job");
    let driver = driver(world, &runs.works());
    sweep(&driver);
    let run = runs.next();
    (driver, runs, run)
}

/// The process `p` goes on in another tab: the driver stops, and the other tab runs it.
pub fn handed_over(world: &World, driver: &ProcessWorkDriver) -> (World, ProcessWorkDriver, Run) {
    now(driver.stop());
    let (other, runs) = (another(world), Runs::default());
    let next = self::driver(&other, &runs.works());
    sweep(&next);
    let run = runs.next();
    (other, next, run)
}

/// One sweep.
pub fn sweep(driver: &ProcessWorkDriver) -> DriveReport {
    let report = now(driver.claim_and_run_pending()).unwrap();
    tasks().run();
    report
}

/// A process as JSON.
pub fn record(world: &World, id: &str) -> Value {
    crate::support::AsJson::json(&now(world.record(id)))
}

/// The state of a process.
pub fn state(world: &World, id: &str) -> String {
    record(world, id)["status"]["state"].as_str().unwrap().to_owned()
}

/// How a process ended.
pub fn output(world: &World, id: &str) -> Value {
    record(world, id)["status"]["awaitOutput"].clone()
}

/// The types of the events of a process.
pub fn log(world: &World, id: &str) -> Vec<String> {
    now(world.log(id)).iter().map(|event| event.event_type.clone()).collect()
}

/// The lease of a process.
pub fn lease(world: &World, id: &str) -> Option<ProcessLease> {
    now(world.registry.lease(&id.into())).unwrap()
}

/// The owner that holds a process.
pub fn holder(world: &World, id: &str) -> LeaseOwner {
    lease(world, id).expect("nobody holds it").owner
}

/// Signals a process.
pub fn signal(world: &World, id: &str, name: &str, payload: impl Into<Value>) {
    now(world.registry.signal(&id.into(), name, payload.into().into(), None)).unwrap();
    settle(world);
}

/// Asks for the end of a process.
pub fn cancel(world: &World, id: &str, reason: Option<&str>) {
    now(world.registry.request_cancel(&id.into(), reason)).unwrap();
    settle(world);
}

/// Lets everything that is under way come to rest, hints included.
pub fn settle(world: &World) {
    tasks().run();
    world.network.deliver();
    tasks().run();
}

/// Lets so many seconds pass, one after another.
pub fn seconds(world: &World, seconds: u64) {
    for _ in 0..seconds {
        world.clock.advance(1_000);
        tasks().run();
    }
}

/// The code of a refusal.
#[track_caller]
pub fn refused<T: Debug>(outcome: Result<T>) -> &'static str {
    outcome.expect_err("is not refused").code().as_str()
}
