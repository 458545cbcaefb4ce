/** The upload of a file: in parts, each of which is sent once. */
import { defineProcess, NonRetryableError, RetryableError } from "longwait";

export const upload = defineProcess<{ fileName: string }, { parts: number }>({ kind: "upload" });

const PART = 256 * 1024;

export const uploading = upload.implement(async ({ process, attachment, step, progress }) => {
  const file = await attachment("file");
  if (file === undefined) throw new NonRetryableError("There is no file.");
  const parts = Math.max(1, Math.ceil(file.size / PART));
  for (let part = 0; part < parts; part++) {
    const body = file.slice(part * PART, (part + 1) * PART);
    const send = async ({ signal }: { signal: AbortSignal }) => {
      const { ok, status } = await fetch(`/uploads/${process.id}/${part}`, { method: "PUT", body, signal });
      if (status >= 500) throw new RetryableError(`The server is busy (${status}).`);
      if (!ok) throw new NonRetryableError(`The server refused the file (${status}).`);
    };
    await step(`part ${part}`, send, { retry: { initialIntervalMs: 500, maxAttempts: 8 }, timeoutMs: 30_000 });
    await progress(part + 1, parts);
  }
  return { parts };
});
