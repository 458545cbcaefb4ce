//! The tie between Rust and TypeScript.
//!
//! Every public shape is written by Rust, optional fields once with and once without, into
//! `tests/types/wire.ts`, which `tsc` checks against `js/types.ts`. The file is part of the
//! repository: this test rewrites it where it differs, and fails then, so that nobody overlooks it.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fmt::Debug, fmt::Write as _, rc::Rc};

use longwait::{
    Code,
    domain::{
        canonical,
        event::{
            AppendRequest, AppendResult, DedupeKey, ProcessEvent, ProcessEventType, Semantics, SemanticsSpec,
            TerminalSpec, Wake, WakeDelivery, WakeSpec,
        },
        filter::{ListFilter, Page, StatusFilter},
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        json::{self, FromJson, Object, ToJson},
        lease::{LeaseClaim, LeaseOwner, LivenessMark, ProcessLease},
        process::{
            FailureClass, LogHead, ProcessAwaitOutput, ProcessExternalRef, ProcessIdentity, ProcessInput,
            ProcessRecord, ProcessRegistration, ProcessStatus, Provenance, Recovery, Registered, Terminal,
            TerminalState, WaitState,
        },
        retention::PruneReport,
        selector::Selector,
        session::SessionDeleteReport,
        shape::{Field, Shape},
        value::Json,
    },
    store::{Changes, Point},
    watch::awaiter::EventBatch,
};
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/types/wire.ts");

#[test]
fn rust_and_typescript_speak_of_the_same_shapes() {
    let written = Fixtures::all();
    let stored = std::fs::read_to_string(FILE).unwrap_or_default();
    if stored != written {
        std::fs::write(FILE, &written).unwrap();
        panic!("tests/types/wire.ts was out of date and has been rewritten: look at it, and let tsc look at it");
    }
}

/// The text of the file, as it grows.
struct Fixtures {
    text: String,
    count: u32,
}

impl Fixtures {
    fn all() -> String {
        let mut fixtures = Self { text: HEAD.to_owned(), count: 0 };
        fixtures.processes();
        fixtures.types_and_selectors();
        fixtures.outcomes();
        fixtures.events();
        fixtures.handles();
        fixtures.leases();
        fixtures.questions();
        fixtures.codes();
        fixtures.text
    }

    /// A value that the TypeScript type must admit.
    fn add(&mut self, of: &str, value: &dyn ToJson) -> String {
        self.count += 1;
        let name = format!("wire{}", self.count);
        let value: Value = serde_json::from_str(&canonical::to_string(&value.to_json())).unwrap();
        writeln!(self.text, "export const {name} = {value:#} satisfies {of};").unwrap();
        name
    }

    /// The same for a value with every field: the TypeScript type may not know another one.
    fn add_full(&mut self, of: &str, value: &dyn ToJson) {
        let name = self.add(of, value);
        writeln!(self.text, "true satisfies HasAll<{of}, typeof {name}>;").unwrap();
    }

    /// A value that also reads back as it was written.
    fn both<T: ToJson + FromJson + PartialEq + Debug>(&mut self, of: &str, value: T) {
        reads_back(&value);
        self.add(of, &value);
    }

    fn both_full<T: ToJson + FromJson + PartialEq + Debug>(&mut self, of: &str, value: T) {
        reads_back(&value);
        self.add_full(of, &value);
    }

    fn processes(&mut self) {
        for full in [true, false] {
            for input in samples::<ProcessInput>(ProcessInput::SHAPE, full) {
                let of = format!("Extract<ProcessInput, {{ type: {} }}>", string(input.to_json().get("type").unwrap()));
                self.document(&of, input, full);
            }
            for provenance in samples::<Provenance>(Provenance::SHAPE, full) {
                self.document("ProcessProvenance", provenance, full);
            }
            self.document("ProcessExternalRef", external_ref(full), full);
        }
        self.both_full("ProcessIdentity", identity(true));
        self.both("ProcessIdentity", identity(false));
        self.both_full("ProcessRegistration", registration(true));
        self.both("ProcessRegistration", registration(false));
        for recovery in [Recovery::Rerun, Recovery::Abandon] {
            self.both("NonNullable<ProcessRegistration[\"recovery\"]>", recovery);
        }
        self.both_full("WaitState", wait());
        self.add_full("ProcessRecord", &record(true));
        self.add("ProcessRecord", &record(false));
    }

