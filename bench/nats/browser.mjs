/** Appends from a page, over the WebSocket of a server. */
import { payload } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

const NAMESPACE = "page";

export const run = ({ opened, dist, ...sizes }) => onServers(dist, ["one"], (stage) => measured(stage, opened, sizes));

async function measured(stage, opened, sizes) {
  const registry = await stage.registry(NAMESPACE);
  await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "progress" }] });
  await registry.appendEvent("p", { eventType: "progress", payload: payload(1) });
  const bytes = await stage.lastBody(NAMESPACE);
  const browser = await opened();
  try {
    const name = `${stage.name}, ${browser.version.match(/^\S+ \d+/)} over WebSocket`;
    return await browser.measure("nats/appends", { ...sizes, servers: stage.ws, namespace: NAMESPACE, bytes, name });
  } finally {
    await browser.close();
  }
}
