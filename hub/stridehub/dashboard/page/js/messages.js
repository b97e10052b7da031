/** Readers of the messages that all views need; their fields are explained in messages.py. */

import {
  anything,
  bool,
  id,
  list,
  mapOf,
  maybe,
  number,
  oneOf,
  record,
  side,
  text,
  word,
} from "./shape.js";

const MOST_METRICS = 64;
const MOST_RUNNERS = 256;
const MOST_TODO = 1000;
const LINE = text(1000);

const head = { v: oneOf(1), t: number };

export const status = record({
  ...head,
  state: oneOf("online", "offline", "degraded"),
  reasons: list(LINE, 50),
  version: text(64),
  session: maybe(text(64)),
  runners: list(id, MOST_RUNNERS),
  backlog: number,
  lost: number,
});

const metricMeaning = record({
  name: word,
  title: text(100),
  unit: text(32),
  decimals: (value) => Math.min(Math.max(Math.round(number(value)), 0), 4),
  zone_source: maybe(LINE),
});

const metaFields = record({
  ...head,
  version: text(64),
  metrics: list(metricMeaning, MOST_METRICS),
  numbers: list(record({ path: text(100), value: anything, unit: text(200), source: LINE }), 1000),
});

export const meta = (value) => {
  const read = metaFields(value);
  read.metrics = new Map(read.metrics.map((metric) => [metric.name, metric]));
  return read;
};

export const checklist = record({
  ...head,
  items: list(
    record({ code: word, subject: text(100), text: LINE, placement: maybe(word) }),
    MOST_TODO,
  ),
});

export const alert = record({
  ...head,
  level: oneOf("notice", "warning", "error"),
  code: word,
  subject: text(100),
  text: LINE,
});

export const health = record({
  ...head,
  name: text(64),
  placement: word,
  runner: id,
  state: word,
  reason: maybe(LINE),
  battery_mv: maybe(number),
  battery_pct: maybe(number),
  rssi_dbm: maybe(number),
  loss_pct: maybe(number),
  age_ms: maybe(number),
});

const position = oneOf("below", "in", "above");

const reading = record({
  median: maybe(number),
  sd: maybe(number),
  position: maybe(position),
  is_amber: bool,
  low: maybe(number),
  high: maybe(number),
});

const lastCue = record({
  t: number,
  kind: word,
  side: word,
  withheld: bool,
  response: maybe(word),
});

export const summary = record({
  ...head,
  runner: id,
  session: maybe(text(64)),
  gait: word,
  stride_t: maybe(number),
  strides_left: number,
  strides_right: number,
  speed_mps: maybe(number),
  metrics: mapOf(word, mapOf(side, reading, 2), MOST_METRICS),
  stride_time_cv_pct: maybe(number),
  balance: maybe(record({ left_pct: number, position, is_amber: bool })),
  is_over_leaning: maybe(bool),
  strike: mapOf(side, word, 2),
  drift: maybe(record({ is_fading: bool, metrics: list(word, MOST_METRICS), text: LINE })),
  load: record({
    units_left: number,
    units_right: number,
    steps_left: number,
    steps_right: number,
    running_min: number,
    is_strike_known: bool,
    share: maybe(number),
    used: maybe(number),
    cap: maybe(number),
    unit: maybe(word),
    source: maybe(word),
    is_reached: bool,
    advice: list(LINE, 20),
  }),
  plan: text(200),
  coach: LINE,
  drill: list(LINE, 50),
  is_muted: bool,
  cue: maybe(lastCue),
  can_buzz: bool,
});

const cueHead = {
  ...head,
  runner: id,
  due_s: number,
  kind: word,
  side: word,
  metric: word,
  withheld: bool,
  why_withheld: maybe(word),
};
const zone = record({ low: maybe(number), high: maybe(number) });
const cueGiven = record({
  ...cueHead,
  value: number,
  zone: maybe(zone),
  fault_side: side,
  latency_ms: maybe(number),
});
const cueAnswered = record({ ...cueHead, response: word, change: maybe(number) });

/** A cue, with `response` null, or what came of one. */
export const cue = (value) => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "response")) {
    return cueAnswered(value);
  }
  return Object.assign(cueGiven(value), { response: null });
};

export const ack = record({
  ...head,
  id: text(64),
  command: text(64),
  state: oneOf("done", "refused"),
  reason: maybe(LINE),
  session: maybe(text(64)),
});
