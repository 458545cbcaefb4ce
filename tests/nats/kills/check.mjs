/** The promises that a registry keeps on NATS whatever fails: what the clients recorded, held against what is there. It refuses to know how either was read. */

/** Of what was refused so, it is not known whether it happened. */
const OPEN = ["disconnected"];

/** What a write may be refused with while servers, links and other clients fail or come first: then it has not happened. */
const REFUSALS = { fenced: ["lease_lost", "conflict"], release: ["lease_lost", "conflict"] };
const REFUSAL = ["conflict"];

/**
 * The writes of a history: `{ client, n, op, id, …, state, code, answer }`. `state` is `"acknowledged"`, `"refused"`, or `"open"` where it is not
 * known whether it happened: its client was killed over it, or its call rejected with that.
 */
export function writesOf(lines) {
  const writes = new Map();
  for (const { is, at, ...line } of lines) {
    const name = `${line.client} ${line.n}`;
    if (is === "begun") writes.set(name, { ...line, at, state: "open" });
    if (is === "acknowledged") Object.assign(writes.get(name), { state: "acknowledged", answeredAt: at, answer: line });
    if (is === "refused") {
      const state = OPEN.includes(line.code) ? "open" : "refused";
      Object.assign(writes.get(name), { state, answeredAt: at, code: line.code, message: line.message });
    }
  }
  return [...writes.values()];
}

/** The longest time in which a client that lived had no write acknowledged, in milliseconds. */
export function longestStall(lines) {
  const last = new Map();
  let longest = 0;
  for (const { client, is, at } of lines) {
    if (is !== "acknowledged" && is !== "opened") continue;
    longest = Math.max(longest, at - (last.get(client) ?? at));
    last.set(client, at);
  }
  return longest;
}

/**
 * What is wrong, as `{ kind, words }`: `lost`, `doubled`, `gap`, `fence` or `other`. `found` is `{ processes, sessions, listed }`: what each process is by its id,
 * `{ record, events, kept }`; the ids that each session holds; and all ids in the order of the list.
 */
