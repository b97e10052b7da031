/** Metrics that strips can show, in the order they are offered. */

import { NOTHING, words } from "../js/format.js";

/**
 * `span`: of the vertical axis at least, so that small changes look small.
 * @typedef {{name: string, title: string, unit: string, decimals: number, span: number}} Metric
 * @type {Metric[]}
 */
export const METRICS = [
  { name: "overstride_ratio", title: "Overstride", unit: "of leg", decimals: 2, span: 0.2 },
  { name: "kickback_deg", title: "Kickback", unit: "°", decimals: 0, span: 50 },
  { name: "knee_lift_deg", title: "Knee lift", unit: "°", decimals: 0, span: 30 },
  { name: "cadence_spm", title: "Cadence", unit: "steps/min", decimals: 0, span: 24 },
  { name: "contact_time_ms", title: "Contact time", unit: "ms", decimals: 0, span: 100 },
  { name: "lean_deg", title: "Pelvis lean", unit: "°", decimals: 1, span: 14 },
  { name: "heel_lift_ratio", title: "Heel lift", unit: "of leg", decimals: 2, span: 0.3 },
  { name: "heel_trail_ratio", title: "Heel trail", unit: "of leg", decimals: 2, span: 0.3 },
  { name: "shank_angle_ic_deg", title: "Shank at landing", unit: "°", decimals: 1, span: 16 },
  { name: "peak_knee_flexion_deg", title: "Peak knee bend", unit: "°", decimals: 0, span: 50 },
  { name: "hip_over_foot_ratio", title: "Hip over foot", unit: "of leg", decimals: 2, span: 0.2 },
  { name: "hip_extension_deg", title: "Hip extension", unit: "°", decimals: 0, span: 24 },
  { name: "flight_time_ms", title: "Flight time", unit: "ms", decimals: 0, span: 100 },
  { name: "vertical_oscillation_mm", title: "Bounce", unit: "mm", decimals: 0, span: 60 },
  { name: "swing_lever_ratio", title: "Swing lever", unit: "of leg", decimals: 2, span: 0.2 },
  { name: "foot_strike_angle_deg", title: "Foot at landing", unit: "°", decimals: 0, span: 20 },
  { name: "impact_g", title: "Impact", unit: "g", decimals: 1, span: 6 },
];
const BY_NAME = new Map(METRICS.map((metric) => [metric.name, metric]));

/** Landing, swing, rhythm: what the coach's rules go by. Others are one tap away. */
export const USUAL_STRIPS = METRICS.slice(0, 6).map(({ name }) => name);
/** Where all of them are a long way to scroll. */
export const USUAL_ON_A_PHONE = ["overstride_ratio", "kickback_deg", "cadence_spm"];

/** @returns {Metric} with plain words also for a metric that is not known here */
export function metricOf(name) {
  return BY_NAME.get(name) ?? { name, title: words(name), unit: "", decimals: 2, span: 1 };
}

/** Such as "83°" or "247 ms"; a dash where it is not known. */
export function withUnit({ unit, decimals }, value) {
  if (value === null) return NOTHING;
  return `${plain(value, decimals)}${unit === "°" ? "" : " "}${unit}`;
}

/** Such as "Kickback, °": the numbers beside it go without. */
export function titleWithUnit({ title, unit }) {
  return unit === "" ? title : `${title}, ${unit}`;
}

/** Without a "-0"; a dash where it is not known. */
export function plain(value, decimals) {
  if (value === null) return NOTHING;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
