/** The conformance suite on IndexedDB in Firefox. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["rust", "wasm-bindgen", "wasm-pack", "geckodriver", "firefox"];

export const run = () => inBrowser("firefox");
