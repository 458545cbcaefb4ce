/** The conformance suite on IndexedDB, also through the JavaScript interface, in Chromium. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["build", "rust", "wasm-bindgen", "wasm-pack", "chromium"];

export const run = () => inBrowser("chromium");
