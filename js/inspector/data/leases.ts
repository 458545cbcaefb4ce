/** The leases of the processes on the screen: of those alone is it asked whether they are being run. */
import type { ProcessLease, ProcessRecord } from "../../types/public.js";
import type { KnownLease } from "../model/state.js";
import type { Reader } from "./reader.js";

/** A claim is no change of a process, so it is looked for. */
const EVERY_MS = 1_000;

export class Leases {
  private known = new Map<string, ProcessLease | null>();

  constructor(
    private readonly reader: Reader,
    private readonly wanted: () => readonly ProcessRecord[],
    private readonly changed: () => void,
  ) {}

  of(id: string): KnownLease {
    return this.known.get(id);
  }

  /** Begins to look; gives what ends it. */
  begin(): () => void {
    return this.reader.every(EVERY_MS, () => this.look());
  }

  async look(): Promise<void> {
    const ids = this.wanted()
      .filter(isActive)
      .map(({ id }) => id);
    const before = this.known;
    // What cannot be read is shown as unknown: the list itself says why.
    const leases = await Promise.all(
      ids.map((id) =>
        this.reader.registry.getProcessLease(id).then(
          (lease) => lease ?? null,
          () => undefined,
        ),
      ),
    );
    this.known = new Map(ids.flatMap((id, n) => (leases[n] === undefined ? [] : [[id, leases[n]]])));
    const isSame =
      ids.length === before.size && ids.every((id) => before.get(id)?.leaseToken === this.known.get(id)?.leaseToken && before.has(id));
    if (!isSame) this.changed();
  }
}

/** Of others the record says all that is shown in a list. */
const isActive = ({ status, wait, paused, input }: ProcessRecord): boolean =>
  status.state === "running" && wait === undefined && paused === undefined && input.type !== "external";
