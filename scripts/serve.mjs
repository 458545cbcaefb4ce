/**
 * A small static server for the demo page on this machine.
 *
 * www/ is the site's root, examples/ lies beside it, and the built package is where a page finds an installed one:
 * /node_modules/longwait/. Nothing else is served. Files are read on every request, so a
 * rebuild needs only a reload.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";

const mounts = [
  { prefix: "/node_modules/longwait/dist/", folder: inRepo("dist") },
  { prefix: "/examples/", folder: inRepo("examples") },
  { prefix: "/", folder: inRepo("www") },
];

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".ts": "text/plain; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  // Browsers compile WebAssembly while it arrives only under this type.
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/**
 * Serves on localhost until closed.
 *
 * A port that is taken is replaced by a free one; port 0 asks for a free one.
 * Resolves with `{ url, port, close }`, `close` being a promise-returning function.
 */
export async function serve({ port = 8080 } = {}) {
  const server = createServer(answer);
  try {
    await listen(server, port);
  } catch (error) {
    if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
    await listen(server, 0);
  }
  const taken = server.address().port;
  return {
    url: `http://localhost:${taken}/`,
    port: taken,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Loopback only: nobody else's machine can reach it. */
function listen(server, port) {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", failed);
      done();
    });
  });
}

async function answer(request, response) {
  const { status, headers, body } = await respond(request.method, request.url);
  response.writeHead(status, { ...common, ...headers, "Content-Length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function respond(method, url) {
  if (method !== "GET" && method !== "HEAD") return plain(405, "Method not allowed", { Allow: "GET, HEAD" });
  const file = locate(url);
  if (!file) return plain(404, "Not found");
  try {
    const body = await readFile(file);
    const type = types[extname(file)] ?? "application/octet-stream";
    return { status: 200, headers: { "Content-Type": type, ...policy(type, body, file) }, body };
  } catch (error) {
    if (!["ENOENT", "EISDIR", "ENOTDIR"].includes(error.code)) return plain(500, "Could not be read");
    return plain(404, "Not found");
  }
}

const plain = (status, words, headers = {}) => ({
  status,
  headers: { "Content-Type": types[".txt"], ...headers },
  body: Buffer.from(`${words}\n`),
});

/** The file a URL names, or undefined where it names none inside the mounts. */
function locate(url) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return undefined;
  }
  if (path.includes("\0")) return undefined;
  const { prefix, folder } = mounts.find((mount) => path.startsWith(mount.prefix));
  const name = path.slice(prefix.length);
  const file = join(folder, name === "" || name.endsWith("/") ? `${name}index.html` : name);
  return file.startsWith(folder + sep) ? file : undefined;
}

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
 * only the import maps the page itself contains, each by its hash.
 */
function policy(type, body, file) {
  if (type !== types[".html"]) return {};
  const maps = body.toString("utf8").matchAll(/<script type="importmap">([\s\S]*?)<\/script>/g);
  const hashes = Array.from(maps, ([, map]) => `'sha256-${createHash("sha256").update(map).digest("base64")}'`);
  return {
    "Content-Security-Policy": [
      "default-src 'none'",
      ["script-src 'self' 'wasm-unsafe-eval'", ...hashes].join(" "),
      "style-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      `connect-src ${talksToModels(file) ? "'self' https: http://localhost:* http://127.0.0.1:*" : "'self'"}`,
      "worker-src 'self'",
      "frame-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
    ].join("; "),
  };
}

/** The agent asks a model that its user names, wherever that is. No other page talks to anybody. */
const talksToModels = (file) => file === inRepo("examples/agent/index.html");

/** A port from the command line or the environment, as a number. */
export function readPort(text) {
  const port = Number(text ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new CommandFailed(`not a port: ${text}`);
  return port;
}

if (isScript(import.meta))
  await main(async () => {
    const { url } = await serve({ port: readPort(process.env.PORT) });
    say(`serving ${url}`);
  });
