/** The conformance suite on IndexedDB, also through the JavaScript interface, in WebKitGTK. */

import { inBrowser } from "../lib/browser-job.mjs";

export const needs = ["build", "rust", "wasm-bindgen", "wasm-pack", "webkit"];

export const run = () => inBrowser("webkit");