    fn document<T: ToJson + FromJson + PartialEq + Debug>(&mut self, of: &str, value: T, full: bool) {
        match full {
            true => self.both_full(of, value),
            false => self.both(of, value),
        }
    }

    fn types_and_selectors(&mut self) {
        for selector in selectors() {
            self.both("Selector", selector);
        }
        for key in [DedupeKey::EventIdentity, DedupeKey::Selector(pointer()), DedupeKey::Const("c".into())] {
            self.both("NonNullable<Wake[\"dedupeKey\"]>", key);
        }
        self.both_full("Wake", wake_spec(true));
        self.both("Wake", wake_spec(false));
        for state in TerminalState::ALL {
            self.both("TerminalState", state);
            self.both_full("Terminal", TerminalSpec { state, await_output: Some(pointer()) });
            self.both("Terminal", TerminalSpec { state, await_output: None });
        }
        self.both_full("Meaning", meaning());
        self.both("Meaning", SemanticsSpec::default());
        self.both_full("ProcessEventType", event_type(true));
        self.both("ProcessEventType", event_type(false));
    }

    fn outcomes(&mut self) {
        for class in failure_classes() {
            self.both("FailureClass", class);
        }
        for output in outputs() {
            let json = output.to_json();
            let of = format!("Extract<ProcessAwaitOutput, {{ type: {} }}>", string(json.get("type").unwrap()));
            match is_full(&json) {
                true => self.both_full(&of, output.clone()),
                false => self.both(&of, output.clone()),
            }
            let status = ProcessStatus::Ended(Terminal { state: output.state(), await_output: output });
            self.both_full("Extract<ProcessStatus, { awaitOutput: unknown }>", status);
        }
        self.both_full("Extract<ProcessStatus, { state: \"running\" }>", ProcessStatus::Running);
    }

    fn events(&mut self) {
        self.both_full("ProcessEvent", event(true));
        self.both("ProcessEvent", event(false));
        self.both_full("ProcessEvent[\"semantics\"]", event(true).semantics);
        for (full, request) in append_requests() {
            let value: Value = serde_json::from_str(&canonical::to_string(&request)).unwrap();
            assert!(json::read::<AppendRequest>(value.into()).is_ok());
            match full {
                true => self.add_full("AppendRequest", &request),
                false => drop(self.add("AppendRequest", &request)),
            }
        }
        self.add_full("AppendResult", &appended(true));
        self.add("AppendResult", &appended(false));
        self.add_full("WakeDelivery", &delivery(true));
        self.add("WakeDelivery", &delivery(false));
        self.add_full("EventBatch", &EventBatch { events: vec![Rc::new(event(false))], done: true });
    }

    fn handles(&mut self) {
        self.both_full("SessionScope", scope(true));
        self.both("SessionScope", scope(false));
        self.both_full("HandleDescriptor", descriptor(true));
        self.both("HandleDescriptor", descriptor(false));
        self.both_full("HandleGrant", grant());
        self.add_full("HandleEntry", &HandleEntry { grant: grant(), record: record(false) });
        let report = SessionDeleteReport {
            session_id: "s".into(),
            revoked_handle_count: 2,
            deleted_wake_count: 0,
            orphaned_process_ids: vec!["a".into()],
            preserved_process_ids: vec![],
        };
        self.add_full("SessionDeleteReport", &report);
    }

    fn leases(&mut self) {
        for mark in [LivenessMark::Opaque {}, LivenessMark::WebLock { lock_name: "l".into() }] {
            self.both("NonNullable<LeaseOwner[\"liveness\"]>", mark.clone());
            self.both_full("LeaseOwner", owner(Some(mark)));
        }
        self.both("LeaseOwner", owner(None));
        self.both_full("ProcessLease", lease());
        self.add_full("Extract<LeaseClaim, { outcome: \"acquired\" }>", &LeaseClaim::Acquired { lease: lease() });
        self.add_full("Extract<LeaseClaim, { outcome: \"busy\" }>", &LeaseClaim::Busy { holder: lease() });
    }

