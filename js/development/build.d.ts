/** What scripts/build.mjs writes into the code. */

/** Whether this is the build for development, which warns. What stands behind it is in no other build. */
declare const __DEV__: boolean;

/** Where the WebAssembly lies, from the file that asks for it. */
declare const __WASM__: string;

/** The address of the documentation, `homepage` of package.json, without a slash at its end. */
declare const __HOMEPAGE__: string;
