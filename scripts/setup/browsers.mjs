/** The browsers that tests drive, and their drivers. */

import { readFileSync } from "node:fs";
import { inRepo } from "../lib/paths.mjs";
import { CommandFailed, say } from "../lib/run.mjs";
import { which } from "../lib/which.mjs";
import { canInstall, install } from "./apt.mjs";

/** What each engine needs: programs by any of their names, and the Debian package of each. */
const engines = {
  chromium: [
    { names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"], debian: "chromium" },
    { names: ["chromedriver"], debian: "chromium-driver" },
  ],
  firefox: [{ names: ["firefox", "firefox-esr"], debian: "firefox-esr" }],
  webkit: [
    { names: ["WebKitWebDriver"], debian: "webkit2gtk-driver" },
    // WebKitGTK has no headless mode: it gets a virtual screen.
    { names: ["xvfb-run"], debian: "xvfb" },
    { names: ["xauth"], debian: "xauth" },
  ],
};

/** Full path of Chromium, for tests that drive it without a driver. */
export const chromiumPath = () => enginePath("chromium");

/** Full path of an engine's first program: the browser, or the driver that starts it. */
export function enginePath(engine) {
  const [program] = engines[engine];
  const path = which(...program.names);
  if (!path) throw new CommandFailed(explain(engine, [program]));
  return path;
}

/** Flags for a Chromium that runs as root, without a screen, and makes no calls of its own: the driver's too. */
export const chromiumFlags = JSON.parse(readFileSync(inRepo("webdriver.json"), "utf8"))["goog:chromeOptions"].args;

/** A step that makes sure of one engine. */
export const browser = (engine) => async () => {
  const missing = absent(engine);
  if (missing.length === 0) return say(`${engine}: there`);
  if (!canInstall()) throw new CommandFailed(explain(engine, missing));
  const names = missing.map((part) => part.debian);
  say(`installing ${names.join(", ")} (about a minute)`);
  await install(...names);
  const still = absent(engine);
  if (still.length > 0) throw new CommandFailed(explain(engine, still));
};

const absent = (engine) => engines[engine].filter((part) => !which(...part.names));

const explain = (engine, parts) =>
  `${engine} tests need ${parts.map((part) => part.names[0]).join(" and ")}; ` +
  `on Debian: sudo apt-get install ${parts.map((part) => part.debian).join(" ")}`;
