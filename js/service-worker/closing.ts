/** What a page says to its service worker in its last moment: not all that browsers ask of it they do then, but this message arrives. */

/** The reason of a sweep that a page asks for which is being closed. */
export const CLOSING = "closing";

/** The message. */
export const closing = (tag: string) => ({ longwait: CLOSING, tag });

/** Whether it is that message, for this tag: any page of the origin may send anything. */
export function isClosing(data: unknown, ownTag: string): boolean {
  const { longwait, tag } = Object(data) as { longwait?: unknown; tag?: unknown };
  return longwait === CLOSING && tag === ownTag;
}
