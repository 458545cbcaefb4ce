/**
 * What the language's own globals held when this module was loaded. Code that replaces them later, by mistake or to listen,
 * neither sees nor changes what passes through here.
 */

export const { Error: ErrorClass, Promise: PromiseClass } = globalThis;
export const { parse, stringify } = JSON;
export const { apply, ownKeys } = Reflect;
export const { create, defineProperty, freeze, getOwnPropertySymbols, getPrototypeOf, hasOwn, keys } = Object;

const { bind, call } = Function.prototype;

/** A method as a function whose first argument is what would be `this`. */
export const uncurried = bind.bind(call as never) as <S, G extends unknown[], A>(
  method: (this: S, ...given: G) => A,
) => (self: S, ...given: G) => A;

/** `promise.then(…)`, of native promises. */
export const then: <T>(promise: Promise<T>, fulfilled: (value: T) => unknown, rejected?: (fault: unknown) => unknown) => Promise<unknown> =
  uncurried(Promise.prototype.then as never);

const resolved = Promise.resolve();

/** Runs `work` in a microtask. Unlike `queueMicrotask`, no fake timers of a test hold it back. */
export function afterwards(work: () => void): void {
  then(resolved, work);
}

const { isArray: isArrayOrThrows } = Array;

/** Whether it is an array, of any realm. A revoked proxy is none. */
export function isArray(value: unknown): value is unknown[] {
  try {
    return isArrayOrThrows(value);
  } catch {
    return false;
  }
}

/** `instanceof`, for what was thrown, which may be anything: a revoked proxy is of no class. */
export function isOf<T>(value: unknown, kind: new (...given: never[]) => T): value is T {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

const toString = uncurried(Object.prototype.toString as (this: unknown) => string);

/** Whether a value is one of that class of the platform, of any realm. */
export function isA(value: unknown, name: string): boolean {
  try {
    return toString(value) === `[object ${name}]`;
  } catch {
    return false; // A revoked proxy.
  }
}
