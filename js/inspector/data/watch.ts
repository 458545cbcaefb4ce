/** What an element shows of a registry, kept up to date while that can be seen. */
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Observed, Query } from "../../types/observe.js";
import type { Reader } from "./reader.js";

/** Follows a query that may change: the last snapshot stays until the one of the new query is there. */
export class Watch<Q extends Query> implements ReactiveController {
  private reader: Reader | undefined;
  private key = "";
  private end: (() => void) | undefined;
  private last: Observed<Q> | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    /** What to follow; nothing without both. */
    private readonly what: () => { reader: Reader | undefined; query: Q | undefined },
    private readonly changed: () => void = () => {},
  ) {
    host.addController(this);
  }

  get snapshot(): Observed<Q> | undefined {
    return this.last;
  }

  hostConnected(): void {
    this.host.requestUpdate();
  }

  hostUpdate(): void {
    const { reader, query } = this.what();
    const key = query === undefined ? "" : JSON.stringify(query);
    if (reader === this.reader && key === this.key) return;
    if (reader !== this.reader || query === undefined || !isOfOne(this.key, query)) this.last = undefined;
    [this.reader, this.key] = [reader, key];
    const endBefore = this.end;
    this.end = reader && query && this.follow(reader, query);
    endBefore?.();
  }

  hostDisconnected(): void {
    this.end?.();
    [this.end, this.reader, this.key] = [undefined, undefined, ""];
  }

  private follow(reader: Reader, query: Q): () => void {
    return follow(reader, query, (snapshot) => {
      this.last = snapshot;
      this.changed();
      this.host.requestUpdate();
    });
  }
}

/** Shows each snapshot of a query, once there is something to say, while that can be seen. Gives what ends it. */
export function follow<const Q extends Query>(reader: Reader, query: Q, show: (snapshot: Observed<Q>) => void): () => void {
  return reader.whileSeen(() => {
    const thing = reader.observe<Query>(query);
    const look = () => {
      const snapshot = thing.getSnapshot();
      if (snapshot.status !== "loading") show(snapshot as Observed<Q>);
    };
    const end = thing.subscribe(look);
    look();
    return end;
  });
}

/** Whether the snapshot of the query before is better than nothing until that of this one is there. */
function isOfOne(before: string, query: Query): boolean {
  if (before === "") return false;
  const old = JSON.parse(before) as Query;
  return old.type === query.type && JSON.stringify({ ...old, limit: 0, last: 0 }) === JSON.stringify({ ...query, limit: 0, last: 0 });
}
