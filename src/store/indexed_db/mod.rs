//! Rows in IndexedDB: durable, and shared by every tab and worker of the origin.
//!
//! A transaction reads what a rule needs in one or two batches, runs the rule, and issues its
//! writes at once; nothing else is awaited while it is open, so it cannot commit half-way.
//! It counts only when the browser reports it complete.

mod codec;
mod connection;
mod read;
pub mod request;
mod schema;
mod write;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};
use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::IdbTransactionMode;

use self::{
    connection::{Connection, Open},
    read::Reader,
    request::{Flush, Transaction},
};
use super::{Answer, Durability, Query, Reads, Rule, Store};
use crate::{
    domain::{key::ProcessId, process::Registered, snapshot::Snapshot},
    error::Result,
    host::{Clock, Random},
};

/// A store in IndexedDB. Clones share it.
#[derive(Clone)]
pub struct IndexedDbStore(Rc<Shared>);

struct Shared {
    connection: Connection,
    clock: Rc<dyn Clock>,
    flush: Flush,
    durability: Durability,
    registered: RefCell<Registrations>,
    /// Names this store in the `commits` table.
    writer: String,
    commits: Cell<u64>,
}

/// The halves that never change, kept decoded. Those of an earlier connection are not trusted:
/// the database may have been deleted between the two.
#[derive(Default)]
struct Registrations {
    generation: u64,
    by_id: HashMap<ProcessId, Rc<Registered>>,
}

/// Registrations kept decoded. A typical one takes 2 to 4 KB, so the cache stays around 4 MB.
const KEPT: usize = 1_024;

impl IndexedDbStore {
    /// Opens the database of that name, or makes it.
    pub async fn open(name: &str, flush: Flush, clock: Rc<dyn Clock>, random: &dyn Random) -> Result<Self> {
        let connection = Connection::new(name.to_owned(), clock.clone());
        connection.open().await?;
        Ok(Self(Rc::new(Shared {
            connection,
            clock,
            flush,
            durability: durability().await,
            registered: RefCell::default(),
            writer: random.name(),
            commits: Cell::new(0),
        })))
    }
}

impl Shared {
    async fn begin(self: &Rc<Self>, mode: IdbTransactionMode) -> Result<Reader> {
        let open = self.connection.open().await?;
        let transaction = Transaction::begin(&open.database, schema::ALL, mode, self.flush)?;
        Ok(Reader::new(self.clone(), open, transaction))
    }

    /// Reads in one transaction; once more where the connection turns out to be dead.
    async fn read(self: Rc<Self>, query: Query) -> Result<Answer> {
        let mut retried = false;
        loop {
            let outcome = match self.begin(IdbTransactionMode::Readonly).await {
                Ok(mut reader) => reader.answer(&query).await,
                Err(fault) => Err(fault),
            };
            match outcome {
                Err(fault) if !retried && request::is_lost_connection(&fault) => self.connection.forget(),
                outcome => return outcome,
            }
            retried = true;
        }
    }

    async fn transact(self: Rc<Self>, reads: Reads, rule: Rule) -> Result<()> {
        let number = self.commits.replace(self.commits.get() + 1);
        let mut retried = false;
        loop {
            match self.attempt(&reads, &rule, number).await {
                Err(fault) if !retried && request::is_lost_connection(&fault) => {}
                outcome => return outcome,
            }
            retried = true;
            self.connection.forget();
            // The commit may have landed before the connection died: look before doing it again.
            let mut reader = self.begin(IdbTransactionMode::Readonly).await?;
            if reader.last_commit(&self.writer).await? == Some(number) {
                return Ok(());
            }
        }
    }

    async fn attempt(self: &Rc<Self>, reads: &Reads, rule: &Rule, number: u64) -> Result<()> {
        let mut reader = self.begin(IdbTransactionMode::Readwrite).await?;
        let loaded = reader.load(reads).await?;
        let writes = rule(&Snapshot { now: self.clock.now(), rows: &loaded.rows })?;
        if writes.is_empty() {
            reader.leave();
            return Ok(());
        }
        let transaction = reader.into_transaction();
        write::all(&transaction, &loaded, &writes)?;
        write::commit(&transaction, &self.writer, number)?;
        transaction.done().await
    }

    /// The decoded half that a row refers to, if it is at hand.
    fn registered(&self, open: &Open, row: &codec::ProcessRow) -> Option<Rc<Registered>> {
        let mut kept = self.registered.borrow_mut();
        if kept.generation != open.generation {
            *kept = Registrations { generation: open.generation, by_id: HashMap::new() };
        }
        let found = kept.by_id.get(&row.id)?;
        let same = found.registration_hash == row.registration_hash && found.created_at_ms == row.created_at_ms;
        same.then(|| found.clone())
    }

    fn keep_registered(&self, registered: &Rc<Registered>) {
        let mut kept = self.registered.borrow_mut();
        if kept.by_id.len() >= KEPT {
            kept.by_id.clear();
        }
        kept.by_id.insert(registered.registration.id.clone(), registered.clone());
    }
}

/// Whether the browser has promised to keep this origin's data. Where it cannot be asked
/// (`navigator.storage` is missing in WebKitGTK), it has not.
async fn durability() -> Durability {
    let ask = || -> Option<Promise> {
        let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
        let storage = get(&get(&js_sys::global(), "navigator")?, "storage")?;
        let persisted: js_sys::Function = get(&storage, "persisted")?.dyn_into().ok()?;
        persisted.call0(&storage).ok()?.dyn_into().ok()
    };
    let Some(promise) = ask() else { return Durability::Evictable };
    match JsFuture::from(promise).await {
        Ok(answer) if answer.is_truthy() => Durability::Persistent,
        Ok(_) | Err(_) => Durability::Evictable,
    }
}

impl Store for IndexedDbStore {
    fn durability(&self) -> Durability {
        self.0.durability
    }

    fn transact(&self, reads: Reads, rule: Rule) -> LocalBoxFuture<'static, Result<()>> {
        self.0.clone().transact(reads, rule).boxed_local()
    }

    fn read(&self, query: Query) -> LocalBoxFuture<'static, Result<Answer>> {
        self.0.clone().read(query).boxed_local()
    }

    fn close(&self) {
        self.0.connection.close();
    }
}
