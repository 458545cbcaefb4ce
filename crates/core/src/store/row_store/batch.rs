//! Writes that share a transaction, since committing costs the same for one as for many.
//!
//! An operation joins the transaction that was begun last, until that has its first answer; else it begins one. While
//! one is at work the browser holds the next one back, and later operations join that; an operation that finds none at
//! work does not wait. No operation waits outside of a transaction: the browser keeps writes, and the reads behind
//! them, in the order of their calls, and lets them finish on a connection that is closed.
//!
//! The rows that any of them needs are loaded together. Then their rules run in the order of the calls, each on what those
//! before it wrote, and all that they decided counts once the transaction is complete. What one of them is refused is its
//! own affair. A commit that fails concerns all: then each is tried by itself.
//!
//! An optimistic engine holds no transaction back. There one runs at a time all the same: it may have to run again, as another client's
//! commit came first, and must not end up behind operations that were called later.

use std::{cell::RefCell, rc::Rc};

use super::{
    Shared,
    commit::Commit,
    commit_token::CommitToken,
    races::MOST_RUNS,
    read_set::ReadSet,
    reader::{Loaded, Reader},
};
use crate::{
    error::{Code, Error, Result},
    model::key::ProcessId,
    rules::snapshot::{Rows, Snapshot, Write},
    store::{
        Reads, Rule,
        engine::{Failed, How, Mode, Round, Step, Upload},
    },
};
use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};

/// The operations of one transaction, in the order of their calls.
pub type Batch = Rc<RefCell<Vec<Asked>>>;

/// One operation.
pub struct Asked {
    reads: Reads,
    rule: Rule,
    /// What was uploaded for it.
    pub uploads: Vec<Upload>,
    /// What its rule came to when it ran last; counts once the caller is told.
    outcome: Rc<RefCell<Option<Outcome>>>,
    /// Dropped, it tells.
    _caller: oneshot::Sender<()>,
}

impl Asked {
    /// The process that it is on, where it is on one.
    pub fn process_id(&self) -> Option<&ProcessId> {
        self.reads.process_id()
    }

    /// Whether what it attaches is the same each time that it runs. A fork attaches what it reads.
    pub fn attaches_alike(&self) -> bool {
        !matches!(self.reads, Reads::Forking(..))
    }

    /// Answers with a fault.
    pub fn refuse(self, fault: Error) {
        self.outcome.replace(Some(Err(fault)));
    }
}

/// The last change number that an operation took.
type Outcome = Result<Option<u64>>;

/// How often operations on several processes run together, where they lose a race each time. Then each process has a transaction of its
/// own, so that one which many clients write to does not hold up the others.
const MOST_RUNS_TOGETHER: u32 = 8;

