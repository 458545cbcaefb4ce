/** Warns of two started drivers of one database in one page: most often one of them was forgotten, by hot reloading for example. */
import type { RawRegistry } from "../border/raw.js";
import { warnOnce } from "./warnings.js";

/** The drivers that are started in this page, each with its database: a name, or the registry that has it in memory to itself. */
const started = new Map<object, string | object>();

/** A driver starts. */
export function driverStarts(driver: object, { facts: { name, durability } }: Pick<RawRegistry, "facts">, registry: object): void {
  const database = durability === "memory" ? registry : name;
  const other = [...started].some(([one, of]) => one !== driver && of === database);
  started.set(driver, database);
  if (!other) return;
  warnOnce(
    `two drivers of the database "${name}" are started in this page. They take turns at its processes, each with a limit of its own on how much ` +
      "runs at once. Stop one, or have one driver with the runners of both. If your code starts one alone, an edit of it was loaded " +
      "beside the old code: close the old registry",
    "two-drivers",
  );
}

/** A driver stops, or ends with its registry. */
export function driverStops(driver: object): void {
  started.delete(driver);
}
