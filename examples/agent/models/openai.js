/**
 * A model behind an endpoint that speaks OpenAI's chat completions, as many do: hosted ones, and servers on your own machine.
 * This is the place to put another one: anything with `name` and `reply`.
 */

import { NonRetryableError } from "longwait";

/** `base`: such as `http://localhost:11434/v1`. The key goes nowhere but there. */
export function openai({ base, model, key, tools }) {
  return {
    name: model,

    /** Yields pieces of text, and at last gives `{ content, toolCalls: [{ name, args }] }`. */
    async *reply(messages, { signal }) {
      const response = await request(`${base}/chat/completions`, {
        method: "POST",
        signal,
        headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model, stream: true, messages: messages.map(toWire), tools: describe(tools) }),
      });
      let content = "";
      let finished = false;
      const calls = [];
      for await (const data of events(response.body)) {
        finished ||= data === "[DONE]";
        if (data === "[DONE]") break;
        const { error, choices } = JSON.parse(data);
        if (error) throw failed(`The model broke off: ${error.message}`);
        // Some servers end without saying [DONE].
        finished ||= Boolean(choices?.[0]?.finish_reason);
        const delta = choices?.[0]?.delta ?? {};
        if (delta.content) {
          content += delta.content;
          yield delta.content;
        }
        for (const { index = 0, function: part } of delta.tool_calls ?? []) {
          const call = (calls[index] ??= { name: "", args: "" });
          call.name += part?.name ?? "";
          call.args += part?.arguments ?? "";
        }
      }
      // Half an answer must not be recorded as a whole one.
      if (!finished) throw failed("The model broke off in the middle of its answer.");
      return { content, toolCalls: calls.filter(Boolean).map(({ name, args }) => ({ name, args: read(args) })) };
    },
  };
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw failed(`${new URL(url).origin} cannot be reached, or does not let this page in (CORS).`);
  }
  if (response.ok) return response;
  const { status, statusText } = response;
  const body = await response.text();
  throw failed(
    `The model answered ${status}: ${read(body).error?.message ?? (body.slice(0, 300) || statusText)}`,
    status < 500 && status !== 429 ? "invalid_request" : "unavailable",
  );
}

/** What is thrown is tried again, unless the request itself is at fault. */
function failed(words, failureClass = "unavailable") {
  const error = failureClass === "invalid_request" ? new NonRetryableError(words) : new Error(words);
  return Object.assign(error, { class: failureClass, code: "model_failed" });
}

/** What should be JSON, and may not be: not all servers answer it, and not all models write it. */
function read(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Server-sent events, as far as these servers use them: lines of `data: …`. */
async function* events(body) {
  let rest = "";
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + decoder.decode(part.value, { stream: true })).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
  }
  if (rest.startsWith("data:")) yield rest.slice(5).trim();
}

function toWire({ role, content, toolCalls, callId }) {
  if (role === "tool") return { role, tool_call_id: callId, content };
  if (!toolCalls?.length) return { role, content };
  const calls = toolCalls.map(({ id, name, args }) => ({ id, type: "function", function: { name, arguments: JSON.stringify(args) } }));
  return { role, content, tool_calls: calls };
}

const describe = (tools) =>
  Object.entries(tools).map(([name, { description, parameters }]) => ({ type: "function", function: { name, description, parameters } }));
