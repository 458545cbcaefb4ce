/**
 * One registry and all that is done to it: calls that chance decides, each from a seed of its own, so that a list of such seeds
 * is a run and a shorter list is a smaller one.
 */
import { appended } from "./calls/registry.mjs";
import { calls, TABLE } from "./calls/table.mjs";
import { verify } from "./invariants.mjs";
import { same } from "./meaning.mjs";
import { Model } from "./model.mjs";
import { disguise, frozen, Thrown } from "./mutate.mjs";
import { fault, shown } from "./oracle.mjs";
import { Random } from "./random.mjs";
import { IDS } from "./shapes.mjs";

const KEPT = 8;

export class World {
  model = new Model();
  faults = [];
  trace = [];
  closing = false;
  /** Calls that must answer at once, and waits. */
  inflight = new Set();
  waits = new Set();
  pools = {
    leases: [],
    cursors: [],
    controllers: [],
    iterators: [],
    receivers: [],
    views: [],
    offs: [],
    drivers: [],
    handles: [],
    begun: [],
    writers: [],
    readers: [],
    exports: [],
  };
  positions = new Map();
  wakes = new Map();
  wakeIds = new Map();
  steps = new Map();
  depth = 0;
  /** Calls of which the model learns only by their answers. */
  learning = 0;
  /** Waits that ended while it learnt, with what they ended: they are judged by what it knows then. */
  late = [];

  constructor(api, host, { seed, storage, driven, ignored, tracing = false, stats }) {
    Object.assign(this, { api, host, seed, storage, driven, ignored, tracing, stats });
    this.r = new Random(seed);
    /** This world, also for what has it for a prototype. */
    this.root = this;
  }

  async run(seeds) {
    let stop;
    const stuck = new Promise((resolve) => (stop = this.host.after(this.host.patience, () => resolve("stuck"))));
    const ended = await Promise.race([this.live(seeds), stuck]);
    stop();
    this.host.discard(this.host.database(this.seed));
    if (ended === "stuck")
      this.fail(undefined, `hangs: ${[...this.inflight, ...this.waits].map(described).join("; ") || "the end of the world"}`);
    return this;
  }

  async live(seeds) {
    try {
      this.registry = await this.api.openRegistry({ storage: this.storage, name: this.host.database(this.seed), sink: this.sink() });
      // Another registry on the same rows, whose drivers work on the same processes.
      this.others = [this.registry];
      if (this.driven && this.storage === "indexeddb")
        this.others.push(await this.api.openRegistry({ name: this.host.database(this.seed) }));
      for (const [n, seed] of seeds.entries()) {
        this.r.reseed(seed);
        await this.perform(this.r.weighted(this.driven ? TABLE.driven : TABLE.plain));
        if (this.faults.length > 0) break;
        if (this.r.chance(0.4)) await this.flush();
        if (n % 60 === 59) await this.quiet();
      }
      this.r.reseed(this.seed);
      if (this.faults.length === 0) await this.quiet(true);
      await this.end();
    } catch (error) {
      this.fail(undefined, `the fuzzer itself: ${error.stack}`);
    }
  }

  // ── One call ──────────────────────────────────────────────────────────────

