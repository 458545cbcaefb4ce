import type { DynamicToolUIPart, ToolUIPart } from "ai";
import { useProcess, useStream } from "longwait/react";
import { REPORT, research, type Said } from "./researcher.js";
import { stateOf } from "./state.js";
import { TabName } from "./TabName.js";
import type { AgentTools } from "./tools.js";

interface Props {
  name: string;
  part: ToolUIPart<AgentTools> | DynamicToolUIPart;
  /** The process that does it, where it is one of its own. */
  child: string | undefined;
  /** Whether the turn has ended. */
  isOver: boolean;
  onAnswer: (approvalId: string, approved: boolean) => void;
}

export function ToolCall({ name, part, child, isOver, onAnswer }: Props) {
  const title = titleOf(name, part.input);
  const asked = part.state === "approval-requested" && !isOver ? part.approval.id : undefined;
  const [state, words] = stateOfPart(part, isOver);
  return (
    <li className="call" data-state={state}>
      <p className="call-head">
        <strong children={title} /> <span className="state" children={words} />
      </p>
      {name === "save_note" && <blockquote className="given" children={field(part.input, "text")} />}
      {child !== undefined && <Researcher id={child} />}
      {part.state === "output-available" && name !== "research" && <p className="hint given">{String(part.output)}</p>}
      {part.state === "output-error" && <p className="hint given">{part.errorText}</p>}
      {asked !== undefined && (
        <div className="approval" role="group" aria-label={`May it ${title.toLowerCase()}?`}>
          <span>May it?</span>
          <button type="button" className="small primary" onClick={() => onAnswer(asked, true)} children="Allow" />
          <button type="button" className="small" onClick={() => onAnswer(asked, false)} children="Do not allow" />
        </div>
      )}
    </li>
  );
}

/** What the researcher says and does, read from the stream of its process: in whatever tab that runs. */
function Researcher({ id }: { id: string }) {
  const { value: record } = useProcess(research, id);
  const { value: report } = useStream<Said>(id, REPORT);
  const said = report?.values ?? [];
  const read = said.flatMap((part) => ("shelf" in part ? [part] : []));
  const detail = record && stateOf(record, { isDriving: true }).detail;
  return (
    <div className="researcher">
      <p className="words" children={said.map((part) => ("text" in part ? part.text : "")).join("")} />
      <ol className="done" aria-label="Shelves">
        {read.map(({ shelf, by }) => (
          <li key={shelf}>
            <span className="step-key" children={shelf} /> <TabName name={by} />
          </li>
        ))}
      </ol>
      {detail !== undefined && <p className="end" children={detail} />}
    </div>
  );
}

const field = (input: unknown, name: string): string => String((input as Record<string, unknown> | undefined)?.[name] ?? "");

function titleOf(name: string, input: unknown): string {
  if (name === "research") return `Researcher: ${field(input, "question")}`;
  if (name === "calculate") return `Calculate ${field(input, "expression")}`;
  if (name === "save_note") return `Save the note “${field(input, "title")}”`;
  return name === "clock" ? "Look at the clock" : name;
}

function stateOfPart({ state }: Props["part"], isOver: boolean): [state: string, words: string] {
  if (state === "output-available") return ["completed", "done"];
  if (state === "output-error" || state === "output-denied") return ["failed", "not done"];
  if (isOver) return ["cancelled", "stopped"];
  return state === "approval-requested" ? ["waiting", "waits for you"] : ["running", "at work"];
}
