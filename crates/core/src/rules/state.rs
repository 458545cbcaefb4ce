//! What a run shows of itself.

use std::rc::Rc;

use super::{
    lease,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Error, Result},
    model::{lease::ProcessLease, payload::Payload, process::Progress, trace::TraceContext},
};

/// What a run shows of itself; what is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The state of its own.
    pub state: Option<Payload>,
    /// How far it is. Its time is that of the store when it is written.
    pub progress: Option<Progress>,
    /// Where in a distributed trace it is.
    pub trace_context: Option<TraceContext>,
}

impl Shown {
    /// A state.
    pub fn state(state: Payload) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    /// How far a run is. A number that is not finite is [`Code::InvalidArgument`](crate::Code::InvalidArgument).
    pub fn progress(current: f64, total: Option<f64>, message: Option<String>) -> Result<Self> {
        for (name, number) in [("current", Some(current)), ("total", total)] {
            if number.is_some_and(|number| !number.is_finite()) {
                return Err(Error::invalid(format!("{name}: must be a finite number")));
            }
        }
        Ok(Self { progress: Some(Progress { current, total, message, at_ms: 0 }), ..Self::default() })
    }

    /// Where in a distributed trace a run is. What is no trace context is [`Code::InvalidArgument`](crate::Code::InvalidArgument).
    pub fn trace_context(context: TraceContext) -> Result<Self> {
        context.check("traceContext")?;
        Ok(Self { trace_context: Some(context), ..Self::default() })
    }

    /// All of both, where `later` holds of what each has.
    #[must_use]
    pub fn then(self, later: Shown) -> Self {
        Self {
            state: later.state.or(self.state),
            progress: later.progress.or(self.progress),
            trace_context: later.trace_context.or(self.trace_context),
        }
    }
}

/// Replaces what the record shows of a run, only while it holds its lease. It is no event.
pub fn show(seen: &Snapshot, held: &ProcessLease, shown: &Shown) -> Result<Decision<()>> {
    let record = lease::writable(seen, held)?;
    let mut next = record.clone();
    if let Some(state) = &shown.state {
        next.state = Some(state.clone());
    }
    if let Some(progress) = &shown.progress {
        next.progress = Some(Box::new(Progress { at_ms: seen.now, ..progress.clone() }));
    }
    if let Some(context) = &shown.trace_context {
        next.run_trace_context = Some(Box::new(context.clone()));
    }
    next.updated_at_ms = seen.now;
    Ok(Decision::reply(()).write(Write::Process(Rc::new(next))))
}
