//! Event types: what a process may append, and what it means.

use super::{
    CANCEL_REQUESTED, RESUMED, WAITING, is_of_driver,
    stored::{Semantics, Wake},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        key::ProcessId,
        payload::{self, Payload},
        process::{FailureClass, ProcessAwaitOutput, Terminal, TerminalState},
        selector::{Budget, MAX_MADE, MAX_SELECTORS, Selector},
    },
    text::{MAX_NAME, is_blank, is_too_long},
    unordered::Set,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};

/// An event type that a process may append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessEventType {
    /// Non-blank, and unique within the process.
    pub name: String,
    /// JSON Schema (2020-12) of the payload. Absent: anything.
    #[serde(default, deserialize_with = "payload::present", skip_serializing_if = "Option::is_none")]
    pub payload_schema: Option<Payload>,
    /// What an event of this type means. Absent: nothing but itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantics: Option<SemanticsSpec>,
}

/// What an event type means for its process and its session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SemanticsSpec {
    /// It ends the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSpec>,
    /// It wakes a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<WakeSpec>,
}

/// How an event ends its process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminalSpec {
    /// The state it ends in.
    pub state: TerminalState,
    /// What waiters are given. May be absent for `completed` alone: then the whole payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub await_output: Option<Selector>,
}

/// How an event wakes a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WakeSpec {
    /// Wakes only where this is truthy. Absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Selector>,
    /// What the session is told.
    pub input: Selector,
    /// What makes two wakes the same.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub dedupe_key: DedupeKey,
}

/// What makes two wakes the same.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "\"event_identity\" | { selector: Selector } | { const: string }"))]
pub enum DedupeKey {
    /// `<processId>:<sequence>`: every event wakes once.
    #[default]
    EventIdentity,
    /// Text selected from the payload.
    Selector(Selector),
    /// A fixed text.
    Const(String),
}

impl Serialize for DedupeKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = match self {
            Self::EventIdentity => return serializer.serialize_str(EVENT_IDENTITY),
            Self::Selector(_) | Self::Const(_) => serializer.serialize_map(Some(1))?,
        };
        match self {
            Self::EventIdentity => {}
            Self::Selector(selector) => map.serialize_entry("selector", selector)?,
            Self::Const(fixed) => map.serialize_entry("const", fixed)?,
        }
        map.end()
    }
}

const EVENT_IDENTITY: &str = "event_identity";

