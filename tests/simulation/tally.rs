//! How often what happened.

use std::collections::BTreeMap;

/// What happens over an engine that locks its rows.
pub const LOCKING: &[&str] = &["unanswered, committed", "unanswered, done again", "unanswered, read again"];

/// What happens over an optimistic engine.
pub const OPTIMISTIC: &[&str] =
    &["unanswered, settled", "unanswered read", "unsettled, committed", "unsettled, not committed"];

/// How often what happened: a simulation in which something never does proves nothing of it.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| *self.0.entry(what).or_default() += times);
    }

    /// Whether everything happened that should, and these things besides.
    pub fn assert_happened(&self, besides: &[&'static str]) {
        for what in [
            "append",
            "end",
            "prune",
            "acquire",
            "reclaim from the dead",
            "takeover of the expired",
            "fenced write",
            "fenced write refused",
            "wait resolved",
            "wait unknown",
            "wait failed",
            "freeze",
            "kill",
            "jump",
            "clock set back",
            "clock set forward",
            "deleted by force",
            "unreadable, refused",
            "unreadable, passed over",
            "store full",
            "write without room",
            "code did not load",
            "handed back",
            "handed back as full",
            "run",
            "step",
            "step given again",
            "step tried again",
            "step failed for good",
            "sleep",
            "timer before a signal",
            "signal before a timer",
            "signal taken",
            "wait given up",
            "race",
            "hand-over in a race",
            "run told to stop",
            "drive failed",
            "stop",
            "lock lost",
            "abandoned",
            "job ended",
            "retry",
            "deadline",
            "child",
            "pause",
            "others wait for a key",
            "chunks put out",
            "chunks read",
            "chunks of a later attempt",
        ]
        .iter()
        .chain(besides)
        {
            assert!(self.0.get(what).is_some_and(|times| *times >= 20), "hardly ever: {what}; {self:?}");
        }
    }
}
