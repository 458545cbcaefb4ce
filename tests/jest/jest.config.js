/** As an app would have it: jsdom, and the package's own modules, which Jest runs with `--experimental-vm-modules`. */
export default { testEnvironment: "jsdom", transform: {}, testMatch: ["<rootDir>/*.spec.js"] };
