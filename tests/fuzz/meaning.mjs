/** What events mean, written a second time from the contract and not from the code: selectors, ends, wakes, canonical JSON. */

/** RFC 8785. */
export function canonical(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(",")}}`;
}

/** Whether two values are the same JSON. */
export function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

/** Nothing there. */
const MISS = Symbol("miss");

/** RFC 6901. */
function at(value, pointer) {
  if (pointer === "") return value;
  for (const raw of pointer.slice(1).split("/")) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) {
      if (!/^(0|[1-9][0-9]*)$/.test(key) || Number(key) >= value.length) return MISS;
      value = value[Number(key)];
    } else if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) value = value[key];
    else return MISS;
  }
  return value;
}

const asText = (value) => (typeof value === "string" ? value : canonical(value));

/** The selected value, or {@link MISS} where a pointer finds nothing. */
function select(selector, payload) {
  if (selector === "payload") return payload;
  if ("const" in selector) return selector.const;
  if ("pointer" in selector) return at(payload, selector.pointer);
  if ("present" in selector) return at(payload, selector.present) !== MISS;
  const fields = {};
  for (const [name, inner] of Object.entries(selector.fields)) {
    const found = select(inner, payload);
    if (found === MISS) return MISS;
    fields[name] = asText(found);
  }
  return selector.template.replace(/\{([ab])\}/g, (whole, name) => (Object.hasOwn(fields, name) ? fields[name] : whole));
}

const CLASSES = ["invalid_request", "unavailable", "permission_denied", "timeout", "execution", "external", "resource_limit", "internal"];

function isOutput(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const has = (key) => Object.hasOwn(value, key);
  const only = (...keys) => Object.keys(value).every((key) => keys.includes(key));
  if (!has("type")) return false;
  if (value.type === "success") return has("value") && only("type", "value", "control");
  if (!has("message") || typeof value.message !== "string") return false;
  if (value.type === "cancelled") return only("type", "message", "raw", "control");
  return (
    value.type === "failure" &&
    CLASSES.includes(value.class) &&
    typeof value.code === "string" &&
    only("type", "class", "code", "message", "raw", "control")
  );
}

function wrapped(state, value) {
  if (state === "completed") return { type: "success", value };
  const message = asText(value);
  return state === "failed"
    ? { type: "failure", class: "execution", code: "process_failed", message, raw: value }
    : { type: "cancelled", message, raw: value };
}

const truthy = (value) =>
  typeof value === "number" ||
  value === true ||
  (typeof value === "string" && value !== "") ||
  (typeof value === "object" && value !== null && Object.keys(value).length > 0);

/** What an event of a declared type means; `undefined` where a selector finds nothing. */
export function meaning(declared, identity, payload) {
  const made = {};
  const { terminal, wake } = declared.semantics ?? {};
  if (terminal) {
    const selected = terminal.awaitOutput === undefined ? MISS : select(terminal.awaitOutput, payload);
    if (selected === MISS && terminal.awaitOutput !== undefined) return undefined;
    const awaitOutput =
      selected === MISS ? { type: "success", value: payload } : isOutput(selected) ? selected : wrapped(terminal.state, selected);
    made.terminal = { state: terminal.state, awaitOutput };
  }
  if (wake) {
    const when = wake.when === undefined ? true : select(wake.when, payload);
    if (when === MISS) return undefined;
    if (truthy(when)) {
      const { dedupeKey = "event_identity" } = wake;
      const key = dedupeKey === "event_identity" ? identity : "const" in dedupeKey ? dedupeKey.const : select(dedupeKey.selector, payload);
      const input = select(wake.input, payload);
      if (key === MISS || input === MISS) return undefined;
      made.wake = { input: asText(input), dedupeKey: asText(key) };
    }
  }
  return made;
}

const core = (state) => ({ name: `process.${state}`, semantics: { terminal: { state, awaitOutput: { pointer: "/awaitOutput" } } } });

export const CORE = [
  { name: "process.cancel_requested" },
  { name: "process.waiting" },
  { name: "process.resumed" },
  core("completed"),
  core("failed"),
  core("cancelled"),
];

const first = (...words) => words.find((word) => typeof word === "string");

function identityOf({ type, kind, call, createRequest, metadata }) {
  if (type === "engine") return { kind };
  const own = (object, key) =>
    typeof object === "object" && object !== null && !Array.isArray(object) && Object.hasOwn(object, key) ? object[key] : undefined;
  const label = {
    tool_call: () => call.toolName,
    session_turn: () =>
      first(own(own(createRequest, "subagent"), "capability"), own(createRequest, "usageSource"), own(createRequest, "sessionId")),
    external: () => first(own(metadata, "label"), own(metadata, "name"), own(metadata, "title")),
  }[type]();
  return { kind: type === "tool_call" ? "tool" : type, ...(label !== undefined && { label }) };
}

/** What of a registration is its policy. */
export const POLICY = [
  "startAtMs",
  "deadlineAtMs",
  "retry",
  "crashLimit",
  "priority",
  "concurrencyKey",
  "onConflict",
  "debounce",
  "requires",
  "version",
  "labels",
  "parentId",
  "onParentEnd",
  "traceContext",
];

/** The policy in a registration. No labels are none. */
export const policyOf = (given) =>
  Object.fromEntries(
    POLICY.filter((field) => given[field] !== undefined && !(field === "labels" && Object.keys(given.labels).length === 0)).map((field) => [
      field,
      given[field],
    ]),
  );

/** A registration with all that goes without saying, and without its policy, which is not compared. */
export function registered({ identity, provenance, eventTypes = [], attachments: _, ...more }) {
  const given = Object.fromEntries(Object.entries(more).filter(([field]) => !POLICY.includes(field)));
  const declared = eventTypes.map(({ semantics, ...type }) => {
    if (semantics === undefined) return type;
    const { wake } = semantics;
    return { ...type, semantics: wake === undefined ? semantics : { ...semantics, wake: { dedupeKey: "event_identity", ...wake } } };
  });
  const names = new Set(declared.map(({ name }) => name));
  return {
    ...given,
    identity: identity ?? identityOf(given.input),
    provenance: provenance ?? { originator: { type: "host" } },
    eventTypes: [...declared, ...CORE.filter(({ name }) => !names.has(name))],
  };
}
