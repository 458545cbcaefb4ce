//! Rows in key order: one ordered map for every kind of row.
//!
//! Keys are compound and ordered as IndexedDB orders them, so that what is a range there is the
//! same range here. One map for all, and sorted blocks instead of the standard library's B-tree, keep
//! a tenth of the wasm out of it.

use std::{any::Any, marker::PhantomData, rc::Rc};

use super::{
    event::ProcessEvent,
    grant::HandleGrant,
    key::{Key, Part, ProcessId, longer},
    lease::LeaseSlot,
    process::ProcessRecord,
};

/// What stands under a key.
#[derive(Clone, Debug)]
pub enum Row {
    /// A process.
    Process(Rc<ProcessRecord>),
    /// An event.
    Event(Rc<ProcessEvent>),
    /// A lease slot.
    Lease(LeaseSlot),
    /// A grant.
    Grant(Rc<HandleGrant>),
    /// A reference to a process.
    Id(ProcessId),
    /// A number that goes with the key.
    Number(u64),
    /// Nothing besides the key.
    Mark,
    /// What a [`ById`] holds.
    Other(Rc<dyn Any>),
}

/// Rows in key order, in blocks that are never empty: finding one is a binary search over the blocks, then
/// within one, and a row put in between moves at most one block.
#[derive(Default)]
pub struct Table {
    blocks: Vec<Vec<Entry>>,
}

/// A key and its row.
pub type Entry = (Vec<Part>, Row);

/// The most rows of a block. Beyond, it is split: a few dozen keep both searches and moves short.
const BLOCK: usize = 64;

/// Where a key stands or would stand: its block, its place there, and whether it is there.
struct Place {
    block: usize,
    row: usize,
    found: bool,
}

impl Table {
    /// The row under a key.
    pub fn get(&self, key: &[Part]) -> Option<&Row> {
        let place = self.find(key);
        self.at(&place).filter(|_| place.found).map(|(_, row)| row)
    }

    /// Puts a row under a key; answers what stood there.
    pub fn put(&mut self, key: Vec<Part>, row: Row) -> Option<Row> {
        let place = self.find(&key);
        let Some(block) = self.blocks.get_mut(place.block) else {
            self.blocks.push(vec![(key, row)]);
            return None;
        };
        if let (true, Some((_, stored))) = (place.found, block.get_mut(place.row)) {
            return Some(std::mem::replace(stored, row));
        }
        block.insert(place.row, (key, row));
        if block.len() > BLOCK {
            let rest = block.split_off(BLOCK / 2);
            self.blocks.insert(place.block + 1, rest);
        }
        None
    }

    /// Takes the row under a key out.
    pub fn remove(&mut self, key: &[Part]) -> Option<Row> {
        let place = self.find(key);
        let block = self.blocks.get_mut(place.block).filter(|_| place.found)?;
        let (_, row) = block.remove(place.row);
        if block.is_empty() {
            self.blocks.remove(place.block);
        }
        Some(row)
    }

    /// The rows whose keys begin with `prefix` and go on.
    pub fn under(&self, prefix: Vec<Part>) -> Range<'_> {
        let end = longer(&prefix, Part::End);
        self.between(prefix, end)
    }

    /// The rows from one key to before another.
    pub fn between(&self, first: Vec<Part>, end: Vec<Part>) -> Range<'_> {
        Range { table: self, next: self.find(&first), end: Some(end) }
    }

    /// The last row from one key to before another.
    pub fn last_between(&self, first: &[Part], end: &[Part]) -> Option<&Row> {
        let Place { block, row, .. } = self.find(end);
        let (block, row) = match row.checked_sub(1) {
            Some(row) => (self.blocks.get(block)?, row),
            None => {
                let before = self.blocks.get(block.checked_sub(1)?)?;
                (before, before.len().checked_sub(1)?)
            }
        };
        block.get(row).filter(|(key, _)| first <= key.as_slice()).map(|(_, row)| row)
    }

    /// Every row.
    pub fn all(&self) -> Range<'_> {
        Range { table: self, next: Place { block: 0, row: 0, found: false }, end: None }
    }

    /// Takes every row under a prefix out.
    pub fn clear(&mut self, prefix: Vec<Part>) {
        let mut keys = Vec::new();
        for (key, _) in self.under(prefix) {
            keys.push(key.clone());
        }
        for key in keys {
            self.remove(&key);
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    fn find(&self, key: &[Part]) -> Place {
        // The last block that begins at or before the key; blocks are never empty.
        let after =
            self.blocks.partition_point(|block| block.first().is_some_and(|(first, _)| first.as_slice() <= key));
        let block = after.saturating_sub(1);
        let rows = self.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
        match rows.binary_search_by(|(stored, _)| stored.as_slice().cmp(key)) {
            Ok(row) => Place { block, row, found: true },
            Err(row) => Place { block, row, found: false },
        }
    }

    fn at(&self, place: &Place) -> Option<&Entry> {
        self.blocks.get(place.block)?.get(place.row)
    }
}

/// Rows in key order, up to an end.
pub struct Range<'a> {
    table: &'a Table,
    next: Place,
    end: Option<Vec<Part>>,
}

