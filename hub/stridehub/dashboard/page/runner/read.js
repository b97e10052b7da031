/** Readers of the messages of one runner; their fields are explained in messages.py. */

import { BadMessage, bool, list, mapOf, maybe, number, oneOf, record, side, text, word } from "../js/shape.js";
import { METRICS } from "./metrics.js";

const SHORTEST_S = 0.2; // a stride, generously: of a child who sprints
const LONGEST_S = 5; // of somebody who strolls
const MOST = 1e5; // of any metric
const POINTS = { least: 8, most: 400 }; // of a cycle; the hub sends 50
const MOST_ANGLE_DEG = 180;
const MOST_METRICS = 64;
const MOST_ASSOCIATIONS = 64;

const head = { v: oneOf(1), t: number };

function within(low, high) {
  return (value) => {
    if (number(value) < low || value > high) throw new BadMessage(`not within ${low} to ${high}`);
    return value;
  };
}

// ---- strides ----

const strideFields = record({
  ...head, session: text(64), seq: number, side, ic: number, next_ic: number,
});
const metricFields = record(Object.fromEntries(METRICS.map(({ name }) => [name, maybe(within(-MOST, MOST))])));

/** With `metrics`, a Map by name of those that are known. */
export function readStride(value) {
  const stride = strideFields(value);
  within(SHORTEST_S, LONGEST_S)(stride.next_ic - stride.ic);
  const known = Object.entries(metricFields(value)).filter(([, metric]) => metric !== null);
  return Object.assign(stride, { metrics: new Map(known) });
}

// ---- how the legs move ----

function readAngles(value) {
  const angles = list(within(-MOST_ANGLE_DEG, MOST_ANGLE_DEG), POINTS.most)(value);
  if (angles.length < POINTS.least) throw new BadMessage("too few points");
  return angles;
}

const sideCycle = record({
  strides: number,
  toe_off_share: within(0.05, 0.95),
  thigh_deg: maybe(readAngles),
  shank_deg: readAngles,
});

const cycleFields = record({
  ...head, sides: mapOf(side, sideCycle, 2), thigh_of_leg: within(0.2, 0.8),
});

/** As gait.js wants it. */
export function readCycle(value) {
  const { sides, thigh_of_leg: thighOfLeg } = cycleFields(value);
  const own = [...sides].map(([name, cycle]) => [name, {
    strides: cycle.strides,
    toeOffShare: cycle.toe_off_share,
    thighDeg: cycle.thigh_deg,
    shankDeg: cycle.shank_deg,
  }]);
  return { sides: new Map(own), thighOfLeg };
}

// ---- zones ----

const zone = record({ low: maybe(number), high: maybe(number) });

const zonesInForce = record({
  ...head,
  speed_mps: maybe(number),
  zones: mapOf(
    word,
    record({ rule: record({ source: text(1000) }), now: mapOf(side, zone, 2) }),
    MOST_METRICS,
  ),
});

export function readZones(value) {
  const { speed_mps: speedMps, zones } = zonesInForce(value);
  const own = [...zones].map(([name, { rule, now }]) => [name, { source: rule.source, now }]);
  return { speedMps, zones: new Map(own) };
}

// ---- explain ----

const share = within(-1, 1);

export const readExplain = record({
  ...head,
  strike: mapOf(side, word, 2),
  associations: list(
    record({
      side,
      outcome: word,
      metric: word,
      outcome_median: maybe(number),
      metric_median: maybe(number),
      rho: maybe(share),
      low: maybe(share),
      high: maybe(share),
      strides: number,
      is_clear: bool,
      text: text(500),
    }),
    MOST_ASSOCIATIONS,
  ),
});