    /// What only goes in is written as JSON here, and must be readable.
    fn questions(&mut self) {
        for status in statuses() {
            self.both("NonNullable<ListFilter[\"status\"]>", status);
        }
        let filter = json!({"status": "any", "waiting": false, "definition": null, "kind": "k"});
        self.asked::<ListFilter>("ListFilter", filter, true);
        self.asked::<ListFilter>("ListFilter", json!({}), false);
        self.asked::<Page>("Page", json!({"limit": 10, "cursor": "p"}), true);
        self.asked::<Page>("Page", json!({}), false);
        let cursor = Point { database: 10, number: 7 };
        let changes = Changes { records: vec![record(false)], removed: vec!["q".into()], cursor, reset: true };
        self.add_full("Changes", &changes);
        self.add_full("Pruned", &PruneReport { pruned_processes: 1, pruned_events: 2, more: false });
    }

    fn asked<T: FromJson>(&mut self, of: &str, value: Value, full: bool) {
        let value = Json::from(value);
        assert!(json::read::<T>(value.clone()).is_ok());
        match full {
            true => self.add_full(of, &value),
            false => drop(self.add(of, &value)),
        }
    }

    fn codes(&mut self) {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let list = serde_json::to_string_pretty(&codes).unwrap();
        writeln!(self.text, "const codes = {list} as const satisfies readonly ProcessErrorCode[];").unwrap();
        writeln!(self.text, "true satisfies Same<ProcessErrorCode, (typeof codes)[number]>;").unwrap();
    }
}

const HEAD: &str = r#"// Written by tests/wire.rs from the Rust types. Compiling this file is the test.
import type { ProcessErrorCode } from "../../js/errors.js";
import type {
  AppendRequest, AppendResult, FailureClass, HandleDescriptor, HandleEntry, HandleGrant, LeaseClaim, LeaseOwner,
  ListFilter, Page, ProcessAwaitOutput, ProcessEvent, ProcessEventType, ProcessExternalRef, ProcessIdentity,
  ProcessInput, ProcessLease, ProcessProvenance, ProcessRecord, ProcessRegistration, ProcessRegistry, ProcessStatus,
  Selector, SessionDeleteReport, SessionScope, TerminalState, WaitState, WakeDelivery,
} from "../../js/types.js";

type Meaning = NonNullable<ProcessEventType["semantics"]>;
type Terminal = NonNullable<Meaning["terminal"]>;
type Wake = NonNullable<Meaning["wake"]>;
type Changes = Awaited<ReturnType<ProcessRegistry["changedSince"]>>;
type Pruned = Awaited<ReturnType<ProcessRegistry["pruneTerminalProcesses"]>>;
type EventBatch = { events: ProcessEvent[]; done: boolean };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** The fields that a type knows, without those that are never there. */
type Known<T> = keyof { [K in keyof T as [Exclude<T[K], undefined>] extends [never] ? never : K]: 0 };
/** `true` where a value has every field that its type knows. */
type HasAll<T, Value> = Same<Known<T>, keyof Value>;

"#;

fn reads_back<T: ToJson + FromJson + PartialEq + Debug>(value: &T) {
    assert_eq!(json::read::<T>(value.to_json()).as_ref(), Ok(value));
}

fn string(value: &Json) -> String {
    canonical::to_string(value)
}

/// Whether the sample is the one with every optional field: they are all made so here.
fn is_full(value: &Json) -> bool {
    ["metadata", "payload", "control", "call", "createRequest"].iter().any(|name| value.get(name).is_some())
}

fn any() -> Json {
    json!({"any": [1, null, "x", true]}).into()
}

/// A document of each kind that a shape knows; where it is full, with every optional field.
fn samples<T: FromJson>(shape: &Shape, full: bool) -> Vec<T> {
    let values = shaped(shape, full);
    values.into_iter().map(|value| json::read(value).unwrap_or_else(|fault| panic!("{fault}"))).collect()
}

