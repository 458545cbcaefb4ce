/**
 * The symbols behind `using` and `await using`. Where the platform lacks them, the ones that compilers
 * put in their place (`Symbol.for`); nothing global is touched.
 */
export const dispose: typeof Symbol.dispose = (Symbol.dispose ?? Symbol.for("Symbol.dispose")) as typeof Symbol.dispose;
export const asyncDispose: typeof Symbol.asyncDispose = (Symbol.asyncDispose ??
  Symbol.for("Symbol.asyncDispose")) as typeof Symbol.asyncDispose;
