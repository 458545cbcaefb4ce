/** The page: asks, watches what the logs say, and answers for the person. The work is done by the driver, here or in another tab. */
import { openRegistry } from "longwait";
import { byId, element, say } from "/dom.js";
import { announce, notice, showUncaught } from "/notices.js";
import { blank, items, progressed, stateOf, tooled, turned, waitsForPerson } from "./log.js";
import { choose, chosen, chosenForTurn } from "./models/choice.js";
import { runners, turn } from "./runners.js";
import { conversation, tabName } from "./show.js";

const NAMES = ["badger", "finch", "hare", "heron", "lynx", "marten", "newt", "otter", "puffin", "stoat", "swift", "wren"];
const tab =
  new URLSearchParams(location.search).get("tab") ??
  `${NAMES[Math.floor(Math.random() * NAMES.length)]} ${Math.floor(Math.random() * 90) + 10}`;

const SUGGESTIONS = [
  "How far is the Moon?",
  "How long is the river Nile?",
  "How long is a marathon?",
  "How long is the equator of the Earth?",
];

/** What the two buttons that can be taken back do: pressed for the first time, and again. */
const VERBS = {
  watch: [
    ["Stop watching", "Ends this page’s wait. The turn goes on, and so do other pages’ waits."],
    ["Watch again", "Shows what came in that time, and what is to come."],
  ],
  drive: [
    ["Stop this tab’s driver", "Hands back what this tab runs. Another tab goes on with it; with none, it waits for one."],
    ["Start this tab’s driver", "Takes what no other tab runs, and goes on with it."],
  ],
};

showUncaught();
try {
  const registry = await openRegistry({ name: "agent" });
  const driver = registry.driver({ runners: runners(tab) });
  driver.start();
  page(registry, driver);
} catch (error) {
  notice(error);
}

function word(verb, again) {
  const [button, hint] = VERBS[verb][again ? 1 : 0];
  say(byId(verb), button);
  say(byId(`${verb}-hint`), hint);
}

