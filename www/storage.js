/**
 * Which storage a page uses: that of this browser, or the NATS servers that its address names, as in
 * `?nats=ws://127.0.0.1:4312,ws://127.0.0.1:4322&namespace=demo`. The links to the other pages that can do so keep it.
 */

import { openRegistry } from "longwait";
import { byId, element } from "./dom.js";

const parameters = new URLSearchParams(location.search);
const servers = parameters.get("nats")?.split(",");
const namespace = parameters.get("namespace") ?? "demo";

const PAGES = ["/", "/processes.html"];

/** The registry in that storage. */
export async function open() {
  if (!servers) return openRegistry({ fallback: "memory" });
  // A page that uses none downloads nothing of it.
  const { natsStore } = await import("longwait/nats");
  return openRegistry({ storage: natsStore({ servers, namespace }) });
}

/** Says on the page which storage that is, and has its links keep it. */
export function showStorage() {
  if (!servers) return byId("storage").append("This page uses the storage of this browser.");
  byId("storage").append(
    "This page uses NATS servers, in the namespace ",
    element("code", {}, namespace),
    `, and shares what is there with all that do so: ${servers.join(", ")}. `,
    element("a", { href: location.pathname }, "Use this browser’s storage"),
  );
  for (const link of document.querySelectorAll(".pages a")) if (PAGES.includes(link.getAttribute("href"))) link.search = location.search;
}
