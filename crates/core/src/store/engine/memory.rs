//! Rows in ordered maps: gone with the page. Like IndexedDB, this engine orders keys by number, then text, and takes a
//! transaction back as a whole. It shares a row with its readers: no payload is ever changed in place.

use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Range},
    ops::Bound,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};

use super::{
    Between, Connection, Engine, Failed, How, Index, Key, LAYOUT, Mode, ObjectStore, Read, Round, Source, Step, Write,
    layout::KeyPath,
};
use crate::{
    error::{Code, Error, Result},
    model::{key::Part, payload::Payload},
    store::Durability,
    unordered::Map,
};

/// An engine in memory. Clones share its rows.
#[derive(Clone, Default)]
pub struct MemoryEngine(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    closed: bool,
    stores: Map<&'static str, Rows>,
}

/// The rows of one object store.
struct Rows {
    layout: &'static ObjectStore,
    by_key: BTreeMap<Key, Payload>,
    /// For each index, in the order of the layout, the rows that it has. A key is the index's, followed by the row's own.
    by_index: Vec<BTreeMap<Key, Payload>>,
}

/// What stood under a key of a store before a write; to take the write back.
type Undo = (&'static str, Key, Option<Payload>);

impl MemoryEngine {
    /// An engine without rows but for its identity: 32 hexadecimal digits, which no other database has.
    pub fn new(identity: &str) -> Self {
        let engine = Self::default();
        let about = Payload::object([("name", Some("identity".into())), ("value", Some(identity.into()))]);
        let made = engine.0.borrow_mut().write(Write::Put("about", about), &mut Vec::new());
        debug_assert!(made.is_ok(), "the layout has the store");
        engine
    }

    /// Runs a transaction from its beginning to its end: nothing in memory waits.
    fn transact(&self, mode: Mode, mut step: Step) -> Result<()> {
        let mut undo = Vec::new();
        let mut results = Vec::new();
        loop {
            // Not borrowed while the step runs: a rule calls JavaScript, which may call this engine again.
            let round = step(std::mem::take(&mut results));
            let done = match round {
                Round::Done => Ok(true),
                Round::Fail(fault) => Err(fault),
                Round::Read(reads) => self.each(reads, |state, read| state.read(&read)).map(|found| {
                    results = found;
                    false
                }),
                Round::Write(writes) => self.write(mode, writes, &mut undo).map(|()| false),
                Round::Commit(writes) => self.write(mode, writes, &mut undo).map(|()| true),
            };
            match done {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(fault) => {
                    self.take_back(undo);
                    return Err(fault);
                }
            }
        }
    }

    fn each<I, O>(&self, items: Vec<I>, run: impl Fn(&mut State, I) -> Result<O>) -> Result<Vec<O>> {
        let mut state = self.0.borrow_mut();
        if state.closed {
            return Err(closed());
        }
        items.into_iter().map(|item| run(&mut state, item)).collect()
    }

    fn write(&self, mode: Mode, writes: Vec<Write>, undo: &mut Vec<Undo>) -> Result<()> {
        if mode != Mode::Write {
            return Err(Error::new(Code::Internal, "a transaction that reads was asked to write"));
        }
        let mut state = self.0.borrow_mut();
        writes.into_iter().try_for_each(|write| state.write(write, undo))
    }

    fn take_back(&self, undo: Vec<Undo>) {
        let mut state = self.0.borrow_mut();
        for (store, key, row) in undo.into_iter().rev() {
            if let Ok(rows) = state.rows(store) {
                rows.replace(key, row);
            }
        }
    }
}

fn closed() -> Error {
    Error::new(Code::Closed, "the registry is closed")
}

impl Engine for MemoryEngine {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let connected = match self.0.borrow().closed {
            true => Err(closed()),
            false => Ok(Rc::new(self.clone()) as Rc<dyn Connection>),
        };
        ready(connected).boxed_local()
    }

    fn forget(&self, _: u64) {}

    fn close(&self) {
        *self.0.borrow_mut() = State { closed: true, ..State::default() };
    }
}

impl Connection for MemoryEngine {
    fn generation(&self) -> u64 {
        1
    }

    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let outcome = self.transact(mode, step);
        ready(outcome.map_err(|error| Failed { error, how: How::Refused })).boxed_local()
    }
}

