//! How many processes there are of each status. A row of `about` has it, as an engine counts the entries of an index one by
//! one: of 100,000 processes that took Chromium 200 ms.
//!
//! Where the row is missing, the entries are counted, and the next commit that changes a total makes it. So a database of an older
//! version has none, and a commit that cannot know a total removes it. Over an optimistic engine there is none: all commits would share it.

use serde::{Deserialize, Serialize};

use super::{
    reader::{Loaded, Reader},
    rows::{ABOUT, list, table},
};
use crate::{
    error::Result,
    model::{
        filter::{ListIndex, ListQuery, ListStatus},
        key::key,
        payload::Payload,
        process::TerminalState,
    },
    store::engine::{Between, Read, Write},
};

/// The name of the row.
const NAME: &str = "totals";

/// How many processes there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    running: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
}

impl Totals {
    /// Takes a process from one status to another, none being that of a process that is not there. Returns whether that changes a total.
    pub fn change(&mut self, before: Option<ListStatus>, after: Option<ListStatus>) -> bool {
        let running = |status| if status == ListStatus::Waiting { ListStatus::Active } else { status };
        let [before, after] = [before, after].map(|status| status.map(running));
        if before == after {
            return false;
        }
        if let Some(before) = before {
            let total = self.of(before);
            *total = total.saturating_sub(1);
        }
        if let Some(after) = after {
            *self.of(after) += 1;
        }
        true
    }

    fn of(&mut self, status: ListStatus) -> &mut u64 {
        match status {
            ListStatus::Active | ListStatus::Waiting => &mut self.running,
            ListStatus::Ended(TerminalState::Completed) => &mut self.completed,
            ListStatus::Ended(TerminalState::Failed) => &mut self.failed,
            ListStatus::Ended(TerminalState::Cancelled) => &mut self.cancelled,
        }
    }

    /// How many a list of these statuses holds; none where that depends on which of the running ones wait.
    fn counted(mut self, statuses: &[ListStatus]) -> Option<u64> {
        let [active, waiting] = [ListStatus::Active, ListStatus::Waiting].map(|status| statuses.contains(&status));
        let ended = statuses.iter().filter(|status| matches!(status, ListStatus::Ended(_)));
        let ended: u64 = ended.map(|status| *self.of(*status)).sum();
        (active == waiting).then_some(ended + if active { self.running } else { 0 })
    }

    /// The write of the row.
    pub fn write(self) -> Result<Write> {
        let row = Payload::object([("name", Some(NAME.into())), ("counts", Some(Payload::of(&self)?))]);
        Ok(Write::Put(ABOUT, row))
    }

    /// Removes the row.
    pub fn removal() -> Write {
        Write::Delete(ABOUT, key![NAME])
    }
}

impl Reader<'_> {
    /// Adds the totals, for a rule that may change one.
    pub fn totals(&mut self, loaded: &mut Loaded) {
        if loaded.totals.is_some() || self.shared.traits.is_optimistic {
            return;
        }
        loaded.totals = self.stored_totals().or_else(|| (!self.read_set.is_pending()).then(|| self.counted_totals()));
    }

    /// How many processes a list by status alone holds, where the totals say so.
    pub fn total(&mut self, query: &ListQuery) -> Option<u64> {
        self.stored_totals()?.counted(&query.statuses)
    }

    fn stored_totals(&mut self) -> Option<Totals> {
        if self.shared.traits.is_optimistic {
            return None;
        }
        self.read_set.row(table(ABOUT).get(key![NAME]))?.member("counts")?.read().ok()
    }

    fn counted_totals(&mut self) -> Totals {
        let mut totals = Totals::default();
        let ended = [TerminalState::Completed, TerminalState::Failed, TerminalState::Cancelled].map(ListStatus::Ended);
        for status in [ListStatus::Active, ListStatus::Waiting].into_iter().chain(ended) {
            let entries = Between::under(ListIndex::Status.prefix(status));
            let counted = self.read_set.row(Read::Count(list(&ListIndex::Status), entries));
            *totals.of(status) += counted.and_then(|counted| counted.as_u64()).unwrap_or_default();
        }
        totals
    }
}
