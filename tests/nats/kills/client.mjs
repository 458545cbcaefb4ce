/** A client as a process of its own. It is given its options as its argument, and ends when the process that started it does. */
import { openSync, writeSync } from "node:fs";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { live, uncaught } from "./live.mjs";

const options = JSON.parse(process.argv[2]);
const history = openSync(options.file, "a");
const record = (line) => void writeSync(history, `${JSON.stringify(line)}\n`);

for (const kind of ["unhandledRejection", "uncaughtException"]) process.on(kind, (error) => record(uncaught(options.client, error)));
process.on("disconnect", () => process.exit());

const hear = await live({ modules: { openRegistry, natsStore }, options, record, post: (word) => process.send(word) });
process.on("message", async (word) => {
  await hear(word);
  if (word === "close") process.disconnect();
});
