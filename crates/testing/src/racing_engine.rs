//! An optimistic engine, as one over a network is: commits of other tabs come between the reads of a transaction and its commit.
//!
//! Each tab has a view, which is what has come to it of the commits of all. A transaction reads that, and is refused as raced where
//! something has changed since that it was decided by. Versions are compared: the number of the last commit that changed any row of a
//! process, or a range of rows to which others can add. Such a range has a guard: the processes of a concurrency key, and those of a
//! session; for the children of a process it is the version of the parent.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait_core::{
    Code, Error, Result,
    host::turn,
    model::{
        attachment::Attachment,
        key::{Key, Part, ProcessId},
        payload::Payload,
    },
    store::{
        Durability,
        engine::{
            Between, Connection, Engine, Failed, How, MemoryEngine, Mode, Read, Round, Source, Step, Traits, Upload,
            Write,
        },
    },
};

/// What is committed. Clones share it.
#[derive(Clone)]
pub struct RacingServer(Rc<Server>);

struct Server {
    rows: MemoryEngine,
    /// What was committed, in the order of its numbers.
    feed: RefCell<Vec<Rc<Entry>>>,
    versions: RefCell<Versions>,
    last: Cell<u64>,
    /// How many numbers are left out before the next one.
    gap: Box<dyn Fn() -> u64>,
    /// A reading by which the age of what was committed is measured.
    now: Box<dyn Fn() -> u64>,
}

/// What a commit did to one process.
struct Entry {
    number: u64,
    at: u64,
    id: ProcessId,
    raised: Vec<Subject>,
    writes: Vec<Write>,
}

/// What has a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The rows of a process, and which children it has.
    Process(ProcessId),
    /// The processes of a concurrency key.
    Key(Key),
    /// The processes that are granted to a session or wake it.
    Session(Key),
}

type Versions = BTreeMap<Subject, u64>;

fn version(versions: &Versions, subject: &Subject) -> u64 {
    versions.get(subject).copied().unwrap_or_default()
}

impl RacingServer {
    /// A server over rows. Numbers of changes leave out as many as `gap` says; `now` measures how old a commit is.
    pub fn new(rows: MemoryEngine, gap: impl Fn() -> u64 + 'static, now: impl Fn() -> u64 + 'static) -> Self {
        let (feed, versions, last) = (RefCell::default(), RefCell::default(), Cell::new(0));
        Self(Rc::new(Server { rows, feed, versions, last, gap: Box::new(gap), now: Box::new(now) }))
    }

    /// The engine of one more tab. `course` says of each transaction how it goes.
    pub fn tab(&self, course: impl Fn(Mode) -> Race + 'static) -> RacingEngine {
        RacingEngine(Rc::new(Tab {
            server: self.clone(),
            view: MemoryEngine::default(),
            come: Cell::new(0),
            rows_of: RefCell::default(),
            versions: RefCell::default(),
            uploaded: RefCell::default(),
            course: Box::new(course),
        }))
    }

    /// Commits writes, whatever is there.
    pub fn write(&self, writes: Vec<Write>) {
        self.commit(writes);
    }

    /// Raises the version of everything: what is under way has lost its race.
    pub fn disturb(&self) {
        let number = self.next();
        self.0.versions.borrow_mut().values_mut().for_each(|version| *version = number);
        let raised = self.0.versions.borrow().keys().cloned().collect();
        let (at, id, writes) = ((self.0.now)(), ProcessId::from(""), Vec::new());
        self.0.feed.borrow_mut().push(Rc::new(Entry { number, at, id, raised, writes }));
    }

    fn next(&self) -> u64 {
        self.0.last.set(self.0.last.get() + 1 + (self.0.gap)());
        self.0.last.get()
    }

