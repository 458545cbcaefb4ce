/** What callers attach to processes, and what they get back: Blobs. Their bytes never pass through the WebAssembly. */
import { isOf, keys, uncurried } from "../platform/intrinsics.js";
import { describe, Fault, refusal } from "./fault.js";
import { id, noName } from "./check.js";
import { record, type Shape } from "./shapes.js";
import type { AttachmentInfo, Json } from "../types/public.js";

/** An attachment as it crosses to the WebAssembly, which looks at all but the body. */
export interface RawAttachment {
  info: Omit<AttachmentInfo, "updatedAtMs">;
  /** Bytes where the browser stores no Blob. */
  body: Blob | ArrayBuffer;
}

/** The attachments of a registration, by their names: a list of {@link RawAttachment}. */
export const attachments: Shape = (value, budget, depth) => {
  const named = byName(value, budget, depth) as unknown as { [name: string]: Blob };
  return keys(named).map((name) => rawAttachment(name, named[name]!)) as unknown as Json;
};

const byName = record((value) => asBlob(value) as unknown as Json, noName);

/** Takes the attachments off a registration that was checked. */
export function detached(registration: Json): [registration: Json, attachments: RawAttachment[]] {
  const { attachments = [], ...rest } = registration as { [name: string]: Json } & { attachments?: unknown };
  return [Object.setPrototypeOf(rest, null), attachments as RawAttachment[]];
}

/** One attachment. */
export function attachmentOf(name: unknown, value: unknown): RawAttachment {
  const checked = id(name, "name");
  try {
    return rawAttachment(checked, asBlob(value));
  } catch (fault) {
    throw refusal(fault, "value");
  }
}

function rawAttachment(name: string, body: Blob): RawAttachment {
  const file = isOf(body, File) ? { fileName: body.name, lastModifiedMs: body.lastModified } : {};
  return { info: { name, size: body.size, type: body.type, ...file }, body };
}

/** A Blob is immutable; of other bytes a copy is made now. */
function asBlob(value: unknown): Blob {
  if (isBlob(value)) return value;
  if (!ArrayBuffer.isView(value) && !isBuffer(value))
    throw new Fault(`must be a Blob, an ArrayBuffer or a view of one, not ${describe(value)}`);
  try {
    return new Blob([value as ArrayBuffer]);
  } catch (fault) {
    throw new Fault("could not be read", fault);
  }
}

/** Whether a value has what all objects of a class have, of any realm. */
function has(read: ((value: never) => unknown) | undefined, value: unknown): boolean {
  try {
    read?.(value as never);
    return read !== undefined;
  } catch {
    return false;
  }
}

const getter = (prototype: object | undefined, name: string) => {
  const get = prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get;
  return get && (uncurried(get as never) as (value: never) => unknown);
};
const blobSize = getter(globalThis.Blob?.prototype, "size");
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
export const isBlob = (value: unknown): value is Blob => has(blobSize, value);
const isBuffer = (value: unknown): value is ArrayBuffer => has(bufferLength, value);

/** What an attachment is to its reader: the File that it was, or a Blob. */
export function blobOf({ info: { type, fileName, lastModifiedMs }, body }: RawAttachment): Blob {
  if (fileName === undefined) return isBlob(body) && body.type === type ? body : new Blob([body], { type });
  if (isOf(body, File) && body.name === fileName) return body;
  return new File([body], fileName, { type, ...(lastModifiedMs !== undefined && { lastModified: lastModifiedMs }) });
}

/** An attachment whose body is bytes. */
export async function asBytes(attachment: RawAttachment): Promise<RawAttachment> {
  const { body } = attachment;
  return isBlob(body) ? { ...attachment, body: await body.arrayBuffer() } : attachment;
}

/** How many bytes of two attachments are compared at once. */
const COMPARED = 1 << 20;

/** Whether two bodies have the same bytes. */
export async function sameBytes(one: RawAttachment["body"], other: RawAttachment["body"]): Promise<boolean> {
  const [left, right] = [new Blob([one]), new Blob([other])];
  if (left.size !== right.size) return false;
  for (let at = 0; at < left.size; at += COMPARED) {
    const [a, b] = await Promise.all([left, right].map(async (blob) => new Uint8Array(await blob.slice(at, at + COMPARED).arrayBuffer())));
    if (a!.some((byte, place) => byte !== b![place])) return false;
  }
  return true;
}
