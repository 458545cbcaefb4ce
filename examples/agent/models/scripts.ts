/** What the script says: as the agent, and as its researcher. */
import { shelves } from "../almanac.js";
import type { Asked, Saying } from "./scripted.js";

const KILOMETRES_AN_HOUR = 5;

export function asAgent({ question, results }: Asked): Saying {
  const [report] = results.get("research") ?? [];
  if (report === undefined) {
    if (results.has("research")) return { text: "The researcher could not find out." };
    const calls = [
      { toolName: "research", input: { question } },
      { toolName: "clock", input: {} },
    ];
    return { text: "I will have the distance looked up, and see what time it is. Then I can work out how long the walk takes.", calls };
  }
  const kilometres = /([\d.]+) kilometres/.exec(String(report))?.[1];
  if (kilometres === undefined)
    return { text: "The almanac has nothing on that. Ask me about the Moon, the Nile, a marathon or the equator." };

  const [hours] = results.get("calculate") ?? [];
  if (hours === undefined) {
    const calls = [{ toolName: "calculate", input: { expression: `${kilometres} / ${KILOMETRES_AN_HOUR}` } }];
    return { text: `${report} At ${KILOMETRES_AN_HOUR} kilometres an hour, without a rest, that is:`, calls };
  }
  const answer = `${inWords(Number(hours))} on foot. ${report}`;
  const [saved] = results.get("save_note") ?? [];
  if (!results.has("save_note")) {
    const calls = [{ toolName: "save_note", input: { title: question, text: `It takes ${answer}` } }];
    return { text: "I would like to keep that as a note, if you allow it.", calls };
  }
  const [now] = results.get("clock") ?? [];
  const arrival = new Date(Date.parse(String(now)) + Number(hours) * 3_600_000);
  const end = Number.isNaN(arrival.getTime()) ? "" : ` Setting out now, you would arrive ${when(Number(hours), arrival)}.`;
  return { text: `It takes ${answer}${end} ${saved === undefined ? "I have not saved a note, as you wished." : "The note is saved."}` };
}

export function asResearcher({ question, results }: Asked): Saying {
  const read = (results.get("read_shelf") ?? []) as { lines: string[] }[];
  const shelf = shelves[read.length];
  if (shelf !== undefined)
    return { text: `Shelf ${read.length + 1} of ${shelves.length}, ${shelf}. `, calls: [{ toolName: "read_shelf", input: { shelf } }] };
  const [best] = read.flatMap(({ lines }) => lines).sort((one, other) => score(other, question) - score(one, question));
  return { text: best !== undefined && score(best, question) > 0 ? best : "There is nothing on that." };
}

/** How many words a line has of a question, but for those that say nothing of what is looked for. */
function score(line: string, question: string): number {
  const known = new Set(words(line));
  return words(question).filter((word) => known.has(word)).length;
}

const COMMON = new Set(["the", "and", "how", "what", "far", "long", "away", "with", "its", "are", "average", "kilometres"]);
const words = (text: string) => (text.toLowerCase().match(/[\p{L}\d]{3,}/gu) ?? []).filter((word) => !COMMON.has(word));

function inWords(hours: number): string {
  if (hours < 48) return `${Math.round(hours * 10) / 10} hours`;
  if (hours < 24 * 365) return `${Math.round(hours / 24)} days`;
  return `${Math.round(hours / 24 / 36.525) / 10} years`;
}

const when = (hours: number, arrival: Date): string =>
  hours < 48 ? `at ${arrival.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}` : `in ${arrival.getFullYear()}`;
