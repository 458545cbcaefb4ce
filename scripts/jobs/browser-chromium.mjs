/** The conformance suite on IndexedDB in Chromium. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["rust", "wasm-bindgen", "wasm-pack", "chromium"];

export const run = () => inBrowser("chromium");
