import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Builder } from "selenium-webdriver";
import { enginePath } from "../../../scripts/setup/browsers.mjs";
import { twoTabs } from "../suite.mjs";
import { tabsOf } from "../webdriver.mjs";

twoTabs("WebKitGTK", async () => {
  const port = await freePort();
  // Its driver knows no screen of its own, and starts the browser: so the driver gets the virtual screen.
  const driver = spawn("xvfb-run", ["-a", enginePath("webkit"), `--port=${port}`], { detached: true, stdio: "ignore" });
  const ended = new Promise((exit) => driver.on("close", exit));
  const end = async () => {
    process.kill(-driver.pid, "SIGTERM");
    await ended;
  };
  try {
    const server = `http://127.0.0.1:${port}`;
    await Promise.race([answers(server), ended.then(() => Promise.reject(new Error("WebKitWebDriver did not start")))]);
    const capabilities = { browserName: "MiniBrowser", "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] } };
    const session = await new Builder().usingServer(server).withCapabilities(capabilities).build();
    return tabsOf(session, async () => {
      await session.quit();
      await end();
    });
  } catch (fault) {
    await end();
    throw fault;
  }
});

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

async function answers(server) {
  for (;;) {
    try {
      return await fetch(`${server}/status`);
    } catch {
      await new Promise((again) => setTimeout(again, 50));
    }
  }
}

/** It comes with the driver, and lies where the libraries of that version of WebKitGTK lie. */
function miniBrowser() {
  const folders = ["/usr/lib", "/usr/libexec", `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`];
  for (const folder of folders) {
    const versions = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("webkit")) : [];
    const found = versions.map((version) => join(folder, version, "MiniBrowser")).find(existsSync);
    if (found) return found;
  }
  throw new Error("WebKitGTK's MiniBrowser is not here; on Debian it comes with webkit2gtk-driver");
}
