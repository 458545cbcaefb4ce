import { readFileSync } from "node:fs";

/**
 * The pages of the documentation, in the order that a newcomer needs them. `page` is a file in docs/ without its `.md`, `text` its name in the sidebar,
 * `about` what llms.txt and search engines say of it. A page that is not in this list fails a test.
 */
export const sections = [
  {
    text: "Begin here",
    pages: [
      {
        page: "start",
        text: "Start in 5 minutes",
        about: "From an empty folder to a page whose wait survives a reload: with Vite, and once more with React.",
      },
      { page: "concepts", text: "Concepts", about: "Processes, logs, waits, drivers, and four ways to stop." },
      { page: "recovery", text: "Recovery", about: "What is certain after a crash, and how to write a runner that can be run again." },
    ],
  },
  {
    text: "Guides",
    pages: [
      {
        page: "definitions",
        text: "Definitions and handles",
        about: "Schemas, typed inputs, results, events and signals; several processes at once.",
      },
      { page: "retries", text: "Retries and timeouts", about: "What is tried again and what never, limits of time, offline." },
      { page: "time", text: "Waiting for time", about: "Sleeping, beginning later, repeating; hidden pages, and clocks that are set." },
      { page: "one-at-a-time", text: "One at a time", about: "Concurrency keys: autosave, queues, and what happens to a second process." },
      { page: "streams", text: "Streaming output", about: "Tokens of a model, from a run to the page, resumed after a reload." },
      { page: "files", text: "Files", about: "A File that outlives its page, uploads in parts, large results." },
      { page: "children", text: "Children", about: "Processes that a run starts, and what becomes of them." },
      { page: "patterns", text: "Patterns", about: "Fan out and join, wait for any, approvals, progress, cancellation." },
      {
        page: "housekeeping",
        text: "Lists, progress, cleaning up",
        about: "What a page of a list reads, what a run shows, what is removed when, and forks.",
      },
      { page: "export", text: "Export and import", about: "Moving processes to another browser, backups, bug reports, a user's data." },
    ],
  },
  {
    text: "In your app",
    pages: [
      { page: "app", text: "Bundlers, CSP, workers, tests", about: "Bundlers, content security policy, workers, tests, untrusted code." },
      {
        page: "service-worker",
        text: "When no tab is open",
        about: "A service worker that finishes what pages have left, and what each browser can do.",
      },
      { page: "react", text: "React", about: "A provider, a driver, lists with pages, hooks for all that is stored." },
      { page: "chat", text: "Durable chat", about: "A chat of the AI SDK whose answers outlive the page." },
      { page: "approvals", text: "Tools and approvals", about: "Tools that a model calls once, and questions that survive a reload." },
      { page: "observe", text: "Vue, Svelte, and others", about: "What is stored, as values that a user interface can show." },
      {
        page: "inspector",
        text: "The inspector",
        about: "An element that shows the processes of a registry, and TanStack Devtools with it.",
      },
      { page: "beside", text: "Beside Dexie, TanStack, AI", about: "How longwait and the libraries for data, queries and chats meet." },
      {
        page: "langgraph",
        text: "LangGraph in the browser",
        about: "A checkpoint saver for LangGraph.js: graphs that outlive their page, that ask and wait.",
      },
      { page: "server-side-rendering", text: "Server-side rendering", about: "What a server renders." },
      { page: "hot-reloading", text: "Hot reloading", about: "What an edit does to a registry and its driver." },
      { page: "logging-out", text: "Logging out", about: "What is left of a user, and how to remove it." },
      { page: "testing", text: "Testing", about: "Tabs that crash and freeze, and days that pass in milliseconds, with Vitest and Jest." },
      { page: "development-mode", text: "Development mode", about: "What the build for development warns of, and how tools choose it." },
      { page: "hidden-tabs", text: "Hidden tabs", about: "What browsers do to timers of hidden tabs, and what that costs." },
    ],
  },
  {
    text: "In production",
    pages: [
      {
        page: "nats",
        text: "Several devices: NATS",
        about: "One registry for several people, devices and servers: setting it up, accounts, what is trusted, durability, costs.",
      },
      {
        page: "code-changes",
        text: "Living with code changes",
        about: "What may change under a running process: steps, waits, keys, schemas.",
      },
      { page: "versions", text: "Deploying a new version", about: "Two builds in two tabs, and old processes that wait." },
      {
        page: "opentelemetry",
        text: "Traces with OpenTelemetry",
        about: "Spans of runs, steps and waits, in one trace over reloads and tabs.",
      },
    ],
  },
  {
    text: "Facts",
    pages: [
      { page: "comparison", text: "Comparison", about: "What other tools optimise for, and when to take one of them." },
      {
        page: "guarantees",
        text: "Guarantees",
        about: "What is promised, under which conditions, by which tests it is checked, and what is not promised.",
      },
      { page: "reference", text: "Limits and details", about: "Sizes, names, keys that are reserved, and what is sent between tabs." },
      { page: "size", text: "Sizes", about: "What a page downloads for each entry of the package." },
      { page: "benchmarks", text: "Benchmarks", about: "What it costs, measured beside a floor and peers." },
    ],
  },
  {
    text: "Errors",
    isLong: true,
    pages: [{ page: "errors/index", text: "All codes", about: "Every error code, with a page for each." }, ...codes()],
  },
];

/** All of them. */
export const pages = sections.flatMap(({ pages }) => pages);

/** The page of each error code, in the order of their list. */
function codes() {
  const list = readFileSync(new URL("../docs/errors/index.md", import.meta.url), "utf8");
  return Array.from(list.matchAll(/^\| \[`(\w+)`\]\(\1\.md\) \| (.*) \|$/gm), ([, code, meaning]) => {
    const about = meaning.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    return { page: `errors/${code}`, text: code, about };
  });
}
