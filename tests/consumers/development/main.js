import { openRegistry } from "longwait";

const registry = await openRegistry();
const runners = { greet: ({ process }) => `hello ${process.input.payload}` };
registry.driver({ runners }).start();
registry.driver({ runners }).start();
document.querySelector("output").textContent = "two drivers are started";
