//! Steps: what has been done once is not done again by another run.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::RunContext;
use crate::{
    domain::{
        check_name,
        event::{AppendRequest, STEP},
        table::ById,
        value::Json,
    },
    error::{Error, Result},
    host::Permits,
    store::EventRange,
    text::is_blank,
};

/// The steps of one run, as far as it knows them.
#[derive(Default)]
pub(super) struct Steps {
    /// Of whoever reads those of earlier runs, and whether they have been read.
    reading: Permits,
    read: Cell<bool>,
    by_key: RefCell<ById<Step>>,
}

#[derive(Default)]
struct Step {
    /// Of whoever runs it: it runs once.
    turn: Permits,
    recorded: RefCell<Option<Recorded>>,
}

/// The value that a step gave, where it gave one.
type Recorded = Option<Json>;

impl RunContext {
    /// Runs `work`, once for each process and key, and records its value. Where it is recorded already, answers that.
    ///
    /// A crash after the work and before the record is on disk runs the work again. One that fails is not recorded.
    pub async fn step<W: Future<Output = Result<Recorded>>>(
        &self,
        key: &str,
        work: impl FnOnce() -> W,
    ) -> Result<Recorded> {
        if is_blank(key) {
            return Err(Error::invalid("the key of a step must not be blank"));
        }
        check_name("key", key)?;
        self.read_steps().await?;
        let step = self.0.steps.by_key.borrow_mut().get_or_default(key);
        let _turn = step.turn.take().await;
        let recorded = step.recorded.borrow().clone();
        if let Some(recorded) = recorded {
            return Ok(recorded);
        }
        self.is_on()?;
        let value = work().await?;
        self.append(AppendRequest::step(key, &value)).await?;
        step.recorded.replace(Some(value.clone()));
        Ok(value)
    }

    async fn read_steps(&self) -> Result<()> {
        let steps = &self.0.steps;
        // Before the first run there was nobody who could have recorded one.
        if self.attempt() == 1 {
            return Ok(());
        }
        let _turn = steps.reading.take().await;
        if !steps.read.get() {
            let all = EventRange::After { after: 0, limit: None, types: Some(vec![STEP.to_owned()]) };
            for event in self.0.registry.events(self.id(), all).await? {
                if let Some((key, value)) = event.as_step() {
                    let step = Step { recorded: RefCell::new(Some(value)), ..Step::default() };
                    steps.by_key.borrow_mut().put(key, Rc::new(step));
                }
            }
            steps.read.set(true);
        }
        Ok(())
    }
}
