/** The server of the upload example: takes parts of files, counts them, and is busy now and then. It keeps no byte of them. */

/** How long it takes for a part, in milliseconds: as a network does. */
const PAUSE_MS = 150;

/** It says of every so many parts that it is too busy, once. */
const BUSY_EVERY = 7;

/** The most bytes of a part. */
const MOST_BYTES = 1 << 20;

/** Answers `PUT /uploads/<id>/<part>`, and `GET /uploads` with how often each part of each file came: `{ status, words }`. */
export function uploads() {
  /** Of ids: of parts, how often each came. */
  const files = new Map();
  let asked = 0;
  return async (request) => {
    if (request.url === "/uploads") return { status: 200, words: JSON.stringify(Object.fromEntries(files)) };
    const [, id, part] = /^\/uploads\/([^/]+)\/(\d+)$/.exec(request.url) ?? [];
    if (id === undefined) return undefined;
    if (request.method !== "PUT") return { status: 405, words: "Method not allowed" };
    const parts = files.get(id) ?? {};
    let bytes = 0;
    for await (const piece of request) bytes += piece.length;
    await new Promise((over) => setTimeout(over, PAUSE_MS));
    if (bytes > MOST_BYTES) return { status: 413, words: "Too large" };
    if (++asked % BUSY_EVERY === 0) return { status: 503, words: "Busy" };
    files.set(id, { ...parts, [part]: (parts[part] ?? 0) + 1 });
    return { status: 200, words: "Taken" };
  };
}
