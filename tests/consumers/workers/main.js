import { driveIn } from "/node_modules/longwait/dist/worker.js";

await driveIn(new Worker("jobs.js", { type: "module" }));
await navigator.serviceWorker.register("service-worker.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
navigator.serviceWorker.onmessage = ({ data }) => (document.querySelector("output").textContent = data);
navigator.serviceWorker.startMessages();
active.postMessage("greet");