export function wrongsOf(lines, { processes, sessions, listed }) {
  const wrong = [];
  const must = (holds, kind, words) => holds || wrong.push({ kind, words });
  const all = writesOf(lines);
  const of = (id) => processes.get(id) ?? { events: [] };
  const deletions = all.filter(({ op }) => op === "delete");
  // What may be deleted may lack what was written before.
  const gone = new Set(deletions.filter(({ id }) => !of(id).record).map(({ id }) => id));
  const writes = all.filter(({ id }) => !gone.has(id));

  for (const { is, client, code, message } of lines) {
    must(is !== "uncaught", "other", `${client} did not catch ${message}`);
    must(is !== "reported" || (code !== undefined && code !== "internal"), "other", `${client} reported ${message}`);
  }
  for (const { op, id, client, state, code, message } of all) {
    const known = state !== "refused" || (REFUSALS[op] ?? REFUSAL).includes(code);
    must(known, "other", `${op} of ${client} on ${id} was refused with ${code}: ${message}`);
  }

  for (const { id, client, state } of deletions) {
    const { record, events } = of(id);
    must(state !== "acknowledged" || (!record && events.length === 0), "lost", `deletion of ${id} by ${client}`);
    must(state !== "refused" || record, "other", `${id} is gone, which was refused to ${client}`);
  }
  for (const [id, { events }] of processes) {
    const dense = events.every(({ sequence }, n) => sequence === n + 1);
    must(dense, "gap", `${id} has a log with the sequences ${events.map(({ sequence }) => sequence)}`);
  }
  must(new Set(listed).size === listed.length, "doubled", "a list has a process twice");
  const inList = new Set(listed);
  for (const [id, { record }] of processes)
    must((record !== undefined) === inList.has(id), "other", `${id} is ${record ? "there and not listed" : "listed and not there"}`);

  for (const { op, id, other, client, state } of writes) {
    if (op === "register") must(state !== "acknowledged" || of(id).record, "lost", `registration of ${id} by ${client}`);
    if (op !== "pair") continue;
    const there = [id, other].filter((one) => of(one).record).length;
    must(state !== "acknowledged" || there === 2, "lost", `registration of ${id} and ${other} by ${client}`);
    must(state !== "refused" || there === 0, "other", `${id} and ${other} are there and were refused to ${client}`);
    must(there !== 1, "other", `of ${id} and ${other} one is there`);
  }

  // Appends. A keyed one is one write, however often it was tried.
  for (const [token, tries] of groups(writes, ["append", "keyed", "fenced"], ({ token }) => token)) {
    const [{ op, id }] = tries;
    const name = `${op} of ${token} to ${id}`;
    const there = of(id).events.filter(({ payload }) => payload?.token === token);
    const acknowledged = tries.filter(({ state }) => state === "acknowledged");
    must(there.length <= 1, "doubled", `${name} is there ${there.length} times`);
    must(acknowledged.length === 0 || there.length > 0, "lost", name);
    for (const { answer } of there.length === 1 ? acknowledged : [])
      must(answer.sequence === there[0].sequence, "other", `${name} was said to be ${answer.sequence}, and is ${there[0].sequence}`);
    must(there.length === 0 || tries.some(({ state }) => state !== "refused"), "other", `${name} is there and was refused`);
  }

  for (const { op, id, token, client, state } of writes) {
    if (op !== "end") continue;
    const { record, events } = of(id);
    const output = record?.status.awaitOutput;
    must(state !== "acknowledged" || output?.value === token, "lost", `end of ${id} by ${client}: it is ${JSON.stringify(record?.status)}`);
    must(state !== "refused" || output === undefined, "other", `${id} has ended, which was refused to ${client}`);
    const ends = events.filter(({ semantics }) => semantics.terminal).length;
    must(ends === (output ? 1 : 0), ends > 1 ? "doubled" : "other", `${id} has ${ends} ends in its log`);
  }

  // What a later write replaces: the last one that was acknowledged is there, or one after it that is open.
  for (const [id, attached] of groups(writes, ["attach"], ({ id }) => id)) {
    const { kept } = of(id);
    const may = candidates(attached).map((write) => write && `${write.token} of ${write.size}`);
    const is = kept && `${kept.token} of ${kept.size}`;
    must(may.includes(is), "lost", `${id} has ${is} attached, and may have ${may.join(" or ")}`);
  }
  for (const [, changes] of groups(writes, ["grant", "revoke"], ({ id, session }) => `${session} ${id}`)) {
    const [{ id, session }] = changes;
    const may = candidates(changes).map((write) => write?.op === "grant");
    const is = sessions.get(session).includes(id);
    must(
      may.includes(is),
      "lost",
      `${session} has ${is ? "a" : "no"} grant of ${id}, last was ${changes.at(-1).op}, ${changes.at(-1).state}`,
    );
  }

  // Fences: one holder each, and what is written under one is never behind what is written under a higher one.
  for (const [fence, claims] of groups(
    writes.filter(({ answer }) => answer?.fence !== undefined),
    ["claim"],
    ({ id, answer }) => `${answer.fence} of ${id}`,
  )) {
    // One that still has the lease that it claims gets that again.
    const clients = new Set(claims.map(({ client }) => client));
    must(clients.size === 1, "fence", `fence ${fence} was given to ${[...clients].join(" and ")}`);
  }
  for (const [id, { events }] of processes) {
    const fenced = events.filter(({ payload }) => payload?.client !== undefined).map(({ payload }) => payload);
    for (const [n, { fence, client }] of fenced.entries()) {
      const before = fenced[n - 1];
      must(before === undefined || before.fence <= fence, "fence", `${id} has a write of fence ${fence} behind one of ${before?.fence}`);
      must(
        before?.fence !== fence || before.client === client,
        "fence",
        `fence ${fence} of ${id} wrote for ${before?.client} and ${client}`,
      );
    }
  }
  return wrong;
}

/** The writes of some kinds by a name, each list in order. */
function groups(writes, ops, name) {
  const by = new Map();
  for (const write of writes.filter(({ op }) => ops.includes(op))) by.set(name(write), [...(by.get(name(write)) ?? []), write]);
  return by;
}

/** Which of the writes, of which each replaces those before it, may be the one that is there. `undefined`: none of them. */
function candidates(writes) {
  const last = writes.findLastIndex(({ state }) => state === "acknowledged");
  const after = writes.slice(last + 1).filter(({ state }) => state === "open");
  return [writes[last], ...after];
}
