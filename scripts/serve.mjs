/**
 * A small static server for the demo page on this machine.
 *
 * www/ is the site's root, the examples lie beside it as `scripts/examples.mjs` bundles them, and the built package is where a page finds an installed one:
 * /node_modules/longwait/. The documentation is under /docs/, where `npm run docs` built it. Nothing else is served, but that the upload example has a server to send files to. Files are read on every request, so a
 * rebuild needs only a reload.
 */

import { createHash } from "node:crypto";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";
import { serveFolders, types } from "./lib/static-server.mjs";
import { uploads } from "./lib/uploads.mjs";

const docs = inRepo("build/docs");

const mounts = [
  { prefix: "/node_modules/longwait/dist/", folder: inRepo("dist") },
  { prefix: "/examples/", folder: inRepo("build/examples") },
  { prefix: "/docs/", folder: docs, pages: true },
  { prefix: "/", folder: inRepo("www") },
];

/** Serves on localhost until closed: `{ url, port, close }`, as `serveFolders` says. */
export const serve = ({ port = 8080 } = {}) =>
  serveFolders({ mounts, port, handle: uploads(), headers: (answer) => ({ ...common, ...policy(answer) }) });

const common = {
  // Ask again each time, so a reload always shows the latest build.
  "Cache-Control": "no-cache",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * The page's content security policy: its own files only, no eval, and of inline scripts
 * only the import maps the page itself contains, each by its hash. A page of the documentation has its generator's inline scripts, too.
 */
function policy({ type, body, file }) {
  if (type !== types[".html"]) return {};
  const isDocs = file.startsWith(docs);
  const inline = body
    .toString("utf8")
    .matchAll(isDocs ? /<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g : /<script type="importmap">([\s\S]*?)<\/script>/g);
  const hashes = Array.from(inline, ([, script]) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return {
    "Content-Security-Policy": [
      "default-src 'none'",
      ["script-src 'self' 'wasm-unsafe-eval'", ...hashes].join(" "),
      "style-src 'self'",
      // The colours of code.
      ...(isDocs ? ["style-src-attr 'unsafe-inline'"] : []),
      "img-src 'self' data:",
      "font-src 'self'",
      ["connect-src 'self'", ...talksTo(file)].join(" "),
      "worker-src 'self'",
      "frame-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
    ].join("; "),
  };
}

/**
 * Whom a page talks to beside this server. The agent asks a model that its user names, wherever that is. Two pages may be pointed at NATS servers, of this machine
 * alone: an address that someone else made up cannot have them send what they hold elsewhere.
 */
function talksTo(file) {
  if (file === inRepo("build/examples/agent/index.html")) return ["https:", "http:"];
  return ["www/index.html", "www/processes.html"].some((page) => file === inRepo(page)) ? ["ws://127.0.0.1:*"] : [];
}

/** A port from the command line or the environment, as a number. */
export function readPort(text) {
  const port = Number(text ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new CommandFailed(`not a port: ${text}`);
  return port;
}

if (isScript(import.meta))
  await main(async () => {
    const { url } = await serve({ port: readPort(process.env.PORT) });
    say(`serving ${url}`);
  });
