/** The conformance suite on IndexedDB in WebKitGTK. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["rust", "wasm-bindgen", "wasm-pack", "webkit"];

export const run = () => inBrowser("webkit");
