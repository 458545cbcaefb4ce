/**
 * longwait for React 18 and 19: a provider of the registry, hooks that show what is stored as it changes in any tab, and hooks that change it.
 *
 * @module
 */
export { Driver, RegistryProvider, useDriver, useRegistry } from "../react/provider.js";
export type { DriverProps, RegistryProviderProps } from "../react/provider.js";
export {
  useCount,
  useLatestEvent,
  useProcess,
  useProcesses,
  useProcessEvents,
  useResult,
  useStream,
  useSuspenseProcess,
} from "../react/reads.js";
export type { ProcessList, SelectOptions, UseEventsOptions, UseProcessesOptions } from "../react/reads.js";
export { useSignal, useStart } from "../react/writes.js";
export type { Starting } from "../react/writes.js";
export type * from "../types/observe.js";
