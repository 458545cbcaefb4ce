import { useState, type FormEvent } from "react";
import { driver, registry } from "./agent.js";
import { choice, enter, entered, keyEntered } from "./models/choice.js";
import { notes, useStored } from "./stored.js";
import { tab } from "./tab.js";
import { TabName } from "./TabName.js";

export const Aside = (props: Driving) => (
  <div className="aside">
    <ThisTab {...props} />
    <Try />
    <Notes />
    <Model />
  </div>
);

interface Driving {
  isDriving: boolean;
  onDrive: (isDriving: boolean) => void;
}

function ThisTab({ isDriving, onDrive }: Driving) {
  function toggle() {
    onDrive(!isDriving);
    if (isDriving) void driver.stop();
    else driver.start();
  }
  return (
    <section className="panel" aria-labelledby="tab-title">
      <div className="panel-head">
        <h2 id="tab-title">This tab</h2>
        <TabName name={tab} />
      </div>
      <div className="inside">
        <p>
          {isDriving
            ? "Its driver runs turns and researchers, for all tabs."
            : "Its driver is stopped. This tab only shows what others do."}
        </p>
        <p>
          <button type="button" onClick={toggle} children={isDriving ? "Stop this tab’s driver" : "Start this tab’s driver"} />
        </p>
      </div>
    </section>
  );
}

function Try() {
  // With the chat that is shown when it is clicked.
  const open = () => void window.open(location.pathname + location.hash, "_blank", "noopener");
  return (
    <section className="panel" aria-labelledby="try-title">
      <div className="panel-head">
        <h2 id="try-title">Try it</h2>
      </div>
      <ul className="inside try">
        <li>Reload while it writes.</li>
        <li>
          <button type="button" className="small" onClick={open} children="Open another tab" /> Each word comes in both. Then close the one
          that is at work.
        </li>
        <li>Leave its question open, close all tabs, and come back.</li>
        <li>Press Stop in one tab while the other works.</li>
      </ul>
    </section>
  );
}

function Notes() {
  const kept = useStored(notes).slice(0, 5);
  return (
    <section className="panel" aria-labelledby="notes-title">
      <div className="panel-head">
        <h2 id="notes-title">Notes</h2>
      </div>
      <ul className="inside notes">
        {kept.length === 0 && <li className="hint">None yet. The agent asks before it saves one.</li>}
        {kept.map(({ id, title, text }) => (
          <li key={id}>
            <strong children={title} />
            <p children={text} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Model() {
  const [name, setName] = useState(choice()?.model);
  const { base, model, key } = entered();
  function use(next: ReturnType<typeof entered>) {
    enter(next);
    setName(choice()?.model);
    void keyEntered(registry);
  }
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (field: string) => String(form.get(field)).trim();
    use({ base: text("base"), model: text("model"), key: text("key") });
  }
  return (
    <details className="panel model">
      <summary>
        <h2>Model</h2> <span className="hint" id="model-name" children={name ?? "a script, offline"} />
      </summary>
      <form className="inside" onSubmit={submit}>
        <p className="hint">
          A script answers until you name an endpoint that speaks OpenAI’s chat completions, on your own machine or elsewhere. What you
          enter stays in this tab.
        </p>
        <Field label="Base address" name="base" type="url" value={base} placeholder="http://localhost:11434/v1" />
        <Field label="Model" name="model" value={model} />
        <Field label="Key (if it needs one)" name="key" type="password" value={key} />
        <div className="submit">
          <button type="submit" children="Use it" />
          <button type="button" className="quiet" onClick={() => use({ base: "", model: "", key: "" })} children="Use the script" />
        </div>
      </form>
    </details>
  );
}

function Field({
  label,
  name,
  value,
  type = "text",
  placeholder,
}: {
  label: string;
  name: string;
  value: string;
  type?: string;
  placeholder?: string;
}) {
  return (
    <div className="field">
      <label htmlFor={name} children={label} />
      <input id={name} name={name} type={type} defaultValue={value} placeholder={placeholder} autoComplete="off" />
    </div>
  );
}
