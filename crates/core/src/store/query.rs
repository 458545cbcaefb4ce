//! Reads as data: what can be asked of a store, and what it answers.

use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::{
    error::Result,
    model::{
        Millis,
        attachment::Attachment,
        event::ProcessEvent,
        export::ExportHead,
        filter::{ListFilter, ListQuery, Page, StatusFilter},
        grant::HandleEntry,
        key::{ProcessId, ScopeId},
        lease::LeaseSlot,
        process::ProcessRecord,
        stream::{Chunks, Stream},
    },
    text::whole_number,
};

use super::turn::{Turns, TurnsFrom};

/// What can be asked of a store. Each question is answered from one moment.
#[derive(Debug)]
pub enum Query {
    /// One process.
    Process(ProcessId),
    /// A list of processes.
    Processes(ListQuery),
    /// How many processes a list holds; its stretch is of no account.
    CountProcesses(ListQuery),
    /// At most so many changes after a point of the change sequence; from its beginning where none is given, or one of
    /// another database.
    Changes(Option<Point>, Option<u64>),
    /// Which processes changed after a point of the change sequence. Must decode no process, and cost one look
    /// where none did.
    ChangedIds(Option<Point>),
    /// A stretch of an event log.
    Events(ProcessId, EventRange),
    /// An attachment of a process.
    Attachment(ProcessId, String),
    /// How many events of a type there are up to a sequence, inclusive. Must not scan them.
    Count(ProcessId, String, u64),
    /// A stretch of a stream.
    Chunks(ProcessId, ChunkRange),
    /// The streams of a process, by name. Must read no chunk.
    Streams(ProcessId),
    /// What the export of a process begins with. Must read no event and no chunk.
    Export(ProcessId),
    /// At most so many turns of processes that drivers may begin, from a place on. Must decode no registration.
    Turns(TurnsFrom, u64),
    /// At most so many processes that are leased, expired or not, in id order after one.
    Leased(Option<ProcessId>, u64),
    /// What is due by the store's clock: at most so many processes.
    Due(u64),
    /// The lease of a process, expired or not.
    Lease(ProcessId),
    /// The grants of a scope, in process id order, of the processes that a list holds; its stretch is of no account.
    GrantsOfScope(ScopeId, ListQuery),
    /// The grants of a process, by session id, then scope id.
    GrantsOfProcess(ProcessId),
    /// Whether a process is granted to a scope.
    IsGranted(ScopeId, ProcessId),
    /// A question about one process on behalf of a scope: as if there were no such process, where it is not
    /// granted to the scope in the same moment.
    Viewed(ScopeId, Box<Query>),
    /// A question of one who was notified of a change: the answer may lack what this registry was not notified of yet.
    Heard(Rc<Query>),
}

/// A point of the change sequence of one database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// The identity of the database: that of a database which was deleted and made anew is another one.
    pub database: u128,
    /// The number of the last change before the point; 0 is the beginning.
    pub number: u64,
}

impl Point {
    /// The point that a cursor of [`text`](Self::text) stands for. Those of version 0.1, which name no database, are of none
    /// that there is.
    pub fn parse(cursor: &str) -> Option<Self> {
        let (database, number) = cursor.split_once(':').unwrap_or(("0", cursor));
        let is_plain = cursor.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit());
        let database = u128::from_str_radix(database, 16).ok().filter(|_| is_plain)?;
        Some(Self { database, number: whole_number(number)? })
    }

    /// The point as an opaque text.
    pub fn text(self) -> String {
        format!("{:032x}:{}", self.database, self.number)
    }
}

/// Whether a list of grants leaves out those of ended processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// All history.
    Any,
    /// Only processes that have not ended.
    Only,
}

/// A stretch of one event log.
#[derive(Clone, Debug, PartialEq)]
pub enum EventRange {
    /// Strictly after a sequence, ascending.
    After {
        /// The sequence.
        after: u64,
        /// At most so many.
        limit: Option<u64>,
        /// Only these types. Absent: all.
        types: Option<Vec<String>>,
    },
    /// The last so many, ascending.
    Last(u64),
    /// After a sequence, with a wake that is not acknowledged.
    Unacked(u64),
}

/// A stretch of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkRange {
    /// The name of the stream.
    pub name: String,
    /// The index of the first chunk.
    pub from: u64,
    /// At most so many rows, each of at least one chunk.
    pub limit: u64,
}

/// How many event types are looked for before it is known which of them a log has. It saves a round of reading, which
/// matters to waits: they are for one type.
pub const MANY_TYPES: usize = 16;