impl State {
    fn rows(&mut self, store: &'static str) -> Result<&mut Rows> {
        let layout = LAYOUT.iter().find(|layout| layout.name == store);
        let layout = layout.ok_or_else(|| Error::new(Code::Internal, format!("there is no object store `{store}`")))?;
        Ok(self.stores.entry(store).or_insert_with(|| Rows::new(layout)))
    }

    fn read(&mut self, read: &Read) -> Result<Vec<Payload>> {
        let (Read::Get(source, _)
        | Read::All(source, ..)
        | Read::Only(source, _)
        | Read::Keys(source, ..)
        | Read::Last(source, _)
        | Read::Back(source, ..)
        | Read::Count(source, _)
        | Read::LastKey(source, _)) = read;
        self.rows(source.store)?.read(source, read)
    }

    fn write(&mut self, write: Write, undo: &mut Vec<Undo>) -> Result<()> {
        match write {
            Write::Put(store, row) => {
                let rows = self.rows(store)?;
                let key = rows.key_of(&row)?;
                undo.push((store, key.clone(), rows.replace(key, Some(row))));
            }
            Write::Add(store, row) => {
                let rows = self.rows(store)?;
                let key = rows.key_of(&row)?;
                if rows.by_key.contains_key(&key) {
                    return Err(Error::new(Code::StorageFailed, format!("the key {key:?} of `{store}` is taken")));
                }
                undo.push((store, key.clone(), rows.replace(key, Some(row))));
            }
            Write::Delete(store, key) => {
                let before = self.rows(store)?.replace(key.clone(), None);
                undo.push((store, key, before));
            }
            Write::Clear(store, range) => {
                let rows = self.rows(store)?;
                let cleared = rows.sorted(&Source { store, index: None })?;
                let keys: Vec<Key> = cleared.range(bounds(&range)).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    let before = rows.replace(key.clone(), None);
                    undo.push((store, key, before));
                }
            }
            Write::Visit(..) => {}
        }
        Ok(())
    }
}

impl Rows {
    fn new(layout: &'static ObjectStore) -> Self {
        Self { layout, by_key: BTreeMap::new(), by_index: vec![BTreeMap::new(); layout.indexes.len()] }
    }

    fn key_of(&self, row: &Payload) -> Result<Key> {
        let without = || Error::new(Code::Internal, format!("a row of `{}` has no key", self.layout.name));
        key_at(row, self.layout.key_path).ok_or_else(without)
    }

    /// Puts a row under a key, or none; gives what stood there.
    fn replace(&mut self, key: Key, row: Option<Payload>) -> Option<Payload> {
        let before = self.by_key.remove(&key);
        for (entries, index) in self.by_index.iter_mut().zip(self.layout.indexes) {
            for place in before.iter().flat_map(|row| places(row, index)) {
                entries.remove(&[place, key.clone()].concat());
            }
            for (row, place) in row.iter().flat_map(|row| places(row, index).into_iter().map(move |place| (row, place)))
            {
                entries.insert([place, key.clone()].concat(), row.clone());
            }
        }
        if let Some(row) = row {
            self.by_key.insert(key, row);
        }
        before
    }

    fn read(&self, source: &Source, read: &Read) -> Result<Vec<Payload>> {
        let sorted = self.sorted(source)?;
        Ok(match read {
            Read::Get(_, key) => values(sorted.range(exactly(key)), 1),
            Read::Only(_, key) => values(sorted.range(exactly(key)), usize::MAX),
            Read::All(_, range, limit) => {
                values(sorted.range(bounds(range)), limit.map_or(usize::MAX, |limit| limit as usize))
            }
            Read::Keys(_, range, limit) => {
                let keys = sorted.range(bounds(range)).take(*limit as usize);
                return keys.map(|(key, _)| key_value(key.get(sorted.own))).collect();
            }
            Read::Last(_, range) => values(sorted.range(bounds(range)).rev(), 1),
            Read::Back(_, range, limit) => values(sorted.range(bounds(range)).rev(), *limit as usize),
            Read::Count(_, range) => vec![Payload::of(&(sorted.range(bounds(range)).count() as u64))?],
            Read::LastKey(_, before) => {
                let below = sorted.range((Bound::Unbounded, Bound::Excluded(before.clone())));
                return below.last().map(|(key, _)| key_value(key.first())).into_iter().collect();
            }
        })
    }

