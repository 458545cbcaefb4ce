import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.js";

// Another tab logged in or out.
addEventListener("storage", () => location.reload());
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode children={<App />} />);
