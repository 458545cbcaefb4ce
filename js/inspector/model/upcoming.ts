export interface StreamInfo {
  name: string;
  chunks: number;
  attempt: number;
  closed: boolean;
  keep: "process" | "untilTerminal";
}
export interface WokenWait {
  processId: string;
  wait: "terminal" | "event" | "events" | "signal" | "stream";
  by: "tick" | "hint" | "poll";
  afterMs: number;
}
