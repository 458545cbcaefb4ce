/** What a test puts in the place of steps' functions. */
import type { Implementation, ProcessRegistry, RunContext, StepContext } from "../types/public.js";
import type { MockedStep, StepFunction, StepMock, StepName } from "../types/testing.js";
import { invalid } from "./span.js";

interface Mock extends StepMock {
  readonly kind: string | undefined;
  readonly key: string;
  readonly run: (step: StepContext, original: StepFunction) => ReturnType<StepFunction>;
  count: number;
}

export class Mocks {
  readonly #mocks: Mock[] = [];

  /** Puts a value, an error or a function in the place of a step's function. The last one for a step is the one that counts. */
  add(step: StepName, given: MockedStep): StepMock {
    const { kind, key } = nameOf(step);
    const mocks = this.#mocks;
    const mock: Mock = {
      kind,
      key,
      count: 0,
      get calls() {
        return mock.count;
      },
      run: runOf(given),
      restore: () => void mocks.splice(mocks.indexOf(mock), mocks.includes(mock) ? 1 : 0),
    };
    mocks.unshift(mock);
    return mock;
  }

  /** Those whose step was never asked for. */
  unused(): string[] {
    return this.#mocks.filter(({ count }) => count === 0).map(({ kind, key }) => (kind === undefined ? key : `${key} of ${kind}`));
  }

  /** A registry whose drivers run their processes with these. */
  of(registry: ProcessRegistry): ProcessRegistry {
    const driver: ProcessRegistry["driver"] = ({ processes, runners, ...given }) =>
      registry.driver({
        ...given,
        ...(processes && { processes: processes.map((one) => ({ ...one, run: this.#with(one.run) })) }),
        ...(runners && { runners: Object.fromEntries(Object.entries(runners).map(([kind, run]) => [kind, this.#with(run)])) }),
      });
    const properties = { ...Object.getOwnPropertyDescriptors(registry), driver: { value: driver, enumerable: true } };
    return Object.freeze(Object.create(null, properties)) as ProcessRegistry;
  }

  #with<R extends Implementation["run"] | ((context: RunContext) => unknown)>(run: R): R {
    if (typeof run !== "function") return run; // What is no function is refused where it is checked.
    return ((context: RunContext) => run(this.#context(context))) as R;
  }

  #context(context: RunContext): RunContext {
    const { kind } = context.process.identity;
    const step = ((key: string, run: StepFunction, ...options: []) =>
      context.step(key, this.#instead(kind, key, run), ...options)) as RunContext["step"];
    return Object.freeze({ ...context, step });
  }

  /** What is in the place of a step's function; nothing where that is there itself. */
  mockOf(kind: string, key: string): ((step: StepContext, original: StepFunction) => ReturnType<StepFunction>) | undefined {
    const mock = this.#mocks.find((mock) => mock.key === key && (mock.kind === undefined || mock.kind === kind));
    return (
      mock &&
      ((step, original) => {
        mock.count += 1;
        return mock.run(step, original);
      })
    );
  }

  /** A step's function, or what is in its place: that may change between two attempts. */
  #instead(kind: string, key: string, run: StepFunction): StepFunction {
    if (typeof run !== "function") return run; // It is refused where it is checked.
    return (step) => {
      const mock = this.mockOf(kind, key);
      return mock === undefined ? run(step) : mock(step, run);
    };
  }
}

function nameOf(step: StepName): { kind: string | undefined; key: string } {
  const { kind, key } = typeof step === "object" && step !== null ? step : { kind: undefined, key: step };
  if (typeof key !== "string" || key === "") throw invalid("world.mockStep: the step must be its key, or { kind, key }");
  return { kind, key };
}

function runOf(given: MockedStep): Mock["run"] {
  if (typeof given === "function") return given as Mock["run"];
  return () => {
    if (given instanceof Error || Object.prototype.toString.call(given) === "[object Error]") throw given;
    return given;
  };
}
