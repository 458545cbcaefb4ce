/** The hooks with React 18. */
import { register } from "node:module";
import { cases } from "./react-cases.mjs";

register("../react-18/resolve.mjs", import.meta.url);
await cases("18");