    /// Stores writes as entries of the feed, one for each process.
    fn commit(&self, writes: Vec<Write>) -> Vec<Rc<Entry>> {
        let mut by_process = BTreeMap::<ProcessId, Vec<Write>>::new();
        for write in writes {
            by_process.entry(process_of(&write)).or_default().push(write);
        }
        let mut entries = Vec::new();
        for (id, mut writes) in by_process {
            let number = self.next();
            writes.iter_mut().for_each(|write| number_change(write, number));
            let mut raised = vec![Subject::Process(id.clone())];
            writes.iter().for_each(|write| raised.extend(self.guards_of(write)));
            write(&self.0.rows, writes.clone());
            for subject in &raised {
                self.0.versions.borrow_mut().insert(subject.clone(), number);
            }
            entries.push(Rc::new(Entry { number, at: (self.0.now)(), id, raised, writes }));
        }
        self.0.feed.borrow_mut().extend(entries.iter().cloned());
        entries
    }

    /// The guards of the ranges that a write changes.
    fn guards_of(&self, write: &Write) -> Vec<Subject> {
        let mut guards = Vec::new();
        match write {
            Write::Put("processes", row) => {
                let before = read(&self.0.rows, PROCESSES.get(vec![part(row, "id")])).pop().unwrap_or_default();
                let [was, is] = [&before, row].map(|row| {
                    let place = ["queue", "wait", "paused"].map(|name| row.member(name));
                    row.member("queue").map(|queue| (key(&queue, "key"), place))
                });
                if was != is {
                    guards.extend([was, is].into_iter().flatten().map(|(key, _)| Subject::Key(key)));
                }
                let [woke, wakes] = [&before, row].map(|row| row.member("wakeTarget").map(|to| key(&to, "sessionId")));
                if woke != wakes {
                    guards.extend([woke, wakes].into_iter().flatten().map(Subject::Session));
                }
                if before.member("kind").is_none()
                    && let Some(parent) = row.member("parentId").and_then(|parent| parent.as_str())
                {
                    guards.push(Subject::Process(parent.into()));
                }
            }
            Write::Put("grants", row) => guards.push(Subject::Session(key(row, "sessionId"))),
            Write::Delete("grants", at) => guards.extend(session_of(at)),
            Write::Put(..) | Write::Add(..) | Write::Delete(..) | Write::Clear(..) | Write::Visit(..) => {}
        }
        guards
    }
}

/// How one transaction of a tab goes.
pub struct Race {
    /// How old a commit of another tab is that has just come to this one, by the reading of the server.
    pub lag: u64,
    /// What passes between the reads and the commit.
    pub between: LocalBoxFuture<'static, ()>,
}

impl Race {
    /// One that no other comes before.
    pub fn alone() -> Self {
        Self { lag: 0, between: ready(()).boxed_local() }
    }
}

/// The engine of one tab. Clones share it.
#[derive(Clone)]
pub struct RacingEngine(Rc<Tab>);

struct Tab {
    server: RacingServer,
    view: MemoryEngine,
    /// How many entries of the feed have come. Its own commits, and what it asked for, are there before they come.
    come: Cell<usize>,
    /// The numbers of the entries that its rows are of, by process.
    rows_of: RefCell<BTreeMap<ProcessId, u64>>,
    versions: RefCell<Versions>,
    uploaded: RefCell<Vec<Rc<Attachment>>>,
    course: Box<dyn Fn(Mode) -> Race>,
}

#[deny(clippy::missing_trait_methods)]
impl Engine for RacingEngine {
    fn durability(&self) -> Durability {
        Durability::Remote
    }

    fn traits(&self) -> Traits {
        Traits { is_optimistic: true, most_operations: 256 }
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        let connected = self.0.view.connect();
        let engine = self.clone();
        async move { connected.await.map(|_| Rc::new(engine) as Rc<dyn Connection>) }.boxed_local()
    }

