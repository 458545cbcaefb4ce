import { defineProcess } from "longwait";
import { Greeting } from "./greeting.js";

// This runs on the server: importing the package touches nothing of a browser.
const { kind } = defineProcess({ kind: "greet" });

export default function Page() {
  return <Greeting kind={kind} />;
}
