//! The TypeScript of what crosses to JavaScript, made of the types that serde reads and writes.
//!
//! `js/types/shapes.ts` is compared with it here, and with the public types in `tests/types/shapes.ts`: a field that is changed on one side
//! alone fails one of the two.

use std::{env, fs, path::Path};

use ts_rs::{Config, TS};

use crate::{
    driver::{DriveFailure, DriveReport},
    model::{
        attachment::AttachmentInfo,
        event::{
            AppendRequest, AppendResult, DedupeKey, ProcessEvent, ProcessEventType, Semantics, SemanticsSpec,
            TerminalSpec, Wake, WakeDelivery, WakeSpec,
        },
        filter::{ListFilter, Order, Page, StatusFilter},
        fork::{Fork, ForkPoint},
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::Key,
        lease::{LeaseClaim, LeaseOwner, LivenessMark, ProcessLease},
        payload::Payload,
        policy::{Debounce, OnConflict, OnParentEnd, Policy, Requires, RetryPolicy},
        process::{
            FailureClass, Originator, Paused, ProcessAwaitOutput, ProcessExternalRef, ProcessIdentity, ProcessInput,
            ProcessRecord, ProcessRegistration, ProcessStatus, Progress, Provenance, Recovery, Terminal, TerminalState,
            WaitState,
        },
        reports::{PruneReport, SessionDeleteReport},
        retention::Retention,
        selector::Selector,
        stream::{Keep, StreamInfo},
        trace::TraceContext,
    },
    notify::{EventBatch, WaitFor, WokenBy, WokenWait},
    store::Changes,
};

const HEAD: &str = "/**
 * The shapes that cross between JavaScript and the WebAssembly. Generated from the Rust types:
 * `LONGWAIT_WRITE=1 cargo test -p longwait-core typescript` writes this file.
 */
";

/// The declarations of these types, exported.
macro_rules! declared {
    ($config:expr, $($type:ty),* $(,)?) => {
        [$(format!("export {}\n", plain(&<$type>::decl($config)))),*].concat()
    };
}

/// A declaration without its comments: those for callers are in `js/types/public.ts`.
fn plain(declaration: &str) -> String {
    declaration.lines().filter(|line| !line.starts_with("/**") && !line.starts_with(" *")).collect()
}

#[test]
fn the_shapes_in_typescript_are_those_of_the_rust_types() {
    let config = &Config::new().with_large_int("number");
    let declared = declared!(
        config,
        AppendRequest,
        AppendResult,
        AttachmentInfo,
        Changes,
        Debounce,
        DedupeKey,
        DriveFailure,
        DriveReport,
        EventBatch,
        FailureClass,
        Fork,
        ForkPoint,
        HandleDescriptor,
        HandleEntry,
        HandleGrant,
        Keep,
        Key,
        LeaseClaim,
        LeaseOwner,
        ListFilter,
        LivenessMark,
        Order,
        Originator,
        Page,
        OnConflict,
        OnParentEnd,
        Paused,
        Payload,
        Policy,
        ProcessAwaitOutput,
        ProcessEvent,
        ProcessEventType,
        ProcessExternalRef,
        ProcessIdentity,
        ProcessInput,
        ProcessLease,
        ProcessRecord,
        ProcessRegistration,
        ProcessStatus,
        Progress,
        Provenance,
        PruneReport,
        Recovery,
        Requires,
        Retention,
        RetryPolicy,
        Selector,
        Semantics,
        SemanticsSpec,
        SessionDeleteReport,
        SessionScope,
        StatusFilter,
        StreamInfo,
        Terminal,
        TerminalSpec,
        TerminalState,
        TraceContext,
        WaitFor,
        WaitState,
        Wake,
        WakeDelivery,
        WakeSpec,
        WokenBy,
        WokenWait,
    );
    let made = format!("{HEAD}{declared}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../js/types/shapes.ts");
    if env::var_os("LONGWAIT_WRITE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == made,
        "js/types/shapes.ts is out of date: see its first lines"
    );
}
