//! The processes that a driver may have to begin, a page at a time: first those that are leased, since their holders may be dead,
//! then those that wait to be begun, in the order of beginning.
//!
//! Processes whose kind has no runner here come last. Nothing is kept but the places that were reached and a page of each kind, so the
//! cost of a page does not grow with the number of processes.

use std::collections::VecDeque;

use futures::future::{join_all, try_join};

use super::options::Runners;
use crate::{
    error::Result,
    model::key::ProcessId,
    registry::{ProcessRegistry, answer},
    store::{Answer, Query, Turn, Turns, TurnsFrom},
};

/// How many processes are listed at a time.
pub(super) const PAGE: u64 = 64;

/// A place among these processes.
pub(super) struct Pending {
    /// How far the leased ones were read; none once all were.
    leased: Option<LeasedPlace>,
    /// Those of each kind that has a runner.
    kinds: Vec<Kind>,
    /// The kind behind which others are looked for; none once there are no more.
    other: Option<String>,
}

/// Behind which process leased ones are read on.
struct LeasedPlace(Option<ProcessId>);

/// The processes of one kind.
struct Kind {
    name: String,
    /// From where on they are read; none once all were.
    from: Option<TurnsFrom>,
    /// What was read and not given yet.
    read: VecDeque<Turn>,
}

/// A page of these processes.
pub(super) enum Page {
    /// Processes that are leased, of whatever kind.
    Leased(Vec<ProcessId>),
    /// Processes to be begun here, in the order of beginning.
    Turns(Vec<Turn>),
    /// The first process of a kind that has no runner here.
    NoRunner(Turn),
}

impl Kind {
    fn needs_more(&self) -> bool {
        self.read.is_empty() && self.from.is_some()
    }
}

impl Pending {
    /// The place before the first process.
    pub fn new(runners: &dyn Runners) -> Self {
        let kinds = runners.kinds().into_iter();
        let from = |name: &String| Some(TurnsFrom::Kind(name.clone()));
        let kinds = kinds.map(|name| Kind { from: from(&name), name, read: VecDeque::new() }).collect();
        Self { leased: Some(LeasedPlace(None)), kinds, other: Some(String::new()) }
    }

    /// The place behind the last process.
    pub fn at_end() -> Self {
        Self { leased: None, kinds: Vec::new(), other: None }
    }

    pub fn is_at_end(&self) -> bool {
        self.leased.is_none()
            && self.other.is_none()
            && self.kinds.iter().all(|kind| kind.from.is_none() && kind.read.is_empty())
    }

    /// Reads the next page; none at the end. After a fault, the same page is read again.
    pub async fn next(&mut self, registry: &ProcessRegistry) -> Result<Option<Page>> {
        if let Some(LeasedPlace(after)) = &self.leased {
            let after = after.clone();
            let leased = async { answer!(registry, Query::Leased(after, PAGE), Answer::Leased) };
            // In one transaction with the first of what is to be begun.
            let (leased, ()): (Vec<ProcessId>, _) = try_join(leased, self.read_kinds(registry)).await?;
            let is_last = leased.len() < PAGE as usize;
            self.leased = leased.last().filter(|_| !is_last).map(|last| LeasedPlace(Some(last.clone())));
            return Ok(Some(Page::Leased(leased)));
        }
        // A whole page may be of processes that cannot be read.
        while self.kinds.iter().any(Kind::needs_more) {
            self.read_kinds(registry).await?;
        }
        let turns = self.take_turns();
        if !turns.is_empty() {
            return Ok(Some(Page::Turns(turns)));
        }
        self.next_other(registry).await
    }

    /// Reads a page of each kind of which nothing is left.
    async fn read_kinds(&mut self, registry: &ProcessRegistry) -> Result<()> {
        let reads = self.kinds.iter_mut().filter(|kind| kind.needs_more()).map(async |kind| {
            let Some(from) = kind.from.clone() else { return Ok(()) };
            let Turns { turns, behind } = answer!(registry, Query::Turns(from, PAGE), Answer::Turns)?;
            kind.from = behind.map(TurnsFrom::Behind);
            kind.read = turns.into();
            Ok(())
        });
        join_all(reads).await.into_iter().collect()
    }

    /// Takes turns in their order until a kind must be read on, at most a page.
    fn take_turns(&mut self) -> Vec<Turn> {
        let mut turns = Vec::new();
        while turns.len() < PAGE as usize && !self.kinds.iter().any(Kind::needs_more) {
            let kinds = self.kinds.iter_mut().filter(|kind| !kind.read.is_empty());
            let Some(first) = kinds.min_by(|one, other| one.read.front().cmp(&other.read.front())) else { break };
            turns.extend(first.read.pop_front());
        }
        turns
    }

    /// The first process of the next kind that has no runner.
    async fn next_other(&mut self, registry: &ProcessRegistry) -> Result<Option<Page>> {
        while let Some(kind) = self.other.clone() {
            let next: Turns = answer!(registry, Query::Turns(TurnsFrom::NextKind(kind), 1), Answer::Turns)?;
            self.other = next.behind.map(|first| first.kind);
            if let Some(first) =
                next.turns.into_iter().next().filter(|first| self.kinds.iter().all(|kind| kind.name != first.kind))
            {
                return Ok(Some(Page::NoRunner(first)));
            }
        }
        Ok(None)
    }
}