    /// Takes a few turns, in which others commit.
    fn upload(&self, Upload { attachment, .. }: &Upload) -> Option<LocalBoxFuture<'static, Result<()>>> {
        let is_this = |uploaded: &Rc<Attachment>| Rc::ptr_eq(uploaded, attachment);
        if self.0.uploaded.borrow().iter().any(is_this) {
            return None;
        }
        let (tab, attachment) = (self.0.clone(), attachment.clone());
        let upload = async move {
            for _ in 0..3 {
                turn().await;
            }
            tab.uploaded.borrow_mut().push(attachment);
            Ok(())
        };
        Some(upload.boxed_local())
    }

    fn discard(&self, Upload { attachment, .. }: &Upload) {
        self.0.uploaded.borrow_mut().retain(|uploaded| !Rc::ptr_eq(uploaded, attachment));
    }

    fn forget(&self, _: u64) {}

    fn pause(&self) {}

    fn resume(&self) {}

    fn close(&self) {
        self.0.view.close();
    }
}

#[deny(clippy::missing_trait_methods)]
impl Connection for RacingEngine {
    fn generation(&self) -> u64 {
        1
    }

    fn run(&self, mode: Mode, step: Step) -> LocalBoxFuture<'static, std::result::Result<(), Failed>> {
        let Race { lag, between } = (self.0.course)(mode);
        let tab = self.0.clone();
        async move {
            tab.comes_up_to(lag);
            match mode {
                Mode::Read | Mode::ReadHeard => tab.reads(step).await,
                Mode::Write => tab.races(step, between).await,
            }
        }
        .boxed_local()
    }
}

/// What a transaction has seen and decided.
#[derive(Default)]
struct Decided {
    seen: Versions,
    writes: Vec<Write>,
    failed: Option<Error>,
}

impl Tab {
    /// Takes over what was committed before some time.
    fn comes_up_to(&self, lag: u64) {
        let now = (self.server.0.now)();
        let feed = self.server.0.feed.borrow();
        while let Some(entry) = feed.get(self.come.get()).filter(|entry| entry.at + lag <= now) {
            self.come.set(self.come.get() + 1);
            self.keep(entry);
            for subject in &entry.raised {
                self.raise(subject, entry.number);
            }
        }
    }

    /// Has the rows of a process as an entry left them, unless later ones are there.
    fn keep(&self, entry: &Entry) {
        let mut rows_of = self.rows_of.borrow_mut();
        let number = rows_of.entry(entry.id.clone()).or_default();
        if *number < entry.number {
            *number = entry.number;
            write(&self.view, entry.writes.clone());
        }
    }

    fn raise(&self, subject: &Subject, number: u64) {
        let mut versions = self.versions.borrow_mut();
        let version = versions.entry(subject.clone()).or_default();
        *version = number.max(*version);
    }

    /// Asks for what has changed of some subjects. What has raised a guard has changed rows of any process, and those come with all others.
    fn asks_for(&self, stale: &[Subject]) {
        if stale.iter().any(|subject| !matches!(subject, Subject::Process(_))) {
            return self.comes_up_to(0);
        }
        let feed = self.server.0.feed.borrow();
        for entry in feed.iter().skip(self.come.get()) {
            for subject in entry.raised.iter().filter(|subject| stale.contains(subject)) {
                if *subject == Subject::Process(entry.id.clone()) {
                    self.keep(entry);
                }
                self.raise(subject, entry.number);
            }
        }
    }

    /// The number of the last entry that has come; 0 before there is one. The index of changes ends there: what lies before it is complete.
    fn number(&self) -> u64 {
        let last = self.come.get().checked_sub(1);
        last.and_then(|last| self.server.0.feed.borrow().get(last).map(|entry| entry.number)).unwrap_or_default()
    }

    async fn reads(&self, mut step: Step) -> std::result::Result<(), Failed> {
        let end = self.number() + 1;
        let capped: Step = Box::new(move |results| match step(results) {
            Round::Read(reads) => Round::Read(reads.into_iter().map(|read| capped(read, end)).collect()),
            round @ (Round::Write(_) | Round::Commit(_) | Round::Done | Round::Fail(_)) => round,
        });
        self.view.connect().await.map_err(unopened)?.run(Mode::Read, capped).await
    }