  /** Makes a call. Only what must stand alone is waited for. */
  async perform(call, w = this) {
    w.aimed = w.aimedProcess = undefined;
    w.touchesDriven = false;
    const target = call.target ? call.target(w) : this.registry;
    if (target === undefined) return;
    const plain = call.args.make(w);
    const spoilt = w.r.chance(0.25) ? call.args.spoil(w, plain) : undefined;
    if (spoilt !== undefined) {
      const { code = "invalid_argument", codes: others = [], why, value } = spoilt;
      const codes = [...(this.closing ? ["closed", "invalid_argument"] : []), ...(call.ends ?? []), ...others];
      return this.make(w, call, value, target, { code, codes, spoilt: why, signals: [signalIn(value), w.context?.signal] });
    }
    const given = w.r.chance(0.3) ? plain.map((value) => disguise(w.r, value)) : frozen(plain);
    if (this.closed)
      return this.make(
        w,
        call,
        given,
        target,
        call.lives || call.ends
          ? { loose: true, thrown: true, signals: [target?.signal, signalIn(plain)] }
          : { code: "closed", signal: signalIn(plain) },
      );
    const loose = w.touchesDriven || (this.driven && call.many);
    let expected = loose ? { loose: true, ...this.loosened(w, call, plain, target) } : call.expect(w, plain, target);
    if (expected.orElse === undefined) return this.make(w, call, given, target, expected);

    // Whether it is refused is up to the clock: it stands alone, and the model learns from the answer. Callbacks do not wait for that.
    if (w !== this) return;
    await this.flush();
    expected = call.expect(w, plain, target);
    const { orElse } = expected;
    if (orElse === undefined) return this.make(w, call, given, target, expected);
    this.learning++;
    const outcome = await this.make(w, call, given, target, { judge: () => true }).done;
    this.learning--;
    if (outcome.error?.code !== expected.code) {
      const wrong = fault(this, call, orElse(), outcome);
      if (wrong) this.fail({ call, given }, wrong);
    }
    for (const [entry, outcome] of this.late.splice(0)) this.settled(entry, outcome);
  }

  /** Of a call to what drivers change: the parts of what is expected that hold anyhow. */
  loosened(w, call, plain, target) {
    const written = ["registry", "driver"].includes(call.name.split(".")[0]) && !call.sync && !/await|idle|claimAndRun/.test(call.name);
    if (written || call.name.startsWith("session.")) return { wait: call.name.includes("await"), signals: [plain.at(-1)?.signal] };
    const { signal, signals, wait, thrown, check, judge: _ } = call.expect(w, plain, target);
    return { signal, ...(signals && { signals }), wait, thrown, check };
  }

