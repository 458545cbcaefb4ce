/** Where components find their registry, and the driver of a page. */
import { createContext, createElement, useContext, useEffect, useMemo, useReducer, useRef, type ReactNode } from "react";
import { openRegistry } from "../entries/index.js";
import { timer } from "../platform/timer.js";
import { reportError } from "../platform/report.js";
import type { RegistrySource } from "../types/observe.js";
import type { DriverOptions, JsonLike, OpenOptions, ProcessRegistry } from "../types/public.js";
import { isComposed } from "../observe/same.js";
import { useOpened } from "./observed.js";

/** `null` where there is no provider. */
const Source = createContext<RegistrySource | undefined | null>(null);

/** A registry, the promise of one, or how to open one. */
export type RegistryProviderProps = { readonly children?: ReactNode } & (
  { readonly registry: RegistrySource | undefined; readonly open?: never } | { readonly open: OpenOptions; readonly registry?: never }
);

/**
 * Gives the components below it a registry. With `open` it opens one once it is mounted, never on a server, and closes that a moment after it is
 * unmounted; other options, compared field by field, open another one, so make functions outside of components. A `registry`, or the promise of
 * one, is the caller's to close; `undefined` is for a server, and shown as loading.
 */
export function RegistryProvider({ registry, open, children }: RegistryProviderProps): ReactNode {
  const options = useAlike(open);
  const [again, openAgain] = useReducer((count: number) => count + 1, 0);
  const opening = useMemo(() => (options === undefined ? undefined : new Opening(options)), [options, again]);
  useEffect(() => opening?.hold() ?? openAgain(), [opening]);
  return createElement(Source.Provider, { value: registry ?? opening?.opened }, children);
}

/** A registry that is opened when it is first held, and closed once nothing has held it for a moment: strict mode lets go of it in between. */
class Opening {
  readonly opened: Promise<ProcessRegistry>;
  private settle: ((registry: Promise<ProcessRegistry>) => void) | undefined;
  private cancelClose: (() => void) | undefined;
  private isClosed = false;

  constructor(private readonly options: OpenOptions) {
    this.opened = new Promise((settle) => (this.settle = settle));
    this.opened.catch(reportError); // Hooks show it as well.
  }

  /** Gives what lets go of it; nothing where it was closed. */
  hold(): (() => void) | undefined {
    if (this.isClosed) return undefined;
    this.cancelClose?.();
    this.settle?.(openRegistry(this.options));
    this.settle = undefined;
    return () => {
      this.cancelClose = timer(() => this.close(), 0, false);
    };
  }

  private close(): void {
    this.isClosed = true;
    this.opened.then((registry) => registry.close()).catch(() => {});
  }
}

/** What the provider has: the registry or the promise of it, or nothing yet. */
export function useSource(): RegistrySource | undefined {
  const source = useContext(Source);
  if (source === null) throw new Error("longwait: there is no RegistryProvider above this component");
  return source;
}

/** The registry of the nearest provider, once it is open; `undefined` before, on a server, and where it cannot be opened: that is the `error` of all other hooks. */
export function useRegistry(): ProcessRegistry | undefined {
  return useOpened(useSource()).value;
}

/** How to drive. */
export type DriverProps = DriverOptions<JsonLike>;

/**
 * Keeps a driver started for as long as the component is mounted and the registry is open. Other options, compared field by field and a list or an
 * object by its entries, start another one, and stop the one before: so an edit of a runner takes effect while a page is developed. Make implementations
 * and runners outside of components.
 */
export function useDriver(options: DriverProps): void {
  const registry = useRegistry();
  const alike = useAlike(options);
  useEffect(() => {
    if (registry === undefined || alike === undefined) return undefined;
    const driver = registry.driver(alike);
    driver.start();
    return () => void driver.stop().catch(reportError);
  }, [registry, alike]);
}

/** As {@link useDriver}, as a component: `<Driver processes={[upload]} />`. */
export function Driver(options: DriverProps): null {
  useDriver(options);
  return null;
}

/** The last value that was not alike, so that options may be written in place. */
function useAlike<T extends object | undefined>(value: T): T {
  const last = useRef(value);
  if (!isAlike(last.current, value, 2)) last.current = value;
  return last.current;
}

function isAlike(one: unknown, other: unknown, depth: number): boolean {
  if (Object.is(one, other)) return true;
  if (depth === 0 || !isComposed(one) || !isComposed(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const [entries, names] = [Object.entries(one), Object.keys(other)];
  return entries.length === names.length && entries.every(([name, part]) => isAlike(part, other[name], depth - 1));
}
