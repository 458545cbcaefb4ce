/** Defines the elements, each once: another copy of this module may have done so before. */
import { Inspector } from "./inspector.js";
import { ProcessDetail } from "./parts/detail.js";
import { ActionDialog } from "./parts/dialog.js";
import { ProcessFilters } from "./parts/filters.js";
import { JsonTree } from "./parts/json.js";
import { ProcessList } from "./parts/list.js";
import { ProcessLog } from "./parts/log.js";
import { StreamView } from "./parts/stream.js";
import { WakeList } from "./parts/wakes.js";
import { ProcessWaterfall } from "./parts/waterfall.js";

const ELEMENTS = {
  "longwait-inspector-json": JsonTree,
  "longwait-inspector-stream": StreamView,
  "longwait-inspector-wakes": WakeList,
  "longwait-inspector-dialog": ActionDialog,
  "longwait-inspector-filters": ProcessFilters,
  "longwait-inspector-list": ProcessList,
  "longwait-inspector-log": ProcessLog,
  "longwait-inspector-waterfall": ProcessWaterfall,
  "longwait-inspector-detail": ProcessDetail,
  "longwait-inspector": Inspector,
};

for (const [name, element] of Object.entries(ELEMENTS)) if (customElements.get(name) === undefined) customElements.define(name, element);
