/** Loads the WebAssembly: once, and again after a failure or after its instance trapped. */
import { invalidArgument, raise } from "../types/errors.js";
import { instantiate, type Instance } from "./instance.js";
import { isA } from "../platform/intrinsics.js";
import type { OpenOptions } from "../types/public.js";

type Source = NonNullable<OpenOptions["wasm"]>;

let fetchable: (source: Source) => Source | Promise<Source> = (source) => source;

/** The load under way, or the last one. */
let loading: Promise<Instance> | undefined;
let instance: Instance | undefined;
/** What the last instance was made of: another one needs no other source. */
let compiled: WebAssembly.Module | undefined;

/**
 * The instance. Single-flight: while one load runs, its source serves every caller. `place` gives the address of the package's
 * own file, and is asked when it is needed: where a bundler forgets the file, the load should fail and not the import.
 */
export function load(given: Source | undefined, place: () => URL): Promise<Instance> {
  if (instance?.isDead()) instance = loading = undefined;
  return (loading ??= start(given ?? compiled ?? place()).catch((fault: unknown) => {
    loading = undefined;
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
    ArrayBuffer.isView(value) ||
    ["URL", "ArrayBuffer", "SharedArrayBuffer", "Response", "WebAssembly.Module"].some((kind) => isA(value, kind));
  if (!known) throw invalidArgument(`${name}: must be a URL, a Response, bytes or a WebAssembly.Module`);
  return value as Source;
}

async function start(from: Source): Promise<Instance> {
  try {
    const module = await compile(await fetchable(from));
    instance = await instantiate(module);
    compiled = module;
    return instance;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : typeof cause;
    throw raise(
      `could not load the WebAssembly of longwait from ${address(from)} (${why}). Serve it beside the ` +
        "package's other files, or say where it is: openRegistry({ wasm: … })." +
        (address(from).includes("/.vite/") ? VITE : ""),
      { code: "internal", cause },
    );
  }
}

/** Its development server moves the code of packages, and before version 8 forgets the files beside it. */
const VITE = ' For Vite 7 and older, set optimizeDeps: { exclude: ["longwait"] } in its configuration.';

async function compile(from: Source): Promise<WebAssembly.Module> {
  if (isModule(from)) return from;
  const given = typeof from === "string" || isUrl(from) ? await fetch(from) : from;
  return isResponse(given) ? compileResponse(given) : WebAssembly.compile(given);
}

/** Compiles while it downloads, where the server says of what type it is. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  if (!response.ok) throw new Error(`failed to fetch: ${response.status} ${response.statusText}`);
  const type = response.headers.get("Content-Type");
  const isNamed = type?.trim().toLowerCase() === "application/wasm";
  if (isNamed && typeof WebAssembly.compileStreaming === "function") return WebAssembly.compileStreaming(response);
  if (!isNamed) console.warn(`longwait: ${response.url} is served as ${type}, and loads faster as application/wasm`);
  return WebAssembly.compile(await response.arrayBuffer());
}

// By name, as they may be of another realm: under Jest each file of tests has its own.
const isModule = (from: Source): from is WebAssembly.Module => isA(from, "WebAssembly.Module");
const isUrl = (from: Source): from is URL => isA(from, "URL");
const isResponse = (from: Source | Response): from is Response => isA(from, "Response");

function address(from: Source): string {
  if (typeof from === "string") return from;
  if (isUrl(from)) return from.href;
  return isResponse(from) && from.url !== "" ? from.url : "what was given";
}
