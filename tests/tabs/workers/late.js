/** A worker that calls drive() when the page that made it has already asked. */
await fetch("/index.js");
await import("./jobs.js" + location.search);
