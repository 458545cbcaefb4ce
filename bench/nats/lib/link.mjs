/** A link of some length to servers, in a thread of its own: what it costs is not counted as the client's. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { proxied } from "../../../tests/nats/servers.mjs";

/** Addresses that lead to those of `urls` over a link on which each way takes `ms`. */
export async function linkTo(urls, ms) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { ports: urls.map((url) => Number(new URL(url).port)), ms } });
  const ports = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  return { tcp: ports.map((port) => `nats://127.0.0.1:${port}`), close: () => worker.terminate() };
}

if (!isMainThread && workerData?.ports) {
  const proxies = await Promise.all(workerData.ports.map((port) => proxied(port)));
  for (const proxy of proxies) proxy.delay(workerData.ms);
  parentPort.postMessage(proxies.map(({ port }) => port));
}
