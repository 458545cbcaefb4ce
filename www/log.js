/** The event log of one process, as it grows. */

import { byId, element, say } from "./dom.js";
import { showJson } from "./json.js";
import { time } from "./time.js";
import { plural } from "./words.js";

/** How many events are shown to begin with, and at each look further back. */
const PAGE = 200;

/**
 * Shows the log of `processId` until `signal` aborts; `heard` is told of each event. Rejects when it cannot be read.
 *
 * Sequences are dense, so what lies before the first event shown is known without reading it.
 */
export async function followLog(registry, processId, { signal, heard }) {
  const scroll = byId("log-scroll");
  const older = byId("log-older");
  // Filled before it is on the page, so that only what comes later is read out.
  const rows = element("ol", { class: "events", role: "log", "aria-label": `Events of ${processId}` });
  let first = 1;

  const recent = await registry.recentEvents(processId, PAGE);
  if (signal.aborted) return;
  first = recent[0]?.sequence ?? 1;
  rows.append(...recent.map(eventRow));
  scroll.replaceChildren(rows);
  scroll.scrollTop = scroll.scrollHeight;
  mention();
  older.addEventListener("click", showOlder, { signal });
  recent.forEach(heard);

  try {
    for await (const event of registry.events(processId, { after: recent.at(-1)?.sequence ?? 0, signal })) {
      const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 24;
      const row = eventRow(event);
      row.classList.add("new");
      rows.append(row);
      // A person who has scrolled back is reading: leave the log there.
      if (atEnd) scroll.scrollTop = scroll.scrollHeight;
      mention();
      heard(event);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }

  async function showOlder() {
    const from = Math.max(0, first - 1 - PAGE);
    const events = await registry.eventsAfter(processId, from, { limit: first - 1 - from });
    if (signal.aborted) return;
    const before = scroll.scrollHeight;
    rows.prepend(...events.map(eventRow));
    scroll.scrollTop += scroll.scrollHeight - before;
    first = from + 1;
    mention();
    if (older.hidden) scroll.focus();
  }

  function mention() {
    byId("log-empty").hidden = rows.childElementCount > 0;
    scroll.hidden = rows.childElementCount === 0;
    older.hidden = first === 1;
    say(older, `Show ${plural(Math.min(PAGE, first - 1), "earlier event")}`);
  }
}

function eventRow({ sequence, eventType, payload, replayKey, semantics, occurredAtMs }) {
  return element(
    "li",
    { class: "event" },
    element("span", { class: "sequence" }, `#${sequence}`),
    element(
      "div",
      { class: "event-body" },
      element(
        "p",
        { class: "event-head" },
        element("code", { class: "type" }, eventType),
        semantics.terminal && element("span", { class: "tag" }, `ends it: ${semantics.terminal.state}`),
        semantics.wake && element("span", { class: "tag" }, `wakes: “${semantics.wake.input}”`),
        replayKey && element("span", { class: "tag", title: "Replay key: appended twice, it is recorded once" }, `key ${replayKey}`),
        time(occurredAtMs),
      ),
      showJson(payload),
    ),
  );
}
