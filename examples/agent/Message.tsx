import { getToolName, isToolUIPart } from "ai";
import type { AgentMessage } from "./agent.js";
import type { State } from "./state.js";
import { TabName } from "./TabName.js";
import { ToolCall } from "./ToolCall.js";

interface Props {
  message: AgentMessage;
  /** Whether it is the last one of the chat: `state` is that of its turn. */
  isLast: boolean;
  state: State | undefined;
  onAnswer: (approvalId: string, approved: boolean) => void;
}

export function Message({ message: { role, parts }, isLast, state, onAnswer }: Props) {
  if (role === "user") return <li className="ask-said" children={parts.map((part) => (part.type === "text" ? part.text : ""))} />;
  const isOver = !isLast || state?.isOver === true;
  const lastText = parts.findLastIndex(({ type }) => type === "text");
  const children = new Map(parts.flatMap((part) => (part.type === "data-child" ? [[part.id, part.data.processId]] : [])));
  return (
    <>
      {parts.map((part, n) => {
        if (isToolUIPart(part))
          return (
            <ToolCall
              key={part.toolCallId}
              name={getToolName(part)}
              part={part}
              child={children.get(part.toolCallId)}
              isOver={isOver}
              onAnswer={onAnswer}
            />
          );
        if (part.type !== "text" || part.text === "") return null;
        const isAnswer = n === lastText && isOver && (!isLast || state?.name === "completed");
        return (
          <li
            key={n}
            className="said"
            data-live={mark(part.state === "streaming" && !isOver)}
            data-last={mark(isAnswer)}
            children={part.text}
          />
        );
      })}
      <Runs message={parts} />
      {isLast && state?.name === "failed" && <li className="end failure" children={`Failed: ${state.detail}`} />}
      {isLast && state?.name === "cancelled" && <li className="end cancelled" children="Stopped." />}
      {isLast && !isOver && state?.detail !== undefined && <li className="end" children={state.detail} />}
    </>
  );
}

/** An attribute without a value, where it holds. */
const mark = (holds: boolean) => (holds ? "" : undefined);

/** Which tabs have run it, where it was run several times. */
function Runs({ message }: { message: AgentMessage["parts"] }) {
  const runs = message.flatMap((part) => (part.type === "data-run" ? [part.data] : []));
  if (runs.length < 2) return null;
  return (
    <li className="runs hint">
      {`Run ${runs.length} times, in `}
      {runs.map(({ tab, attempt }) => (
        <TabName key={attempt} name={tab} />
      ))}
      . What was done was not done again.
    </li>
  );
}