  make(w, call, given, target, expected) {
    const entry = { call, given, expected, spoilt: expected.spoilt };
    if (this.tracing && this.faults.length === 0)
      this.trace.push(`${call.name}(${given.map((value) => shown(value)).join(", ")})${expected.spoilt ? `   // ${expected.spoilt}` : ""}`);
    let answer;
    try {
      answer = call.run(w, given, target);
    } catch (error) {
      if (!call.sync) this.fail(entry, `threw instead of rejecting: ${error?.stack}`);
      this.settled(entry, { error });
      return entry;
    }
    if (call.sync) {
      call.done?.(this, answer);
      this.settled(entry, { value: answer });
      return entry;
    }
    const set = expected.wait ? this.waits : this.inflight;
    set.add(entry);
    const settle = (outcome) => {
      set.delete(entry);
      this.settled(entry, outcome);
      return outcome;
    };
    entry.done = Promise.prototype.then.call(
      answer,
      (value) => settle({ value }),
      (error) => settle({ error }),
    );
    return entry;
  }

  settled(entry, outcome) {
    const { call, expected } = entry;
    if (this.learning > 0 && expected.wait) return void this.late.push([entry, outcome]);
    this.count(call, outcome);
    const wrong = fault(this, call, expected, outcome);
    if (wrong) this.fail(entry, wrong);
    else if (expected.loose && expected.check && "value" in outcome) expected.check(outcome.value);
  }

  count(call, outcome) {
    const stats = (this.stats[call.name] ??= { calls: 0, codes: {} });
    stats.calls++;
    if ("error" in outcome) {
      const { error } = outcome;
      const code = this.api.isProcessError(error) ? error.code : "(reason)";
      stats.codes[code] = (stats.codes[code] ?? 0) + 1;
    }
  }

  /** Hears what is told on the console. What runs end with is told there, and what keeps a driver from running them. */
  hear(words) {
    const [first] = words;
    if (this.driven && /^longwait: the run of process/.test(first)) return;
    if (
      this.driven &&
      this.api.isProcessError(first) &&
      ["lease_lost", "unknown_process", "already_terminal", "closed"].includes(first.code)
    )
      return;
    this.fail(undefined, `reported, as by console.error: ${words.map((word) => word?.stack ?? word).join(" ")}`);
  }

  fail(entry, what) {
    const where = entry === undefined ? "" : `${described(entry)}: `;
    if (!this.ignored?.test(`${where}${what}`)) this.faults.push(`${where}${what}`);
  }

  // ── Rest ──────────────────────────────────────────────────────────────────

  /** Resolves once all that must answer at once has. */
  async flush() {
    while (this.inflight.size > 0) await Promise.all([...this.inflight].map(({ done }) => done));
  }

  /** Comes to rest, looks whether what is owed has come, and whether the registry is as the model says. */
  async quiet(wholly = false) {
    await this.flush();
    const owed = () => [...this.waits].find(({ expected }) => expected.owed?.());
    for (let turn = 0; turn < this.host.turns && owed(); turn++) await this.host.turn(turn);
    const entry = owed();
    if (entry) this.fail(entry, "does not end, though what it waits for is there");
    await this.flush();
    if (this.faults.length === 0) await verify(this, wholly);
  }

  async end() {
    const { r } = this;
    const stops = this.pools.drivers.map(({ driver }) => driver.stop());
    await Promise.all(stops);
    const soon = () => [...this.waits].find(({ expected }) => expected.soon);
    for (let turn = 0; turn < this.host.turns && soon(); turn++) await this.host.turn(turn);
    if (soon()) this.fail(soon(), "does not end, though its time is over");
    if (r.chance(0.5)) for (const controller of this.pools.controllers) controller.abort();
    this.closing = true;
    for (let n = this.faults.length > 0 ? 0 : r.below(4); n > 0; n--)
      await this.perform(r.weighted(TABLE.plain.filter(([, call]) => !call.waitsAlone)));
    const close = r.chance(0.5)
      ? () => this.registry.close()
      : () => this.registry[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
    await Promise.all([close(), close(), ...this.others.slice(1).map((other) => other.close())]);
    await this.flush();
    for (let turn = 0; turn < this.host.turns && this.waits.size > 0; turn++) await this.host.turn(turn);
    for (const entry of this.waits) this.fail(entry, "is pending though everything is closed");
    this.closed = true;
    if (this.faults.length > 0) return;
    for (let n = 0; n < 8; n++) await this.perform(r.pick(calls));
    await this.flush();
    for (let turn = 0; turn < this.host.turns && this.waits.size > 0; turn++) await this.host.turn(turn);
    for (const entry of this.waits) this.fail(entry, "was called after the end, and does not settle");
  }

  // ── What there is ─────────────────────────────────────────────────────────

  isDriven(id) {
    return this.driven && typeof id === "string" && /^d\d(\/|$)/.test(id);
  }

  someId() {
    if (this.driven && this.r.chance(0.4)) return `d${this.r.below(6)}`;
    const ids = [...this.model.processes.keys()];
    return ids.length > 0 ? this.r.pick(ids) : this.r.pick(IDS);
  }

  /** A method as it may be called: on its object, on a proxy of that (as frameworks make them), or by itself. */
  method(object, name) {
    const how = this.r.below(10);
    if (how === 0) return object[name];
    const on = how === 1 ? new Proxy(object, {}) : object;
    return (...given) => on[name](...given);
  }

  aim(id) {
    this.aimed = id;
    this.aimedProcess = this.model.processes.get(id);
    if (this.isDriven(id)) this.touchesDriven = true;
    return id;
  }

  aimedTypes() {
    return this.aimedProcess === undefined ? [] : [...this.aimedProcess.types.keys()];
  }

  some(pool) {
    return this.pools[pool].length > 0 ? this.r.pick(this.pools[pool]) : undefined;
  }

  keep(pool, thing) {
    const kept = this.pools[pool];
    if (kept.length >= KEPT) kept.shift();
    kept.push(thing);
    return true;
  }

  someLease() {
    const lease = this.some("leases");
    if (lease && this.isDriven(lease.processId)) this.touchesDriven = true;
    return lease;
  }

  keepLease(lease, process, mine) {
    if (mine) this.keep("leases", lease);
    process.tokens ??= new Map();
    const token = process.tokens.get(lease.fencingToken);
    if (token !== undefined && token !== lease.leaseToken) return false;
    process.tokens.set(lease.fencingToken, lease.leaseToken);
    return true;
  }

  someSignal() {
    const known = this.some("controllers");
    if (known && this.r.chance(0.5)) return known.signal;
    const controller = new AbortController();
    if (this.r.chance(0.15)) controller.abort(...this.r.pick([[], [new Thrown("aborted before")], ["a word"], [null]]));
    this.keep("controllers", controller);
    return controller.signal;
  }

  someCursor() {
    return this.some("cursors");
  }

  sameWake({ targetScopeId, dedupeKey }, wakeId) {
    const key = `${targetScopeId}\n${dedupeKey}`;
    const known = this.wakes.get(key) ?? wakeId;
    this.wakes.set(key, known);
    const other = this.wakeIds.get(wakeId) ?? key;
    this.wakeIds.set(wakeId, other);
    return known === wakeId && other === key && /^wake:[0-9a-f]{64}$/.test(wakeId);
  }

  /** What `changedSince` must answer. */
  changesSince(cursor, limit = Infinity) {
    const { model } = this;
    return {
      version: model.version,
      read: () => ({
        check: ({ records, removed, cursor: next }) => {
          const position = cursor === undefined ? 0 : this.positions.get(cursor);
          const later = [...model.changed].filter(([, n]) => n > position).sort(([, a], [, b]) => a - b);
          const changed = later.slice(0, limit);
          const end = changed.at(-1)?.[1] ?? position;
          if (model.pruned.some(({ from, to }) => from <= end && end < to && changed.length < later.length)) return true;
          this.positions.set(next, end);
          this.keep("cursors", next);
          const there = changed.filter(([id]) => model.processes.has(id)).map(([id]) => model.processes.get(id));
          const gone = changed
            .map(([id]) => id)
            .filter((id) => !model.processes.has(id))
            .sort();
          return (
            records.length === there.length &&
            records.every((record, n) => model.matches(record, there[n])) &&
            same([...removed].sort(), gone)
          );
        },
      }),
    };
  }

  appended(answer) {
    return appended(this, answer);
  }

  /** Something that must settle, too. */
  later(promise) {
    const entry = { call: { name: "openRegistry().close" }, given: [] };
    this.inflight.add(entry);
    entry.done = promise.then(
      () => this.inflight.delete(entry),
      (error) => (this.inflight.delete(entry), this.fail(entry, `rejected: ${error?.stack}`)),
    );
  }

  seeContext(context) {
    this.contexts?.(context);
  }

  pruned(expected) {
    return this.driven ? { check: ({ prunedProcesses }) => prunedProcesses >= expected.value.prunedProcesses } : expected;
  }

  deleted(expected) {
    return this.driven ? { check: ({ revokedHandleCount }) => revokedHandleCount >= expected.value.revokedHandleCount } : expected;
  }

  // ── Callbacks ─────────────────────────────────────────────────────────────

  /** Something that a callback does: nothing, mostly; else it throws, or calls back into the registry. */
  mischief(r) {
    const what = r.below(10);
    if (what === 0) throw new Thrown();
    if (what < 3 && this.depth < 3 && !this.closed && this.learning === 0) {
      this.depth++;
      const inner = Object.create(this, { r: { value: new Random(r.below(2 ** 31)) } });
      this.perform(inner.r.weighted(TABLE.plain), inner).finally(() => this.depth--);
    }
    if (what === 3) return Promise.reject(new Thrown());
    if (what === 4) return Promise.resolve();
    return undefined;
  }

  sink() {
    if (this.r.chance(0.4)) return undefined;
    const r = new Random(this.seed + 1);
    return (event) => {
      const { processId: id, sequence, eventType } = event;
      const known = this.model.processes.get(id)?.log[sequence - 1];
      if (known?.eventType !== eventType && this.learning === 0 && !this.isDriven(id) && !this.model.everPruned.has(id)) {
        this.fail(undefined, `the sink was shown what is not in the log: ${shown(event)}`);
      }
      return this.mischief(r);
    };
  }

  someListener() {
    const r = new Random(this.r.below(2 ** 31));
    return () => this.mischief(r);
  }
}

const described = ({ call, given, spoilt }) =>
  `${call.name}(${given.map((value) => shown(value)).join(", ")})${spoilt ? ` with ${spoilt}` : ""}`;

/** The signal in the options of a call, which may be anything. */
function signalIn(given) {
  try {
    const { signal } = given.at(-1);
    return signal instanceof AbortSignal ? signal : undefined;
  } catch {
    return undefined;
  }
}
