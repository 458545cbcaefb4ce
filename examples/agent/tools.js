/**
 * The tools of the agent. Each call of one is a process of its own, with steps: `done(key, work)` does a part once, in whatever
 * tab, and remembers who did it. `sleep(key, ms)` waits, over all tabs; `progress(current, total)` is for the page.
 */
import { facts } from "./facts.js";

export const tools = {
  search: {
    says: (args) => `Search for “${args.query}”`,
    description: "Searches a small almanac, shelf by shelf. Slow.",
    parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
    async run({ query }, { done, sleep, progress }) {
      const found = [];
      for (const [n, shelf] of Object.keys(facts).entries()) {
        await sleep(`way to shelf ${shelf}`, 700);
        found.push(...(await done(`shelf ${shelf}`, () => facts[shelf].filter((fact) => matches(fact, query)))));
        await progress(n + 1, Object.keys(facts).length);
      }
      return found.sort((a, b) => score(b, query) - score(a, query)).slice(0, 3);
    },
  },

  calculate: {
    says: (args) => `Calculate ${args.expression}`,
    description: "Calculates with + - * / and parentheses.",
    parameters: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] },
    run: ({ expression }, { done }) => done("calculate", () => calculate(expression)),
  },

  clock: {
    says: () => "Look at the clock",
    description: "Gives the date and the time of day.",
    parameters: { type: "object", properties: {} },
    // Another look would give another time: so this is a step, too.
    run: (_, { done }) => done("look", () => new Date().toISOString()),
  },

  save_note: {
    says: (args) => `Save the note “${args.title}”`,
    // The person who is to allow it must see what it is.
    shows: (args) => args.text,
    description: "Saves a note in this browser. A person has to allow it.",
    parameters: { type: "object", properties: { title: { type: "string" }, text: { type: "string" } }, required: ["title", "text"] },
    needsApproval: true,
    run: (note, { done, id }) =>
      done("save", () => {
        // Under the id of the call: should the tab die before the step is recorded, saving it again changes nothing.
        localStorage.setItem(`agent note ${id}`, JSON.stringify(note));
        return "saved";
      }),
  },
};

/** Words that say nothing of what is looked for. */
const COMMON = new Set(["the", "and", "how", "what", "far", "long", "away", "with", "its", "are", "average", "kilometres"]);
const words = (text) => (text.toLowerCase().match(/[\p{L}\d]{3,}/gu) ?? []).filter((word) => !COMMON.has(word));
const score = ({ title, text }, query) => {
  const known = new Set(words(`${title} ${text}`));
  return words(query).filter((word) => known.has(word)).length + words(query).filter((word) => words(title).includes(word)).length;
};
const matches = (fact, query) => score(fact, query) > 1;

/** A sum, by the usual precedence. Written out, since a page with a content security policy has no `eval`. */
export function calculate(expression) {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/()]/g) ?? [];
  if (tokens.join("") !== expression.replace(/[\s,]/g, "")) throw new Error(`cannot be calculated: ${expression}`);
  const next = () => tokens.shift();
  function value() {
    const token = next();
    if (token === "-") return -value();
    if (token !== "(") return Number(token);
    const inner = sum();
    if (next() !== ")") throw new Error("a parenthesis is missing");
    return inner;
  }
  function product() {
    let left = value();
    while (tokens[0] === "*" || tokens[0] === "/") left = next() === "*" ? left * value() : left / value();
    return left;
  }
  function sum() {
    let left = product();
    while (tokens[0] === "+" || tokens[0] === "-") left = next() === "+" ? left + product() : left - product();
    return left;
  }
  const result = sum();
  if (tokens.length > 0 || !Number.isFinite(result)) throw new Error(`cannot be calculated: ${expression}`);
  return result;
}
