/** Shows a conversation. What stays keeps its node, so that the focus stays where it is while a model talks. */
import { element, keyed, say } from "/dom.js";
import { tools } from "./tools.js";

/** `answer(call, allowed)` is called by the buttons of a call that needs approval. Gives the function that shows items. */
export function conversation(parent, answer) {
  return keyed(parent, {
    key: ({ key }) => key,
    create: (item) => kinds[item.kind].create(item, answer),
    update: (node, item) => kinds[item.kind].update?.(node, item),
  });
}

/** A tab by its name, in its colour. */
export const tabName = (name) => element("span", { class: "tab-name", "data-hue": hue(name) }, name);

const hue = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 997, 7) % 6;

const part = (node, name) => node.querySelector(`.${name}`);

const kinds = {
  ask: {
    create: ({ text }) => element("li", { class: "ask-said" }, element("p", {}, text)),
  },

  said: {
    create: () => element("li", { class: "said" }, element("p", { class: "words" }), element("p", { class: "by hint" })),
    update(node, { round, last }) {
      node.toggleAttribute("data-live", !round.done);
      node.toggleAttribute("data-last", last === true);
      say(part(node, "words"), round.text);
      by(part(node, "by"), round.done && round);
    },
  },

  call: {
    create({ call }, answer) {
      const tool = tools[call.name];
      const buttons = [
        ["Allow", "primary", true],
        ["Do not allow", "", false],
      ].map(([words, style, allowed]) =>
        element("button", { type: "button", class: `small ${style}`, onclick: () => answer(call, allowed) }, words),
      );
      return element(
        "li",
        { class: "call" },
        element(
          "p",
          { class: "call-head" },
          element("strong", {}, tool ? tool.says(call.args) : call.name),
          " ",
          element("span", { class: "state" }),
        ),
        tool?.shows && element("blockquote", { class: "given" }, String(tool.shows(call.args))),
        element(
          "div",
          { class: "approval", role: "group", "aria-label": `May it ${tool?.says(call.args).toLowerCase() ?? call.name}?` },
          element("span", {}, "May it?"),
          ...buttons,
        ),
        element("ol", { class: "done", "aria-label": "Steps" }),
      );
    },
    update(node, { asked, process, allowed, steps, progress, end, over }) {
      const [state, words] = callState({ asked, process, allowed, progress, end, over });
      node.dataset.state = state;
      say(part(node, "state"), words);
      part(node, "approval").hidden = !(asked && allowed === undefined && !process && !over);
      const list = part(node, "done");
      for (const step of steps.slice(list.children.length)) {
        const again = step.attempt > 1 ? `, run ${step.attempt}` : "";
        list.append(element("li", {}, element("span", { class: "step-key" }, step.key), " ", tabName(step.tab), again));
      }
      list.hidden = steps.length === 0;
    },
  },

  runs: {
    create: () => element("li", { class: "runs hint" }),
    update(node, { runs }) {
      if (node.dataset.count === String(runs.length)) return;
      node.dataset.count = runs.length;
      const names = runs.flatMap(({ tab }, n) => [n === 0 ? "Begun in " : ", taken over by ", tabName(tab)]);
      node.replaceChildren(...names, ". No finished step was repeated.");
    },
  },

  key: {
    create: ({ tab }) =>
      element("li", { class: "end" }, "This turn needs a key, and ", tabName(tab), " has none. Enter it there, under Model."),
  },

  end: {
    create: ({ end }) =>
      element("li", { class: `end ${end.type}` }, end.type === "cancelled" ? `Cancelled: ${end.message}` : `Failed: ${end.message}`),
  },
};

function by(node, step) {
  if (!step || node.childElementCount > 0) return;
  node.append("by ", tabName(step.tab), step.attempt > 1 ? `, run ${step.attempt}` : "");
}

function callState({ asked, process, allowed, progress, end, over }) {
  if (end)
    return { success: ["completed", "done"], failure: ["failed", `failed: ${end.message}`], cancelled: ["cancelled", "cancelled"] }[
      end.type
    ];
  if (process) return ["running", progress ? `${progress.current} of ${progress.total}` : "running"];
  if (allowed === false) return ["cancelled", "not allowed"];
  if (over) return ["cancelled", "not begun"];
  return asked && allowed === undefined ? ["waiting", "asks for permission"] : ["pending", "about to begin"];
}
