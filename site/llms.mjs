/** The same pages for language models: llms.txt lists them (https://llmstxt.org), llms-full.txt holds them all. */
import { readFileSync, writeFileSync } from "node:fs";
import { pages, sections } from "./navigation.mjs";
import { homepage } from "./places.mjs";

const intro = `# longwait

> Durable processes that can be awaited, in the browser. Each process is a row in IndexedDB with an append-only log of events; drivers in any
> tab run it, with recorded steps, retries, timers and signals, and take it over when a tab dies. Nothing runs while no page of the origin is open.
`;

/** Writes both into a folder that has the pages. */
export function writeForModels(folder) {
  const lists = sections.map(({ text, pages }) =>
    [`## ${text}\n`, ...pages.map(({ page, text, about }) => `- [${text}](${homepage}/${page}.md): ${about}`)].join("\n"),
  );
  writeFileSync(`${folder}/llms.txt`, [intro.trim(), ...lists].join("\n\n") + "\n");
  const bodies = pages.map(({ page }) => readFileSync(`${folder}/${page}.md`, "utf8").trim());
  writeFileSync(`${folder}/llms-full.txt`, [intro.trim(), ...bodies].join("\n\n---\n\n") + "\n");
}
