//! What the drivers of a simulation run: five steps, and between them whatever a runner may do.

use std::{cell::Cell, pin::pin, rc::Rc};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, join, select},
};
use longwait::{
    Code, Error, Result, RunContext,
    driver::{Abort, RunEnd, Runners, StepAttempt, StepEnd, StreamOptions},
    host::Clock,
    model::{
        event::{AppendRequest, ProcessEvent},
        payload::Payload,
        policy::{Policy, RetryPolicy},
        process::{FailureClass, NewProcess, ProcessAwaitOutput, ProcessRecord},
    },
    rules::attempt::{Advice, Thrown},
};
use serde_json::{Value, json};

use crate::{store::Remote, streams::NAME, tab::job};

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
    fn kinds(&self) -> Vec<String> {
        vec!["job".to_owned()]
    }

    fn ready(&self, _: &ProcessRecord) -> LocalBoxFuture<'static, Result<()>> {
        let fails = !self.calm.get() && self.store.dice.chance(4);
        if fails {
            self.count("code did not load");
        }
        let ready = if fails { Err(Error::new(Code::Internal, "the code does not load")) } else { Ok(()) };
        futures::future::ready(ready).boxed_local()
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        let born = self.born(&context);
        let job = Job {
            jobs: self.clone(),
            born,
            context,
            taken: Cell::default(),
            place: Cell::default(),
            thrown: Cell::default(),
        };
        async move {
            let output = job.run().await?;
            Ok(job.throws().map_or(RunEnd::Returned(output), RunEnd::Threw))
        }
        .boxed_local()
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
    /// How many signals of each name it was given.
    taken: Cell<[usize; 2]>,
    /// Whether it throws before its first step.
    thrown: Cell<bool>,
    /// How far it has come.
    place: Cell<u64>,
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
            Err(fault) if stopped || fault.code() == Code::Closed => Ok(failure("stopped")),
            Err(fault) => Ok(failure(fault.code().as_str())),
            outcome => outcome,
        }
    }

    async fn work(&self) -> Result<ProcessAwaitOutput> {
        let (attempt, fence) = (self.context.attempt(), self.fence());
        let begun = json!({"attempt": attempt, "fence": fence, "tab": self.jobs.tab});
        self.append("signal.begun", begun).await?;
        self.jobs.store.log.borrow_mut().begins(self.id(), self.born);
        if self.id() == "x" {
            self.bears().await?;
        }
        if self.context.record().policy().retry.is_some() && !self.jobs.calm.get() && self.below(2) == 0 {
            self.thrown.set(true);
            return Ok(failure("threw"));
        }
        let mut seen = Vec::new();
        for key in STEPS {
            seen.push(self.step(key).await?);
            if self.below(100) < 3 {
                self.hangs().await;
            }
            match self.plan(100) {
                0..=2 => return Ok(failure("had enough")),
                3..=50 => self.idles().await?,
                _ => {}
            }
        }
        Ok(ProcessAwaitOutput::success(json!({"fence": fence, "seen": seen}).into()))
    }

    /// What the run throws, if it does: where its process is retried.
    fn throws(&self) -> Option<Thrown> {
        let is_retried = self.context.record().policy().retry.is_some();
        let throws = is_retried && (self.thrown.get() || !self.jobs.calm.get() && self.below(2) == 0);
        let advice = match self.below(4) {
            0 => Advice::Again(Some(self.below(300))),
            1 => Advice::Never,
            _ => Advice::ByPolicy,
        };
        throws.then(|| Thrown { failure: failure("threw"), advice })
    }

    /// Starts a child, which need not have ended when this one does.
    async fn bears(&self) -> Result<()> {
        let start = async || {
            let child = job("x/child", "rerun");
            self.context.start_child(NewProcess::new(child, Policy::default())).await.map(drop)
        };
        self.patiently(start).await?;
        self.jobs.count("child");
        Ok(())
    }

    /// Does not return, as long as anything may happen.
    async fn hangs(&self) {
        while !self.jobs.calm.get() {
            self.jobs.store.clock.sleep(500).await;
        }
    }

    /// A number below `end`, the same at the same place of every run of the process: what the program is to do.
    fn plan(&self, end: u64) -> u64 {
        self.place.set(self.place.get() + 1);
        let mut number = self.born.unwrap_or_default() ^ (self.place.get() << 32);
        for byte in self.id().bytes() {
            number = (number ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            number ^= number >> 29;
        }
        number % end
    }

    /// Waits for something, or writes something down.
    async fn idles(&self) -> Result<()> {
        let (kind, name, span) = (self.plan(14), self.plan(2) as usize, self.plan(300));
        match kind {
            0 => self.wait(&NAMES[..1], None).await.map(drop),
            1 => self.wait(&NAMES[name..=name], Some(span)).await.map(drop),
            2 => {
                let (one, two) = (self.wait(&NAMES[..1], Some(span)), self.wait(&NAMES[1..], Some(self.plan(300))));
                let (one, two) = join(one, two).await;
                one.and(two).map(drop)
            }
            3 => self.within(self.below(300), self.context.await_terminal(&"a".into())).await.map(drop),
            4 => self.append("note", json!({"fence": self.fence()})).await,
            5 | 6 => self.races().await,
            7 => self.wait(&NAMES, None).await.map(drop),
            8 | 12 | 13 => self.puts_out().await,
            9 => self.sleeps(span).await,
            10 | 11 => self.races_a_timer(&NAMES[name..=name], span).await,
            _ => {
                self.jobs.store.clock.sleep(self.below(200)).await;
                Ok(())
            }
        }
    }

    /// Puts a few chunks into the stream of its process, and perhaps waits until they are committed.
    async fn puts_out(&self) -> Result<()> {
        let stream = match self.context.opened_stream(NAME) {
            Ok(stream) => stream,
            Err(_) => self.patiently(async || self.context.stream(NAME, StreamOptions::default()).await).await?,
        };
        for _ in 0..=self.below(6) {
            stream.append(self.fence().into()).await?;
            self.jobs.store.clock.sleep(self.below(80)).await;
        }
        if self.below(2) == 0 { stream.flush(false).await } else { Ok(()) }
    }

    /// Waits for signals that race, a few times over: for each on its own, for any of them, and for one all along. Those
    /// that lose are given up.
    async fn races(&self) -> Result<()> {
        self.jobs.store.log.borrow_mut().races(self.id(), self.born, true);
        let mut stop = pin!(self.wait(&NAMES[1..], None));
        for _ in 0..2 {
            let others = pin!(async {
                let (one, any) = (pin!(self.wait(&NAMES[..1], None)), pin!(self.wait(&NAMES, None)));
                select(one, any).await.factor_first().0
            });
            match select(stop.as_mut(), others).await {
                Either::Left((stopped, _)) => {
                    stopped?;
                    break;
                }
                Either::Right((other, _)) => drop(other?),
            }
        }
        self.jobs.store.log.borrow_mut().races(self.id(), self.born, false);
        self.jobs.count("race");
        Ok(())
    }

    /// Sleeps under the key of the place of the program.
    async fn sleeps(&self, span: u64) -> Result<()> {
        let key = self.place.get().to_string();
        self.patiently(async || self.context.sleep(&key, span).await).await?;
        self.jobs.count("sleep");
        Ok(())
    }

    /// A timer and a wait for a signal, of which the loser is given up. The winner is the same in every run.
    async fn races_a_timer(&self, names: &[&str], span: u64) -> Result<()> {
        let (place, key) = (self.place.get(), self.place.get().to_string());
        let signalled = pin!(self.context.wait_for_signals(names, None, false));
        let signal = match select(pin!(self.context.sleep(&key, span)), signalled).await {
            Either::Left((slept, _)) => slept.map(|()| None)?,
            Either::Right((signal, _)) => Some(signal?),
        };
        self.place.set(self.place.get() + 1);
        let sequence = signal.as_ref().map(|signal| signal.sequence);
        self.jobs.store.log.borrow_mut().chosen(self.id(), self.born, (place, self.place.get()), names, sequence);
        self.jobs.count(if signal.is_some() { "signal before a timer" } else { "timer before a signal" });
        if let Some(signal) = signal {
            self.takes(&signal);
        }
        Ok(())
    }

    async fn step(&self, key: &str) -> Result<Value> {
        let value = json!({"key": key, "fence": self.fence(), "run": self.context.lease().lease_token});
        let most = Some(self.plan(8)).filter(|most| *most < 4).unwrap_or_default();
        let retry = RetryPolicy { max_attempts: Some(most), initial_interval_ms: Some(100), ..RetryPolicy::default() };
        let end = self
            .patiently(async || {
                let work = async |attempt: StepAttempt| {
                    let (wall, tried) = (self.jobs.store.clock.now(), (key, attempt.number));
                    self.jobs.store.log.borrow_mut().step_tried(self.id(), self.born, self.fence(), tried, wall);
                    self.jobs.store.clock.sleep(self.below(60)).await;
                    match self.below(10) {
                        0 => Err(Error::new(Code::StorageFailed, "the work failed, and is tried again")),
                        1..=5 if most > 0 => Ok(StepEnd::Threw(thrown(&value, most))),
                        _ => Ok(StepEnd::Returned(Some(Payload::from(value.clone())))),
                    }
                };
                self.context.step_with(key, (most > 0).then_some(&retry), work).await
            })
            .await?;
        let given = match end {
            StepEnd::Returned(given) => given.as_ref().map(Payload::value).unwrap_or_default(),
            // What is thrown once the process was asked to stop is not recorded.
            StepEnd::Threw(_) if self.jobs.store.log.borrow().is_asked_to_stop(self.id()) => {
                return Err(Error::new(Code::Closed, "is to stop"));
            }
            StepEnd::Threw(thrown) => thrown.failure.to_error().member("raw").unwrap_or_default().value(),
        };
        self.jobs.count(if given["run"] == value["run"] { "step" } else { "step given again" });
        self.jobs.store.log.borrow_mut().step_given(self.id(), self.born, key, &given);
        Ok(given)
    }

    /// Waits for a signal of any of these names; after a while it may give up. What it comes to is the same in every run.
    async fn wait(&self, names: &[&str], span: Option<u64>) -> Result<()> {
        let place = self.place.get();
        let waited = self.patiently(async || self.context.wait_for_signals(names, span, false).await).await;
        let signal: Option<Rc<ProcessEvent>> = match waited {
            Err(fault) if fault.code() == Code::Timeout => None,
            waited => Some(waited?),
        };
        self.place.set(self.place.get() + 1);
        let sequence = signal.as_ref().map(|signal| signal.sequence);
        self.jobs.store.log.borrow_mut().chosen(self.id(), self.born, (place, self.place.get()), names, sequence);
        let Some(signal) = signal else {
            self.jobs.count("wait given up");
            return Ok(());
        };
        self.jobs.count("signal taken");
        self.takes(&signal);
        Ok(())
    }

    fn takes(&self, signal: &ProcessEvent) {
        let (mut taken, name) = (self.taken.get(), usize::from(signal.event_type == "signal.stop"));
        taken[name] += 1;
        self.taken.set(taken);
        self.jobs.store.log.borrow().signal_given(self.id(), self.born, taken[name], signal);
    }

    async fn append(&self, event_type: &str, payload: Value) -> Result<()> {
        let request = AppendRequest::new(event_type, payload.into());
        let append = async || match self.context.append(request.clone()).await.map(drop) {
            // It may be there, without a mark that no other one has.
            Err(fault) if fault.code() == Code::Disconnected => Ok(Err(fault)),
            outcome => outcome.map(Ok),
        };
        self.patiently(append).await?
    }

    // ── Patience ───────────────────────────────────────────────────────────

    /// Tries again where the store fails, a few times.
    async fn patiently<T>(&self, act: impl AsyncFn() -> Result<T>) -> Result<T> {
        for _ in 0..10 {
            match act().await {
                Err(fault) if matches!(fault.code(), Code::StorageFailed | Code::Disconnected) => {
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

/// What an attempt of a step throws, of which there are `most`.
fn thrown(value: &Value, most: u64) -> Thrown {
    let mut raw = value.clone();
    raw["most"] = json!(most);
    let (class, code, message) = (FailureClass::Unavailable, "no_luck".to_owned(), "no luck".to_owned());
    let failure = ProcessAwaitOutput::Failure { class, code, message, raw: Some(raw.into()), control: None };
    Thrown { failure, advice: Advice::ByPolicy }
}

/// Whether no process ends with it.
fn is_trouble(code: Code) -> bool {
    matches!(code, Code::StorageFailed | Code::Disconnected | Code::QuotaExceeded | Code::LeaseLost | Code::Internal)
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
