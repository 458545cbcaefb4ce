/** A checkpoint saver, as a user has it. Compiling this file is the test, with `exactOptionalPropertyTypes` and without (tsconfig.json here). */
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { JsonPlusSerializer, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { ProcessRegistry } from "../../js/entries/index.js";
import { LongwaitSaver } from "../../js/entries/langgraph.js";

const State = Annotation.Root({ text: Annotation<string> });

export async function everywhere(registry: ProcessRegistry) {
  const saver = new LongwaitSaver(registry);
  const base: BaseCheckpointSaver = new LongwaitSaver(registry, new JsonPlusSerializer());
  // @ts-expect-error: no registry
  new LongwaitSaver({});
  // @ts-expect-error: no serializer
  new LongwaitSaver(registry, {});

  const builder = new StateGraph(State).addNode("say", ({ text }) => ({ text: `${text}!` }));
  const graph = builder.addEdge(START, "say").addEdge("say", END).compile({ checkpointer: saver });
  const config = { configurable: { thread_id: "t" } };
  const { text }: { text: string } = await graph.invoke({ text: "a" }, config);
  const id: string | undefined = (await saver.get(config))?.id;
  for await (const { checkpoint, metadata, pendingWrites = [] } of saver.list(config, {
    limit: 1,
    before: config,
    filter: { source: "loop" },
  }))
    await base.put(config, checkpoint, metadata ?? { source: "loop", step: pendingWrites.length, parents: {} }, {});
  await saver.deleteThread(text + id);
}
