/** Has `react` and `react-dom` be those of this folder, for code that was loaded from anywhere. To be registered with `node:module`. */
export const resolve = (specifier, context, next) =>
  /^react(-dom)?(\/|$)/.test(specifier) ? next(specifier, { ...context, parentURL: import.meta.url }) : next(specifier, context);