    fn sorted(&self, source: &Source) -> Result<Sorted<'_>> {
        let Some(name) = source.index else {
            return Ok(Sorted { rows: &self.by_key, parts: self.layout.key_path.len(), own: 0 });
        };
        let place = self.layout.indexes.iter().position(|index| index.name == name);
        let found = place.and_then(|place| Some((self.by_index.get(place)?, self.layout.indexes.get(place)?)));
        let (rows, index) =
            found.ok_or_else(|| Error::new(Code::Internal, format!("there is no such index: {source:?}")))?;
        Ok(Sorted { rows, parts: index.parts(), own: index.parts() })
    }
}

/// The rows of a source in its order.
struct Sorted<'a> {
    rows: &'a BTreeMap<Key, Payload>,
    /// How many parts a whole key of the source has.
    parts: usize,
    /// Where in the keys of the map the row's own key begins.
    own: usize,
}

impl Sorted<'_> {
    /// The rows in a range of keys of the source.
    fn range(&self, (first, last): (Bound<Key>, Bound<Key>)) -> Range<'_, Key, Payload> {
        // The keys of an index are followed by the row's own, so that a whole key is a bound in front of its rows. Where the
        // bound is to lie behind them, the key ends with what no row's key has.
        let behind = |mut key: Key| {
            if key.len() == self.parts {
                key.push(Part::End);
            }
            key
        };
        let first = match first {
            Bound::Excluded(key) => Bound::Excluded(behind(key)),
            Bound::Included(_) | Bound::Unbounded => first,
        };
        let last = match last {
            Bound::Included(key) => Bound::Included(behind(key)),
            Bound::Excluded(_) | Bound::Unbounded => last,
        };
        if is_empty(&first, &last) { Range::default() } else { self.rows.range((first, last)) }
    }
}

fn values<'a>(found: impl Iterator<Item = (&'a Key, &'a Payload)>, limit: usize) -> Vec<Payload> {
    found.take(limit).map(|(_, row)| row.clone()).collect()
}

/// The keys that a row has in an index.
fn places(row: &Payload, index: &Index) -> Vec<Key> {
    match (index.each_of, index.key_path) {
        (Some(_), [path]) => {
            let keys = at(row, path).and_then(|list| list.read::<Vec<Vec<Payload>>>().ok()).unwrap_or_default();
            keys.iter().filter_map(|key| key.iter().map(part).collect()).collect()
        }
        (Some(_) | None, path) => key_at(row, path).into_iter().collect(),
    }
}

/// The key that a row has under a path; none where a part is missing or is no key.
fn key_at(row: &Payload, path: KeyPath) -> Option<Key> {
    path.iter().map(|path| part(&at(row, path)?)).collect()
}

/// The value under a path, whose names are joined by dots.
fn at(row: &Payload, path: &str) -> Option<Payload> {
    path.split('.').try_fold(row.clone(), |value, name| value.member(name))
}

fn part(value: &Payload) -> Option<Part> {
    match value.as_str() {
        Some(text) => Some(Part::from(text.as_str())),
        None => value.as_u64().map(Part::Number),
    }
}

fn key_value(part: Option<&Part>) -> Result<Payload> {
    match part {
        Some(Part::Text(text)) => Ok(Payload::from(text.as_str())),
        Some(Part::Number(number)) => Payload::of(number),
        Some(Part::End) | None => Ok(Payload::null()),
    }
}

fn bounds(range: &Between) -> (Bound<Key>, Bound<Key>) {
    let excluded = |key: &Option<Key>| key.clone().map_or(Bound::Unbounded, Bound::Excluded);
    (excluded(&range.after), excluded(&range.before))
}

fn exactly(key: &Key) -> (Bound<Key>, Bound<Key>) {
    (Bound::Included(key.clone()), Bound::Included(key.clone()))
}

/// Whether no key can lie in a range; the ordered maps of the standard library panic on one that ends before it begins.
fn is_empty(first: &Bound<Key>, last: &Bound<Key>) -> bool {
    match (first, last) {
        (Bound::Excluded(first), Bound::Excluded(last)) => first >= last,
        (Bound::Included(first) | Bound::Excluded(first), Bound::Included(last) | Bound::Excluded(last)) => {
            first > last
        }
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}
