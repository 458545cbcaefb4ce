/** Checkpoint savers of LangGraph: that of the package, and LangGraph's own one in memory. */
export { MemorySaver } from "@langchain/langgraph-checkpoint";
export { LongwaitSaver } from "longwait/langgraph";