impl<'a> Range<'a> {
    /// The references to processes in it.
    pub fn ids(self) -> Vec<ProcessId> {
        let mut ids = Vec::new();
        for (_, row) in self {
            if let Row::Id(id) = row {
                ids.push(id.clone());
            }
        }
        ids
    }

    /// The grants in it.
    pub fn grants(self) -> Vec<&'a HandleGrant> {
        let mut grants = Vec::new();
        for (_, row) in self {
            if let Row::Grant(grant) = row {
                grants.push(&**grant);
            }
        }
        grants
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = &'a Entry;

    fn next(&mut self) -> Option<&'a Entry> {
        if self.table.blocks.get(self.next.block)?.len() <= self.next.row {
            self.next = Place { block: self.next.block + 1, row: 0, found: false };
        }
        let entry = self.table.at(&self.next).filter(|(key, _)| self.end.as_ref().is_none_or(|end| key < end))?;
        self.next.row += 1;
        Some(entry)
    }
}

/// Values by a text. They are handed out shared, so that none of them is borrowed while others are told of it.
pub struct ById<V>(Table, PhantomData<V>);

impl<V> Default for ById<V> {
    fn default() -> Self {
        Self(Table::default(), PhantomData)
    }
}

impl<V: 'static> ById<V> {
    /// The value of an id. A [`Key`] is not copied for that.
    pub fn get(&self, id: impl Into<Part>) -> Option<Rc<V>> {
        let Row::Other(value) = self.0.get(&[id.into()])? else { return None };
        value.clone().downcast().ok()
    }

    /// Gives an id a value, and answers it.
    pub fn put(&mut self, id: impl Into<Part>, value: Rc<V>) -> Rc<V> {
        self.0.put(vec![id.into()], Row::Other(value.clone()));
        value
    }

    /// The value of an id; a new one where it has none.
    pub fn get_or_default(&mut self, id: impl Into<Part> + Copy) -> Rc<V>
    where
        V: Default,
    {
        self.get(id).unwrap_or_else(|| self.put(id, Rc::default()))
    }

    /// Forgets the value of an id.
    pub fn remove(&mut self, id: impl Into<Part>) {
        self.0.remove(&[id.into()]);
    }

    /// Every id that has a value, in order.
    pub fn ids(&self) -> Vec<Key> {
        let mut ids = Vec::new();
        for (key, _) in self.0.all() {
            if let Some(Part::Text(id)) = key.first() {
                ids.push(id.clone());
            }
        }
        ids
    }

    /// How many ids have a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no id has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Ids in order, each once.
pub fn sorted(ids: &[Key]) -> Vec<Key> {
    let mut table = Table::default();
    for id in ids {
        table.put(vec![id.into()], Row::Id(id.clone()));
    }
    table.all().ids()
}

impl Row {
    /// The process here.
    pub fn process(&self) -> Option<&Rc<ProcessRecord>> {
        if let Row::Process(record) = self { Some(record) } else { None }
    }

    /// The event here.
    pub fn event(&self) -> Option<&Rc<ProcessEvent>> {
        if let Row::Event(event) = self { Some(event) } else { None }
    }

    /// The lease slot here.
    pub fn lease(&self) -> Option<&LeaseSlot> {
        if let Row::Lease(slot) = self { Some(slot) } else { None }
    }

    /// The grant here.
    pub fn grant(&self) -> Option<&HandleGrant> {
        if let Row::Grant(grant) = self { Some(grant) } else { None }
    }

    /// The process id here.
    pub fn id(&self) -> Option<&ProcessId> {
        if let Row::Id(id) = self { Some(id) } else { None }
    }

    /// The number here.
    pub fn number(&self) -> Option<u64> {
        if let Row::Number(number) = self { Some(*number) } else { None }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::key::key;

    fn numbers<'a>(rows: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
        rows.filter_map(|(_, row)| row.number()).collect()
    }

    proptest! {
        #[test]
        fn a_table_holds_what_an_ordered_map_holds(steps in prop::collection::vec((0..400_u64, any::<bool>()), 0..800)) {
            let (mut table, mut model) = (Table::default(), BTreeMap::new());
            for (place, (key, keep)) in steps.into_iter().enumerate() {
                let number = place as u64;
                let (had, has) = match keep {
                    true => (table.put(key![key], Row::Number(number)), model.insert(key, number)),
                    false => (table.remove(&key![key]), model.remove(&key)),
                };
                prop_assert_eq!(had.and_then(|row| row.number()), has);
            }
            prop_assert_eq!(numbers(table.all()), model.values().copied().collect::<Vec<_>>());
            prop_assert_eq!(table.len(), model.len());
            for (first, end) in [(0, 400), (13, 14), (100, 300), (300, 100), (399, 1000)] {
                let expected: Vec<_> = if first <= end { model.range(first..end).map(|(_, number)| *number).collect() } else { vec![] };
                prop_assert_eq!(numbers(table.between(key![first], key![end])), expected.clone());
                let last = table.last_between(&key![first], &key![end]).and_then(Row::number);
                prop_assert_eq!(last, expected.last().copied());
                prop_assert_eq!(table.get(&key![first]).and_then(Row::number), model.get(&first).copied());
            }
        }
    }
}
