//! How long a driver leaves a process alone after an attempt that did not end it.
//!
//! An attempt that does not end its process could fail again at once, and then without end. So this driver begins a
//! registration again only after a pause; every further attempt that fails doubles the pause.
//! An id that was registered anew has no pause. What a caller asks for, as a sweep does, is done in spite of it.

use std::{cell::RefCell, rc::Rc};

use crate::{
    model::{
        Millis,
        key::ProcessId,
        process::{ProcessRecord, Registered},
    },
    unordered::Map,
};

/// The first pause.
const FIRST_MS: Millis = 1_000;

/// The longest pause. After an attempt that lasts longer than that, the pauses begin anew.
const LONGEST_MS: Millis = 60_000;

/// The pauses of one driver, by the monotonic clock.
#[derive(Default)]
pub(super) struct Pauses(RefCell<Map<ProcessId, Pause>>);

struct Pause {
    /// What was begun; none where the fault came before that was read.
    of: Option<Rc<Registered>>,
    span: Millis,
    until: Millis,
}

impl Pauses {
    /// Begins a pause at `from`: twice as long as the one before it, if that ended not long ago. One that is over by `now` is
    /// none, and the next one is the first again. Answers its end.
    pub fn begin(&self, id: &ProcessId, of: Option<Rc<Registered>>, from: Millis, now: Millis) -> Millis {
        let mut pauses = self.0.borrow_mut();
        let before = pauses.remove(id).filter(|before| before.is_of(of.as_deref()));
        let is_recent = |before: &&Pause| from.saturating_sub(before.until) <= LONGEST_MS;
        let span = before.as_ref().filter(is_recent).map_or(FIRST_MS, |before| LONGEST_MS.min(before.span * 2));
        let of = of.or_else(|| before.and_then(|before| before.of));
        let until = from + span;
        if until > now {
            pauses.insert(id.clone(), Pause { of, span, until });
        }
        until
    }

    /// When the pause of a process ends, if it has one.
    pub fn until(&self, record: &ProcessRecord) -> Option<Millis> {
        let pauses = self.0.borrow();
        let pause = pauses.get(record.id()).filter(|pause| pause.is_of(Some(&record.registered)));
        pause.map(|pause| pause.until)
    }

    /// Forgets a process that has ended, or is not there any more.
    pub fn end(&self, id: &ProcessId) {
        self.0.borrow_mut().remove(id);
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.0.take();
    }
}

impl Pause {
    fn is_of(&self, registered: Option<&Registered>) -> bool {
        let (Some(of), Some(registered)) = (&self.of, registered) else { return true };
        of.is(registered)
    }
}
