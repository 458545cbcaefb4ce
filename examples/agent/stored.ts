/** Values of this app in `localStorage`, in all its tabs. */
import { useSyncExternalStore } from "react";

export interface Stored<T> {
  read(): T;
  write(value: T): void;
  subscribe(listener: () => void): () => void;
}

/** One value under one name, as JSON. */
export function stored<T>(name: string, empty: T): Stored<T> {
  const listeners = new Set<() => void>();
  const changed = () => listeners.forEach((listener) => listener());
  let last: { text: string | null; value: T } = { text: null, value: empty };
  // Other tabs.
  addEventListener("storage", ({ key }) => key === name && changed());
  return {
    read() {
      const text = localStorage.getItem(name);
      if (text !== last.text) last = { text, value: text === null ? empty : (JSON.parse(text) as T) };
      return last.value;
    },
    write(value) {
      localStorage.setItem(name, JSON.stringify(value));
      changed();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const useStored = <T>({ subscribe, read }: Stored<T>): T => useSyncExternalStore(subscribe, read);

/** The user's chats, the last one first. What was said is in the registry. */
export const chats = stored<readonly { id: string; title: string }[]>("agent chats", []);

/** What the agent was allowed to note, by the ids of its tool calls, the last one first. */
export const notes = stored<readonly { id: string; title: string; text: string }[]>("agent notes", []);
