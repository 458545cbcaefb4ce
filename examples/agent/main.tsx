import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const root = document.getElementById("root")!;
try {
  const [{ App }, { driver }] = await Promise.all([import("./App.js"), import("./agent.js")]);
  driver.start();
  createRoot(root).render(<StrictMode children={<App />} />);
} catch (error) {
  root.textContent = `The agent cannot start: ${(error as Error).message}`;
  throw error;
}