/// Read by hand, since serde's derive for such a choice keeps a copy of what it reads, and a payload is no copy.
impl<'de> Deserialize<'de> for DedupeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = DedupeKey;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("\"event_identity\", {selector} or {const}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<DedupeKey, E> {
                match text {
                    EVENT_IDENTITY => Ok(DedupeKey::EventIdentity),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<DedupeKey, A::Error> {
                let key = match map.next_key::<String>()?.as_deref() {
                    Some("selector") => DedupeKey::Selector(map.next_value()?),
                    Some("const") => DedupeKey::Const(map.next_value()?),
                    Some(_) | None => {
                        return Err(A::Error::custom("must be \"event_identity\", {selector} or {const}"));
                    }
                };
                match map.next_key::<String>()? {
                    Some(other) => Err(A::Error::custom(format!("{other} is not known here"))),
                    None => Ok(key),
                }
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Adds the core types that the caller did not declare.
pub fn add_core_types(declared: &mut Vec<ProcessEventType>) {
    for name in [CANCEL_REQUESTED, WAITING, RESUMED] {
        add(declared, name, None);
    }
    for state in TerminalState::ALL {
        add(declared, state.event_type(), Some(state));
    }
}

fn add(declared: &mut Vec<ProcessEventType>, name: &str, state: Option<TerminalState>) {
    if declared.iter().all(|event_type| event_type.name != name) {
        let semantics = state.map(|state| {
            let await_output = Some(Selector::Pointer("/awaitOutput".into()));
            SemanticsSpec { terminal: Some(TerminalSpec { state, await_output }), wake: None }
        });
        declared.push(ProcessEventType { name: name.into(), payload_schema: None, semantics });
    }
}

/// Refuses names that are blank, too long, repeated or the driver's own, terminal types that could not give an outcome, and
/// selectors of which no payload makes a text that could be kept.
pub fn check_types(id: &ProcessId, declared: &[ProcessEventType]) -> Result<()> {
    let mut names = Set::default();
    for (place, event_type) in declared.iter().enumerate() {
        event_type.check(names.insert(event_type.name.as_str())).map_err(|(field, what)| {
            Error::about(Code::InvalidArgument, id, format!("registration.eventTypes[{place}]{field}: {what}"))
        })?;
    }
    Ok(())
}

impl ProcessEventType {
    /// A type that takes any payload and means nothing but itself.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), payload_schema: None, semantics: None }
    }

    /// What is wrong with the declaration, and in which field. `is_first`: no type before it has the name.
    fn check(&self, is_first: bool) -> std::result::Result<(), (String, String)> {
        let name = &self.name;
        let named = |what: String| Err((".name".to_owned(), what));
        if is_blank(name) {
            return named("must not be blank".to_owned());
        }
        if is_too_long(name) {
            return named(format!("has more than {MAX_NAME} characters"));
        }
        if !is_first {
            return named(format!("`{name}` is declared twice"));
        }
        if is_of_driver(name) {
            return named(format!("`{name}` is written by the driver alone, and there without being declared"));
        }
        let of_terminal = |what: &str| Err((".semantics.terminal".to_owned(), format!("`{name}` {what}")));
        let terminal = self.terminal();
        if terminal.is_some_and(|spec| spec.state != TerminalState::Completed && spec.await_output.is_none()) {
            return of_terminal("must declare its await output");
        }
        // Completing relies on the three core types doing what their names say.
        let core = TerminalState::ALL.into_iter().find(|state| state.event_type() == name);
        if core.is_some_and(|state| terminal.is_none_or(|spec| spec.state != state)) {
            return of_terminal("is a core event type and cannot have another terminal state");
        }
        let mut selectors = 0;
        for (field, selector) in self.selectors() {
            let refuse = |what: String| Err((format!(".semantics.{field}"), what));
            let (count, has_long_name) = selector.survey();
            selectors += count;
            if selectors > MAX_SELECTORS {
                return refuse(format!("has one of more than {MAX_SELECTORS} selectors"));
            }
            if has_long_name {
                return refuse(format!("has a field whose name has more than {MAX_NAME} characters"));
            }
            if selector.can_only_explode() {
                return refuse(format!("makes more than {MAX_MADE} characters of any payload"));
            }
        }
        Ok(())
    }

    /// Its selectors, by the fields that they stand in.
    fn selectors(&self) -> Vec<(&'static str, &Selector)> {
        let wake = self.semantics.as_ref().and_then(|semantics| semantics.wake.as_ref());
        let of_dedupe = wake.and_then(|wake| match &wake.dedupe_key {
            DedupeKey::Selector(selector) => Some(selector),
            DedupeKey::EventIdentity | DedupeKey::Const(_) => None,
        });
        let all = [
            ("terminal.awaitOutput", self.terminal().and_then(|terminal| terminal.await_output.as_ref())),
            ("wake.when", wake.and_then(|wake| wake.when.as_ref())),
            ("wake.input", wake.map(|wake| &wake.input)),
            ("wake.dedupeKey.selector", of_dedupe),
        ];
        all.into_iter().filter_map(|(field, selector)| Some((field, selector?))).collect()
    }

    fn terminal(&self) -> Option<&TerminalSpec> {
        self.semantics.as_ref()?.terminal.as_ref()
    }

    /// Whether an event of this type ends its process.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal().is_some()
    }

    /// An event that ends or stops a process must be recognisable when it is sent again.
    pub(crate) fn needs_replay_key(&self) -> bool {
        self.terminal().is_some() || self.name == CANCEL_REQUESTED
    }

    pub(crate) fn materialise(&self, identity: impl Fn() -> String, payload: &Payload) -> Result<Semantics> {
        let Some(spec) = &self.semantics else { return Ok(Semantics::default()) };
        let mut budget = Budget::default();
        let terminal = spec.terminal.as_ref().map(|spec| spec.materialise(payload, &mut budget)).transpose()?;
        let wake = spec.wake.as_ref().map(|spec| spec.materialise(identity, payload, &mut budget)).transpose()?;
        Ok(Semantics { terminal, wake: wake.flatten() })
    }
}

impl TerminalSpec {
    fn materialise(&self, payload: &Payload, budget: &mut Budget) -> Result<Terminal> {
        let selected = match &self.await_output {
            Some(selector) => selector.select(payload, budget)?,
            None => return Ok(self.ending(ProcessAwaitOutput::success(payload.clone()))),
        };
        let output = match ProcessAwaitOutput::recognise(&selected) {
            Some(output) => output,
            None => self.wrap(selected, budget)?,
        };
        Ok(self.ending(output))
    }

    fn ending(&self, await_output: ProcessAwaitOutput) -> Terminal {
        Terminal { state: self.state, await_output }
    }

    /// Makes an await output of a value that is not one.
    fn wrap(&self, value: Payload, budget: &mut Budget) -> Result<ProcessAwaitOutput> {
        let mut message = || {
            budget.spend(value.escaped_length())?;
            Ok(value.to_text())
        };
        Ok(match self.state {
            TerminalState::Completed => ProcessAwaitOutput::success(value),
            TerminalState::Failed => ProcessAwaitOutput::Failure {
                class: FailureClass::Execution,
                code: "process_failed".into(),
                message: message()?,
                raw: Some(value),
                control: None,
            },
            TerminalState::Cancelled => {
                ProcessAwaitOutput::Cancelled { message: message()?, raw: Some(value), control: None }
            }
        })
    }
}

impl WakeSpec {
    fn materialise(
        &self,
        identity: impl Fn() -> String,
        payload: &Payload,
        budget: &mut Budget,
    ) -> Result<Option<Wake>> {
        if let Some(when) = &self.when
            && !when.select(payload, budget)?.is_truthy()
        {
            return Ok(None);
        }
        let dedupe_key = match &self.dedupe_key {
            DedupeKey::EventIdentity => identity(),
            DedupeKey::Selector(selector) => selector.text(payload, budget)?,
            DedupeKey::Const(fixed) => fixed.clone(),
        };
        Ok(Some(Wake { input: self.input.text(payload, budget)?, dedupe_key }))
    }
}
