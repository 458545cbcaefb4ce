/**
 * The glue that wasm-bindgen writes, as a function: it keeps its instance in variables of its own, so each load calls it once.
 * scripts/build.mjs makes it.
 */
declare module "longwait:glue" {
  import type { Host, RawOpener } from "../border/raw.js";

  /** What the glue finds outside of itself: the JavaScript that the Rust code imports by its path, and globals. */
  interface Surroundings {
    require(path: string): object;
    [global: string]: unknown;
  }

  export interface Glue {
    default(given: { module_or_path: WebAssembly.Module }): Promise<unknown>;
    install(host: Host): void;
    readonly Registry: RawOpener;
  }

  /** Makes the glue of one instance. */
  export type MakeGlue<G extends Glue = Glue> = (surroundings: Surroundings) => G;

  const glue: MakeGlue;
  export default glue;
}

/** The glue of the WebAssembly behind `longwait/testing`. */
declare module "longwait:kit-glue" {
  import type { Glue, MakeGlue } from "longwait:glue";
  import type { OpenWorld } from "../testing/raw.js";

  export interface KitGlue extends Glue {
    readonly TestWorld: OpenWorld;
  }

  const glue: MakeGlue<KitGlue>;
  export default glue;
}

/** The bytes of the WebAssembly. */
declare module "longwait:wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
