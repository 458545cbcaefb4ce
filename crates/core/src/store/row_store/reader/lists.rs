//! Answers about many processes. They pass over those that cannot be read.

use std::cmp::Ordering;

use super::{
    super::rows::{PROCESSES, change_of, id_of, index, is_pruned, list, listed, table},
    END, Reader, in_order,
};
use crate::{
    error::Error,
    model::{
        filter::{Condition, ListIndex, ListQuery, Order},
        grant::HandleEntry,
        key::{Part, ProcessId, key, longer},
        payload::Payload,
        process::ProcessRecord,
    },
    store::{
        Answer, Changes, MOST_CHANGED, Point, Query,
        engine::{Between, Read},
    },
    unordered::Set,
};

impl Reader<'_> {
    /// A page of a list, without the processes that cannot be read. A page that is short is the last one, so those are made up for.
    pub(super) fn list(&mut self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = Query::size(query.page.limit);
        let (mut listed, mut after, mut rows_at_once) = (Vec::new(), self.place_of_cursor(query), FIRST_ROWS);
        while listed.len() < limit && self.fault.is_none() {
            let wanted = if query.is_exact() { limit - listed.len() } else { rows_at_once.max(limit) };
            let rows = self.page(query, after.as_deref(), wanted);
            let mut is_last = rows.len() < wanted;
            after = rows.last().map(|row| place(query, row)).or(after);
            let mut fitting: Vec<_> = rows.into_iter().filter(|row| fits(query, row)).collect();
            if fitting.len() > limit - listed.len() {
                fitting.truncate(limit - listed.len());
                after = fitting.last().map(|row| place(query, row));
                is_last = false;
            }
            listed.extend(self.legible(fitting));
            if is_last || self.read_set.is_pending() {
                break;
            }
            rows_at_once = rows_at_once.saturating_mul(2);
        }
        listed
    }

    /// How many processes a list holds, its stretch aside. Where one index answers, the engine counts its entries; where each condition
    /// has an index, ids are read; else rows.
    pub(super) fn count_list(&mut self, query: &ListQuery) -> u64 {
        if query.index == ListIndex::Status && query.is_exact() {
            let total = self.total(query);
            // Counting entries is what the totals save: not before it is known that there are none.
            if total.is_some() || self.read_set.is_pending() {
                return total.unwrap_or_default();
            }
        }
        if query.is_exact() {
            let ranges = query.statuses.iter().map(|status| Between::under(query.index.prefix(*status)));
            let counts: Vec<_> =
                ranges.map(|range| self.read_set.row(Read::Count(list(&query.index), range))).collect();
            return counts.iter().flatten().filter_map(Payload::as_u64).sum();
        }
        let indexes: Option<Vec<_>> = query.conditions.iter().map(Condition::index).collect();
        let Some(indexes) = indexes else {
            let rows = self.page(query, None, usize::MAX);
            return rows.iter().filter(|row| fits(query, row)).count() as u64;
        };
        let mut count = 0;
        for status in &query.statuses {
            let mut common: Option<Set<ProcessId>> = None;
            for index in &indexes {
                let range = Between::under(index.prefix(*status));
                let keys = self.read_set.rows(Read::Keys(list(index), range, u32::MAX));
                let ids = keys.iter().filter_map(|key| key.as_str().map(ProcessId::from));
                common = Some(match common {
                    None => ids.collect(),
                    Some(common) => ids.filter(|id| common.contains(id)).collect(),
                });
            }
            count += common.unwrap_or_default().len() as u64;
        }
        count
    }

    /// Where a stretch begins: by age, the process of the cursor tells, or what is left of it.
    fn place_of_cursor(&mut self, query: &ListQuery) -> Option<Vec<Part>> {
        let cursor = query.page.cursor.as_ref()?;
        if query.page.order == Order::Id {
            return Some(key![cursor]);
        }
        let row = self.read_set.row(table(PROCESSES).get(key![cursor]));
        let created_at_ms = row.and_then(|row| row.member("createdAtMs")?.as_u64());
        if created_at_ms.is_none() && !self.read_set.is_pending() {
            self.note(Error::invalid(format!(
                "page.cursor: there was no process `{cursor}`, so it has no place in this order"
            )));
        }
        Some(query.place(cursor, created_at_ms.unwrap_or_default()))
    }

    /// Merges the statuses of one index, each of which gives at most a page. Where the index has another order than the list, all of it
    /// is read and sorted.
    fn page(&mut self, query: &ListQuery, after: Option<&[Part]>, wanted: usize) -> Vec<Payload> {
        let most = query.page.limit.filter(|_| query.is_sorted()).map(|_| wanted as u64);
        let is_newest = query.page.order == Order::Newest;
        let mut found = Vec::new();
        for status in &query.statuses {
            let prefix = query.index.prefix(*status);
            let end = longer(&prefix, Part::End);
            let cursor = after.filter(|_| query.is_sorted()).map(|after| [&*prefix, after].concat());
            let source = list(&query.index);
            found.extend(self.read_set.rows(match (is_newest, most) {
                (false, _) => source.between(cursor.unwrap_or(prefix), end, most),
                (true, None) => source.between(prefix, cursor.unwrap_or(end), None),
                (true, Some(most)) => {
                    let range = Between { after: Some(prefix), before: Some(cursor.unwrap_or(end)) };
                    Read::Back(source, range, u32::try_from(most).unwrap_or(u32::MAX))
                }
            }));
        }
        let beyond = if is_newest { Ordering::Less } else { Ordering::Greater };
        let mut placed: Vec<_> = found.into_iter().map(|row| (place(query, &row), row)).collect();
        placed.retain(|(place, _)| after.is_none_or(|after| (**place).cmp(after) == beyond));
        let mut page = in_order(placed);
        if is_newest {
            page.reverse();
        }
        page.truncate(wanted);
        page
    }

    pub(super) fn changes(&mut self, after: Option<Point>, limit: Option<u64>) -> Changes {
        let mut changes = Changes::after(after, self.identity());
        if limit == Some(0) || self.read_set.is_pending() {
            return changes;
        }
        let after = changes.cursor.number;
        let mut living = self.read_set.rows(index(PROCESSES, "byChange").between(key![after], key![END], limit));
        changes.cursor.number = living.last().map_or(after, change_of);
        living.retain(|row| {
            let pruned = is_pruned(row);
            if pruned {
                changes.removed.push(id_of(row));
            }
            !pruned
        });
        changes.records = self.legible(living);
        changes
    }

    /// The sequence's end alone where that is the point; the ids are the primary keys of the change index, so
    /// that no row is loaded for them.
    pub(super) fn changed_ids(&mut self, after: Option<Point>) -> Answer {
        let end = Point { database: self.identity(), number: self.last_change() };
        let ids = match after.filter(|after| after.database == end.database) {
            Some(after) if after == end => Some(Vec::new()),
            Some(after) if after.number < end.number => {
                let range = Between { after: Some(key![after.number]), before: Some(key![END]) };
                let most = MOST_CHANGED as u32 + 1;
                let keys = self.read_set.rows(Read::Keys(index(PROCESSES, "byChange"), range, most));
                let mut ids = Vec::new();
                for key in keys {
                    ids.extend(key.as_str().map(ProcessId::from));
                }
                (ids.len() <= MOST_CHANGED).then_some(ids)
            }
            Some(_) | None => None,
        };
        Answer::ChangedIds(ids, end)
    }

    /// The grants whose processes can be read, with these. A row that is not held is not decoded, nor is its registration read.
    pub(super) fn with_records(&mut self, grants: Vec<Payload>, holds: impl Fn(&Payload) -> bool) -> Vec<HandleEntry> {
        let grants = self.grants(grants);
        let mut entries = Vec::new();
        for grant in grants {
            let row = self.read_set.row(table(PROCESSES).get(key![&grant.process_id]));
            let record = self.legible(row.into_iter().filter(&holds).collect()).pop();
            entries.extend(record.map(|record| HandleEntry { grant, record }));
        }
        entries
    }
}

/// How many rows are looked at first for those that fit.
const FIRST_ROWS: usize = 64;

/// Whether a list holds the process of a row, its stretch aside.
pub(super) fn holds(list: &ListQuery, row: &Payload) -> bool {
    listed(row).is_some_and(|listed| list.holds(&listed))
}

/// Whether a row fits the conditions of a list. One that cannot be read does, so that it is reported.
fn fits(list: &ListQuery, row: &Payload) -> bool {
    list.is_exact() || listed(row).is_none_or(|listed| list.fits(&listed))
}

/// The place of a row in the order of a list.
fn place(list: &ListQuery, row: &Payload) -> Vec<Part> {
    list.place(&id_of(row), row.member("createdAtMs").and_then(|at| at.as_u64()).unwrap_or_default())
}
