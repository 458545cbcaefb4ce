// Import maps are for pages: a worker names the file.
import { drive } from "/node_modules/longwait/dist/worker.js";

drive({ runners: { greet: ({ process }) => `hello ${process.input.payload}` } });
