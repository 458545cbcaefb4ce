//! How a process ends, and what its waiters are given.

use crate::domain::{
    json::{Fields, FromJson, Object, Reader, ToJson, json, named},
    value::Json,
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalState {
    /// With a value.
    Completed,
    /// With a failure.
    Failed,
    /// Because it was asked to stop.
    Cancelled,
}

named!(TerminalState { Completed: "completed", Failed: "failed", Cancelled: "cancelled" });

impl TerminalState {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Cancelled];

    /// The core event type that ends a process so.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Completed => "process.completed",
            Self::Failed => "process.failed",
            Self::Cancelled => "process.cancelled",
        }
    }
}

/// An outcome: the state and what waiters are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Terminal {
    /// How it ended.
    pub state: TerminalState,
    /// What `awaitTerminal` resolves with.
    pub await_output: ProcessAwaitOutput,
}

json!(Terminal { state: "state", await_output: "awaitOutput" });

/// What a waiter is given when the process ends.
#[derive(Clone, Debug, PartialEq)]
pub enum ProcessAwaitOutput {
    /// It did what it was to do.
    Success {
        /// The result.
        value: Json,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
    /// It did not.
    Failure {
        /// Whose fault, roughly.
        class: FailureClass,
        /// For programs.
        code: String,
        /// For people.
        message: String,
        /// What the runner or tool said.
        raw: Option<Json>,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
    /// It was stopped.
    Cancelled {
        /// For people.
        message: String,
        /// What the runner or tool said.
        raw: Option<Json>,
        /// Advice to the caller's control flow.
        control: Option<Json>,
    },
}

impl ToJson for ProcessAwaitOutput {
    fn to_json(&self) -> Json {
        let tagged = |tag| Object::tagged("type", tag);
        match self {
            Self::Success { value, control } => tagged("success").with("value", value).with("control", control),
            Self::Failure { class, code, message, raw, control } => {
                let what = tagged("failure").with("class", class).with("code", code);
                what.with("message", message).with("raw", raw).with("control", control)
            }
            Self::Cancelled { message, raw, control } => {
                tagged("cancelled").with("message", message).with("raw", raw).with("control", control)
            }
        }
        .build()
    }
}

impl FromJson for ProcessAwaitOutput {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        let mut fields = Fields::of(value, reader);
        let state = fields.take_name("type", &["success", "failure", "cancelled"]);
        let control = fields.take("control");
        let output = match state {
            0 => Self::Success { value: fields.take("value"), control },
            1 => Self::Failure {
                class: fields.take("class"),
                code: fields.take("code"),
                message: fields.take("message"),
                raw: fields.take("raw"),
                control,
            },
            _ => Self::Cancelled { message: fields.take("message"), raw: fields.take("raw"), control },
        };
        fields.end();
        output
    }
}

impl ProcessAwaitOutput {
    /// A success without control advice.
    pub fn success(value: Json) -> Self {
        Self::Success { value, control: None }
    }

    /// A failure that says no more than this.
    pub fn failure(class: FailureClass, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        Self::Failure { class, code, message, raw: None, control: None }
    }

    /// The state a process ends in with this output.
    pub fn state(&self) -> TerminalState {
        match self {
            Self::Success { .. } => TerminalState::Completed,
            Self::Failure { .. } => TerminalState::Failed,
            Self::Cancelled { .. } => TerminalState::Cancelled,
        }
    }
}

/// Whose fault a failure is, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The request makes no sense.
    InvalidRequest,
    /// Something needed was not there.
    Unavailable,
    /// Not allowed.
    PermissionDenied,
    /// Took too long.
    Timeout,
    /// The work itself failed.
    Execution,
    /// Something outside failed.
    External,
    /// A limit was reached.
    ResourceLimit,
    /// A defect of the host.
    Internal,
}

named!(FailureClass {
    InvalidRequest: "invalid_request",
    Unavailable: "unavailable",
    PermissionDenied: "permission_denied",
    Timeout: "timeout",
    Execution: "execution",
    External: "external",
    ResourceLimit: "resource_limit",
    Internal: "internal",
});

/// Whether a process runs, or how it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ProcessStatus {
    /// Not ended; it may be waiting for a signal.
    Running,
    /// Ended; never changes again.
    Ended(Terminal),
}

const RUNNING: &str = "running";

impl ToJson for ProcessStatus {
    fn to_json(&self) -> Json {
        match self {
            Self::Running => Object::tagged("state", RUNNING).build(),
            Self::Ended(terminal) => terminal.to_json(),
        }
    }
}

impl FromJson for ProcessStatus {
    fn from_json(value: Option<Json>, reader: &mut Reader) -> Self {
        match value.as_ref().and_then(|status| status.get("state")?.as_str()) == Some(RUNNING) {
            true => Self::Running,
            false => Self::Ended(Terminal::from_json(value, reader)),
        }
    }
}
