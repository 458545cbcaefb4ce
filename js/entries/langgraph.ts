/**
 * Checkpoints of LangGraph.js in a registry: {@link LongwaitSaver}.
 *
 * @module
 */
export { LongwaitSaver } from "../langgraph/saver.js";
