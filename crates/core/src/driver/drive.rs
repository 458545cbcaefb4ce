//! An attempt that has begun: runs its runner, writes how the process ends, and gives the lease back where it does not.

use std::{pin::pin, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
};

use super::{Abort, RunContext, RunEnd, work_driver::Driver};
use crate::{
    error::{Code, Error, Result},
    host::latch,
    model::{
        process::{FailureClass, ProcessAwaitOutput, ProcessRecord},
        schema::Schemas,
    },
    notify::ChangeReceiver,
    operation,
    rules::attempt::{Failed, Thrown},
};

impl Driver {
    /// Runs a claimed process and writes how it ends, or gives its lease back.
    pub async fn drive(
        self: Rc<Self>,
        run: RunContext,
        over: oneshot::Receiver<()>,
        changes: ChangeReceiver,
        _ends: latch::Release,
    ) {
        let (first, stops) = (changes.seen(), self.stops.get());
        let begun = self.registry.clock().monotonic();
        let mut called = false;
        let worked = self.work(&run, over, &changes, &mut called).await;
        // Boxed, as it takes more room than the run, and thousands of these may sleep.
        let written = self.write_end(&run, worked, called).boxed_local().await;
        let id = run.id();
        self.ended(id);
        match written {
            Ok(true) if run.is_alone(&changes, first) => self.forget(id),
            // What others wrote during the run, perhaps to register it anew, has not been read.
            Ok(true) => self.look_again(id),
            Ok(false) if self.stops.get() != stops => self.look_again(id),
            Ok(false) => self.look_again_after(&run.record().registered, begun),
            Err(fault) => {
                self.failed(id, &fault);
                self.look_again_after(&run.record().registered, self.registry.clock().monotonic());
            }
        }
        run.0.permit.release();
    }

    /// Writes what came of a run, or gives its lease back if it was not written. Returns whether it was.
    async fn write_end(&self, run: &RunContext, worked: Result<Option<RunEnd>>, called: bool) -> Result<bool> {
        let worked = match worked {
            Ok(None) => Ok(None),
            ended => {
                run.settles();
                run.states_written().await;
                let streamed = run.streams_written().boxed_local().await;
                ended.and_then(|end| streamed.map(|()| end))
            }
        };
        let written = match worked {
            Ok(Some(RunEnd::Returned(output))) => self.end(run, output).await,
            Ok(Some(RunEnd::Threw(thrown))) => self.fail(run, thrown).await,
            Ok(None) => Ok(false),
            Err(trouble) => Err(trouble),
        };
        let written = match written {
            Err(fault) if matches!(fault.code(), Code::LeaseLost | Code::UnknownProcess | Code::AlreadyTerminal) => {
                self.unless_taken_over(run, fault).await
            }
            written => written,
        };
        let written = match written {
            // With its registry closed, a run that is over meets faults that are no news.
            Err(fault) if fault.code() == Code::Closed && run.is_on().is_err() => Ok(false),
            written => written,
        };
        run.stop(Abort::Over(Error::of(Code::LeaseLost, run.id(), "is not run any more: its run is over")));
        if !matches!(written, Ok(true)) {
            // Others need not wait for the end of the lease. Where it was lost, this changes nothing.
            self.release(run.lease(), called).await;
        }
        written
    }

    /// What came of the runner; nothing where the run ends without it. An error is trouble of the driver.
    async fn work(
        &self,
        run: &RunContext,
        over: oneshot::Receiver<()>,
        changes: &ChangeReceiver,
        called: &mut bool,
    ) -> Result<Option<RunEnd>> {
        if run.is_on().is_err() {
            return Ok(None);
        }
        let watch = pin!(run.watch(changes));
        let runners = self.runners.clone();
        let (ready, context) = (runners.ready(run.record()), run.clone());
        let work = pin!(async {
            ready.await?;
            *called = true;
            runners.run(context).await
        });
        match select(over, select(work, watch)).await {
            // The outcome of a run that is over is of no interest.
            Either::Right((Either::Left((Err(_), _)), _)) if run.is_on().is_err() => Ok(None),
            Either::Right((Either::Left((end, _)), _)) => end.map(Some),
            Either::Right((Either::Right(_), _)) | Either::Left(_) => Ok(None),
        }
    }

    /// Writes that a run threw: another attempt is made later, or the process ends. Returns whether the lease is given back with that.
    async fn fail(&self, run: &RunContext, thrown: Thrown) -> Result<bool> {
        let chance = self.registry.host().random.chance();
        let fails = operation::fail(run.lease().clone(), thrown, chance, self.registry.schemas());
        match run.0.registry.execute(fails).await {
            Ok(Failed::Ended) => Ok(true),
            Ok(Failed::Retried(until)) => {
                self.due_in(until.saturating_sub(self.registry.clock().now()));
                Ok(true)
            }
            Err(fault) => self.unless_over(run, fault).await,
        }
    }

    /// Writes how the process ends. Returns whether it has ended by this run.
    async fn end(&self, run: &RunContext, output: ProcessAwaitOutput) -> Result<bool> {
        match self.complete(run, output, self.registry.schemas()).await {
            Ok(_) => Ok(true),
            Err(fault) => self.unless_over(run, fault).await,
        }
    }

    async fn complete(
        &self,
        run: &RunContext,
        output: ProcessAwaitOutput,
        schemas: &Rc<Schemas>,
    ) -> Result<ProcessRecord> {
        run.0.registry.execute(operation::complete_with_lease(run.lease().clone(), output, schemas)).await
    }

    /// What a fault means that ending a process met. An output that is not what was declared for such an end fails the process.
    async fn unless_over(&self, run: &RunContext, fault: Error) -> Result<bool> {
        let is_refused = matches!(fault.code(), Code::InvalidPayload | Code::InvalidArgument);
        let ended = match is_refused {
            true => self.complete(run, refused(&fault), &Rc::new(Schemas::unchecked())).await,
            false => Err(fault),
        };
        match ended {
            Ok(_) => Ok(true),
            // It has ended, is gone, or is another's: that is no fault.
            Err(fault) if matches!(fault.code(), Code::UnknownProcess | Code::AlreadyTerminal) => Ok(false),
            Err(fault) if fault.code() == Code::LeaseLost && run.is_on().is_err() => Ok(false),
            Err(fault) if fault.code() == Code::ReplayConflict => self.unless_taken_over(run, fault).await,
            Err(fault) => Err(fault),
        }
    }

    /// `false` where another attempt continues the process or has ended it, which is no trouble, whichever tab finds out first.
    /// Where that cannot be read, the storage is the trouble, and not `fault`.
    async fn unless_taken_over(&self, run: &RunContext, fault: Error) -> Result<bool> {
        if self.is_taken_over(run).await? { Ok(false) } else { Err(fault) }
    }

    /// Whether a later attempt holds or held the process of a run; or it ended, is gone, or was registered anew.
    async fn is_taken_over(&self, run: &RunContext) -> Result<bool> {
        let (found, slot) = self.registry.process_and_lease(run.id()).await?;
        let is_this_one =
            |record: &ProcessRecord| !record.is_terminal() && record.registered.is(&run.record().registered);
        Ok(!found.as_ref().is_some_and(is_this_one) || slot.last_fence > run.lease().fencing_token)
    }
}

fn refused(fault: &Error) -> ProcessAwaitOutput {
    ProcessAwaitOutput::failure(FailureClass::InvalidRequest, fault.code().as_str(), fault.message())
}