    async fn races(&self, step: Step, between: LocalBoxFuture<'static, ()>) -> std::result::Result<(), Failed> {
        let decided = self.decides(step).await?;
        between.await;
        let Decided { seen, writes, failed } = decided;
        let stale: Vec<_> = {
            let newest = self.server.0.versions.borrow();
            seen.into_iter().filter(|(subject, seen)| version(&newest, subject) != *seen).map(|stale| stale.0).collect()
        };
        if !stale.is_empty() {
            self.asks_for(&stale);
            return Err(Failed { error: Error::new(Code::Conflict, "another commit came first"), how: How::Raced });
        }
        if let Some(error) = failed {
            return Err(Failed { error, how: How::Refused });
        }
        for entry in self.server.commit(writes) {
            self.keep(&entry);
            entry.raised.iter().for_each(|subject| self.raise(subject, entry.number));
        }
        Ok(())
    }

    /// Runs the rules on the view.
    async fn decides(&self, mut step: Step) -> std::result::Result<Decided, Failed> {
        let mut decided = Decided::default();
        let mut results = Vec::new();
        loop {
            let (writes, is_over) = match step(std::mem::take(&mut results)) {
                Round::Read(reads) => {
                    for asked in reads {
                        self.view.connect().await.map_err(unopened)?;
                        let rows = read(&self.view, asked.clone());
                        self.note(&mut decided.seen, subjects_of(&asked, &rows));
                        results.push(rows);
                    }
                    continue;
                }
                Round::Write(writes) => (writes, false),
                Round::Commit(writes) => (writes, true),
                Round::Done => (Vec::new(), true),
                Round::Fail(error) => {
                    decided.failed = Some(error);
                    decided.writes.clear();
                    return Ok(decided);
                }
            };
            self.note(&mut decided.seen, writes.iter().map(|write| Subject::Process(process_of(write))));
            decided.writes.extend(writes);
            if is_over {
                return Ok(decided);
            }
        }
    }

    /// Notes the versions of what is seen for the first time.
    fn note(&self, seen: &mut Versions, subjects: impl IntoIterator<Item = Subject>) {
        let versions = self.versions.borrow();
        for subject in subjects {
            let version = version(&versions, &subject);
            seen.entry(subject).or_insert(version);
        }
    }
}

fn unopened(error: Error) -> Failed {
    Failed { error, how: How::Unopened }
}

const PROCESSES: Source = Source { store: "processes", index: None };

/// What a read and the rows that it found depend on.
fn subjects_of(read: &Read, rows: &[Payload]) -> Vec<Subject> {
    let (source, first) = match read {
        Read::Get(source, key) | Read::Only(source, key) | Read::LastKey(source, key) => (source, Some(key)),
        Read::All(source, Between { after, before }, _)
        | Read::Keys(source, Between { after, before }, _)
        | Read::Last(source, Between { after, before })
        | Read::Back(source, Between { after, before }, _)
        | Read::Count(source, Between { after, before }) => (source, after.as_ref().or(before.as_ref())),
    };
    let text = |place: usize| first.and_then(|key| key.get(place)).and_then(text_of);
    let mut subjects: Vec<_> = match (source.store, source.index) {
        ("about", _) => return Vec::new(),
        ("processes", Some("byQueue")) => text(0).map(Subject::Key),
        ("processes", Some("byWakeSession")) => text(0).map(Subject::Session),
        // Its order is that of time: a process that comes to be outdated is pruned the next time.
        ("processes", Some("byRetention")) => return Vec::new(),
        ("processes", None | Some("byParent")) => text(0).map(Subject::Process),
        ("grants", None) if matches!(read, Read::Get(..)) => text(1).map(Subject::Process),
        ("grants", None) => first.and_then(|key| session_of(key)),
        ("processes" | "leases", Some(index)) => panic!("no rule can rely on {index}, which shows what has come"),
        (_, _) => text(0).map(Subject::Process),
    }
    .into_iter()
    .collect();
    if !matches!(read, Read::Count(..) | Read::Keys(..) | Read::LastKey(..)) {
        let id = if source.store == "processes" { "id" } else { "processId" };
        subjects.extend(rows.iter().filter(|row| row.member(id).is_some()).map(|row| Subject::Process(key(row, id))));
    }
    subjects
}

