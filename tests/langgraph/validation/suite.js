/** LangGraph's validation suite for checkpoint savers, on each store of longwait: in Node under Vitest, in a browser by its runner. */
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { openRegistry } from "longwait";
import { LongwaitSaver } from "longwait/langgraph";

/** Declares the suite's tests, and those of the channels of differences, which it leaves to each saver. Each saver has a registry of its own. */
export function suite(storage) {
  const registries = new Map();
  let databases = 0;
  const saver = {
    checkpointerName: `LongwaitSaver on ${storage}`,
    async createCheckpointer() {
      const place = storage === "memory" ? {} : { name: `validation-${++databases}` };
      const registry = await openRegistry({ storage, ...place });
      const saver = new LongwaitSaver(registry);
      registries.set(saver, registry);
      return saver;
    },
    destroyCheckpointer: (saver) => registries.get(saver).close(),
  };
  validate(saver);
  deltaChannelHistoryTests(saver);
}