impl Shared {
    /// Runs an operation, in a transaction with others that are called until it begins.
    pub fn transact(self: &Rc<Self>, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Outcome> {
        let (caller, told) = oneshot::channel();
        let outcome = Rc::<RefCell<Option<Outcome>>>::default();
        self.join(Asked { reads, rule, uploads: Vec::new(), outcome: outcome.clone(), _caller: caller });
        async move {
            let _ = told.await;
            outcome.take().unwrap_or_else(|| Err(Error::new(Code::Internal, "a transaction went unanswered")))
        }
        .boxed_local()
    }

    pub(super) fn join(self: &Rc<Self>, asked: Asked) {
        if let Some(last) = self.waiting.borrow().last() {
            let mut last = last.borrow_mut();
            if last.len() < self.traits.most_operations
                && is_shared(&asked.reads)
                && last.iter().all(|other| is_shared(&other.reads))
            {
                return last.push(asked);
            }
        }
        self.begin(vec![asked]);
    }

    pub(super) fn begin(self: &Rc<Self>, asked: Vec<Asked>) {
        let batch = Rc::new(RefCell::new(asked));
        self.waiting.borrow_mut().push(batch.clone());
        self.spawn.spawn(self.clone().run(batch).boxed_local());
    }

    /// Runs a transaction to its end, also where its callers have dropped their futures, and stores each outcome. Over an optimistic engine those
    /// that come of it run before anything that was called later: such an engine keeps no order of its own.
    async fn run(self: Rc<Self>, batch: Batch) {
        let _only = match self.traits.is_optimistic {
            true => Some(self.writing.acquire().await),
            false => None,
        };
        let mut parts = self.run_once(batch).await;
        if !self.traits.is_optimistic {
            return self.begin_again(parts);
        }
        parts.reverse();
        // The next one is the last.
        while let Some(part) = parts.pop() {
            let behind = self.run_once(Rc::new(RefCell::new(part))).await;
            parts.extend(behind.into_iter().rev());
        }
    }

    /// Runs a transaction, and stores each outcome. Gives the operations that are to be run in transactions of their own.
    async fn run_once(self: &Rc<Self>, batch: Batch) -> Vec<Vec<Asked>> {
        let outcome = self.settle(&batch).await;
        let mut parts = Vec::new();
        if let Err(failed) = outcome {
            let asked = batch.take();
            match failed.how {
                // What one of them asks for may be too much for the engine, which is no fault of the others.
                How::Refused if asked.len() > 1 => parts.extend(asked.into_iter().map(|asked| vec![asked])),
                How::Raced if is_of_several(&asked) => parts.extend(by_process(asked)),
                How::Refused | How::Raced | How::Unopened | How::Lost | How::Unsettled => self.fail(asked, &failed),
            }
        }
        let undecided = self.undecided.take();
        if !undecided.is_empty() {
            parts.push(undecided);
        }
        parts
    }

    /// Runs a transaction until its outcome is known.
    async fn settle(self: &Rc<Self>, batch: &Batch) -> Result<(), Failed> {
        match self.traits.is_optimistic {
            true => self.settle_races(batch).await,
            false => self.settle_losses(batch).await,
        }
    }

    /// Runs a transaction until no other commit comes first.
    async fn settle_races(self: &Rc<Self>, batch: &Batch) -> Result<(), Failed> {
        let mut lost = 0;
        loop {
            let outcome = self.attempt(batch, None).await;
            self.leave(batch);
            let Err(Failed { how: How::Raced, error }) = outcome else { return outcome };
            let most = if is_of_several(&batch.borrow()) { MOST_RUNS_TOGETHER } else { MOST_RUNS };
            lost += 1;
            self.lost_race(lost, most, error).await?;
        }
    }

    /// Runs a transaction, and once more where it was lost with its connection.
    async fn settle_losses(self: &Rc<Self>, batch: &Batch) -> Result<(), Failed> {
        let token = Rc::new(CommitToken::new(self));
        let mut retried = false;
        loop {
            let outcome = self.attempt(batch, Some(&token)).await;
            self.leave(batch);
            let Err(Failed { how: How::Lost, .. }) = outcome else { return outcome };
            // The commit may have landed before the connection died: look before doing it again.
            match token.was_committed().await {
                Ok(true) => return Ok(()),
                Ok(false) if retried => return outcome,
                Ok(false) => retried = true,
                Err(error) => return Err(Failed { error, how: How::Lost }),
            }
        }
    }

    /// Begins the transactions that come of one. Those that wait already go behind them, as they were called later.
    fn begin_again(self: &Rc<Self>, batches: Vec<Vec<Asked>>) {
        if batches.is_empty() {
            return;
        }
        let behind = self.waiting.take();
        for asked in batches {
            self.begin(asked);
        }
        for batch in behind {
            self.begin(batch.take());
        }
    }

    fn leave(&self, batch: &Batch) {
        self.waiting.borrow_mut().retain(|waiting| !Rc::ptr_eq(waiting, batch));
    }

    async fn attempt(self: &Rc<Self>, batch: &Batch, token: Option<&Rc<CommitToken>>) -> Result<(), Failed> {
        let connection = self.connected().await?;
        let (shared, batch, token, generation) = (self.clone(), batch.clone(), token.cloned(), connection.generation());
        let mut read_set = ReadSet::default();
        let committed = Rc::<RefCell<Option<Commit>>>::default();
        let commit = committed.clone();
        let step: Step = Box::new(move |results| {
            if !results.is_empty() {
                shared.leave(&batch);
            }
            // A rule calls JavaScript, which may call this store again.
            let mut all = batch.take();
            let mut commit = commit.borrow_mut();
            if commit.is_none() {
                read_set.rerun(results);
                let reader = Reader::new(&shared, generation, &mut read_set);
                match load(reader, &all) {
                    Some((_, true)) if all.len() > 1 => {
                        batch.replace(all);
                        // Nothing was written: each is tried by itself.
                        return Round::Fail(Error::new(Code::Internal, "a rule that reads ranges of rows runs alone"));
                    }
                    loaded => {
                        let alone = all.len() == 1;
                        *commit = loaded.map(|(loaded, _)| Commit::new(loaded, token.clone(), alone));
                    }
                }
                if commit.is_some() {
                    // Also where nothing had to be read: what is called from here on is not decided with these.
                    shared.leave(&batch);
                }
            }
            let round = match &mut *commit {
                Some(commit) => shared.decide(commit, &mut all, generation),
                None => Round::Read(read_set.missing()),
            };
            batch.replace(all);
            round
        });
        self.run_over(&*connection, Mode::Write, step).await?;
        if let Some(commit) = committed.take().filter(|_| !self.traits.is_optimistic) {
            commit.keep(&mut self.cached(generation));
        }
        Ok(())
    }

    /// Runs the rules that have not been run, as many as fit into one round.
    fn decide(self: &Rc<Self>, commit: &mut Commit, all: &mut Vec<Asked>, generation: u64) -> Round {
        let now = self.clock.now();
        if commit.is_full() {
            self.leave_to_the_next(all);
        }
        let mut place = 0;
        while let Some(asked) = all.get(place) {
            if asked.outcome.borrow().is_some() {
                place += 1;
                continue;
            }
            if self.uploads.are_for(asked) {
                self.uploads.hold(all.remove(place));
                continue;
            }
            let decided = (asked.rule)(&Snapshot { now, rows: &commit.loaded.rows });
            let writes = decided.as_deref().unwrap_or_default();
            if let Some(uploading) = self.uploading(asked, writes) {
                self.upload(all.remove(place), uploading);
                continue;
            }
            if writes.is_empty() {
                self.discard(&asked.uploads);
            }
            // Attachments go before all other rows of a transaction: engine.js says why.
            let attaches = writes.iter().any(|write| matches!(write, Write::Attachment(..)));
            if attaches && commit.was_sent() {
                self.leave_to_the_next(all);
                break;
            }
            asked.outcome.replace(Some(decided.and_then(|writes| commit.add(&writes))));
            place += 1;
            // The tab that registers a process mostly uses it next. If this is not committed, no row refers to it.
            for (registered, weight) in commit.registered.drain(..) {
                self.cached(generation).register(&registered, weight);
            }
            if commit.is_heavy() {
                return Round::Write(commit.requests());
            }
        }
        commit.end(now).unwrap_or_else(Round::Fail)
    }

    /// Stores a fault as the outcome of operations.
    fn fail(&self, asked: Vec<Asked>, failed: &Failed) {
        for asked in asked {
            let error = failed.error.clone();
            let error = match (failed.how, asked.process_id()) {
                (How::Refused | How::Raced, Some(id)) => error.concerning(id),
                (How::Unsettled, _) => error.unsettled(),
                (How::Refused | How::Raced | How::Unopened | How::Lost, _) => error,
            };
            if failed.how != How::Unsettled {
                self.discard(&asked.uploads);
            }
            asked.refuse(error);
        }
    }

    /// Leaves the operations that are not decided yet to another transaction. An engine that keeps an order of its own has to hear of it at once.
    fn leave_to_the_next(self: &Rc<Self>, all: &mut Vec<Asked>) {
        let undecided = all.iter().position(|asked| asked.outcome.borrow().is_none()).unwrap_or(all.len());
        let mut rest = all.split_off(undecided);
        if rest.is_empty() {
            return;
        }
        match self.traits.is_optimistic {
            true => {
                let mut undecided = self.undecided.borrow_mut();
                // An earlier run of the transaction has left those that were called behind these.
                rest.append(&mut undecided);
                *undecided = rest;
            }
            false => self.begin_again(vec![rest]),
        }
    }
}

/// Whether operations are on more than one process, or on what is more than a process.
fn is_of_several(asked: &[Asked]) -> bool {
    let first = asked.first().and_then(|asked| asked.reads.process_id());
    asked.iter().skip(1).any(|asked| first.is_none() || asked.reads.process_id() != first)
}

/// The operations on each process, in the order of their calls. One that is not on a process alone is by itself, and none is moved past it.
fn by_process(asked: Vec<Asked>) -> Vec<Vec<Asked>> {
    fn id_of(batch: &[Asked]) -> Option<&ProcessId> {
        batch.first().and_then(|first| first.reads.process_id())
    }
    let mut batches: Vec<Vec<Asked>> = Vec::new();
    for asked in asked {
        let mut behind = batches.iter_mut().rev().take_while(|batch| id_of(batch).is_some());
        match behind.find(|batch| id_of(batch) == asked.reads.process_id()) {
            Some(batch) => batch.push(asked),
            None => batches.push(vec![asked]),
        }
    }
    batches
}

/// The rows that any of them needs, once all are here, and whether one of them must run alone. What is wrong with the rows of one is its own
/// outcome.
fn load(mut reader: Reader, all: &[Asked]) -> Option<(Loaded, bool)> {
    // Over an optimistic engine nothing depends on the number, and asking for it would wait for news of others.
    let last_change = if reader.shared.traits.is_optimistic { 0 } else { reader.checked_last_change() };
    let mut loaded = Loaded { rows: Rows::default(), totals: None, last_change };
    for Asked { reads, outcome, .. } in all {
        loaded = reader.loaded(loaded, reads);
        outcome.replace(reader.fault.take().map(Err));
        reader.may_be_granted |= matches!(reads, Reads::Granted(..));
    }
    if reader.read_set.is_pending() {
        return None;
    }
    reader.shared.report(reader.passed_over);
    Some((loaded, reader.reads_ranges))
}

/// Whether others may see the rows and have theirs seen: a range of rows is read as it is stored, without what others are
/// about to write, so an operation that reads one runs alone.
fn is_shared(reads: &Reads) -> bool {
    match reads {
        Reads::Process(..)
        | Reads::Leased(..)
        | Reads::Claim(_)
        | Reads::Leases(_)
        | Reads::Stream(..)
        | Reads::Viewed(..)
        | Reads::Granted(..) => true,
        Reads::Several(several) => several.iter().all(is_shared),
        Reads::Registering(registering) => registering.key.is_none(),
        Reads::Session(_) | Reads::Outdated(..) | Reads::Whole(_) | Reads::Forking(..) => false,
    }
}
