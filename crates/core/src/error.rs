//! The one error of the crate, and its stable codes.
//!
//! A code is what programs match on; the message is for people and may change.

use std::fmt;

use crate::{model::key::ProcessId, text::short};

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The fault underneath an error.
#[cfg(not(target_family = "wasm"))]
pub type Cause = std::sync::Arc<dyn std::error::Error + Send + Sync>;
/// The fault underneath an error, in whatever form the browser has it. Only the host that made it looks inside.
#[cfg(target_family = "wasm")]
pub type Cause = std::rc::Rc<dyn std::any::Any>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why an operation was refused or failed. The text form is part of the public contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The stable text form, as `ProcessError.code` shows it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// An argument has the wrong type, shape or range.
    InvalidArgument = "invalid_argument",
    /// No such process, or it was pruned.
    UnknownProcess = "unknown_process",
    /// The id is taken by a different registration.
    RegistrationConflict = "registration_conflict",
    /// Another external reference is already set.
    ExternalRefConflict = "external_ref_conflict",
    /// The registration does not declare this event type.
    UndeclaredEventType = "undeclared_event_type",
    /// A payload schema cannot be compiled.
    InvalidSchema = "invalid_schema",
    /// The payload does not fit its schema, or a selector finds nothing in it.
    InvalidPayload = "invalid_payload",
    /// The event type needs a replay key and none was given.
    MissingReplayKey = "missing_replay_key",
    /// The replay key is taken by an event with other content.
    ReplayConflict = "replay_conflict",
    /// The process already has its outcome.
    AlreadyTerminal = "already_terminal",
    /// A wait with `untilTerminal` met the end of the process first.
    ProcessTerminal = "process_terminal",
    /// The process has not ended.
    NotTerminal = "not_terminal",
    /// A handle is not granted to the scope it should move from.
    NotGranted = "not_granted",
    /// The lease is not held: expired, released, or taken over.
    LeaseLost = "lease_lost",
    /// The wait took longer than `timeoutMs`.
    Timeout = "timeout",
    /// The browser's storage quota is used up.
    QuotaExceeded = "quota_exceeded",
    /// There is no usable storage here.
    StorageUnavailable = "storage_unavailable",
    /// Another tab holds the database open against an upgrade or deletion.
    StorageBlocked = "storage_blocked",
    /// The database was written by a newer version of longwait.
    StorageVersion = "storage_version",
    /// The storage failed in another way; the cause says how.
    StorageFailed = "storage_failed",
    /// A compare-and-set store gave up after too many lost races.
    Conflict = "conflict",
    /// A store over a network lost its connection.
    Disconnected = "disconnected",
    /// The registry or receiver was closed.
    Closed = "closed",
    /// A defect of longwait itself.
    Internal = "internal",
}

/// A refused or failed operation. Nothing was written, unless it is [unsettled](Error::is_unsettled).
#[derive(Clone)]
pub struct Error(Box<Inner>);

// Boxed, because every `?` moves it: that alone takes a twentieth off the wasm.
#[derive(Clone)]
struct Inner {
    code: Code,
    message: String,
    process_id: Option<ProcessId>,
    cause: Option<Cause>,
    unsettled: bool,
}

impl Error {
    /// An error with a message for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::with(code, message.into(), None)
    }

    fn with(code: Code, message: String, process_id: Option<ProcessId>) -> Self {
        Self(Box::new(Inner { code, message, process_id, cause: None, unsettled: false }))
    }

    /// Shorthand for [`Code::InvalidArgument`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Shorthand for [`Code::UnknownProcess`].
    pub fn unknown_process(id: &ProcessId) -> Self {
        Self::of(Code::UnknownProcess, id, "is not known")
    }

    /// An error about one process; the message reads "process `id` …".
    pub fn of(code: Code, id: &ProcessId, what: impl fmt::Display) -> Self {
        Self::with(code, format!("process `{}` {what}", short(id)), Some(id.clone()))
    }

    /// An error about one process, whose message stands by itself.
    pub fn about(code: Code, id: &ProcessId, message: String) -> Self {
        Self::with(code, message, Some(id.clone()))
    }

    /// Says which process it is about, where that is not said yet.
    #[must_use]
    pub fn concerning(mut self, id: &ProcessId) -> Self {
        self.0.process_id.get_or_insert_with(|| id.clone());
        self
    }

    /// Says where in what was given it is.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.0.message = format!("{path}: {}", self.0.message);
        self
    }

    /// Attaches the fault underneath.
    #[must_use]
    pub fn caused_by(mut self, cause: Cause) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Says that what was asked for may have been written all the same.
    #[must_use]
    pub fn unsettled(mut self) -> Self {
        self.0.unsettled = true;
        self
    }

    /// Whether what was asked for may have been written all the same.
    pub fn is_unsettled(&self) -> bool {
        self.0.unsettled
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The process the error is about, where it is about one.
    pub fn process_id(&self) -> Option<&ProcessId> {
        self.0.process_id.as_ref()
    }

    /// The fault underneath, where there is one.
    pub fn cause(&self) -> Option<&Cause> {
        self.0.cause.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.message())
    }
}

impl std::error::Error for Error {
    #[cfg(not(target_family = "wasm"))]
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&**self.cause()?)
    }
}