impl EventRange {
    /// The first event of one type after a sequence.
    pub fn first(event_type: &str, after: u64) -> Self {
        Self::After { after, limit: Some(1), types: Some(vec![event_type.to_owned()]) }
    }
}

/// What a store answers. What is `None` belongs to a process that is unknown.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Query::Process`].
    Process(Option<ProcessRecord>),
    /// To [`Query::Processes`].
    Processes(Vec<ProcessRecord>),
    /// To [`Query::CountProcesses`].
    CountProcesses(u64),
    /// To [`Query::Changes`].
    Changes(Changes),
    /// To [`Query::ChangedIds`]: them, pruned ones included, and the end of the sequence. No ids where these would be
    /// more than [`MOST_CHANGED`], or there is no such point: none was given, or the sequence began anew.
    ChangedIds(Option<Vec<ProcessId>>, Point),
    /// To [`Query::Events`].
    Events(Option<EventPage>),
    /// To [`Query::Attachment`]: none, too, where the process has none of that name.
    Attachment(Option<Option<Rc<Attachment>>>),
    /// To [`Query::Count`].
    Count(Option<u64>),
    /// To [`Query::Chunks`].
    Chunks(Option<ChunkPage>),
    /// To [`Query::Streams`].
    Streams(Option<Vec<Stream>>),
    /// To [`Query::Export`].
    Export(Option<Rc<ExportHead>>),
    /// To [`Query::Turns`].
    Turns(Turns),
    /// To [`Query::Leased`].
    Leased(Vec<ProcessId>),
    /// To [`Query::Due`].
    Due(Due),
    /// To [`Query::Lease`].
    Lease(LeaseSlot),
    /// To [`Query::GrantsOfScope`].
    GrantsOfScope(Vec<HandleEntry>),
    /// To [`Query::GrantsOfProcess`].
    GrantsOfProcess(Option<Vec<HandleEntry>>),
    /// To [`Query::IsGranted`].
    IsGranted(bool),
}

/// What is due by the clock alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The processes to which something is to happen now.
    pub ids: Vec<ProcessId>,
    /// How many milliseconds later something is to happen to the next one.
    pub next: Option<Millis>,
}

/// How many changed processes are named: beyond, it takes less to look at what is watched.
pub const MOST_CHANGED: usize = 256;

/// The answers to several questions, in their order. One may have a fault of its own.
pub type Answers = Vec<Result<Answer>>;

/// A stretch of an event log, with what is known of its process in the same moment.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The process.
    pub record: ProcessRecord,
    /// The events.
    pub events: Vec<Rc<ProcessEvent>>,
}

/// A stretch of a stream, with what is known of its process in the same moment.
#[derive(Clone, Debug)]
pub struct ChunkPage {
    /// The process.
    pub record: ProcessRecord,
    /// The stream, where it was ever opened.
    pub stream: Option<Stream>,
    /// Rows of chunks. The first one may begin before the stretch.
    pub chunks: Vec<Chunks>,
}

/// Rows that changed since a point of the change sequence.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Changes {
    /// The changed processes, in change order.
    pub records: Vec<ProcessRecord>,
    /// The pruned ids, in change order.
    pub removed: Vec<ProcessId>,
    /// The point reached.
    #[cfg_attr(test, ts(type = "string"))]
    #[serde(serialize_with = "as_text")]
    pub cursor: Point,
    /// Whether the point that was given is of another database, so that these changes are from the beginning.
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
}

impl Changes {
    /// No changes yet, after a point where it is one of this database.
    pub fn after(point: Option<Point>, database: u128) -> Self {
        let known = point.filter(|point| point.database == database);
        let cursor = known.unwrap_or(Point { database, number: 0 });
        Self { cursor, reset: point.is_some() && known.is_none(), ..Self::default() }
    }
}

impl From<Live> for ListQuery {
    fn from(live: Live) -> Self {
        let status = match live {
            Live::Any => StatusFilter::Any,
            Live::Only => StatusFilter::Running,
        };
        Self::new(&ListFilter { status, ..ListFilter::default() }, Page::default())
    }
}

