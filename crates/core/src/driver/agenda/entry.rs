//! What the agenda knows of one process, and what happens to that process next.

use std::rc::Rc;

use crate::model::{Millis, key::ProcessId, lease::ProcessLease};

/// What is known of one process.
#[derive(Default)]
pub(super) struct AgendaEntry {
    pub state: State,
    /// When a change notification last had it read.
    pub notified: Option<Millis>,
    /// The lease that it is left alone for, and until when.
    pub holder: Option<(Rc<ProcessLease>, Millis)>,
    /// Since when it has been seen to have neither a runner here nor a holder.
    pub unhandled_since: Option<Millis>,
}

/// What happens to a process next.
#[derive(Default)]
pub(super) enum State {
    /// It is to be read.
    #[default]
    Due,
    /// It is being read. Where it `changed` since the read began, the answer may lack that.
    Reading { changed: bool },
    /// It is begun once a permit is free. The claim sees all changes until then.
    Ready(Precedence, Option<Rc<ProcessLease>>),
    /// It is left alone until that time, and then read.
    Deferred(Millis),
    /// It is left alone until that time, and then forgotten: nothing but a change makes it a process to be begun.
    Ignored(Millis),
}

/// The place of a process in the order of beginning: what has begun and lost its holder goes first, then the higher priority, then the
/// oldest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Precedence {
    pub is_new: bool,
    pub rank: u64,
    pub created_at_ms: Millis,
    pub id: ProcessId,
}
