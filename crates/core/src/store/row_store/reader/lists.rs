//! Answers about many processes. They pass over those that cannot be read.

use super::{
    super::rows::{PROCESSES, change_of, id_of, index, is_pruned, list, table, text},
    END, Reader, in_order,
};
use crate::{
    model::{
        filter::ListQuery,
        grant::HandleEntry,
        key::{Part, ProcessId, key, longer},
        payload::Payload,
        process::ProcessRecord,
    },
    store::{
        Answer, Changes, MOST_CHANGED, Point, Query,
        engine::{Between, Read},
    },
};

impl Reader<'_> {
    /// A page of a list, without the processes that cannot be read. A page that is short is the last one, so those are made up for.
    pub(super) fn list(&mut self, query: &ListQuery) -> Vec<ProcessRecord> {
        let limit = Query::size(query.page.limit);
        let (mut listed, mut after) = (Vec::new(), query.page.cursor.clone());
        while listed.len() < limit {
            let wanted = limit - listed.len();
            let rows = self.page(query, after.as_ref(), wanted);
            let is_last = rows.len() < wanted;
            after = rows.last().map(id_of);
            listed.extend(self.legible(rows));
            if is_last || self.read_set.is_pending() {
                break;
            }
        }
        listed
    }

    /// Merges the statuses of one index: each is in id order already, and gives at most a page.
    fn page(&mut self, query: &ListQuery, cursor: Option<&ProcessId>, limit: usize) -> Vec<Payload> {
        let mut found = Vec::new();
        for status in &query.statuses {
            let mut after = query.index.prefix(*status);
            let end = longer(&after, Part::End);
            after.extend(cursor.map(Part::from));
            let most = query.page.limit.map(|_| limit as u64);
            found.extend(self.read_set.rows(list(&query.index).between(after, end, most)));
        }
        in_order(found, |row| Part::from(&id_of(row)), limit)
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

/// Whether a list holds the process of a row, its stretch aside.
pub(super) fn holds(list: &ListQuery, row: &Payload) -> bool {
    let [status, kind, hash] = ["lane", "kind", "definitionHash"].map(|name| text(row, name).unwrap_or_default());
    list.holds(&status, &kind, &hash)
}
