/**
 * Tells regular expressions that may take exponential time: those in which one text can be matched in ever more ways, such
 * as `(a+)+`, each of which a backtracking engine tries before it gives up.
 *
 * It reads the expression as an automaton of its characters (Glushkov's) and looks for a loop that can be gone through
 * in two ways on one text. Characters are compared on a sample of all, references back and assertions are taken for nothing,
 * and an expression that is too large to be looked through passes: it refuses what is known to be bad, and proves nothing.
 */

/** Whether one text can be matched in exponentially many ways. `source` compiles with the flag `u`. */
export function isExponential(source: string): boolean {
  const parser = new Parser(source);
  const whole = parser.alternatives();
  return [whole, ...parser.lookarounds].some((node) => {
    const automaton = new Automaton(parser.characters);
    automaton.add(node);
    return automaton.bad || automaton.hasAmbiguousLoop();
  });
}

type Node =
  | { kind: "empty" }
  | { kind: "character"; source: string }
  | { kind: "sequence" | "choice"; nodes: Node[] }
  | { kind: "repeat"; node: Node; min: number; max: number };

// ── Reading ─────────────────────────────────────────────────────────────────

class Parser {
  /** What stands in lookarounds: matched for itself. */
  readonly lookarounds: Node[] = [];
  /** Characters to compare on: ASCII, Latin, some of other scripts, and those of the expression. */
  readonly characters: string[];
  #at = 0;
  readonly #source: string[];