fn shaped(shape: &Shape, full: bool) -> Vec<Json> {
    match shape {
        Shape::Any => vec![any()],
        Shape::Text => vec![Json::text("t")],
        Shape::Texts => vec![vec!["t".to_owned()].to_json()],
        Shape::Count => vec![1_u64.to_json()],
        Shape::Name(names) => names.iter().map(|name| Json::text(name)).collect(),
        Shape::Map => vec![Object::default().with("field", &any()).build()],
        Shape::Object(fields) | Shape::Open(fields) => objects(fields, full, vec![Object::default()]),
        Shape::Tagged(tag, kinds) => {
            kinds.iter().flat_map(|(kind, fields)| objects(fields, full, vec![Object::tagged(tag, kind)])).collect()
        }
    }
}

/// Objects with every combination of what their fields may be.
fn objects(fields: &[Field], full: bool, begun: Vec<Object>) -> Vec<Json> {
    let wanted = fields.iter().filter(|Field(_, required, _)| full || *required);
    let objects = wanted.fold(begun, |objects, Field(name, _, shape)| {
        let values = shaped(shape, full);
        objects.iter().flat_map(|object| values.iter().map(|value| object.clone().with(name, value))).collect()
    });
    objects.into_iter().map(Object::build).collect()
}

fn sample<T: FromJson>(shape: &Shape, full: bool) -> T {
    samples(shape, full).pop().unwrap()
}

fn identity(full: bool) -> ProcessIdentity {
    ProcessIdentity { kind: "k".into(), label: full.then(|| "l".into()), definition: full.then(any) }
}

fn provenance() -> Provenance {
    sample(Provenance::SHAPE, true)
}

fn registration(full: bool) -> ProcessRegistration {
    ProcessRegistration {
        id: "p".into(),
        input: sample(ProcessInput::SHAPE, full),
        identity: full.then(|| identity(true)),
        event_types: if full { vec![event_type(true)] } else { vec![] },
        provenance: full.then(provenance),
        env_ref: full.then(|| "e".into()),
        wake_target: full.then(|| scope(true)),
        recovery: full.then_some(Recovery::Abandon),
    }
}

fn external_ref(full: bool) -> ProcessExternalRef {
    sample(ProcessExternalRef::SHAPE, full)
}

fn wait() -> WaitState {
    sample(WaitState::SHAPE, true)
}

fn record(full: bool) -> ProcessRecord {
    let defaults = registration(full);
    let registration = ProcessRegistration {
        identity: Some(identity(full)),
        provenance: Some(sample(Provenance::SHAPE, false)),
        ..defaults
    };
    let registered = Registered::new(Rc::new(registration), "0f".into(), 1);
    let output = ProcessAwaitOutput::success(Json::Null);
    let ended = ProcessStatus::Ended(Terminal { state: output.state(), await_output: output });
    ProcessRecord {
        registered: Rc::new(registered),
        status: if full { ended } else { ProcessStatus::Running },
        wake_target: full.then(|| scope(true)),
        external_ref: full.then(|| external_ref(true)),
        wait: full.then(wait),
        updated_at_ms: 2,
        log: LogHead::default(),
    }
}

fn pointer() -> Selector {
    Selector::Pointer("/a".into())
}

fn selectors() -> Vec<Selector> {
    let template = Selector::Template { template: "{a}".into(), fields: vec![("a".into(), Selector::Payload)] };
    let selectors =
        vec![Selector::Payload, pointer(), Selector::Const(any()), template, Selector::Present("/a".into())];
    // A new selector must be added above: this stops compiling.
    for selector in &selectors {
        match selector {
            Selector::Payload
            | Selector::Pointer(_)
            | Selector::Const(_)
            | Selector::Template { .. }
            | Selector::Present(_) => {}
        }
    }
    selectors
}

fn wake_spec(full: bool) -> WakeSpec {
    let dedupe_key = if full { DedupeKey::Const("c".into()) } else { DedupeKey::EventIdentity };
    WakeSpec { when: full.then(pointer), input: Selector::Payload, dedupe_key }
}

fn meaning() -> SemanticsSpec {
    let terminal = TerminalSpec { state: TerminalState::Failed, await_output: Some(pointer()) };
    SemanticsSpec { terminal: Some(terminal), wake: Some(wake_spec(false)) }
}