function page(registry, driver) {
  let driving = true;
  let current; // The turn that is shown: its id, what its logs said, and what ends the watching.
  const show = conversation(byId("conversation"), (call, allowed) => {
    driver.signal(current.id, `approve-${call.id}`, { allowed }, { signalId: "answer" }).catch(notice);
    byId("talk-title").focus();
  });

  // ── Asking ───────────────────────────────────────────────────────────────

  async function ask(question) {
    const id = `turn ${new Date().toISOString()} ${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    await registry.registerProcess(turn(id, question, chosenForTurn()));
    location.hash = encodeURIComponent(id);
  }

  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const question = byId("question").value.trim();
    if (question === "") return;
    byId("question").value = "";
    ask(question).catch(notice);
  });
  byId("suggestions").append(
    ...SUGGESTIONS.map((words) => element("button", { type: "button", onclick: () => ask(words).catch(notice) }, words)),
  );

  // ── Watching ─────────────────────────────────────────────────────────────

  async function watch(id) {
    current?.stop.abort();
    const record = id === "" ? undefined : await registry.getProcess(id);
    current = { id: record?.id, ask: record?.input.payload.ask, log: blank(), stop: new AbortController() };
    byId("conversation").replaceChildren();
    show([]);
    draw();
    if (record) follow(current).catch((error) => error.name === "AbortError" || notice(error));
    fillTurns();
  }

  /** Follows the turn, and each process that it starts, until the watching is ended. */
  async function follow(shown) {
    const { signal } = shown.stop;
    for await (const event of registry.events(shown.id, { signal, untilTerminal: true })) {
      turned(shown.log, event);
      if (event.eventType === "called") followTool(shown, event.payload).catch((error) => error.name === "AbortError" || notice(error));
      draw();
    }
  }

  async function followTool(shown, { process, call }) {
    const { signal } = shown.stop;
    for await (const event of registry.events(process, { signal, untilTerminal: true })) {
      tooled(shown.log, call, event);
      draw();
    }
    fillNotes();
  }

  /** How far a tool is. That is no event: it stands in its record. */
  async function showProgress(id) {
    const shown = current;
    const record = await registry.getProcess(id);
    if (record === undefined || shown === undefined || shown !== current || record.parentId !== shown.id) return;
    progressed(shown.log, id, record.progress);
    draw();
  }

  let drawn = false;
  /** Once for all that came in this turn. */
  function draw() {
    if (drawn) return;
    drawn = true;
    queueMicrotask(() => {
      drawn = false;
      const { id, ask, log, stop } = current;
      show(items(log, ask));
      byId("blank").hidden = id !== undefined;
      byId("state").hidden = id === undefined;
      const waiting = waitsForPerson(log);
      const [state, words] = stateOf(log, waiting, { tab, driving });
      byId("state").dataset.state = state;
      if (byId("state").textContent !== words && id !== undefined && byId("state").textContent !== "") announce(words);
      say(byId("state"), words);
      say(byId("talk-title"), ask ?? "How long is the walk?");
      byId("cancel").disabled = id === undefined || log.end !== undefined;
      byId("watch").disabled = id === undefined || log.end !== undefined;
      word("watch", stop.signal.aborted && !log.end);
      byId("conversation").lastElementChild?.scrollIntoView({ block: "nearest" });
    });
  }

  const fromAddress = () => watch(decodeURIComponent(location.hash.slice(1))).catch(notice);
  addEventListener("hashchange", fromAddress);
  fromAddress();

  // ── Earlier turns, notes ─────────────────────────────────────────────────

  async function fillTurns() {
    const turns = await registry.listProcesses({ kind: "agent_turn", status: "any" }, { order: "newest", limit: 30 });
    byId("earlier").hidden = turns.length === 0;
    const option = ({ id, input }) => element("option", { value: id, selected: id === current.id }, input.payload.ask);
    byId("turns").replaceChildren(element("option", { value: "", selected: current.id === undefined }, "—"), ...turns.map(option));
  }
  byId("turns").addEventListener("change", ({ target }) => (location.hash = encodeURIComponent(target.value)));
  const known = new Set();
  registry.onChange((id) => {
    if (id.includes("/")) return void showProgress(id).catch(notice);
    if (known.has(id)) return;
    known.add(id);
    fillTurns().catch(notice);
  });

  function fillNotes() {
    const kept = Object.keys(localStorage)
      .filter((key) => key.startsWith("agent note "))
      .sort()
      .reverse();
    const note = (key) => {
      const { title, text } = JSON.parse(localStorage.getItem(key));
      return element("li", {}, element("strong", {}, title), element("p", {}, text));
    };
    byId("notes").replaceChildren(
      ...(kept.length > 0
        ? kept.slice(0, 5).map(note)
        : [element("li", { class: "hint" }, "None yet. The agent asks before it saves one.")]),
    );
  }
  addEventListener("storage", fillNotes);
  fillNotes();

  // ── Three ways to stop ───────────────────────────────────────────────────

  byId("watch").addEventListener("click", () => {
    if (current.stop.signal.aborted) return void watch(current.id).catch(notice);
    current.stop.abort();
    draw();
    announce("This page no longer watches. The turn goes on.");
  });
  byId("cancel").addEventListener("click", () => registry.requestCancel(current.id, "the person cancelled it").catch(notice));
  byId("drive").disabled = false;
  byId("drive").addEventListener("click", async () => {
    driving = !driving;
    sayDriver();
    draw();
    if (driving) driver.start();
    else await driver.stop();
  });

  function sayDriver() {
    word("drive", !driving);
    say(byId("driver-state"), driving ? "Its driver runs turns and tools, for all tabs." : "Its driver is stopped. This tab only watches.");
  }
  sayDriver();
  byId("tab-name").replaceWith(Object.assign(tabName(tab), { id: "tab-name" }));
  byId("another").href = location.pathname;
  addEventListener("hashchange", () => (byId("another").href = `${location.pathname}${location.hash}`));

  // ── Model ────────────────────────────────────────────────────────────────

  const sayModel = () => say(byId("model-name"), chosenForTurn()?.model ?? "a script, offline");
  const { base = "", model: name = "", key = "" } = chosen();
  Object.assign(byId("base"), { value: base });
  Object.assign(byId("model-id"), { value: name });
  Object.assign(byId("key"), { value: key });
  byId("model-form").addEventListener("submit", (event) => {
    event.preventDefault();
    choose(Object.fromEntries(new FormData(event.target)));
    sayModel();
    if (current.log.needsKey) driver.signal(current.id, "key").catch(notice);
  });
  byId("scripted").addEventListener("click", () => {
    choose({});
    sayModel();
  });
  sayModel();
}
