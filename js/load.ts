/** Loads a WebAssembly: once, for whoever asks first; again only after a failure. */
import { reportError } from "./call.js";
import { invalidArgument, ProcessError } from "./errors.js";
import type { Host } from "./raw.js";
import type { OpenOptions } from "./types.js";
import { compileSchema } from "./validator.js";

type Source = NonNullable<OpenOptions["wasm"]>;

/** A WebAssembly module: its glue, where it lies if nobody says otherwise, and its load once there is one. */
export interface Loadable<R> {
  readonly init: (given: { module_or_path: Source }) => Promise<unknown>;
  readonly install: (host: Host) => void;
  readonly Registry: R;
  /** Asked when it is needed: where a bundler forgets the file, the load should fail and not the import. */
  readonly place: () => URL;
  loading?: Promise<R> | undefined;
}

let fetchable: (source: Source) => Source | Promise<Source> = (source) => source;

/** Loads a module, and gives what opens its registries. Single-flight: while one load runs, its source serves every caller. */
export function load<R>(module: Loadable<R>, given: Source | undefined): Promise<R> {
  return (module.loading ??= start(module, given ?? module.place()).catch((fault: unknown) => {
    module.loading = undefined;
    throw fault;
  }));
}

/** Puts a step before the load, for platforms whose `fetch` cannot read the package's own files. */
export function prepareWith(prepare: typeof fetchable): void {
  fetchable = prepare;
}

/** Whether it can be a source at all; what is in it shows when it is loaded. */
export function source(value: unknown, name: string): Source {
  const known =
    (typeof value === "string" && value !== "") ||
    value instanceof URL ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    (typeof Response === "function" && value instanceof Response) ||
    (typeof WebAssembly === "object" && value instanceof WebAssembly.Module);
  if (!known) throw invalidArgument(`${name}: must be a URL, a Response, bytes or a WebAssembly.Module`);
  return value as Source;
}

async function start<R>({ init, install, Registry }: Loadable<R>, from: Source): Promise<R> {
  try {
    // The glue compiles while it downloads, and falls back where the server names another type than application/wasm.
    await init({ module_or_path: await fetchable(from) });
    install(host);
    return Registry;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : typeof cause;
    throw new ProcessError(
      `could not load the WebAssembly of longwait from ${address(from)} (${why}). Serve it beside the ` +
        "package's other files, or say where it is: openRegistry({ wasm: … })." +
        (address(from).includes("/.vite/") ? VITE : ""),
      { code: "internal", cause },
    );
  }
}

/** Its development server moves the code of packages, and before version 8 forgets the files beside it. */
const VITE = ' For Vite 7 and older, set optimizeDeps: { exclude: ["longwait"] } in its configuration.';

const host: Host = {
  error: (code, message, processId, cause) => new ProcessError(message, { code, processId, cause }),
  compileSchema,
  reportError,
};

function address(from: Source): string {
  if (typeof from === "string") return from;
  if (from instanceof URL) return from.href;
  return typeof Response === "function" && from instanceof Response && from.url !== "" ? from.url : "what was given";
}