fn event_type(full: bool) -> ProcessEventType {
    ProcessEventType { name: "n".into(), payload_schema: full.then(any), semantics: full.then(meaning) }
}

fn failure_classes() -> Vec<FailureClass> {
    use FailureClass::*;
    let classes =
        vec![InvalidRequest, Unavailable, PermissionDenied, Timeout, Execution, External, ResourceLimit, Internal];
    // A new class must be added above: this stops compiling.
    for class in &classes {
        match class {
            InvalidRequest | Unavailable | PermissionDenied | Timeout | Execution | External | ResourceLimit
            | Internal => {}
        }
    }
    classes
}

fn outputs() -> Vec<ProcessAwaitOutput> {
    let mut outputs = Vec::new();
    for full in [true, false] {
        let (raw, control) = (full.then(any), full.then(any));
        outputs.push(ProcessAwaitOutput::Success { value: any(), control: control.clone() });
        outputs.push(ProcessAwaitOutput::Failure {
            class: FailureClass::Execution,
            code: "c".into(),
            message: "m".into(),
            raw: raw.clone(),
            control: control.clone(),
        });
        outputs.push(ProcessAwaitOutput::Cancelled { message: "m".into(), raw, control });
    }
    outputs
}

fn statuses() -> Vec<StatusFilter> {
    use StatusFilter::*;
    let statuses = vec![Running, Completed, Failed, Cancelled, Any];
    // A new status must be added above: this stops compiling.
    for status in &statuses {
        match status {
            Running | Completed | Failed | Cancelled | Any => {}
        }
    }
    statuses
}

fn event(full: bool) -> ProcessEvent {
    let terminal = Terminal { state: TerminalState::Completed, await_output: ProcessAwaitOutput::success(any()) };
    let wake = Wake { input: "i".into(), dedupe_key: "d".into() };
    ProcessEvent {
        process_id: "p".into(),
        sequence: 1,
        event_type: "n".into(),
        payload: any(),
        replay_key: full.then(|| "k".into()),
        semantics: if full { Semantics { terminal: Some(terminal), wake: Some(wake) } } else { Semantics::default() },
        occurred_at_ms: 3,
    }
}

fn append_requests() -> Vec<(bool, Json)> {
    let full = json!({
        "eventType": "n", "payload": null, "replayKey": "k", "wakeTargetScope": {"sessionId": "s"},
        "lease": serde_json::from_str::<Value>(&string(&lease().to_json())).unwrap(),
    });
    vec![(true, full.into()), (false, json!({"eventType": "n"}).into())]
}

fn appended(full: bool) -> AppendResult {
    AppendResult { event: Rc::new(event(full)), replayed: full, wake_delivery: full.then(|| delivery(true)) }
}

fn delivery(full: bool) -> WakeDelivery {
    WakeDelivery {
        wake_id: "wake:0f".into(),
        target_session_id: "s".into(),
        target_scope_id: "session:s".into(),
        process_id: "p".into(),
        sequence: 1,
        event_type: "n".into(),
        process_caused_by: full.then(any),
        dedupe_key: "d".into(),
        input: "i".into(),
        created_at_ms: 3,
    }
}

fn scope(full: bool) -> SessionScope {
    SessionScope { session_id: "s".into(), agent_frame_id: full.then(|| "f".into()) }
}

fn descriptor(full: bool) -> HandleDescriptor {
    sample(HandleDescriptor::SHAPE, full)
}

fn grant() -> HandleGrant {
    HandleGrant {
        scope_id: "session:s".into(),
        session_id: "s".into(),
        process_id: "p".into(),
        descriptor: descriptor(false),
    }
}

fn owner(liveness: Option<LivenessMark>) -> LeaseOwner {
    LeaseOwner { owner_id: "o".into(), incarnation_id: "1".into(), liveness }
}

fn lease() -> ProcessLease {
    ProcessLease {
        process_id: "p".into(),
        owner: owner(None),
        lease_token: "t".into(),
        fencing_token: 1,
        claimed_at_ms: 2,
        expires_at_ms: 3,
    }
}
