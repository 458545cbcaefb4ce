/**
 * A model without a model: a script that looks at the conversation and says what comes next. It is deterministic and works
 * offline, and it streams as real ones do.
 */
export const scripted = {
  name: "scripted",

  /** Yields pieces of text, and at last gives `{ content, toolCalls: [{ name, args }] }`. */
  async *reply(messages, { pause }) {
    const { content, toolCalls = [] } = next(messages);
    for (const piece of content.match(/\S+\s*/g) ?? []) {
      await pause(35);
      yield piece;
    }
    return { content, toolCalls };
  },
};

function next(messages) {
  const ask = messages.find(({ role }) => role === "user").content;
  const results = new Map(messages.filter(({ role }) => role === "tool").map(({ name, content }) => [name, content]));

  if (!results.has("search")) {
    return {
      content: "I will look up the distance, and meanwhile see what time it is. Then I can work out how long the walk takes.",
      toolCalls: [
        { name: "search", args: { query: ask } },
        { name: "clock", args: {} },
      ],
    };
  }
  const [fact] = JSON.parse(results.get("search"));
  if (!fact) return { content: "My almanac has nothing on that. Ask me about the Moon, the Nile, a marathon or the equator." };

  if (!results.has("calculate")) {
    return {
      content: `${fact.text} At 5 kilometres an hour, without a rest, that is:`,
      toolCalls: [{ name: "calculate", args: { expression: `${fact.number} / 5` } }],
    };
  }
  const hours = Number(results.get("calculate"));
  const answer = `${inWords(hours)} on foot. ${fact.text}`;
  if (!results.has("save_note")) {
    return {
      content: "I would like to keep that as a note, if you allow it.",
      toolCalls: [{ name: "save_note", args: { title: fact.title, text: answer } }],
    };
  }
  const started = JSON.parse(results.get("clock"));
  const arrival = new Date(Date.parse(started) + hours * 3_600_000);
  const end = Number.isNaN(arrival.getTime()) ? "" : ` Setting out now, you would arrive ${when(hours, arrival)}.`;
  const kept = results.get("save_note") === JSON.stringify("saved") ? "The note is saved." : "I have not saved a note, as you wished.";
  return { content: `It takes ${answer}${end} ${kept}` };
}

function inWords(hours) {
  if (hours < 48) return `${Math.round(hours * 10) / 10} hours`;
  if (hours < 24 * 365) return `${Math.round(hours / 24)} days`;
  return `${Math.round(hours / 24 / 36.525) / 10} years`;
}

const when = (hours, arrival) =>
  hours < 48 ? `at ${arrival.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}` : `in ${arrival.getFullYear()}`;
