/**
 * The public types say what the Rust types say (js/types/shapes.ts is generated from those), and js/border/raw.ts what the WebAssembly exports.
 * Compiling this file is the test: a field, a variant or an argument that is changed on one side alone fails it.
 */
import type { Registry, Run } from "../../build/wasm/longwait.js";
import type { RawMethods, WasmRegistry, WasmRun } from "../../js/border/raw.js";
import type * as Public from "../../js/entries/index.js";
import type * as Rust from "../../js/types/shapes.js";

/** The names of all fields, of all variants. */
type Fields<T> = T extends object ? keyof T : never;

/** Whether two types take and give the same, and have the same fields, also those that may be absent. */
type Same<A, B> = [A, Fields<A>] extends [B, Fields<B>] ? ([B, Fields<B>] extends [A, Fields<A>] ? true : false) : false;

/** Resolves to nothing only where every pair is the same. */
type Different<Pairs extends Record<string, [unknown, unknown]>> = {
  [Name in keyof Pairs]: Same<Pairs[Name][0], Pairs[Name][1]> extends true ? never : Name;
}[keyof Pairs];

type Semantics = NonNullable<Public.ProcessEventType["semantics"]>;
type Made = Public.ProcessEvent["semantics"];

const different: Different<{
  appendRequest: [Public.AppendRequest, Rust.AppendRequest];
  appendResult: [Public.AppendResult, Rust.AppendResult];
  changes: [Awaited<ReturnType<Public.ProcessRegistry["changedSince"]>>, Rust.Changes];
  dedupeKey: [NonNullable<NonNullable<Semantics["wake"]>["dedupeKey"]>, Rust.DedupeKey];
  driveFailure: [Public.DriveReport["failed"][number], Rust.DriveFailure];
  driveReport: [Public.DriveReport, Rust.DriveReport];
  failureClass: [Public.FailureClass, Rust.FailureClass];
  fork: [Public.ForkOptions, Rust.Fork];
  handleDescriptor: [Public.HandleDescriptor, Rust.HandleDescriptor];
  handleEntry: [Public.HandleEntry, Rust.HandleEntry];
  handleGrant: [Public.HandleGrant, Rust.HandleGrant];
  json: [Public.Json, Rust.Payload];
  leaseClaim: [Public.LeaseClaim, Rust.LeaseClaim];
  leaseOwner: [Public.LeaseOwner, Rust.LeaseOwner];
  listFilter: [Public.ListFilter, Rust.ListFilter];
  livenessMark: [NonNullable<Public.LeaseOwner["liveness"]>, Rust.LivenessMark];
  retention: [Public.Retention, Rust.Retention];
  originator: [Public.ProcessProvenance["originator"], Rust.Originator];
  page: [Public.Page, Rust.Page];
  processAwaitOutput: [Public.ProcessAwaitOutput, Rust.ProcessAwaitOutput];
  processEvent: [Public.ProcessEvent, Rust.ProcessEvent];
  processEventType: [Public.ProcessEventType, Rust.ProcessEventType];
  processExternalRef: [Public.ProcessExternalRef, Rust.ProcessExternalRef];
  processIdentity: [Public.ProcessIdentity, Rust.ProcessIdentity];
  processInput: [Public.ProcessInput, Rust.ProcessInput];
  processLease: [Public.ProcessLease, Rust.ProcessLease];
  processRecord: [Public.ProcessRecord, Rust.ProcessRecord];
  processRegistration: [Omit<Public.ProcessRegistration, "attachments">, Rust.ProcessRegistration & Rust.Policy];
  processStatus: [Public.ProcessStatus, Rust.ProcessStatus];
  provenance: [Public.ProcessProvenance, Rust.Provenance];
  pruneReport: [Awaited<ReturnType<RawMethods["pruneTerminalProcesses"]>>, Rust.PruneReport];
  selector: [Public.Selector, Rust.Selector];
  semantics: [Made, Rust.Semantics];
  semanticsSpec: [Semantics, Rust.SemanticsSpec];
  sessionDeleteReport: [Public.SessionDeleteReport, Rust.SessionDeleteReport];
  sessionScope: [Public.SessionScope, Rust.SessionScope];
  streamInfo: [Public.StreamInfo, Rust.StreamInfo];
  terminal: [NonNullable<Made["terminal"]>, Rust.Terminal];
  terminalSpec: [NonNullable<Semantics["terminal"]>, Rust.TerminalSpec];
  terminalState: [Public.TerminalState, Rust.TerminalState];
  waitState: [Public.WaitState | Public.RunWait, Rust.WaitState];
  retryPolicy: [Public.RetryPolicy, Rust.RetryPolicy];
  traceContext: [Public.TraceContext, Rust.TraceContext];
  policy: [Public.ProcessPolicy, Rust.Policy];
  wake: [NonNullable<Made["wake"]>, Rust.Wake];
  wakeDelivery: [Public.WakeDelivery, Rust.WakeDelivery];
  wokenWait: [Public.WokenWait, Rust.WokenWait];
  wakeSpec: [NonNullable<Semantics["wake"]>, Rust.WakeSpec];
}>[] = [];

/** What the WebAssembly exports and js/border/raw.ts does not know. */
const unknown: Exclude<keyof Registry | keyof Run, keyof WasmRegistry | keyof WasmRun | symbol>[] = [];

declare const registry: Registry;
declare const run: Run;

/** Each method that js/border/raw.ts knows is exported, and takes what is passed. */
export const exported: [Omit<WasmRegistry, symbol>, Omit<WasmRun, symbol>] = [registry, run];
export const nothing: never[] = [...different, ...unknown];