/// The process whose row a write is about.
fn process_of(write: &Write) -> ProcessId {
    let text = |key: &[Part], place: usize| key.get(place).and_then(text_of);
    let id = match write {
        Write::Put("about" | "commits", _) | Write::Add("about" | "commits", _) | Write::Visit(..) => None,
        Write::Put("processes", row) => Some(key(row, "id")),
        Write::Put("registrations", row) => row.member("registration").map(|registration| key(&registration, "id")),
        Write::Put(_, row) | Write::Add(_, row) => Some(key(row, "processId")),
        Write::Delete("grants", key) => text(key, 1),
        Write::Delete(_, key) => text(key, 0),
        Write::Clear(_, Between { after, .. }) => after.as_ref().and_then(|after| text(after, 0)),
    };
    id.unwrap_or_else(|| panic!("many commits would share the row of {write:?}"))
}

/// Gives a row of `processes` the number of its change.
fn number_change(write: &mut Write, number: u64) {
    if let Write::Put("processes", row) = write {
        let mut numbered = row.value();
        numbered["change"] = number.into();
        *row = numbered.into();
    }
}

/// A read of the index of changes ends where the feed has come to.
fn capped(mut read: Read, end: u64) -> Read {
    let end = vec![Part::Number(end)];
    match &mut read {
        Read::LastKey(source, before) if source.index == Some("byChange") => *before = end.min(before.clone()),
        Read::All(source, range, _) | Read::Keys(source, range, _) if source.index == Some("byChange") => {
            range.before = Some(range.before.take().map_or(end.clone(), |before| before.min(end)));
        }
        Read::Get(..)
        | Read::All(..)
        | Read::Only(..)
        | Read::Keys(..)
        | Read::Last(..)
        | Read::Back(..)
        | Read::Count(..)
        | Read::LastKey(..) => {}
    }
    read
}

/// The session of a scope, `session:<id>`, perhaps with a frame behind it.
fn session_of(key: &[Part]) -> Option<Subject> {
    let scope = text_of(key.first()?)?;
    let session = scope.strip_prefix("session:")?.split("/frame").next()?.trim_end_matches('\0').to_owned();
    Some(Subject::Session(session.into()))
}

fn text_of(part: &Part) -> Option<Key> {
    match part {
        Part::Text(text) => Some(text.clone()),
        Part::Number(_) | Part::End => None,
    }
}

fn key(row: &Payload, name: &str) -> Key {
    row.member(name).and_then(|member| member.as_str()).unwrap_or_default().into()
}

fn part(row: &Payload, name: &str) -> Part {
    Part::Text(key(row, name))
}

/// The rows that a read finds in memory, where nothing waits.
fn read(rows: &MemoryEngine, read: Read) -> Vec<Payload> {
    let found = Rc::<RefCell<Vec<Payload>>>::default();
    let (keep, mut read) = (found.clone(), Some(read));
    transact(rows, move |results| match read.take() {
        Some(read) => Round::Read(vec![read]),
        None => {
            keep.replace(results.concat());
            Round::Done
        }
    });
    found.take()
}

fn write(rows: &MemoryEngine, writes: Vec<Write>) {
    let mut writes = Some(writes);
    transact(rows, move |_| Round::Commit(writes.take().unwrap_or_default()));
}

fn transact(rows: &MemoryEngine, step: impl FnMut(Vec<Vec<Payload>>) -> Round + 'static) {
    let connected = rows.connect().now_or_never().unwrap();
    // A tab that is closed has no rows, and nothing comes to it.
    if let Ok(connection) = connected {
        connection.run(Mode::Write, Box::new(step)).now_or_never().unwrap().unwrap();
    }
}
