/** Two runners side by side, and the log of the job that they share. The page only reads; the runners write. */

import { openRegistry } from "longwait";
import { byId, element, say } from "./dom.js";
import { announce, notice, showUncaught } from "./notices.js";
import { fresh, registration, STEPS } from "./takeover-job.js";

const parameters = new URLSearchParams(location.search);
/** Milliseconds a step takes; slow enough to watch. */
const pace = parameters.get("pace") ?? "600";
const names = ["A", "B"];

showUncaught();
try {
  const registry = await openRegistry();
  const jobs = oneAtATime((signal) => show(registry, fresh(), signal));
  byId("again").addEventListener("click", jobs.next);
  jobs.next();
} catch (error) {
  say(byId("now"), "This page cannot work here.");
  notice(error);
}

/** Runs one `work` after another; the next ends the one before. */
function oneAtATime(work) {
  let current = new AbortController();
  return {
    next() {
      current.abort();
      current = new AbortController();
      const { signal } = current;
      work(signal).catch((error) => signal.aborted || notice(error));
    },
  };
}

/** Starts a job, gives it two runners, and shows its log until the next one. */
async function show(registry, id, signal) {
  await registry.registerProcess(registration(id));
  byId("steps").replaceChildren(...Array.from({ length: STEPS }, (_, index) => element("li", {}, String(index + 1))));
  byId("story").replaceChildren();
  byId("third").href = address(id, "C");
  byId("tabs").replaceChildren(...names.map((name) => tab(id, name)));
  say(byId("now"), "Waiting for a runner.");
  say(byId("now-more"), "");

  let before;
  for await (const event of registry.events(id, { untilTerminal: true, signal })) {
    if (event.eventType === "step") before = step(event);
    if (event.eventType === "taken") taken(event, before);
    if (event.eventType === "process.completed") ended();
  }
}

function step({ payload }) {
  const square = byId("steps").children[payload.number - 1];
  square.dataset.tab = payload.tab;
  square.title = `by tab ${payload.tab}, fence ${payload.fence}`;
  say(byId("now"), `Step ${payload.number} of ${STEPS}, by tab ${payload.tab}.`);
  for (const box of byId("tabs").children) box.toggleAttribute("data-runs", box.dataset.tab === payload.tab);
  return payload;
}

function taken({ payload: { tab, fence, from, afterMs } }, before) {
  const where = before ? ` after step ${before.number}` : "";
  const words =
    from === undefined
      ? `Tab ${tab} took the job${where}, with fence ${fence}.`
      : `Tab ${tab} took over${where}, with fence ${fence}: ${afterMs} ms after the browser said that the tab before was gone.`;
  byId("story").append(element("li", { "data-tab": tab }, words));
  say(byId("now-more"), `fence ${fence}`);
  announce(words);
}

function ended() {
  say(byId("now"), `Done: ${STEPS} steps, each of them once.`);
  say(byId("now-more"), "");
  for (const box of byId("tabs").children) box.removeAttribute("data-runs");
  announce("The job is done.");
}

const address = (id, name) => `/runner.html?${new URLSearchParams({ job: id, tab: name, pace })}`;

/** A runner in a frame, that can be closed and opened again. */
function tab(id, name) {
  const toggle = element("button", { type: "button", class: "small", onclick: () => (frame.isConnected ? close() : open()) });
  const title = element("h2", { id: `tab-${name}` }, `Tab ${name}`);
  const frame = element("iframe", { title: `Tab ${name}`, src: address(id, name) });
  const box = element(
    "section",
    { class: "panel tab", "data-tab": name, "aria-labelledby": title.id },
    element("div", { class: "panel-head" }, title, toggle),
    frame,
  );
  const gone = element("p", { class: "empty" }, "Closed. Its page is gone, and with it its lock.");
  const close = () => {
    frame.replaceWith(gone);
    say(toggle, "Open it again");
  };
  const open = () => {
    gone.replaceWith(frame);
    say(toggle, "Close this tab");
  };
  say(toggle, "Close this tab");
  return box;
}
