/** Libraries add to built-in prototypes. Everything works nevertheless, and what is stored is what was given. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";

/** Runs a script in a process of its own whose prototypes are changed before the package is imported, after, or once a registry was opened. */
function inPolluted(pollution, when, script) {
  const change = `for (const [name, value] of Object.entries({ ${pollution} })) for (const object of [Object.prototype, Array.prototype, String.prototype]) object[name] = value;`;
  const source = `
    const { stringify } = JSON;
    ${when === "before it was imported" ? change : ""}
    const { defineProcess, isProcessError, openRegistry, waitAll } = await import("longwait");
    ${when === "after it was imported" ? change : ""}
    ${when === "after it was used" ? `${use} ${change}` : ""}
    ${script}
    for (const object of [Object.prototype, Array.prototype, String.prototype]) for (const name of Object.keys(object)) delete object[name];
    console.log(stringify(outcome));
    process.exit();
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.ok(stdout, stderr.slice(-2_000));
  return JSON.parse(stdout);
}

/** Has the package load all of its files. */
const use = `
  const used = await openRegistry({ storage: "memory" });
  await used.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "e", payloadSchema: true }] });
  await used.close();
`;

const pollutions = {
  "toJSON, as old libraries do": `toJSON() { return "forged"; }`,
  "functions that loops over fields meet": `extra() {}, last() { return this[this.length - 1]; }`,
  "values that loops over fields meet": `extra: "x", more: [1]`,
  "what might be taken for options of a registry": `wasm: "nowhere", sink: 7, fallback: "odd", storage: "disk", durability: "odd", owner: 7, onCorruption: 7`,
  // Not before: Node itself reads files with options, and takes these for some.
  "what might be taken for options of calls": `signal: 7, timeoutMs: -1, untilTerminal: 7, after: -1, types: 7, limit: -1, cursor: 7, signalId: " ", runHandle: 7, attach: 7, runners: 7, processes: 7, signals: 7, leaseTtlMs: -1, concurrency: -1, onRunError: 7, agentFrameId: " "`,
};

for (const [what, pollution] of Object.entries(pollutions)) {
  const times = what.endsWith("calls") ? ["after it was used"] : ["before it was imported", "after it was imported", "after it was used"];
  for (const when of times) {
    test(`the package works where ${what} came to the prototypes ${when}`, () => {
      const outcome = inPolluted(
        pollution,
        when,
        `
        const registry = await openRegistry({ storage: "memory", name: "mine" });
        const schema = { type: "object", properties: { a: { type: "array", items: { type: "number" } } }, additionalProperties: false, dependentRequired: { b: ["a"] } };
        const payload = { a: [1, 2, 3] };
        await registry.registerProcess({ id: "p", input: { type: "external", metadata: { label: "label", nested: [[{ a: "b" }]] } }, eventTypes: [{ name: "note", payloadSchema: schema }] });
        const appended = await registry.appendEvent("p", { eventType: "note", payload });
        const refused = await registry.appendEvent("p", { eventType: "note", payload: { c: 1 } }).catch(({ code }) => code);
        const driver = registry.driver({
          runners: {
            async job({ process, step, append, awaitTerminal, waitForSignal }) {
              const made = await step("step", () => ({ made: [process.input.payload] }));
              await append({ eventType: "done", payload: [made] });
              const { payload } = await waitForSignal("go");
              return { made, payload, other: (await awaitTerminal("p")).type };
            },
          },
        });
        driver.start();
        await registry.registerProcess({ id: "j", input: { type: "engine", kind: "job", payload: { z: [1] } }, eventTypes: [{ name: "done" }] });
        await registry.grantHandle({ sessionId: "s" }, "j");
        await registry.session({ sessionId: "s" }).signal("j", "go", { signalled: ["yes"] });
        await registry.completeProcess("p", { type: "success", value: { v: ["w"] } });
        const end = await registry.awaiter.awaitTerminal("j");
        const log = [];
        for await (const event of registry.events("j", { untilTerminal: true })) if (!/^process\\.(waiting|resumed|step)/.test(event.eventType)) log.push(event.eventType);
        const outcome = {
          appended: appended.event.payload, refused, end, log: log.sort(),
          stored: (await registry.getProcess("p")).input, events: (await registry.eventsAfter("p", 0)).map(({ payload }) => payload),
          listed: (await registry.listProcesses({ status: "any" })).map(({ id }) => id), name: registry.name,
        };
        const list = defineProcess({ kind: "list", input: schema, events: { item: schema } });
        const lists = list.implement(async ({ input, append, startChild }) => {
          await append({ eventType: "item", payload: input });
          return (await startChild({ input: { type: "engine", kind: "none" } }, { key: "c", onParentEnd: "abandon" })).id;
        });
        const other = registry.driver({ processes: [lists] });
        other.start();
        outcome.started = await waitAll([await registry.start(list, payload, { id: "l" }), await registry.start(list, payload, { id: "m" })]);
        outcome.alone = (await registry.execute(list, payload, { id: "n" })).length;
        await other.stop();
        await driver.stop();
        await registry.close();
      `,
      );
      assert.deepEqual(outcome, {
        appended: { a: [1, 2, 3] },
        refused: "invalid_payload",
        end: { type: "success", value: { made: { made: [{ z: [1] }] }, payload: { signalled: ["yes"] }, other: "success" } },
        log: ["done", "process.completed", "signal.go"],
        stored: { type: "external", metadata: { label: "label", nested: [[{ a: "b" }]] } },
        events: [{ a: [1, 2, 3] }, { awaitOutput: { type: "success", value: { v: ["w"] } } }],
        listed: ["j", "p"],
        name: "mine",
        started: ["l/c", "m/c"],
        alone: 3,
      });
    });
  }
}