  constructor(source: string) {
    this.#source = [...source];
    const plain = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    this.characters = [...new Set([...plain, ..."λжأא中あ한\u2028\u3000😀", ...this.#source])];
  }

  alternatives(): Node {
    const nodes: Node[] = [];
    do nodes.push(this.#sequence());
    while (this.#take("|"));
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#source.length && !this.#is("|") && !this.#is(")")) nodes.push(this.#repeated(this.#term()));
    return { kind: "sequence", nodes };
  }

  #term(): Node {
    const first = this.#next();
    if (first === "^" || first === "$") return { kind: "empty" };
    if (first === "(") return this.#group();
    if (first === "[") return { kind: "character", source: `[${this.#until("]")}` };
    if (first === "\\") return this.#escape();
    return { kind: "character", source: /[.]/.test(first) ? first : literal(first) };
  }

  #group(): Node {
    let isLookaround = false;
    if (this.#take("?")) {
      const mark = this.#next();
      isLookaround = mark === "=" || mark === "!" || (mark === "<" && (this.#is("=") || this.#is("!")));
      if (isLookaround && mark === "<") this.#next();
      else if (mark === "<")
        this.#until(">"); // A name.
      else if (!isLookaround && mark !== ":") this.#until(":"); // Flags.
    }
    const node = this.alternatives();
    this.#take(")");
    if (!isLookaround) return node;
    this.lookarounds.push(node);
    return { kind: "empty" };
  }

  #escape(): Node {
    const name = this.#next();
    if (/[bB1-9k]/.test(name)) {
      if (name === "k") this.#until(">");
      while (/[1-9]/.test(name) && /[0-9]/.test(this.#source[this.#at] ?? "")) this.#next();
      return { kind: "empty" };
    }
    let source = `\\${name}`;
    if (/[pPu]/.test(name) && this.#is("{")) source += this.#until("}");
    else if (name === "x") source += this.#next() + this.#next();
    else if (name === "c") source += this.#next();
    else if (name === "u") {
      const half = () => this.#next() + this.#next() + this.#next() + this.#next();
      source += half();
      if (/^\\ud[89ab]/i.test(source) && this.#is("\\") && this.#source[this.#at + 1] === "u")
        source += this.#next() + this.#next() + half();
    }
    return { kind: "character", source };
  }

  #repeated(node: Node): Node {
    let [min, max] = [1, 1];
    if (this.#take("*")) [min, max] = [0, Infinity];
    else if (this.#take("+")) [min, max] = [1, Infinity];
    else if (this.#take("?")) [min, max] = [0, 1];
    else if (this.#take("{")) {
      const [from = "", to] = this.#until("}").slice(0, -1).split(",");
      [min, max] = [Number(from), to === undefined ? Number(from) : to === "" ? Infinity : Number(to)];
    } else return node;
    this.#take("?");
    return { kind: "repeat", node, min, max };
  }

  #is(character: string): boolean {
    return this.#source[this.#at] === character;
  }

  #take(character: string): boolean {
    const is = this.#is(character);
    if (is) this.#at++;
    return is;
  }

  #next(): string {
    return this.#source[this.#at++] ?? "";
  }

  /** All up to and with a character that is not escaped. */
  #until(end: string): string {
    let text = "";
    while (this.#at < this.#source.length) {
      const character = this.#next();
      text += character === "\\" ? character + this.#next() : character;
      if (character === end) break;
    }
    return text;
  }
}

function literal(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

// ── The automaton ───────────────────────────────────────────────────────────

/** Repetitions of up to so many are read as that many; of more, as endless ones. */
const MANY = 10;
/** How many copies stand for a repetition that must be there several times: two tell what follows what. */
const COPIES = 2;
/** Expressions with more places for characters, or more pairs to look at, pass. */
const MAX_PLACES = 400;
const MAX_PAIRS = 1_000_000;

interface Part {
  nullable: boolean;
  first: number[];
  last: number[];
}

class Automaton {
  /** It repeats what may be nothing so many times that the repetitions alone are too many ways. */
  bad = false;
  /** For each place, which characters it takes. */
  readonly #takes: Set<number>[] = [];
  /** For each place, the places that may follow it, and in how many ways. */
  readonly #follows: Map<number, number>[] = [];
  readonly #characters: string[];

  constructor(characters: string[]) {
    this.#characters = characters;
  }

  add(node: Node): Part {
    switch (node.kind) {
      case "empty":
        return { nullable: true, first: [], last: [] };
      case "character":
        return this.#character(node.source);
      case "choice": {
        const parts = node.nodes.map((option) => this.add(option));
        return {
          nullable: parts.some((part) => part.nullable),
          first: parts.flatMap((part) => part.first),
          last: parts.flatMap((part) => part.last),
        };
      }
      case "sequence":
        return this.#sequence(node.nodes.map((next) => () => this.add(next)));
      case "repeat":
        return this.#repeat(node.node, node.min, node.max);
    }
  }

  #character(source: string): Part {
    const place = this.#takes.length;
    const takes = new Set<number>();
    if (place < MAX_PLACES) {
      const one = new RegExp(`^(?:${source})$`, "u");
      this.#characters.forEach((character, number) => one.test(character) && takes.add(number));
    }
    this.#takes.push(takes);
    this.#follows.push(new Map());
    return { nullable: false, first: [place], last: [place] };
  }

  #sequence(parts: (() => Part)[]): Part {
    let whole: Part = { nullable: true, first: [], last: [] };
    for (const part of parts) {
      if (this.#takes.length > MAX_PLACES) break;
      const next = part();
      this.#link(whole.last, next.first);
      whole = {
        nullable: whole.nullable && next.nullable,
        first: whole.nullable ? [...whole.first, ...next.first] : whole.first,
        last: next.nullable ? [...whole.last, ...next.last] : next.last,
      };
    }
    return whole;
  }

  #repeat(node: Node, min: number, max: number): Part {
    const endless = max > MANY;
    const copies = endless ? Math.min(Math.max(min, 1), COPIES) : Math.min(max, COPIES);
    const copy = (place: number) => () => {
      const part = this.add(node);
      if (endless && place === copies - 1) {
        this.bad ||= part.nullable && max !== Infinity;
        this.#link(part.last, part.first);
      }
      return place < min ? part : { ...part, nullable: true };
    };
    return this.#sequence(Array.from({ length: copies }, (_, place) => copy(place)));
  }

  #link(from: number[], to: number[]): void {
    for (const place of from) {
      const follows = this.#follows[place]!;
      for (const next of to) follows.set(next, (follows.get(next) ?? 0) + 1);
    }
  }

  /** Whether some loop can be gone through in two ways on one text. */
  hasAmbiguousLoop(): boolean {
    const count = this.#takes.length;
    if (count > MAX_PLACES) return false;
    const loopOf = components(count, (place) => [...this.#follows[place]!.keys()]);
    const within = (place: number) => [...this.#follows[place]!.keys()].filter((next) => loopOf[next] === loopOf[place]);
    for (let place = 0; place < count; place++) {
      if (within(place).some((next) => this.#follows[place]!.get(next)! > 1)) return true;
    }
    // Two ways at once: pairs of places that one text leads to. A pair of two that comes from a place and leads back to it.
    let pairs = 0;
    const next = (pair: number): number[] => {
      const [one, other] = [Math.floor(pair / count), pair % count];
      const found: number[] = [];
      for (const a of within(one)) for (const b of within(other)) if (this.#meet(a, b)) found.push(a * count + b);
      pairs += found.length;
      return pairs > MAX_PAIRS ? [] : found;
    };
    const loops = components(
      count * count,
      next,
      Array.from({ length: count }, (_, place) => place * count + place),
    );
    if (pairs > MAX_PAIRS) return false;
    const ofOne = new Set<number>();
    for (let place = 0; place < count; place++) if (within(place).length > 0) ofOne.add(loops[place * count + place]!);
    return loops.some((loop, pair) => loop !== -1 && ofOne.has(loop) && Math.floor(pair / count) !== pair % count);
  }

  #meet(one: number, other: number): boolean {
    const [few, many] = [this.#takes[one]!, this.#takes[other]!].sort((a, b) => a.size - b.size) as [Set<number>, Set<number>];
    for (const character of few) if (many.has(character)) return true;
    return false;
  }
}

/** The strongly connected components of a graph (Tarjan's): a number for each node that is reached, -1 for the others. */
function components(count: number, next: (node: number) => number[], roots: Iterable<number> = Array(count).keys()): number[] {
  const component: number[] = Array(count).fill(-1);
  const order: number[] = Array(count).fill(-1);
  const lowest: number[] = Array(count).fill(0);
  const open: number[] = [];
  let [visited, found] = [0, 0];
  for (const root of roots) {
    const path: { node: number; left: number[] }[] = [];
    const enter = (node: number) => {
      order[node] = lowest[node] = visited++;
      open.push(node);
      path.push({ node, left: next(node) });
    };
    if (order[root] === -1) enter(root);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const { node, left } = step;
      const to = left.pop();
      if (to === undefined) {
        path.pop();
        const above = path.at(-1);
        if (above !== undefined) lowest[above.node] = Math.min(lowest[above.node]!, lowest[node]!);
        if (lowest[node] === order[node]) {
          let member: number;
          do component[(member = open.pop()!)] = found;
          while (member !== node);
          found++;
        }
      } else if (order[to] === -1) enter(to);
      else if (component[to] === -1) lowest[node] = Math.min(lowest[node]!, order[to]!);
    }
  }
  return component;
}
