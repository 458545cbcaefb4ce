/** A client as a page of Chromium, which has `record`, `post` and `options` as globals. */
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { live, uncaught } from "./live.mjs";

const { options, record, post } = globalThis;
addEventListener("unhandledrejection", ({ reason }) => record(uncaught(options.client, reason)));
addEventListener("error", ({ error, message }) => record(uncaught(options.client, error ?? message)));
globalThis.hear = await live({ modules: { openRegistry, natsStore }, options, record, post });
