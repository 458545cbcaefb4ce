/**
 * `npm start`: installs what is missing, builds, and serves the demo page, and the documentation under /docs/.
 * `npm start -- --headless`: does the page's job once in a headless browser and tells it in words.
 */

import { parseArgs } from "node:util";
import { build, needs as buildNeeds } from "./build.mjs";
import { buildDocs, needs as docsNeeds } from "./docs.mjs";
import { buildExamples } from "./examples.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";
import { readPort, serve } from "./serve.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const { headless, port } = options();
  await setUp(...new Set([...buildNeeds, ...(headless ? ["chromium"] : docsNeeds)]));
  await build();
  await buildExamples();

  if (headless) {
    const { run } = await import("./headless.mjs");
    return run();
  }
  await buildDocs();
  const { url } = await serve({ port });
  say(`\nlongwait is running at ${url}\nIts documentation is at ${url}docs/\nPress Ctrl+C to stop.`);
});

function options() {
  try {
    const { values } = parseArgs({
      options: { headless: { type: "boolean", default: false }, port: { type: "string" } },
    });
    return { headless: values.headless, port: readPort(values.port ?? process.env.PORT) };
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw new CommandFailed(`${error.message}\nusage: npm start [-- --headless | -- --port 8080]`);
  }
}
