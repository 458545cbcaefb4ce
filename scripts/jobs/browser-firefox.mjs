/** The conformance suite on IndexedDB, also through the JavaScript interface, in Firefox. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["build", "rust", "wasm-bindgen", "wasm-pack", "geckodriver", "firefox"];

export const run = () => inBrowser("firefox");
