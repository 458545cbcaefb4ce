/** Appends over NATS, beside the bare client with bodies as long: one at a time, over many processes, and all to one. */
import { say } from "../../scripts/lib/run.mjs";
import { each, inFlight, payload, race } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

const WIDTH = 50;

export const run = ({ rounds, quick, dist }) => onServers(dist, ["one", "three", "far"], (stage) => measured(stage, rounds, quick ? 4 : 1));

async function measured(stage, rounds, less) {
  const registry = await stage.registry("appends");
  const ids = Array.from({ length: WIDTH }, (_, n) => `p${n}`);
  const ours = {
    name: "longwait",
    register: (id) => registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "progress" }] }),
    append: (id, n) => registry.appendEvent(id, { eventType: "progress", payload: payload(n) }),
  };
  await ours.register("sample");
  await ours.append("sample", 1);
  const bytes = await stage.lastBody("appends");
  say(`  ${stage.name}: an append is a message with a body of ${bytes} bytes`);
  const log = await stage.bare("BARE_appends", bytes);
  const bare = { name: "bare client", register: (id) => log.register(id), append: (id, n) => log.append(id, payload(n)) };
  const contenders = [ours, bare];
  for (const { register } of contenders) for (const id of ["one", ...ids]) await register(id);

  const alone = await race(contenders, rounds, ({ append }) => each(100 / less, (n) => append("one", n)));
  const overMany = await race(contenders, rounds, ({ append }) =>
    // A lane for each process, in which one append follows the other.
    inFlight(WIDTH, WIDTH, (lane) => each(20 / less, (n) => append(ids[lane], n))).then((ms) => ms / (20 / less)),
  );
  const queued = { ...bare, append: inTurn(bare.append) };
  const inOne = { name: "bare client, 50 events in one message" };
  const toOne = await race([ours, queued, inOne], rounds, async (contender) => {
    if (contender === inOne)
      return (await each(10, () => log.append("one", ...Array.from({ length: WIDTH }, (_, n) => payload(n))))) / WIDTH;
    return inFlight(400 / less, WIDTH, (n) => contender.append("one", n));
  });
  const work = (what) => `${what}, ${stage.name}`;
  return [
    { work: work("append, one at a time"), figures: alone, atMost: 1.5 },
    { work: work("append, 50 in flight over 50 processes"), figures: overMany, atMost: 1.5 },
    { work: work("append, 50 in flight on one process"), figures: toOne, atMost: 1.5 },
  ];
}

/** The head of a process is known once the append before is stored: they wait for each other. */
function inTurn(append) {
  let last = Promise.resolve();
  return (...given) => (last = last.then(() => append(...given)));
}
