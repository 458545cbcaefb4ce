/** Which process is selected: kept in the address, so that a reload, a bookmark and the back button know it. */

const PREFIX = "#process=";

/** `changed` is told whenever another process, or none, is selected. */
export function selection(changed) {
  let current = read();
  addEventListener("popstate", look);

  function look() {
    if (read() === current) return;
    current = read();
    changed();
  }

  function go(id, how) {
    history[how](null, "", id === undefined ? location.pathname + location.search : PREFIX + encodeURIComponent(id));
    look();
  }

  return {
    get id() {
      return current;
    },
    /** Choosing to work with a process is a step that the back button takes back; moving through the list is not. */
    open: (id) => id === current || go(id, "pushState"),
    move: (id) => go(id, "replaceState"),
    none: () => current === undefined || go(undefined, "pushState"),
  };
}

function read() {
  if (!location.hash.startsWith(PREFIX)) return undefined;
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    return undefined; // An address that was cut short.
  }
}