impl Query {
    /// A limit as a count.
    pub fn size(limit: Option<u64>) -> usize {
        limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// The question of one who was notified of a change; see [`Query::Heard`].
    #[must_use]
    pub fn heard(self) -> Self {
        Query::Heard(Rc::new(self))
    }

    /// Whether it is certain to have the same answer: of the questions that are asked by many at a time.
    pub fn is(&self, other: &Query) -> bool {
        match (self, other) {
            (Query::Process(own), Query::Process(others)) => own == others,
            (Query::Events(own, range), Query::Events(others, other)) => own == others && range == other,
            (Query::Chunks(own, range), Query::Chunks(others, other)) => own == others && range == other,
            (Query::Viewed(own, query), Query::Viewed(others, other)) => own == others && query.is(other),
            (Query::Heard(query), Query::Heard(other)) => query.is(other),
            (own, others) => std::ptr::eq(own, others),
        }
    }

    /// Whether its answer may have more than one row of a caller's.
    pub fn may_be_large(&self) -> bool {
        match self {
            Query::Processes(_) | Query::Changes(..) | Query::GrantsOfScope(..) | Query::GrantsOfProcess(_) => true,
            Query::Events(_, EventRange::After { limit, .. }) => limit.is_none_or(|limit| limit > 1),
            Query::Events(_, EventRange::Last(count)) => *count > 1,
            Query::Events(_, EventRange::Unacked(_)) | Query::Chunks(..) => true,
            Query::Viewed(_, query) => query.may_be_large(),
            Query::Heard(query) => query.may_be_large(),
            // It may take as long as a large answer does.
            Query::CountProcesses(_) => true,
            Query::Process(_)
            | Query::Streams(_)
            | Query::Export(_)
            | Query::ChangedIds(_)
            | Query::Turns(..)
            | Query::Leased(..)
            | Query::Due(_)
            | Query::Count(..)
            | Query::Attachment(..)
            | Query::Lease(_)
            | Query::IsGranted(..) => false,
        }
    }

    /// What it answers where there is nothing.
    pub fn nothing(&self) -> Answer {
        match self {
            Query::Process(_) => Answer::Process(None),
            Query::Processes(_) => Answer::Processes(Vec::new()),
            Query::CountProcesses(_) => Answer::CountProcesses(0),
            Query::Changes(..) => Answer::Changes(Changes::default()),
            Query::ChangedIds(_) => Answer::ChangedIds(None, Point::default()),
            Query::Events(..) => Answer::Events(None),
            Query::Attachment(..) => Answer::Attachment(None),
            Query::Count(..) => Answer::Count(None),
            Query::Chunks(..) => Answer::Chunks(None),
            Query::Streams(_) => Answer::Streams(None),
            Query::Export(_) => Answer::Export(None),
            Query::Turns(..) => Answer::Turns(Turns::default()),
            Query::Leased(..) => Answer::Leased(Vec::new()),
            Query::Due(_) => Answer::Due(Due::default()),
            Query::Lease(_) => Answer::Lease(LeaseSlot::default()),
            Query::GrantsOfScope(..) => Answer::GrantsOfScope(Vec::new()),
            Query::GrantsOfProcess(_) => Answer::GrantsOfProcess(None),
            Query::IsGranted(..) => Answer::IsGranted(false),
            Query::Viewed(_, query) => query.nothing(),
            Query::Heard(query) => query.nothing(),
        }
    }

    /// The process it asks about, where the answer is about one.
    pub fn process_id(&self) -> Option<&ProcessId> {
        match self {
            Query::Process(id)
            | Query::Events(id, _)
            | Query::Attachment(id, _)
            | Query::Count(id, ..)
            | Query::Chunks(id, _)
            | Query::Streams(id)
            | Query::Export(id)
            | Query::Lease(id)
            | Query::GrantsOfProcess(id)
            | Query::IsGranted(_, id) => Some(id),
            Query::Viewed(_, query) => query.process_id(),
            Query::Heard(query) => query.process_id(),
            Query::Processes(_)
            | Query::CountProcesses(_)
            | Query::Changes(..)
            | Query::ChangedIds(_)
            | Query::Turns(..)
            | Query::Leased(..)
            | Query::Due(_)
            | Query::GrantsOfScope(..) => None,
        }
    }
}

/// A cursor is opaque to callers: a text.
fn as_text<S: Serializer>(cursor: &Point, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&cursor.text())
}

impl Answer {
    /// The process that the answer is about, as far as it shows one.
    pub fn record(&self) -> Option<&ProcessRecord> {
        match self {
            Answer::Process(record) => record.as_ref(),
            Answer::Events(page) => page.as_ref().map(|page| &page.record),
            Answer::Chunks(page) => page.as_ref().map(|page| &page.record),
            Answer::Processes(_)
            | Answer::CountProcesses(_)
            | Answer::Changes(_)
            | Answer::ChangedIds(..)
            | Answer::Attachment(_)
            | Answer::Count(_)
            | Answer::Streams(_)
            | Answer::Export(_)
            | Answer::Turns(_)
            | Answer::Leased(_)
            | Answer::Due(_)
            | Answer::Lease(_)
            | Answer::GrantsOfScope(_)
            | Answer::GrantsOfProcess(_)
            | Answer::IsGranted(_) => None,
        }
    }
}
