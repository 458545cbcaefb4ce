//! What the drivers of a simulation run: five steps, and between them whatever a runner may do.

use std::{cell::Cell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, join, select},
};
use longwait::{
    Code, Error, Result, RunContext,
    domain::{
        event::{AppendRequest, ProcessEvent},
        process::{FailureClass, ProcessAwaitOutput},
        value::Json,
    },
    driver::{Abort, Runners},
    host::Clock,
};
use serde_json::{Value, json};

use crate::store::Remote;

const STEPS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// Runners of one tab.
#[derive(Clone)]
pub struct Jobs {
    pub store: Remote,
    pub tab: String,
    /// Whether every runner is to come to an end.
    pub calm: Rc<Cell<bool>>,
}

impl Runners for Jobs {
    fn handles(&self, kind: &str) -> bool {
        kind == "job"
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<ProcessAwaitOutput>> {
        let job = Job { jobs: self.clone(), born: self.born(&context), context, taken: [Cell::new(0), Cell::new(0)] };
        async move { job.run().await }.boxed_local()
    }

    fn failed(&self, fault: &Error) {
        assert!(is_trouble(fault.code()), "{fault:?}");
        self.count("drive failed");
    }
}

impl Jobs {
    fn count(&self, what: &'static str) {
        self.store.log.borrow_mut().tally.count(what);
    }

    fn born(&self, context: &RunContext) -> Option<u64> {
        self.store.log.borrow().born(context.record().id().as_str())
    }
}

/// One run.
struct Job {
    jobs: Jobs,
    context: RunContext,
    /// When its process was registered.
    born: Option<u64>,
    /// How many signals it was given, by name.
    taken: [Cell<usize>; 2],
}

const NAMES: [&str; 2] = ["go", "stop"];

impl Job {
    async fn run(&self) -> Result<ProcessAwaitOutput> {
        self.jobs.count("run");
        let outcome = self.work().await;
        let stopped = matches!(self.context.abort(), Some(Abort::Cancelled(_)));
        if stopped {
            self.jobs.count("run told to stop");
            if self.below(2) == 0 {
                return Ok(ProcessAwaitOutput::Cancelled { message: "enough".into(), raw: None, control: None });
            }
        }
        match outcome {
            // Trouble of the driver, as what TypeScript tells it by.
            Err(fault) if is_trouble(fault.code()) => {
                let is_full = fault.code() == Code::QuotaExceeded;
                self.jobs.count(if is_full { "handed back as full" } else { "handed back" });
                Err(fault)
            }
            // A wait that ends because the run is to stop.
            Err(_) if stopped => Ok(failure("stopped")),
            Err(fault) => Ok(failure(fault.code().as_str())),
            outcome => outcome,
        }
    }

    async fn work(&self) -> Result<ProcessAwaitOutput> {
        let (attempt, fence) = (self.context.attempt(), self.fence());
        let begun = json!({"attempt": attempt, "fence": fence, "tab": self.jobs.tab});
        self.append("signal.begun", begun).await?;
        let mut seen = Vec::new();
        for key in STEPS {
            seen.push(self.step(key).await?);
            match self.below(100) {
                0..=2 => return Ok(failure("had enough")),
                3..=5 => self.hangs().await,
                6..=40 => self.idles().await?,
                _ => {}
            }
        }
        Ok(ProcessAwaitOutput::success(json!({"fence": fence, "seen": seen}).into()))
    }

    /// Does not return, as long as anything may happen.
    async fn hangs(&self) {
        while !self.jobs.calm.get() {
            self.jobs.store.clock.sleep(500).await;
        }
    }

    /// Waits for something, or writes something down.
    async fn idles(&self) -> Result<()> {
        match self.below(6) {
            0 => self.wait(0, None).await,
            1 => self.wait(self.below(2) as usize, Some(self.below(300))).await,
            2 => {
                let (one, two) = join(self.wait(0, Some(self.below(300))), self.wait(1, Some(self.below(300)))).await;
                one.and(two)
            }
            3 => self.within(self.below(300), self.context.await_terminal(&"a".into())).await.map(drop),
            4 => self.append("note", json!({"fence": self.fence()})).await,
            _ => {
                self.jobs.store.clock.sleep(self.below(200)).await;
                Ok(())
            }
        }
    }

    async fn step(&self, key: &str) -> Result<Value> {
        let value = json!({"key": key, "fence": self.fence(), "run": self.context.lease().lease_token});
        let given = self
            .patiently(async || {
                let work = async || {
                    self.jobs.store.clock.sleep(self.below(60)).await;
                    if self.below(10) == 0 {
                        return Err(Error::new(Code::StorageFailed, "the work failed, and is tried again"));
                    }
                    Ok(Some(Json::from(value.clone())))
                };
                self.context.step(key, work).await
            })
            .await?;
        let given = given.as_ref().map(Value::from).unwrap_or_default();
        self.jobs.count(if given == value { "step" } else { "step given again" });
        self.jobs.store.log.borrow().step_given(self.id(), self.born, key, &given);
        Ok(given)
    }

    /// Waits for a signal; after a while it may give up.
    async fn wait(&self, name: usize, span: Option<u64>) -> Result<()> {
        let wait = self.patiently(async || self.context.wait_for_signal(NAMES[name]).await);
        let signal: Option<Rc<ProcessEvent>> = match span {
            Some(span) => self.within(span, wait).await?,
            None => Some(wait.await?),
        };
        let Some(signal) = signal else {
            self.jobs.count("wait given up");
            return Ok(());
        };
        self.jobs.count("signal taken");
        let taken = &self.taken[name];
        taken.set(taken.get() + 1);
        self.jobs.store.log.borrow().signal_given(self.id(), self.born, taken.get(), &signal);
        Ok(())
    }

    async fn append(&self, event_type: &str, payload: Value) -> Result<()> {
        let request = AppendRequest::new(event_type, payload.into());
        self.patiently(async || self.context.append(request.clone()).await.map(drop)).await
    }

    // ── Patience ───────────────────────────────────────────────────────────

    /// Tries again where the store fails, a few times.
    async fn patiently<T>(&self, act: impl AsyncFn() -> Result<T>) -> Result<T> {
        for _ in 0..10 {
            match act().await {
                Err(fault) if fault.code() == Code::StorageFailed => {
                    self.jobs.store.clock.sleep(self.below(20)).await;
                }
                outcome => return outcome,
            }
        }
        act().await
    }

    /// Nothing where that takes too long, or what it waits for is unknown.
    async fn within<T>(&self, span: u64, wait: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        match select(pin!(wait), self.jobs.store.clock.sleep(span)).await {
            Either::Left((Err(fault), _)) if fault.code() == Code::UnknownProcess => Ok(None),
            Either::Left((outcome, _)) => outcome.map(Some),
            Either::Right(_) => Ok(None),
        }
    }

    fn below(&self, end: u64) -> u64 {
        self.jobs.store.dice.below(end)
    }

    fn fence(&self) -> u64 {
        self.context.lease().fencing_token
    }

    fn id(&self) -> &str {
        self.context.record().id().as_str()
    }
}

/// Whether no process ends with it.
fn is_trouble(code: Code) -> bool {
    matches!(code, Code::StorageFailed | Code::QuotaExceeded | Code::LeaseLost)
}

fn failure(code: &str) -> ProcessAwaitOutput {
    ProcessAwaitOutput::Failure {
        class: FailureClass::Execution,
        code: code.to_owned(),
        message: code.to_owned(),
        raw: None,
        control: None,
    }
}
