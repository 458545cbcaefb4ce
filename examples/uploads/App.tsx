import { deleteRegistry } from "longwait";
import { Driver, RegistryProvider, useCount, useProcesses, useRegistry, useStart, type DefinedRecord } from "longwait/react";
import { useState, type ChangeEvent } from "react";
import { upload, uploading } from "./upload.js";

type Upload = DefinedRecord<{ fileName: string }, { parts: number }>;

export function App() {
  const [account, setAccount] = useState(localStorage.getItem("account") ?? "");
  const name = `uploads of ${account}`;
  const use = (next: string) => (localStorage.setItem("account", next), setAccount(next));
  const logOut = () => (use(""), deleteRegistry(name));
  if (account === "") return <LogIn onLogIn={use} />;
  return (
    <RegistryProvider open={{ name }}>
      <Driver processes={[uploading]} />
      <Add account={account} onLogOut={logOut} />
      <Counts />
      <List />
    </RegistryProvider>
  );
}

function LogIn({ onLogIn }: { onLogIn: (name: string) => void }) {
  return (
    <form className="panel" action={(data) => onLogIn(String(data.get("name")))}>
      <label htmlFor="name">Account</label>
      <input id="name" name="name" required defaultValue="ada" autoComplete="username" />
      <button className="primary">Log in</button>
    </form>
  );
}

function Add({ account, onLogOut }: { account: string; onLogOut: () => void }) {
  const { start, error } = useStart(upload);
  const add = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    for (const file of currentTarget.files ?? [])
      void start({ fileName: file.name }, { attachments: { file }, concurrencyKey: account, requires: "network" });
    currentTarget.value = "";
  };
  return (
    <section className="panel">
      <h2>Uploads of {account}</h2>
      <label className="primary button">
        Add files
        <input type="file" multiple onChange={add} />
      </label>
      <button onClick={onLogOut}>Log out</button>
      {error && <p role="alert">{error.message}</p>}
    </section>
  );
}

function Counts() {
  const registry = useRegistry();
  const running = useCount(upload).value;
  const completed = useCount(upload, { status: "completed" }).value;
  const failed = useCount(upload, { status: "failed" }).value;
  return (
    <section className="counts" aria-label="Counts">
      <span>{running} to do</span> <span>{completed} done</span> <span>{failed} failed</span>
      <button onClick={() => registry?.pruneTerminalProcesses(Date.now() + 1)}>Clear ended</button>
    </section>
  );
}

function List() {
  const { value: uploads = [], hasMore, loadMore } = useProcesses(upload, { filter: { status: "any" }, order: "newest", limit: 10 });
  const rows = uploads.map((one) => <Row key={one.id} upload={one} />);
  return (
    <>
      <ul aria-label="Uploads">{rows}</ul>
      {hasMore && <button onClick={loadMore}>Show more</button>}
    </>
  );
}

function Row({ upload: { id, input, status, progress, wait, attachments = [] } }: { upload: Upload }) {
  const registry = useRegistry();
  const { fileName } = input.payload;
  const again = () => registry?.forkProcess(id, { newId: crypto.randomUUID(), from: "failed" });
  return (
    <li data-state={wait ? "waiting" : status.state}>
      <strong>{fileName}</strong>
      <small>{attachments.map(({ size }) => `${Math.ceil(size / 1024)} kB`)}</small>
      <progress value={progress?.current ?? 0} max={progress?.total ?? 1} aria-label={`Progress of ${fileName}`} />
      <span className="words">{words(status, wait, progress)}</span>
      {status.state === "running" && <button onClick={() => registry?.requestCancel(id)}>Cancel</button>}
      {(status.state === "failed" || status.state === "cancelled") && <button onClick={again}>Try again</button>}
    </li>
  );
}

function words({ state, awaitOutput }: Upload["status"], wait: Upload["wait"], progress: Upload["progress"]): string {
  if (state === "failed") return awaitOutput.message;
  if (wait?.kind === "retry") return `Attempt ${wait.attempt} at ${new Date(wait.untilMs).toLocaleTimeString()}`;
  return { running: progress ? "Sending" : "Waits its turn", completed: "Done", cancelled: "Cancelled" }[state];
}
