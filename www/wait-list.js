/** The cards of the waits: what each waits for, since when, and how it ended. */

import { byId, element, icon, keyed, say } from "./dom.js";
import { showJson } from "./json.js";
import { duration, time } from "./time.js";
import { explain } from "./words.js";

const looks = {
  pending: { icon: "pending", word: "Pending" },
  resolved: { icon: "completed", word: "Resolved" },
  rejected: { icon: "failed", word: "Rejected" },
  aborted: { icon: "cancelled", word: "Aborted" },
};

/** Shows `waits` whenever it is called. `open(processId)` is asked for when a card's process is chosen. */
export function waitList(waits, open) {
  const show = keyed(byId("wait-list"), { key: ({ what }) => what.key, create, update });
  byId("clear-waits").addEventListener("click", () => {
    waits.dismiss();
    byId("waits-title").focus();
  });

  function create({ what }) {
    const button = element("button", { type: "button", class: "small" });
    button.addEventListener("click", () => act(what.key, button));
    return element(
      "li",
      { class: "card" },
      element("p", { class: "card-head" }, element("span", { class: "state" }), button),
      element(
        "p",
        { class: "card-what" },
        ...goalOf(what),
        element(
          "button",
          { type: "button", class: "link mono", title: "Show this process", onclick: () => open(what.processId) },
          what.processId,
        ),
      ),
      element("div", { class: "card-ending" }),
    );
  }

  function update(card, wait) {
    // A card changes once, from pending to settled; redrawing it more often would lose what a person has unfolded.
    if (card.dataset.state === wait.state) return;
    card.dataset.state = wait.state;
    const { icon: sign, word } = looks[wait.state];
    card.querySelector(".state").replaceChildren(icon(sign), word);
    card.querySelector(".state").dataset.state = wait.state;
    // The same button throughout, so that the focus stays where it was.
    const button = card.querySelector(".card-head button");
    say(button, wait.state === "pending" ? "Abort" : "Dismiss");
    button.setAttribute("aria-label", `${button.textContent} the wait on ${wait.what.processId}`);
    card.querySelector(".card-ending").replaceChildren(...endings[wait.state](wait));
  }

  function act(key, button) {
    if (button.textContent === "Abort") return waits.abort(key);
    const card = button.closest("li");
    const next = (card.nextElementSibling ?? card.previousElementSibling)?.querySelector("button") ?? byId("waits-title");
    waits.dismiss(key);
    next.focus();
  }

  return () => {
    const all = waits.all();
    // The newest wait is the one just asked for: it goes on top.
    show(all.toReversed());
    byId("no-waits").hidden = all.length > 0;
    byId("clear-waits").hidden = all.every(({ state }) => state === "pending");
  };
}

const endings = {
  pending: ({ what, rearmed }) => [
    element(
      "p",
      { class: "hint" },
      "started ",
      time(what.sinceMs),
      ...(what.deadlineMs ? [", gives up ", time(what.deadlineMs)] : []),
      ...(rearmed ? [" ", armedAgain()] : []),
    ),
  ],
  resolved: (wait) => [element("div", {}, ...resolvedWith(wait)), settled(wait)],
  rejected: (wait) => {
    const { code, words } = explain(wait.error);
    return [element("p", { class: "wrong" }, words, " ", element("code", { class: "code" }, code)), settled(wait)];
  },
  aborted: (wait) => [element("p", {}, "You stopped waiting. The process is not touched."), settled(wait)],
};

const settled = ({ what, settledAtMs, rearmed }) =>
  element(
    "p",
    { class: "hint" },
    time(settledAtMs),
    `, after ${duration(settledAtMs - what.sinceMs)}`,
    ...(rearmed ? [" ", armedAgain()] : []),
  );

const armedAgain = () => element("span", { class: "tag" }, "re-armed after reload");

/** What it waits for, as the beginning of a sentence that ends with the process's id. */
function goalOf({ goal, eventType, after, untilTerminal }) {
  if (goal === "terminal") return ["the end of "];
  return [element("code", {}, eventType), ` after #${after}${untilTerminal ? ", while it runs," : ""} of `];
}

function resolvedWith({ what, value }) {
  if (what.goal === "event") return [`#${value.sequence} `, showJson(value.payload)];
  return {
    success: () => ["completed with ", showJson(value.value)],
    failure: () => [`failed: ${value.message}`],
    cancelled: () => [`cancelled: ${value.message}`],
  }[value.type]();
}

/** One sentence for a screen reader that is elsewhere on the page. */
export function sentenceOf({ what, state, error }) {
  const goal = what.goal === "terminal" ? "the end" : what.eventType;
  const why = state === "rejected" ? `: ${explain(error).words}` : ".";
  return `The wait for ${goal} of ${what.processId} is ${state}${why}`;
}
