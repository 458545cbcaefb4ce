/** A small static server, which no other machine can reach. Files are read on every request. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";

export const types = {
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
  ".woff2": "font/woff2",
  ".xml": "application/xml; charset=utf-8",
};

/**
 * Serves folders on localhost until closed.
 *
 * `mounts` are `{ prefix, folder, pages }`, of which the first that fits answers; nothing else is served. With `pages`, the folder is a site whose addresses
 * leave out `.html`, with a page `404.html` for the others. `headers` makes those of an
 * answer out of its `{ type, body, file }`. `handle`, where given, is asked first, and answers with `{ status, words }` or nothing. A port that is taken is replaced by a free one; port 0 asks for a free one.
 * Resolves with `{ url, port, close }`, `close` being a promise-returning function.
 */
export async function serveFolders({ mounts, headers, handle = () => undefined, port = 0 }) {
  const server = createServer(async (request, response) => {
    const handled = await handle(request);
    const { status, body, type, file, more } = handled ? plain(handled.status, handled.words) : await respond(request, mounts);
    response.writeHead(status, { "Content-Type": type, ...headers({ type, body, file }), ...more, "Content-Length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
  });
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

function listen(server, port) {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", failed);
      done();
    });
  });
}

async function respond({ method, url }, mounts) {
  if (method !== "GET" && method !== "HEAD") return plain(405, "Method not allowed", { Allow: "GET, HEAD" });
  const moved = mounts.find(({ prefix, pages }) => pages && url === prefix.slice(0, -1));
  if (moved) return plain(308, "Moved", { Location: moved.prefix });
  const { file, mount } = locate(url, mounts) ?? {};
  if (!file) return plain(404, "Not found");
  const tried = mount.pages ? [file, `${file}.html`] : [file];
  try {
    for (const name of tried) {
      const body = await read(name);
      if (body) return { status: 200, body, type: types[extname(name)] ?? "application/octet-stream", file: name };
    }
    const page = mount.pages && join(mount.folder, "404.html");
    const body = page && (await read(page));
    return body ? { status: 404, body, type: types[".html"], file: page } : plain(404, "Not found");
  } catch {
    return plain(500, "Could not be read");
  }
}

/** The bytes of a file, or undefined where there is none. */
async function read(file) {
  try {
    return await readFile(file);
  } catch (error) {
    if (["ENOENT", "EISDIR", "ENOTDIR"].includes(error.code)) return undefined;
    throw error;
  }
}

const plain = (status, words, more) => ({ status, body: Buffer.from(`${words}\n`), type: types[".txt"], more });

/** The file a URL names, and its mount; or undefined where it names none inside the mounts. */
function locate(url, mounts) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return undefined;
  }
  if (path.includes("\0")) return undefined;
  const mount = mounts.find(({ prefix }) => path.startsWith(prefix));
  const { prefix, folder } = mount;
  const name = path.slice(prefix.length);
  const file = join(folder, name === "" || name.endsWith("/") ? `${name}index.html` : name);
  return file.startsWith(folder + sep) ? { file, mount } : undefined;
}
