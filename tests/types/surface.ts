/**
 * The public types against the specification of the JavaScript surface (api.d.ts): what it promises is there, and code
 * written against either works with the other. Compiling this file is the test.
 */
import type * as ours from "../../js/entries/index.js";
import type * as spec from "./api.js";

/** Fails to compile unless `A` can be used wherever `B` is expected. */
type Assignable<A extends B, B> = [A, B];
/** Both ways. */
type Same<A extends B, B extends C, C = A> = [A, B, C];

/** What the specification leaves to us. */
type Added =
  | "registerProcesses"
  | "appendEvents"
  | "ownerGone"
  | "onDurabilityChange"
  | "requestPersistence"
  | "start"
  | "execute"
  | "handle"
  | "listStreams"
  | "onWake"
  | "exportProcesses"
  | "importProcesses";
type SpecRegistry = spec.ProcessRegistry;

export type Data = [
  Same<ours.Json, spec.Json>,
  Same<ours.SessionScope, spec.SessionScope>,
  Same<ours.ProcessInput, spec.ProcessInput>,
  Same<ours.Selector, spec.Selector>,
  Same<ours.ProcessEventType, spec.ProcessEventType>,
  Same<ours.ProcessRegistration, spec.ProcessRegistration>,
  Same<ours.ProcessIdentity, spec.ProcessIdentity>,
  Same<ours.TerminalState, spec.TerminalState>,
  Same<ours.ProcessStatus, spec.ProcessStatus>,
  Same<ours.ProcessAwaitOutput, spec.ProcessAwaitOutput>,
  Same<ours.FailureClass, spec.FailureClass>,
  Same<ours.ProcessRecord, spec.ProcessRecord>,
  Same<ours.ProcessExternalRef, spec.ProcessExternalRef>,
  Same<ours.WaitState, spec.WaitState>,
  Same<ours.ProcessEvent, spec.ProcessEvent>,
  Same<ours.ProcessEvent<{ ready: boolean }>, spec.ProcessEvent<{ ready: boolean }>>,
  Same<ours.AppendRequest, spec.AppendRequest>,
  Same<ours.AppendResult, spec.AppendResult>,
  Same<ours.WakeDelivery, spec.WakeDelivery>,
  Same<ours.HandleDescriptor, spec.HandleDescriptor>,
  Same<ours.HandleGrant, spec.HandleGrant>,
  Same<ours.HandleEntry, spec.HandleEntry>,
  Same<ours.SessionDeleteReport, spec.SessionDeleteReport>,
  Same<ours.LeaseOwner, spec.LeaseOwner>,
  Same<ours.ProcessLease, spec.ProcessLease>,
  Same<ours.LeaseClaim, spec.LeaseClaim>,
  Same<ours.ListFilter, spec.ListFilter>,
  Same<ours.Page, spec.Page>,
  Same<ours.EventQuery, spec.EventQuery>,
  Same<ours.WaitOptions, spec.WaitOptions>,
];

export type Opening = [
  Same<ours.OpenOptions, spec.OpenOptions>,
  Same<ours.ProcessEventSink, spec.ProcessEventSink>,
  Same<ours.RemoteStore, spec.RemoteStore>,
  Assignable<typeof ours.openRegistry, (options?: spec.OpenOptions) => Promise<SpecRegistry>>,
];

export type Surface = [
  Same<Omit<ours.ProcessRegistry, Added | "driver">, Omit<SpecRegistry, "driver">>,
  Assignable<ours.ProcessRegistry, SpecRegistry>,
  Same<ours.ProcessAwaiter, spec.ProcessAwaiter>,
  Same<ours.ProcessChangeHub, spec.ProcessChangeHub>,
  Same<ours.ChangeReceiver, spec.ChangeReceiver>,
  Same<ours.SessionView, spec.SessionView>,
  Same<ours.DriverOptions, spec.DriverOptions>,
  Same<ours.RunContext, spec.RunContext>,
  Same<ours.ProcessHandle, spec.ProcessHandle>,
  Assignable<ours.DefinedHandle<number, { a: string }, { b: string }>, spec.ProcessHandle<number>>,
  Assignable<ours.DefinedContext<number, { a: string }, { b: string }>, spec.RunContext>,
  Assignable<spec.StandardSchema<string, number>, ours.StandardSchema<string, number>>,
  Assignable<ours.ProcessFailedError, spec.ProcessFailedError>,
  Assignable<ours.ProcessCancelledError, spec.ProcessCancelledError>,
  Assignable<ours.RetryableError, spec.RetryableError>,
  Assignable<ours.NonRetryableError, spec.NonRetryableError>,
  Same<ours.DriveReport, spec.DriveReport>,
  Same<Omit<ours.ProcessWorkDriver, "registry">, Omit<spec.ProcessWorkDriver, "registry">>,
];

export type Errors = [
  Same<ours.ProcessErrorCode, spec.ProcessErrorCode>,
  Same<ours.ProcessError, spec.ProcessError>,
  Assignable<typeof ours.ProcessError, typeof spec.ProcessError>,
];

/** Nothing of the specification's registry is missing, however assignability treats optional members. */
export type Complete = [Assignable<Exclude<keyof spec.ProcessRegistry, keyof ours.ProcessRegistry>, never>];
