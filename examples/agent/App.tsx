import { RegistryProvider } from "longwait/react";
import { Suspense, useMemo, useState, useSyncExternalStore } from "react";
import { registry, transport } from "./agent.js";
import { Aside } from "./Aside.js";
import { Chat } from "./Chat.js";

/** The chat that is shown is that of the address, so a second tab can show the same. */
export function App() {
  const id = useSyncExternalStore(onHashChange, chatOfAddress);
  const loaded = useMemo(() => transport.loadMessages(id), [id]);
  const [isDriving, setDriving] = useState(true);
  return (
    <RegistryProvider registry={registry}>
      <Suspense fallback={<section className="panel talk" />}>
        <Chat key={id} id={id} loaded={loaded} isDriving={isDriving} />
      </Suspense>
      <Aside isDriving={isDriving} onDrive={setDriving} />
    </RegistryProvider>
  );
}

/** Shows another chat, or a new one. */
export const show = (id: string = crypto.randomUUID()): void => void (location.hash = id);

function chatOfAddress(): string {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id !== "") return id;
  history.replaceState(null, "", `#${crypto.randomUUID()}`);
  return chatOfAddress();
}

function onHashChange(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
