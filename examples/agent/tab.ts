/** This tab: its name, which everything that it does is marked with, and its pace. Both can be set in the address. */

const NAMES = ["badger", "finch", "hare", "heron", "lynx", "marten", "newt", "otter", "puffin", "stoat", "swift", "wren"];
const parameters = new URLSearchParams(location.search);

/** Such as `otter 42`, or `?tab=` of the address. It stays over reloads. */
export const tab = parameters.get("tab") ?? sessionStorage.getItem("agent tab") ?? newName();
sessionStorage.setItem("agent tab", tab);

function newName(): string {
  const [name, number] = [Math.floor(Math.random() * NAMES.length), Math.floor(Math.random() * 90) + 10];
  return `${NAMES[name]} ${number}`;
}

/** What all pauses are multiplied with: `?pace=0` has none. */
export const pace = Number(parameters.get("pace") ?? 1);

/** Waits, in milliseconds at pace 1. @throws The reason of `signal`. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => (clearTimeout(timer), reject(signal?.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), resolve()), ms * pace);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
