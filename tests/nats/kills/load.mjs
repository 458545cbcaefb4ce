/**
 * What one client does to a registry, besides driving: it registers, appends, claims, grants, attaches and ends, one write after another in each of
 * its loops. `record(line)` resolves once the line is kept outside of the registry; a write is begun only then. It runs in Node and in a page.
 */

/** Processes that all clients write to, and those whose leases all clients claim. */
export const SHARED = ["shared 0", "shared 1"];
export const CLAIMED = ["claimed 0", "claimed 1"];

/** How long a claim of a lease lasts: so short that those that are not given back end within a round. */
const CLAIM_MS = 1_500;

/** The faults after which a write may have happened, and is tried again where it has a replay key. */
const OPEN = ["disconnected"];

/** The processes that the loads of a round share. */
export const registrations = () => [...SHARED, ...CLAIMED].map(external);

const external = (id) => ({ id, input: { type: "external" }, eventTypes: [{ name: "note" }] });

/** Starts the loops. Gives `stop()`, which resolves once the last write has its answer. */
export function load({ registry, client, roll, record }) {
  let writes = 0,
    stopped = false,
    wake;
  const stopping = new Promise((woken) => (wake = woken));
  const owner = { ownerId: client, incarnationId: client };

  /** One write: what it is, is recorded before it, and its answer after it. Resolves with the answer, or with the code of its refusal. */
  async function write(what, work) {
    const n = writes++;
    await record({ ...what, n, is: "begun" });
    try {
      const answer = await work();
      await record({ n, is: "acknowledged", ...answer });
      return answer ?? {};
    } catch (error) {
      await record({ n, is: "refused", code: error.code ?? String(error.stack ?? error), message: error.message });
      return { code: error.code };
    }
  }

  /** The event of an answer, as it is judged later. */
  const appended = async (id, request) => {
    const { event, replayed } = await registry.appendEvent(id, { eventType: "note", ...request });
    return { sequence: event.sequence, replayed };
  };

  const names = counter();
  /** A name that no other write of the round has. */
  const unique = (of) => `${of} ${client} ${names()}`;

  const append = (id) => {
    const token = unique("token");
    return write({ op: "append", id, token }, () => appended(id, { payload: { token } }));
  };

  async function keyed(id) {
    const token = unique("key");
    for (;;) {
      const { code } = await write({ op: "keyed", id, token }, () => appended(id, { payload: { token }, replayKey: token }));
      if (!OPEN.includes(code) || stopped) return;
    }
  }

  async function appends() {
    const own = await fresh();
    for (let n = 0; !stopped; n++) {
      const id = roll(2) === 0 ? own : SHARED[roll(SHARED.length)];
      await (roll(2) === 0 ? append(id) : keyed(id));
      await pause();
    }
  }

  /** A new process of this client; its registration is tried until it is settled. */
  async function fresh() {
    const id = unique("own");
    for (;;) {
      const { code } = await write({ op: "register", id }, async () => void (await registry.registerProcess(external(id))));
      if (code === undefined || stopped) return id;
      await pause();
    }
  }

  /** Claims a lease, writes under it, and gives it back or leaves it to its end. Then what is written under it must be refused. */
  async function claims() {
    while (!stopped) {
      const id = CLAIMED[roll(CLAIMED.length)];
      let lease;
      await write({ op: "claim", id }, async () => {
        const claim = await registry.claimProcessLease(id, owner, CLAIM_MS);
        if (claim.outcome === "busy") return { busy: claim.holder.fencingToken };
        lease = claim.lease;
        return { fence: lease.fencingToken };
      });
      if (lease) await holds(id, lease);
      await pause();
    }
  }

  async function holds(id, lease) {
    const fence = lease.fencingToken;
    const fenced = () => {
      const token = unique("token");
      return write({ op: "fenced", id, token, fence }, () => appended(id, { payload: { token, fence, client }, lease }));
    };
    for (let times = 1 + roll(4); times > 0; times--) {
      await fenced();
      await pause();
    }
    if (roll(3) !== 0) await write({ op: "release", id, fence }, async () => void (await registry.completeProcessLease(lease)));
    else await Promise.race([later(roll(2 * CLAIM_MS)), stopping]);
    if (roll(2) === 0) await fenced();
  }

  /** Grants, attachments, pairs that are registered together, ends and deletions. */
  async function keeps() {
    const scope = { sessionId: `session ${client}` };
    while (!stopped) {
      const id = await fresh();
      await grant(scope, id);
      await pause();
      if (roll(2) === 0) await grant({ sessionId: "session of all" }, id);
      await attach(id, roll(8) === 0 ? 1_500_000 : 2_000 + roll(20_000));
      await pause();
      if (roll(2) === 0) await attach(id, 1_000 + roll(3_000));
      if (roll(2) === 0)
        await write({ op: "revoke", id, session: scope.sessionId }, async () => void (await registry.revokeHandle(scope, id)));
      await pause();
      const ids = [unique("pair"), unique("pair")];
      await write({ op: "pair", id: ids[0], other: ids[1] }, async () => void (await registry.registerProcesses(ids.map(external))));
      await pause();
      const value = unique("end");
      await write({ op: "end", id, token: value }, async () => void (await registry.completeProcess(id, { type: "success", value })));
      await pause();
      if (roll(3) === 0) await write({ op: "delete", id }, async () => void (await registry.deleteProcess(id, { force: true })));
    }
  }

  const grant = (scope, id) =>
    write({ op: "grant", id, session: scope.sessionId }, async () => void (await registry.grantHandle(scope, id, { label: client })));

  function attach(id, size) {
    const token = unique("token");
    const bytes = new TextEncoder().encode(token.padEnd(size, "."));
    return write({ op: "attach", id, token, size }, async () => void (await registry.putAttachment(id, "kept", bytes)));
  }

  const pause = () => later(roll(60));
  // Two of them append, so that one client has several writes to one process on their way.
  const loops = Promise.all([appends(), appends(), claims(), keeps()]);
  return {
    async stop() {
      stopped = true;
      wake();
      await loops;
    },
  };
}

function counter() {
  let last = 0;
  return () => last++;
}

const later = (ms) => new Promise((over) => setTimeout(over, ms));
