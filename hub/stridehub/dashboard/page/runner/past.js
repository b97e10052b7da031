/** What the page keeps of a runner, looked at or not: the last minutes, and the last cues. */

import { Cues } from "./cues.js";
import { History } from "./history.js";

export class Past {
  history = new History();
  cues = new Cues();

  addSummary(summary, nowMs) {
    this.history.addSummary(summary);
    if (nowMs !== null) this.history.prune(nowMs);
    if (summary.cue !== null) this.cues.addLast(summary.cue);
  }
}
