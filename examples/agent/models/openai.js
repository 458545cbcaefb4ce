/**
 * A model behind an endpoint that speaks OpenAI's chat completions, as many do: hosted ones, and servers on your own machine.
 * This is the place to put another one: anything with `name` and `reply`.
 */

/** `base`: such as `http://localhost:11434/v1`. The key goes nowhere but there. */
export function openai({ base, model, key, tools }) {
  return {
    name: model,

    /** Yields pieces of text, and at last gives `{ content, toolCalls }`. */
    async *reply(messages, { signal }) {
      const response = await fetch(`${base.replace(/\/+$/, "")}/chat/completions`, {
        method: "POST",
        signal,
        headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model, stream: true, messages: messages.map(toWire), tools: describe(tools) }),
      });
      if (!response.ok) throw failure(response, await response.text());

      let content = "";
      const calls = [];
      for await (const data of events(response.body)) {
        if (data === "[DONE]") break;
        const delta = JSON.parse(data).choices?.[0]?.delta ?? {};
        if (delta.content) {
          content += delta.content;
          yield delta.content;
        }
        for (const { index = 0, id, function: part } of delta.tool_calls ?? []) {
          const call = (calls[index] ??= { id: "", name: "", args: "" });
          if (id) call.id = id;
          call.name += part?.name ?? "";
          call.args += part?.arguments ?? "";
        }
      }
      const toolCalls = calls.map(({ id, name, args }, n) => ({ id: id || `call-${n}`, name, args: JSON.parse(args || "{}") }));
      return { content, toolCalls };
    },
  };
}

function failure({ status, statusText }, body) {
  let message = body;
  try {
    message = JSON.parse(body).error?.message ?? body;
  } catch {
    // Not all of them answer JSON.
  }
  const words = `The model answered ${status}: ${message.slice(0, 300) || statusText}`;
  return Object.assign(new Error(words), { class: status < 500 ? "invalid_request" : "unavailable", code: "model_failed" });
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
