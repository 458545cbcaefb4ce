/** "The app" of docs/chat.md: chats by `useChat`, with both versions of the AI SDK, whose tabs are reloaded, closed and crashed in the middle. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VERSIONS } from "../support/ai-sdk.mjs";
import { until } from "../support/until.mjs";
import { bundled, chats, crash, log, send, SEVERAL_RESULTS, shows, status } from "./chat-page.mjs";
import { site } from "./site.mjs";

const served = site();

for (const version of VERSIONS)
  describe(`a chat of version ${version.version} of the AI SDK`, () => {
    const code = bundled(version);
    const opened = async (t) => chats(t, served, await code);

    test("is answered, and shown again by a page that is loaded later", async (t) => {
      const { open, said } = await opened(t);
      said.say("Hello:1", "Good ", "day.", null);
      const tab = await open();
      await send(tab, "Hello");
      await shows(tab, "Hello", "Good day.");
      await status(tab, "ready");
      await tab.reload();
      await shows(tab, "Hello", "Good day.");
      said.say("Bye:1", "See you.", null);
      await send(tab, "Bye");
      await shows(tab, "Hello", "Good day.", "Bye", "See you.");
      await status(tab, "ready");
      assert.deepEqual(said.calls, ["Hello:1", "Bye:1"]);
      assert.deepEqual(tab.complaints, []);
    });

    test("continues where a reload has cut the first call of its model off, each word once", async (t) => {
      const { open, said } = await opened(t);
      const tab = await open();
      await send(tab, "Hello");
      said.say("Hello:1", "Good ", "day");
      await shows(tab, "Hello", "Good day");
      await said.waits("Hello:1", 2);
      await tab.reload();
      await shows(tab, "Hello", "Good day");
      said.say("Hello:1", " to you.", null);
      await shows(tab, "Hello", "Good day to you.");
      await status(tab, "ready");
      assert.deepEqual(said.calls, ["Hello:1", "Hello:1"]);
      await tab.reload();
      await shows(tab, "Hello", "Good day to you.");
      assert.deepEqual(tab.complaints, []);
    });

    test("pays neither for the first call nor for the tool again, where a reload has cut the second call off", async (t) => {
      const { open, said } = await opened(t);
      const tab = await open();
      await send(tab, "Weather");
      said.say("Weather:1", "I look.", null);
      said.say("Weather:2", "It ");
      const tool = "[tool-weather: output-available]";
      await shows(tab, "Weather", `I look.${tool}It `);
      await tab.reload();
      await shows(tab, "Weather", `I look.${tool}It `);
      said.say("Weather:2", "rains.", null);
      await shows(tab, "Weather", `I look.${tool}It rains.`);
      await status(tab, "ready");
      assert.deepEqual(said.calls, ["Weather:1", "Weather:2", "Weather:2"]);
      assert.deepEqual(await log(tab), ["process.step model:1", "process.step call-Weather", "process.step model:2", "process.completed"]);
    });

    test("still waits for an approval after a reload, and runs the tool once it is allowed", async (t) => {
      const { open, said } = await opened(t);
      const tab = await open();
      await send(tab, "Mail");
      said.say("Mail:1", "May I?", null);
      const asks = "[tool-mail: approval-requested]AllowDeny";
      await shows(tab, "Mail", `May I?${asks}`);
      await tab.reload();
      await shows(tab, "Mail", `May I?${asks}`);
      said.say("Mail:2", "Done.", null);
      await tab.click("text=Allow");
      await shows(tab, "Mail", "May I?[tool-mail: output-available]Done.");
      await status(tab, "ready");
      assert.deepEqual(said.calls, ["Mail:1", "Mail:2"]);
    });

    test("says no for a user who denies a tool, which is not run", async (t) => {
      const { open, said } = await opened(t);
      const tab = await open();
      await send(tab, "Mail");
      said.say("Mail:1", "May I?", null);
      said.say("Mail:2", "Well.", null);
      await tab.click("text=Deny");
      await shows(tab, "Mail", "May I?[tool-mail: output-error]Well.");
      await status(tab, "ready");
      assert.ok(!(await log(tab)).includes("process.step call-Mail"));
    });

    test("shows what a tool has so far in all tabs, and behind a crash what is new of it", async (t) => {
      const { context, open, said } = await chats(t, served, await bundled(version, SEVERAL_RESULTS));
      const one = await open();
      await send(one, "Weather");
      said.say("Weather:1", "I look.", null);
      await said.waits("weather", 0);
      const two = await open();
      const so = (result) => ["Weather", `I look.[tool-weather: output-available ${result}]`];
      for (const result of ["clouds", "wind"]) {
        said.say("weather", result);
        for (const tab of [one, two]) await shows(tab, ...so(`… ${result}`));
      }
      await said.waits("weather", 2);
      await crash(context, one);
      // The run that takes over makes both again.
      await said.waits("weather", 2, 2);
      await shows(two, ...so("… wind"));
      said.say("weather", "rain");
      await shows(two, ...so("… rain"));
      said.say("weather", null);
      said.say("Weather:2", "It rains.", null);
      await status(two, "ready");
      const [question, answer] = so("rain");
      await shows(two, question, `${answer}It rains.`);
      await two.reload();
      await shows(two, question, `${answer}It rains.`);
      assert.deepEqual(await log(two), ["process.step model:1", "process.step call-Weather", "process.step model:2", "process.completed"]);
    });

    test("is stopped for good by a user, and not by leaving", async (t) => {
      const { open, said } = await opened(t);
      const tab = await open();
      await send(tab, "Hello");
      said.say("Hello:1", "Good ");
      await shows(tab, "Hello", "Good ");
      await tab.reload();
      await shows(tab, "Hello", "Good ");
      await tab.click("text=Stop");
      await status(tab, "ready");
      await until(tab, async () => (await registry.getProcess("chat:chat-1/00000001")).status.state === "cancelled");
      said.say("Hello:1", "day.", null);
      await tab.reload();
      await shows(tab, "Hello", "Good ");
      await status(tab, "ready");
      said.say("Bye:1", "Bye.", null);
      await send(tab, "Bye");
      await shows(tab, "Hello", "Good ", "Bye", "Bye.");
    });

    test("continues in the open page of one tab when the tab that wrote it crashes, each word once", async (t) => {
      const { context, open, said } = await opened(t);
      const one = await open();
      await send(one, "Hello");
      said.say("Hello:1", "Good ", "day");
      await shows(one, "Hello", "Good day");
      const two = await open();
      await shows(two, "Hello", "Good day");
      await crash(context, one);
      await said.waits("Hello:1", 2, 2);
      said.say("Hello:1", " to ", "you.", null);
      await shows(two, "Hello", "Good day to you.");
      await status(two, "ready");
      await two.reload();
      await shows(two, "Hello", "Good day to you.");
      assert.deepEqual(said.calls, ["Hello:1", "Hello:1"]);
    });

    test("shows the step anew where a model that is asked again says something else", async (t) => {
      const { context, open, said } = await opened(t);
      const one = await open();
      await send(one, "Weather");
      said.say("Weather:1", "I look.", null);
      said.say("Weather:2", "It ", "rains");
      const before = "I look.[tool-weather: output-available]";
      const two = await open();
      await shows(two, "Weather", `${before}It rains`);
      said.forget("Weather:2");
      await crash(context, one);
      said.say("Weather:2", "Sun, ", "all day.", null);
      await status(two, "ready");
      // Version 6 has no chunk that removes what was shown.
      await shows(two, "Weather", `${before}${version.version === 6 ? "It rains" : ""}Sun, all day.`);
      await two.reload();
      await shows(two, "Weather", `${before}Sun, all day.`);
    });

    test("is shown by two tabs, whichever of them sends", async (t) => {
      const { open, said } = await opened(t);
      const [one, two] = [await open(), await open()];
      await send(one, "Hello");
      said.say("Hello:1", "Good ");
      for (const tab of [one, two]) await shows(tab, "Hello", "Good ");
      said.say("Hello:1", "day.", null);
      for (const tab of [one, two]) await status(tab, "ready");
      said.say("Bye:1", "See ", "you.", null);
      await send(two, "Bye");
      for (const tab of [one, two]) await shows(tab, "Hello", "Good day.", "Bye", "See you.");
      for (const tab of [one, two]) await status(tab, "ready");
      await two.reload();
      await shows(two, "Hello", "Good day.", "Bye", "See you.");
      await two.evaluate(() => transport.deleteChat("chat-1"));
      assert.equal(await two.evaluate(() => registry.countProcesses({ status: "any" })), 0);
      assert.deepEqual([one.complaints, two.complaints], [[], []]);
    });
  });
