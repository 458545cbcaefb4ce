/** As much of the WebAssembly binary format as our build needs: the core specification, chapter 5. */

export const IMPORT = 2;
export const EXPORT = 7;
export const CODE = 10;

const CUSTOM = 0;
/** The magic number and the version. */
const HEAD = 8;

/** The sections of a module: their ids and contents. */
export function sections(module) {
  const found = [];
  const read = reader(module, HEAD);
  while (!read.done()) found.push({ id: read.byte(), content: read.bytes(read.number()) });
  return found;
}

/** A module of sections. */
export function assemble(parts) {
  const head = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return Buffer.concat([head, ...parts.flatMap(({ id, content }) => [Buffer.from([id]), leb(content.length), content])]);
}

/** The bodies of all functions of a code section. */
export function bodies(content) {
  const read = reader(content);
  return Array.from({ length: read.number() }, () => read.bytes(read.number()));
}

/** The imports of an import section: of which module, under which name, and what, as it stands there. */
export function imports(content) {
  const read = reader(content);
  return Array.from({ length: read.number() }, () => {
    const [module, name, start] = [read.text(), read.text(), read.at()];
    const kind = read.byte();
    skipImport[kind](read);
    return { module, name, kind, description: content.subarray(start, read.at()) };
  });
}

/** An import section. */
export const importSection = (list) =>
  vector(list.map(({ module, name, description }) => Buffer.concat([text(module), text(name), description])));

/** The exports of an export section. */
export function exports(content) {
  const read = reader(content);
  return Array.from({ length: read.number() }, () => {
    const [name, start] = [read.text(), read.at()];
    read.byte();
    read.number();
    return { name, description: content.subarray(start, read.at()) };
  });
}

/** An export section. */
export const exportSection = (list) => vector(list.map(({ name, description }) => Buffer.concat([text(name), description])));

/** A custom section with the names of functions: index and name of each, in the order of the indices. */
export function functionNames(names) {
  const map = vector(names.map(([index, name]) => Buffer.concat([leb(index), text(name)])));
  return { id: CUSTOM, content: Buffer.concat([text("name"), Buffer.from([1]), leb(map.length), map]) };
}

const limits = (read) => {
  const flags = read.number();
  read.number();
  if (flags & 1) read.number();
};
// What stands behind the kind of an import: a function's type, a table, a memory, a global, a tag.
const skipImport = [
  (read) => read.number(),
  (read) => (read.byte(), limits(read)),
  limits,
  (read) => read.bytes(2),
  (read) => (read.byte(), read.number()),
];

function reader(buffer, start = 0) {
  let at = start;
  const read = {
    at: () => at,
    done: () => at >= buffer.length,
    byte: () => buffer[at++],
    bytes: (length) => buffer.subarray(at, (at += length)),
    text: () => read.bytes(read.number()).toString(),
    number() {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = buffer[at++];
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    },
  };
  return read;
}

const vector = (items) => Buffer.concat([leb(items.length), ...items]);

function text(string) {
  const bytes = Buffer.from(string);
  return Buffer.concat([leb(bytes.length), bytes]);
}

function leb(value) {
  const bytes = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return Buffer.from([...bytes, left]);
    bytes.push((left & 0x7f) | 0x80);
  }
}
