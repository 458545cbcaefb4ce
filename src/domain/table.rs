//! Rows in key order: one ordered map for every kind of row.
//!
//! Keys are compound and ordered as IndexedDB orders them, so that what is a range there is the
//! same range here. One map type instead of a dozen also keeps a tenth of the wasm out of it.

use std::{
    collections::{BTreeMap, btree_map::Range},
    rc::Rc,
};

use super::{
    event::ProcessEvent,
    grant::HandleGrant,
    key::{Key, Part, ProcessId},
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
}

/// Rows in key order.
#[derive(Default)]
pub struct Table(BTreeMap<Vec<Part>, Row>);

impl Table {
    /// The row under a key.
    pub fn get(&self, key: &[Part]) -> Option<&Row> {
        self.0.get(key)
    }

    /// Puts a row under a key; answers what stood there.
    pub fn put(&mut self, key: Vec<Part>, row: Row) -> Option<Row> {
        self.0.insert(key, row)
    }

    /// Takes the row under a key out.
    pub fn remove(&mut self, key: &[Part]) -> Option<Row> {
        self.0.remove(key)
    }

    /// The rows whose keys begin with `prefix` and go on.
    pub fn under(&self, prefix: Vec<Part>) -> Range<'_, Vec<Part>, Row> {
        let mut end = prefix.clone();
        end.push(Part::End);
        self.between(prefix, end)
    }

    /// The rows from one key to before another.
    pub fn between(&self, first: Vec<Part>, end: Vec<Part>) -> Range<'_, Vec<Part>, Row> {
        // A range that ends before it begins would panic, and holds nothing.
        let first = if first <= end { first } else { end.clone() };
        self.0.range(first..end)
    }

    /// Every row.
    pub fn all(&self) -> Range<'_, Vec<Part>, Row> {
        self.0.range::<Vec<Part>, _>(..)
    }

    /// Takes every row under a prefix out.
    pub fn clear(&mut self, prefix: Vec<Part>) {
        let keys: Vec<_> = self.under(prefix).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.0.remove(&key);
        }
    }
}

/// Ids in order, each once.
pub fn sorted<'a>(ids: impl Iterator<Item = &'a Key>) -> Vec<Key> {
    let mut table = Table::default();
    for id in ids {
        table.put(vec![id.into()], Row::Id(id.clone()));
    }
    table.all().filter_map(|(_, row)| row.id().cloned()).collect()
}

impl Row {
    /// The process here.
    pub fn process(&self) -> Option<&ProcessRecord> {
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
