/**
 * The JSON Schema validator, fetched when the first schema is met: most pages never need it, and it would be a
 * twentieth of what they download.
 */
import { ProcessError, raise } from "../types/errors.js";
import type { Json } from "../types/public.js";

/**
 * Compiles a schema, or throws an Error that says why it cannot be compiled. The validator names each fault of a payload:
 * "<JSON pointer or (root)>: <why>".
 */
export type CompileSchema = (schema: Json, isNew: boolean) => (payload: Json) => string[];

let compile: CompileSchema | undefined;
let loading: Promise<void> | undefined;

/** Compiles a schema; throws where it cannot be compiled, and always before the validator is there. */
export const compileSchema: CompileSchema = (schema, isNew) => {
  if (compile === undefined) throw new Error("the validator is not loaded");
  return compile(schema, isNew);
};

/**
 * Runs `work`, and where it met a schema before the validator was there, once more with it. A refused call has written
 * nothing, so repeating it is safe.
 */
export async function withValidator<T>(work: () => Promise<T>): Promise<T> {
  if (compile !== undefined) return work();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code !== "invalid_schema") throw error;
    await loadValidator();
    return work();
  }
}

/** Fetches the validator, once. */
export function loadValidator(): Promise<void> {
  return (loading ??= import("./schema.js").then(
    (module) => {
      compile = module.compileSchema;
    },
    (cause: unknown) => {
      loading = undefined;
      throw raise("could not load the schema validator of longwait, schema.js beside the package's other files", {
        code: "internal",
        cause,
      });
    },
  ));
}
