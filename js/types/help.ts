/** Where the messages of errors lead: to the page of their code, which says why they happen and what to do. */
import type { ProcessErrorCode } from "./errors.js";

/** A message that ends with the address of the page of `code`, once. */
export function withHelp(message: string | undefined, code: ProcessErrorCode): string {
  return `${withoutHelp(message ?? code)} (${PAGES}${code})`;
}

/** The message without that address: for what is stored, and for what becomes a part of another message. */
export function withoutHelp(message: string): string {
  const help = helpIn(message);
  return help === undefined ? message : message.slice(0, -` (${help})`.length);
}

/** The address that a message ends with; nothing where it has none. */
export function helpIn(message: string): string | undefined {
  const at = message.lastIndexOf(` (${PAGES}`);
  return at >= 0 && message.endsWith(")") ? message.slice(at + 2, -1) : undefined;
}

const PAGES = `${__HOMEPAGE__}/errors/`;
