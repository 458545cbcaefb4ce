//! How a process ends, and what its waiters are given.

use crate::model::payload::{self, Payload};
use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// With a value.
    Completed,
    /// With a failure.
    Failed,
    /// Because it was asked to stop.
    Cancelled,
}

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terminal {
    /// How it ended.
    pub state: TerminalState,
    /// What `awaitTerminal` resolves with.
    pub await_output: ProcessAwaitOutput,
}

/// What a waiter is given when the process ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", try_from = "OutputFields")]
pub enum ProcessAwaitOutput {
    /// It did what it was to do.
    Success {
        /// The result.
        value: Payload,
        /// Advice to the caller's control flow.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        control: Option<Payload>,
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
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        raw: Option<Payload>,
        /// Advice to the caller's control flow.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        control: Option<Payload>,
    },
    /// It was stopped.
    Cancelled {
        /// For people.
        message: String,
        /// What the runner or tool said.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        raw: Option<Payload>,
        /// Advice to the caller's control flow.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        control: Option<Payload>,
    },
}

/// The fields of an await output, whichever it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OutputFields {
    r#type: String,
    #[serde(default, deserialize_with = "payload::present")]
    value: Option<Payload>,
    class: Option<FailureClass>,
    code: Option<String>,
    message: Option<String>,
    #[serde(default, deserialize_with = "payload::present")]
    raw: Option<Payload>,
    #[serde(default, deserialize_with = "payload::present")]
    control: Option<Payload>,
}

impl TryFrom<OutputFields> for ProcessAwaitOutput {
    type Error = String;

    fn try_from(fields: OutputFields) -> Result<Self, String> {
        let OutputFields { r#type, value, class, code, message, raw, control } = fields;
        let has = |name: &str, there: bool| if there { Err(format!("{name} is not known here")) } else { Ok(()) };
        let missing = |name: &str| format!("{name} is missing");
        match r#type.as_str() {
            "success" => {
                has("class", class.is_some())?;
                has("code", code.is_some())?;
                has("message", message.is_some())?;
                has("raw", raw.is_some())?;
                Ok(Self::Success { value: value.ok_or_else(|| missing("value"))?, control })
            }
            "failure" => {
                has("value", value.is_some())?;
                let class = class.ok_or_else(|| missing("class"))?;
                let code = code.ok_or_else(|| missing("code"))?;
                Ok(Self::Failure { class, code, message: message.ok_or_else(|| missing("message"))?, raw, control })
            }
            "cancelled" => {
                has("value", value.is_some())?;
                has("class", class.is_some())?;
                has("code", code.is_some())?;
                Ok(Self::Cancelled { message: message.ok_or_else(|| missing("message"))?, raw, control })
            }
            other => Err(format!("type must be one of success, failure, cancelled, not {other}")),
        }
    }
}

impl ProcessAwaitOutput {
    /// A success without control advice.
    pub fn success(value: Payload) -> Self {
        Self::Success { value, control: None }
    }

    /// A failure that says no more than this.
    pub fn failure(class: FailureClass, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        Self::Failure { class, code, message, raw: None, control: None }
    }

    /// The output that a value already is; none where it is anything else.
    pub fn recognise(value: &Payload) -> Option<Self> {
        // In the browser serde leaves names that it does not know unseen.
        let known = ["type", "value", "class", "code", "message", "raw", "control"];
        let is_known = value.names()?.iter().all(|name| known.contains(&name.as_str()));
        is_known.then(|| value.read().ok()).flatten()
    }

    /// The output as the payload of an event.
    pub fn to_payload(&self) -> Payload {
        match self {
            Self::Success { value, control } => Payload::object([
                ("type", Some("success".into())),
                ("value", Some(value.clone())),
                ("control", control.clone()),
            ]),
            Self::Failure { class, code, message, raw, control } => Payload::object([
                ("type", Some("failure".into())),
                ("class", Some(class.as_str().into())),
                ("code", Some(code.as_str().into())),
                ("message", Some(message.as_str().into())),
                ("raw", raw.clone()),
                ("control", control.clone()),
            ]),
            Self::Cancelled { message, raw, control } => Payload::object([
                ("type", Some("cancelled".into())),
                ("message", Some(message.as_str().into())),
                ("raw", raw.clone()),
                ("control", control.clone()),
            ]),
        }
    }

    /// What went wrong, as events of failed attempts have it: the output without its type and without advice.
    pub fn to_error(&self) -> Payload {
        let (class, code, message, raw) = match self {
            Self::Failure { class, code, message, raw, control: _ } => {
                (Some(class.as_str()), Some(code.as_str()), message.as_str(), raw)
            }
            Self::Cancelled { message, raw, control: _ } => (None, None, message.as_str(), raw),
            Self::Success { .. } => (None, None, "", &None),
        };
        Payload::object([
            ("class", class.map(Payload::from)),
            ("code", code.map(Payload::from)),
            ("message", Some(message.into())),
            ("raw", raw.clone()),
        ])
    }

    /// The failure that [`to_error`](Self::to_error) was made of.
    pub fn from_error(error: &Payload) -> Self {
        let text = |name| error.member(name).and_then(|member: Payload| member.as_str());
        let class = error.member("class").and_then(|class| class.read().ok()).unwrap_or(FailureClass::Execution);
        let code = text("code").unwrap_or_else(|| "process_failed".to_owned());
        let message = text("message").unwrap_or_default();
        Self::Failure { class, code, message, raw: error.member("raw"), control: None }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
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

impl FailureClass {
    /// Its public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unavailable => "unavailable",
            Self::PermissionDenied => "permission_denied",
            Self::Timeout => "timeout",
            Self::Execution => "execution",
            Self::External => "external",
            Self::ResourceLimit => "resource_limit",
            Self::Internal => "internal",
        }
    }
}

/// Whether a process runs, or how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ state: \"running\" } | Terminal"))]
#[serde(try_from = "StatusFields", into = "StatusFields")]
pub enum ProcessStatus {
    /// Not ended; it may be waiting for a signal.
    Running,
    /// Ended; never changes again.
    Ended(Box<Terminal>),
}

/// The fields of a status.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusFields {
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    await_output: Option<ProcessAwaitOutput>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl TryFrom<StatusFields> for ProcessStatus {
    type Error = String;

    fn try_from(StatusFields { state, await_output }: StatusFields) -> Result<Self, String> {
        let state = match state {
            State::Running => return Ok(Self::Running),
            State::Completed => TerminalState::Completed,
            State::Failed => TerminalState::Failed,
            State::Cancelled => TerminalState::Cancelled,
        };
        let await_output = await_output.ok_or("awaitOutput is missing")?;
        Ok(Self::Ended(Box::new(Terminal { state, await_output })))
    }
}

impl From<ProcessStatus> for StatusFields {
    fn from(status: ProcessStatus) -> Self {
        let ProcessStatus::Ended(terminal) = status else {
            return Self { state: State::Running, await_output: None };
        };
        let Terminal { state, await_output } = *terminal;
        let state = match state {
            TerminalState::Completed => State::Completed,
            TerminalState::Failed => State::Failed,
            TerminalState::Cancelled => State::Cancelled,
        };
        Self { state, await_output: Some(await_output) }
    }
}
