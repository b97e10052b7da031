/** The columns of the group board, and how rows are sorted by them. */

import {
  ContactCell,
  FigureCell,
  KICKBACK,
  LeanCell,
  LoadCell,
  OVERSTRIDE,
  OverstrideCell,
  PaceCell,
  PodsCell,
  RunnerCell,
  ZoneCell,
  meanOf,
  readingsOf,
} from "./cells.js";
import { CueCell, newestCue } from "./cue_cell.js";
import { podsInShort } from "./pods.js";
import { outside } from "./zonebar.js";

/** `by`: what rows are sorted by, or null; large values come first where `isDown`. */
export const COLUMNS = [
  {
    name: "runner",
    title: "Runner",
    unit: "name",
    make: () => new RunnerCell(),
    by: ({ hub, runner }) => `${runner}/${hub}`,
  },
  {
    name: "pace",
    title: "Pace",
    unit: "min/km",
    make: () => new PaceCell(),
    by: ({ summary }) => summary?.speed_mps ?? null,
    isDown: true,
  },
  {
    name: "cadence",
    title: "Cadence",
    unit: "spm",
    make: () => new FigureCell("cadence_spm", 0),
    by: (runner) => meanOf(runner, "cadence_spm"),
    isDown: true,
  },
  {
    name: "contact",
    title: "Contact",
    unit: "ms",
    make: () => new ContactCell(),
    by: (runner) => meanOf(runner, "contact_time_ms"),
    isDown: true,
  },
  {
    name: "overstride",
    title: "Overstride",
    unit: "foot ahead of hip",
    make: () => new OverstrideCell(),
    by: (runner) => outside(readingsOf(runner, "overstride_ratio"), OVERSTRIDE),
    isDown: true,
  },
  {
    name: "kickback",
    title: "Kickback",
    unit: "shin behind, °",
    make: () => new ZoneCell("kickback_deg", KICKBACK),
    by: (runner) => outside(readingsOf(runner, "kickback_deg"), KICKBACK),
    isDown: true,
  },
  {
    name: "lean",
    title: "Lean",
    unit: "deg",
    make: () => new LeanCell(),
    by: (runner) => meanOf(runner, "lean_deg"),
    isDown: true,
  },
  {
    name: "load",
    title: "Calf load",
    unit: "of cap, form",
    make: () => new LoadCell(),
    by: ({ summary }) => summary?.load.share ?? null,
    isDown: true,
  },
  {
    name: "cue",
    title: "Cue",
    unit: "and response",
    make: () => new CueCell(),
    by: (runner) => newestCue(runner)?.t ?? null,
    isDown: true,
  },
  {
    name: "pods",
    title: "Pods",
    unit: "the worst of",
    make: () => new PodsCell(),
    by: ({ pods }) => podsInShort(pods).trouble,
    isDown: true,
  },
];
