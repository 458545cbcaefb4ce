import { useChat } from "@ai-sdk/react";
import { useLatestEvent, useProcesses } from "longwait/react";
import { use, useEffect, useLayoutEffect, useRef, useState, type FormEvent } from "react";
import { transport, type AgentMessage } from "./agent.js";
import { show } from "./App.js";
import { Message } from "./Message.js";
import { choice } from "./models/choice.js";
import { stateOf, type State } from "./state.js";
import { chats, useStored } from "./stored.js";

const SUGGESTIONS = [
  "How far is the Moon?",
  "How long is the river Nile?",
  "How long is a marathon?",
  "How long is the equator of the Earth?",
];

/** A chat, as the AI SDK has it; what its last turn is at, longwait says. */
export function Chat({ id, loaded, isDriving }: { id: string; loaded: Promise<AgentMessage[]>; isDriving: boolean }) {
  const { messages, sendMessage, setMessages, resumeStream, error } = useChat({ id, messages: use(loaded), transport, resume: true });
  // Another tab has begun a turn: it is shown here as well, word by word.
  useEffect(
    () =>
      transport.onTurn(id, async () => {
        setMessages(await transport.loadMessages(id));
        await resumeStream();
      }),
    [id, setMessages, resumeStream],
  );
  const state = useTurnState(id, isDriving);
  const title = useRef<HTMLHeadingElement>(null);
  const conversation = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => keepEndInView(conversation.current), [messages]);
  const { title: words = "How long is the walk?" } = useStored(chats).find((chat) => chat.id === id) ?? {};

  function ask(text: string) {
    if (messages.length === 0) chats.write([{ id, title: text }, ...chats.read()]);
    void sendMessage({ text }, { body: { model: choice() } });
  }
  // A button that goes with its click hands the focus over.
  const focusTitle = () => title.current?.focus();
  function suggested(text: string) {
    ask(text);
    focusTitle();
  }
  function answer(approvalId: string, approved: boolean) {
    void transport.answerApproval({ id: approvalId, approved, reason: "The user did not allow it." });
    focusTitle();
  }

  return (
    <section className="panel talk" aria-labelledby="talk-title">
      <div className="panel-head">
        <h2 id="talk-title" tabIndex={-1} ref={title} children={words} />
        <span id="state" className="state" role="status" data-state={state?.name} children={state?.words} />
        <Chats id={id} />
      </div>
      <ol className="conversation" aria-label="Conversation" ref={conversation}>
        {messages.map((message, n) => (
          <Message key={message.id} message={message} isLast={n === messages.length - 1} state={state} onAnswer={answer} />
        ))}
      </ol>
      {messages.length === 0 && <Blank onAsk={suggested} />}
      {error && state?.name !== "failed" && <p className="end failure" role="alert" children={error.message} />}
      <Ask onAsk={ask} onStop={state?.isOver === false ? () => void transport.stop(id) : undefined} />
    </section>
  );
}

/** Follows what comes, unless the user has scrolled away from it. */
function keepEndInView(conversation: HTMLElement | null): void {
  const { scrollHeight } = document.documentElement;
  if (innerHeight + scrollY > scrollHeight - 300) conversation?.lastElementChild?.scrollIntoView({ block: "nearest" });
}

/** What the last turn of a chat is at. A turn is a process, so its record says it, in every tab. */
function useTurnState(chatId: string, isDriving: boolean): State | undefined {
  const turns = useProcesses({ filter: { kind: "chat", labels: { chat: chatId }, status: "any" }, order: "newest", limit: 1 });
  const turn = turns.value?.[0];
  const cancel = useLatestEvent(turn?.id, "process.cancel_requested").value;
  const wait = turn?.wait?.kind === "signal" ? turn.wait : undefined;
  const answer = useLatestEvent(wait && turn?.id, wait?.eventType ?? "").value;
  return turn && stateOf(turn, { isDriving, isStopping: cancel !== undefined, isAnswered: answer !== undefined });
}

function Blank({ onAsk }: { onAsk: (text: string) => void }) {
  return (
    <div className="blank">
      <p>
        Ask how far something is, and the agent finds out how long it takes to walk there: it calls a researcher, calculates, asks whether
        it may save a note, and answers. All of it runs in this browser.
      </p>
      <div className="suggestions" role="group" aria-label="Suggestions">
        {SUGGESTIONS.map((text) => (
          <button key={text} type="button" onClick={() => onAsk(text)} children={text} />
        ))}
      </div>
    </div>
  );
}

function Ask({ onAsk, onStop }: { onAsk: (text: string) => void; onStop: (() => void) | undefined }) {
  const [text, setText] = useState("");
  const question = useRef<HTMLInputElement>(null);
  function stop() {
    onStop?.();
    question.current?.focus();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (onStop !== undefined || text.trim() === "") return;
    onAsk(text.trim());
    setText("");
  }
  return (
    <form className="ask" onSubmit={submit}>
      <label className="unseen" htmlFor="question">
        Your question
      </label>
      <input
        id="question"
        ref={question}
        value={text}
        onChange={({ target }) => setText(target.value)}
        autoComplete="off"
        maxLength={300}
        placeholder="How far is the Moon?"
      />
      {onStop === undefined ? (
        <button className="primary" type="submit" children="Ask" />
      ) : (
        <button type="button" onClick={stop} children="Stop" />
      )}
    </form>
  );
}

/** The chats of this browser: to show one, begin one, and delete the one that is shown. */
function Chats({ id }: { id: string }) {
  const all = useStored(chats);
  if (all.length === 0) return null;
  async function remove() {
    show();
    chats.write(chats.read().filter((chat) => chat.id !== id));
    await transport.deleteChat(id);
  }
  const isKept = all.some((chat) => chat.id === id);
  return (
    <div className="chats">
      <select className="small" aria-label="Chats" value={isKept ? id : ""} onChange={({ target }) => show(target.value || undefined)}>
        <option value="" children="New chat" />
        {all.map((chat) => (
          <option key={chat.id} value={chat.id} children={chat.title} />
        ))}
      </select>
      {isKept && <button className="small" type="button" onClick={() => void remove()} children="Delete" />}
    </div>
  );
}
