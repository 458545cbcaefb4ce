//! Runners that do what a test says, and tabs with drivers.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Error, ProcessWorkDriver, RunContext,
    domain::{json::ToJson, process::ProcessAwaitOutput, value::Json},
    driver::{DriveReport, DriverOptions, Runners},
};
use serde_json::{Value, json};

use crate::support::{World, memory::Memory, tasks};

type Work = Rc<dyn Fn(RunContext) -> LocalBoxFuture<'static, ProcessAwaitOutput>>;

/// Runners by kind, and what failed.
#[derive(Default)]
pub struct Works {
    by_kind: RefCell<BTreeMap<String, Work>>,
    pub failures: RefCell<Vec<String>>,
}

impl Works {
    /// Has a kind run so.
    pub fn on<F: Future<Output = ProcessAwaitOutput> + 'static>(
        self: &Rc<Self>,
        kind: &str,
        work: impl Fn(RunContext) -> F + 'static,
    ) -> Rc<Self> {
        self.by_kind.borrow_mut().insert(kind.to_owned(), Rc::new(move |context| work(context).boxed_local()));
        self.clone()
    }
}

impl Runners for Works {
    fn handles(&self, kind: &str) -> bool {
        self.by_kind.borrow().contains_key(kind)
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, ProcessAwaitOutput> {
        let kind = context.record().identity().unwrap().kind.clone();
        let work = self.by_kind.borrow()[&kind].clone();
        work(context)
    }

    fn failed(&self, fault: &Error) {
        self.failures.borrow_mut().push(fault.code().as_str().to_owned());
    }
}

/// A success of this value.
pub fn done(value: impl Into<Value>) -> ProcessAwaitOutput {
    ProcessAwaitOutput::success(Json::from(value.into()))
}

/// One tab over rows in memory.
pub fn tab() -> World {
    tasks().kill();
    World::new(Rc::new(Memory::default())).now_or_never().unwrap()
}

/// One more tab over the same rows.
pub fn another(world: &World) -> World {
    world.another().now_or_never().unwrap()
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

/// Registers a process of a kind.
pub fn register(world: &World, id: &str, kind: &str) {
    register_so(world, json!({"id": id, "input": {"type": "engine", "kind": kind}}));
}

/// Registers a process so.
pub fn register_so(world: &World, registration: Value) {
    world.register(registration).now_or_never_with_tasks().unwrap();
}

/// Futures that need the tasks of the test to run.
pub trait WithTasks: Future + Sized {
    /// What it gives, once everything beside it has run as far as it can.
    #[track_caller]
    fn now_or_never_with_tasks(self) -> Self::Output {
        let mut pinned = Box::pin(self);
        for _ in 0..100 {
            if let Some(output) = (&mut pinned).now_or_never() {
                return output;
            }
            tasks().run();
        }
        panic!("waits for something that never comes");
    }
}

impl<F: Future> WithTasks for F {}

/// One sweep.
pub fn sweep(driver: &ProcessWorkDriver) -> DriveReport {
    let report = driver.claim_and_run_pending().now_or_never_with_tasks().unwrap();
    tasks().run();
    report
}

/// A process as JSON.
pub fn record(world: &World, id: &str) -> Value {
    (&world.record(id).now_or_never_with_tasks().to_json()).into()
}

/// The types of the events of a process.
pub fn log(world: &World, id: &str) -> Vec<String> {
    let events = world.log(id).now_or_never_with_tasks();
    events.iter().map(|event| event.event_type.clone()).collect()
}

/// Signals a process.
pub fn signal(world: &World, id: &str, name: &str, payload: Value) {
    let id = id.into();
    world.registry.signal(&id, name, payload.into(), None).now_or_never_with_tasks().unwrap();
    tasks().run();
    world.network.deliver();
    tasks().run();
}
