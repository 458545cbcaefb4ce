//! Answers for drivers: what may be begun, what is held, and what is due.

use super::{
    super::rows::{LEASES, PROCESSES, ProcessRow, id_of, index, turn_of, unreadable},
    Reader,
};
use crate::{
    model::{
        MAX_COUNT, Millis,
        key::{Part, ProcessId, key},
        payload::Payload,
    },
    store::{
        Due, Turn, Turns, TurnsFrom,
        engine::{Between, Read},
    },
};

impl Reader<'_> {
    /// The turns from a place on. A claim of a process that cannot be read would fail, so it is passed over; its place is still one.
    pub(super) fn turns(&mut self, from: &TurnsFrom, limit: u64) -> Turns {
        let (after, before) = match from {
            TurnsFrom::Kind(kind) => (key![kind], key![kind, Part::End]),
            TurnsFrom::Behind(Turn { kind, rank, created_at_ms, id }) => {
                (key![kind, *rank, *created_at_ms, id], key![kind, Part::End])
            }
            TurnsFrom::NextKind(kind) => (key![kind, Part::End], key![Part::End]),
        };
        let rows = self.read_set.rows(index(PROCESSES, "byTurn").between(after, before, Some(limit)));
        let behind = rows.last().filter(|_| rows.len() as u64 == limit).and_then(turn_of);
        let mut turns = Vec::new();
        for row in rows {
            match row.read::<ProcessRow>() {
                Ok(_) => turns.extend(turn_of(&row)),
                Err(fault) => self.passed_over.push(unreadable(&id_of(&row), "process row", &fault)),
            }
        }
        Turns { turns, behind }
    }

    pub(super) fn leased(&mut self, after: Option<&ProcessId>, limit: u64) -> Vec<ProcessId> {
        let range = Between { after: after.map(|after| key![after]), before: None };
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        ids(self.read_set.rows(Read::Keys(index(LEASES, "byHeld"), range, most)))
    }

    pub(super) fn due(&mut self, limit: u64) -> Due {
        let now = self.now();
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        let until_now = Between { after: None, before: Some(key![now + 1]) };
        let due = self.read_set.rows(Read::Keys(index(PROCESSES, "byDue"), until_now, most));
        let next = index(PROCESSES, "byDue").between(key![now], key![MAX_COUNT + 1], Some(1));
        let next = self.read_set.row(next).and_then(|row| row.read::<ProcessRow>().ok()?.due_at());
        Due { ids: ids(due), next: next.map(|next: Millis| next.saturating_sub(now)) }
    }
}

fn ids(keys: Vec<Payload>) -> Vec<ProcessId> {
    keys.iter().filter_map(|key| key.as_str().map(|id| ProcessId::from(id.as_str()))).collect()
}
