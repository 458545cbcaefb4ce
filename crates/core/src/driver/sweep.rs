//! One sweep: begins every pending process of the list, as permits become free, and reports what became of each.

use std::{cell::RefCell, rc::Rc};

use futures::{channel::oneshot, future::try_join_all};
use serde::Serialize;

use super::{
    agenda::Next,
    attempt::Tried,
    eligibility::Eligibility,
    pending::{PAGE, Page, Pending},
    work_driver::{Driver, ProcessWorkDriver},
};
use crate::{
    error::{Error, Result},
    model::key::{ProcessId, sorted},
    registry::answer,
    store::{Answer, Query, Turn, Turns, TurnsFrom},
    unordered::Set,
};

/// What a sweep did. Each id stands in one list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DriveReport {
    /// What it began to run, in id order.
    pub started: Vec<ProcessId>,
    /// What is being run already, here or elsewhere, in id order.
    pub busy: Vec<ProcessId>,
    /// What has no runner here, in id order.
    pub unhandled: Vec<ProcessId>,
    /// What failed, and what failed since the last sweep.
    pub failed: Vec<DriveFailure>,
}

/// A drive that failed: its process was not claimed, its run met trouble of the driver (storage, a lost lease, code that
/// does not load), or its outcome could not be written. It will be tried again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DriveFailure {
    /// The process.
    pub process_id: ProcessId,
    /// The code of the fault.
    pub code: String,
    /// The fault, for people.
    pub message: String,
}

/// How many failures are kept for a sweep that may never come.
const MOST_FAILURES: usize = 100;

impl ProcessWorkDriver {
    /// Begins to run every process that can be run here and is not being run. Answers once each is claimed or known to be
    /// another's; what it began runs beside it. With as many running as may at once, it waits until one of them ends.
    pub async fn claim_and_run_pending(&self) -> Result<DriveReport> {
        let driver = &self.0;
        let (stops, report) = (driver.stops.get(), Rc::<RefCell<DriveReport>>::default());
        let (over, all_over) = oneshot::channel::<()>();
        let over = Rc::new(over);
        driver.settle_due().await?;
        let (mut pending, mut leased) = (Pending::new(&*driver.runners), Set::default());
        while let Some(page) = pending.next(&driver.registry).await? {
            let ids = match page {
                Page::Leased(ids) => {
                    leased.extend(ids.iter().cloned());
                    ids
                }
                Page::Turns(turns) => turns.into_iter().map(|turn| turn.id).filter(|id| !leased.contains(id)).collect(),
                Page::NoRunner(first) => {
                    driver.report_unhandled(first, &report).await?;
                    continue;
                }
            };
            let found = try_join_all(ids.iter().map(|id| driver.heard_of(id))).await?;
            for record in found.into_iter().flatten() {
                let id = record.id();
                match driver.eligibility(&record) {
                    Eligibility::Drivable if driver.runs.borrow().contains_key(id) => {
                        report.borrow_mut().note(id, Ok(Tried::Busy));
                    }
                    Eligibility::Drivable => {
                        let permit = driver.semaphore.acquire().await;
                        if driver.stops.get() == stops {
                            let (id, report, over) = (id.clone(), report.clone(), over.clone());
                            driver.spawn_attempt(Next { id: id.clone(), dead: None }, permit, move |tried| {
                                report.borrow_mut().note(&id, tried);
                                drop(over);
                            });
                        }
                    }
                    Eligibility::NoRunner => report.borrow_mut().unhandled.push(id.clone()),
                    Eligibility::NotDrivable => {}
                }
            }
        }
        drop(over);
        // The sender is dropped with the last attempt.
        let _ = all_over.await;
        let mut report = report.take();
        report.failed.append(&mut driver.failures.take());
        for ids in [&mut report.started, &mut report.busy, &mut report.unhandled] {
            *ids = sorted(ids);
        }
        Ok(report)
    }
}

impl DriveReport {
    fn note(&mut self, id: &ProcessId, tried: Result<Tried>) {
        match tried {
            Ok(Tried::Started) => self.started.push(id.clone()),
            Ok(Tried::Busy) => self.busy.push(id.clone()),
            Ok(Tried::Over) => {}
            Err(fault) => self.failed.push(DriveFailure::new(id, &fault)),
        }
    }
}

impl DriveFailure {
    fn new(id: &ProcessId, fault: &Error) -> Self {
        Self { process_id: id.clone(), code: fault.code().as_str().to_owned(), message: fault.message().to_owned() }
    }
}

impl Driver {
    /// Adds the processes of a kind that has no runner here to a report.
    async fn report_unhandled(&self, first: Turn, report: &RefCell<DriveReport>) -> Result<()> {
        let mut from = TurnsFrom::Kind(first.kind);
        loop {
            let Turns { turns, behind } = answer!(self.registry, Query::Turns(from, PAGE), Answer::Turns)?;
            report.borrow_mut().unhandled.extend(turns.into_iter().map(|turn| turn.id));
            match behind {
                Some(last) => from = TurnsFrom::Behind(last),
                None => return Ok(()),
            }
        }
    }

    /// Notes a failure down for the report of the next sweep, and reports it to the host.
    pub fn failed(&self, id: &ProcessId, fault: &Error) {
        let mut failures = self.failures.borrow_mut();
        failures.push(DriveFailure::new(id, fault));
        if failures.len() > MOST_FAILURES {
            failures.remove(0);
        }
        drop(failures);
        self.runners.failed(fault);
    }
}
