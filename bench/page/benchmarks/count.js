/** What counting many processes by their status takes, of small inputs and of large ones. */
import { openRegistry } from "longwait";
import { race } from "../harness.js";

const BATCH = 1_000;

export async function run({ rounds, quick }) {
  const count = quick ? 10_000 : 100_000;
  const contenders = [await Stored.of(count, 2_000), await Stored.of(count, 10)];
  const row = async (work, filter) => ({
    work,
    figures: await race(contenders, rounds, async ({ registry }) => {
      const start = performance.now();
      const counted = await registry.countProcesses(filter);
      const taken = performance.now() - start;
      if (counted !== count / 2) throw new Error(`${counted} were counted`);
      return taken;
    }),
    atMost: 2,
  });
  const rows = [
    await row(`count the half of ${count.toLocaleString("en")} processes that runs`, {}),
    await row("count those that were completed", { status: "completed" }),
  ];
  for (const { registry } of contenders) await registry.close();
  return rows;
}

class Stored {
  /** So many processes, of which every other one has ended, with inputs of so many characters. */
  static async of(count, characters) {
    const registry = await openRegistry({ name: `count ${characters}` });
    const payload = "x".repeat(characters);
    for (let from = 0; from < count; from += BATCH) {
      const ids = Array.from({ length: BATCH }, (_, n) => `process ${from + n}`);
      await registry.registerProcesses(ids.map((id) => ({ id, input: { type: "engine", kind: "job", payload } })));
      const ended = ids.filter((_, n) => n % 2 === 0);
      await Promise.all(ended.map((id) => registry.completeProcess(id, { type: "success", value: null })));
    }
    return { name: `inputs of ${characters.toLocaleString("en")} characters`, registry };
  }
}
