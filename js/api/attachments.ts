/** Writes attachments, in the form that the store of a registry takes. */
import { asBytes, type RawAttachment } from "../border/attachments.js";
import { isOf } from "../platform/intrinsics.js";
import { ProcessError } from "../types/errors.js";

/** Writes attachments to one store: as Blobs, or as bytes where the browser stores no Blobs, as in some private windows. */
export class AttachmentWriter {
  #storesBlobs = true;

  async write<T>(given: readonly RawAttachment[], write: (attachments: readonly RawAttachment[]) => Promise<T>): Promise<T> {
    if (given.length === 0) return write(given);
    if (this.#storesBlobs) {
      try {
        return await write(given);
      } catch (error) {
        if (!isRefusalOfBlobs(error)) throw error;
      }
    }
    const written = await write(await Promise.all(given.map(asBytes)));
    this.#storesBlobs = false;
    return written;
  }
}

/** Whether a store failed because it takes no Blobs. */
function isRefusalOfBlobs(error: unknown): boolean {
  return (
    isOf(error, ProcessError) && error.code === "storage_failed" && (error.cause as DOMException | undefined)?.name === "DataCloneError"
  );
}
