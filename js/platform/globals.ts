/**
 * The globals that the glue of the WebAssembly sees in place of the page's. None of them throws: an exception that crossed the
 * WebAssembly would leave it in pieces. None is replaced by code that runs later, except the clock and the timers, which
 * tests may fake.
 */
import { afterwards, ErrorClass, parse, PromiseClass, stringify, uncurried } from "./intrinsics.js";
import { timer } from "./timer.js";
import { Utf8Decoder, Utf8Encoder } from "./utf8.js";

/** `enter`: on the register of the instance, so that its timers end with it. */
function timers(enter: (end: () => void) => () => void) {
  return {
    setTimeout(work: () => void, spanMs: number): () => void {
      let leave = () => {};
      const cancel = timer(() => (leave(), work()), spanMs);
      leave = enter(cancel);
      return () => (leave(), cancel());
    },
    clearTimeout(cancel: () => void): void {
      cancel();
    },
  };
}

/** With the page's `Date.now` as it is now; where that gives no time, with the clock that counts from the page's beginning. */
export function now(): number {
  try {
    const time = globalThis.Date.now();
    if (Number.isFinite(time)) return time;
  } catch {
    // The other clock answers.
  }
  return performance.timeOrigin + performance.now();
}

/** With the page's `performance.now` as it is now; where that gives no time, with the wall clock. */
export function monotonic(): number {
  try {
    const passed = globalThis.performance.now();
    if (Number.isFinite(passed)) return passed;
  } catch {
    // The other clock answers.
  }
  return now();
}

/** The methods of today's class behind an object that code which replaces them later does not reach. */
function decoder(): new (label: string, options: TextDecoderOptions) => { decode(bytes?: Uint8Array<ArrayBuffer>): string } {
  const { TextDecoder: Platform } = globalThis;
  if (typeof Platform !== "function") return Utf8Decoder;
  const decode = uncurried(Platform.prototype.decode);
  return class {
    readonly #own: TextDecoder;
    constructor(label: string, options: TextDecoderOptions) {
      this.#own = new Platform(label, options);
    }
    decode(bytes?: Uint8Array<ArrayBuffer>) {
      return decode(this.#own, bytes);
    }
  };
}

function encoder(): new () => Pick<TextEncoder, "encode" | "encodeInto"> {
  const { TextEncoder: Platform } = globalThis;
  if (typeof Platform !== "function") return Utf8Encoder;
  const [encode, encodeInto] = [uncurried(Platform.prototype.encode), uncurried(Platform.prototype.encodeInto)];
  return class {
    readonly #own = new Platform();
    encode(text: string) {
      return encode(this.#own, text);
    }
    encodeInto(text: string, into: Uint8Array) {
      return encodeInto(this.#own, text, into);
    }
  };
}

/** Those of an instance. `enter` has what it is given called when that traps. */
export function globals(enter: (end: () => void) => () => void) {
  return {
    Date: { now },
    Error: ErrorClass,
    JSON: { parse, stringify },
    Promise: PromiseClass,
    TextDecoder: decoder(),
    TextEncoder: encoder(),
    performance: { now: monotonic },
    queueMicrotask: afterwards,
    ...timers(enter),
  };
}
