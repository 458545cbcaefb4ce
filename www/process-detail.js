/** The selected process: what is known of it, and its log. */

import { byId, element, icon, say } from "./dom.js";
import { showJson } from "./json.js";
import { followLog } from "./log.js";
import { showState } from "./process-list.js";
import { time } from "./time.js";
import { hasEnded, nameOf, stateOf } from "./words.js";

const CANCEL = "process.cancel_requested";

/** Shows the process that it is told of. `failed` is told of an error while its log is read. */
export function processDetail(registry, { failed }) {
  let following = new AbortController();
  let shown;
  let lastSequence = 0;
  let cancelRequest;

  /** Begins the log anew; what follows the former one ends. */
  function follow(processId) {
    following.abort();
    following = new AbortController();
    const { signal } = following;
    const hear = (event) => signal.aborted || heard(event);
    [lastSequence, cancelRequest] = [0, undefined];
    if (processId === undefined) return;
    const complain = (error) => signal.aborted || failed(error);
    followLog(registry, processId, { signal, heard: hear }).catch(complain);
    // The request may lie further back than the log is shown.
    registry
      .eventsAfter(processId, 0, { types: [CANCEL], limit: 1 })
      .then(([request]) => request && hear(request))
      .catch(complain);
  }

  function heard(event) {
    lastSequence = Math.max(lastSequence, event.sequence);
    if (event.eventType !== CANCEL || event.sequence < cancelRequest?.sequence) return;
    cancelRequest = event;
    showCancelRequest();
  }

  /** `record` undefined: nothing is selected, or, with an `id`, what is selected is not there. */
  function show(id, record) {
    byId("detail-body").hidden = !record;
    byId("detail-empty").hidden = Boolean(record);
    say(
      byId("detail-empty-words"),
      id === undefined
        ? "Choose a process to see its log, append to it, wait for it or end it."
        : `There is no process “${id}” here. It was deleted, or never started.`,
    );
    // An id may be used again after its process was deleted: that is another process, with another log.
    if (shown?.id !== record?.id || shown?.createdAtMs !== record?.createdAtMs) follow(record?.id);
    if (record && record !== shown) draw(record);
    shown = record;
  }

  function draw(record) {
    say(byId("detail-title"), nameOf(record));
    showState(byId("detail-state"), stateOf(record));
    say(byId("detail-id"), record.id);
    say(byId("detail-kind"), record.identity.kind);
    byId("detail-times").replaceChildren("started ", time(record.createdAtMs), ", changed ", time(record.updatedAtMs));
    showOutcome(record.status);
    showWait(record.wait);
    shown = record;
    showCancelRequest();
  }

  function showOutcome({ state, awaitOutput }) {
    const box = byId("detail-outcome");
    box.hidden = state === "running";
    if (box.hidden) return;
    box.dataset.state = state;
    const words = {
      success: () => ["Completed with ", showJson(awaitOutput.value)],
      failure: () => ["Failed: ", element("strong", {}, awaitOutput.message), " ", element("code", { class: "code" }, awaitOutput.code)],
      cancelled: () => ["Cancelled: ", element("strong", {}, awaitOutput.message)],
    };
    box.replaceChildren(icon(state), element("div", {}, ...words[awaitOutput.type]()));
  }

  function showWait(wait) {
    const box = byId("detail-wait");
    box.hidden = !wait;
    if (!wait) return;
    box.dataset.state = "waiting";
    box.replaceChildren(
      icon("waiting"),
      element("span", {}, "Waiting for ", element("code", {}, wait.eventType), ". The wait began ", time(wait.sinceMs), "."),
    );
  }

  function showCancelRequest() {
    const box = byId("detail-cancel");
    box.hidden = !cancelRequest || !shown || hasEnded(shown);
    if (box.hidden) return;
    const reason = cancelRequest.payload?.reason;
    box.dataset.state = "cancelled";
    box.replaceChildren(
      icon("cancelled"),
      element(
        "span",
        {},
        "Cancel was requested ",
        time(cancelRequest.occurredAtMs),
        reason ? `: “${reason}”` : "",
        ". The process goes on until it is ended.",
      ),
    );
  }

  return {
    show,
    get record() {
      return shown;
    },
    /** Of the last event heard. */
    get lastSequence() {
      return lastSequence;
    },
  };
}
