/** One metric over the last minutes: both sides, the zone behind them, and the cues for it. */

import uPlot from "../vendor/uPlot.esm.js";
import { SIDES } from "../js/zonebar.js";
import { plain } from "./metrics.js";

const HEIGHT_PX = 132;
const MOST = 1e5; // beyond it nothing is a metric
const ROOM = 0.08; // above and below what is shown, of its span
const BEYOND_PX = 9; // out of sight: the edge of a zone that is open there
const FLAG_PX = 4.5; // of a cue
const SUMMARY_S = 2; // a zone holds until the next summary
const DASH = { left: [], right: [7, 5] };
const ZONE_ALPHA = 0.5; // where the zones of both sides meet it is darker

export class Strip {
  #zones = [];
  #cues = [];
  #element;
  #palette;
  #plot;
  #resize;

  /** @param {import("./metrics.js").Metric} metric  @param {import("./palette.js").Palette} palette */
  constructor(parent, metric, windowS, palette) {
    this.metric = metric;
    this.windowS = windowS;
    this.#element = parent;
    this.#palette = palette;
    this.#plot = new uPlot(this.#options(), [[], [], [], [], []], parent);
    this.#resize = new ResizeObserver(() => this.#fit());
    this.#resize.observe(parent);
  }

  destroy() {
    this.#resize.disconnect();
    this.#plot.destroy();
  }

  /** @param {import("./history.js").Row[]} rows  @param {object[]} cues */
  show(rows, cues, nowMs) {
    const fromMs = nowMs - this.windowS * 1000;
    const first = rows.findIndex(({ t }) => t >= fromMs);
    const shown = first < 0 ? [] : rows.slice(Math.max(first - 1, 0)); // lines come from the edge
    const seconds = ({ t }) => (t - nowMs) / 1000;
    this.#zones = SIDES.map((side) => this.#zoneRuns(shown, side, seconds));
    this.#cues = cues
      .filter(({ metric, t }) => metric === this.metric.name && t >= fromMs)
      .map((cue) => ({ x: seconds(cue), withheld: cue.withheld }));
    this.#plot.setData([
      shown.map(seconds),
      ...SIDES.map((side) => shown.map((row) => this.#ofStride(row, side))),
      ...SIDES.map((side) => shown.map((row) => this.#median(row, side))),
    ]);
  }

  /** undefined: another kind of row; null: a break. */
  #ofStride({ side, stride }, wanted) {
    return side === wanted ? stride.get(this.metric.name) : undefined;
  }

  #median({ stride, readings }, side) {
    if (stride !== null) return undefined;
    return readings?.of(this.metric.name, side).median ?? null;
  }

  /** Stretches of time with a zone: each a list of {x, low, high}. */
  #zoneRuns(rows, side, seconds) {
    const runs = [];
    let run = null;
    for (const row of rows) {
      if (row.stride !== null) continue;
      const reading = row.readings?.of(this.metric.name, side);
      const hasZone = reading && (reading.low !== null || reading.high !== null);
      if (!hasZone) run = null;
      else {
        if (run === null) runs.push((run = []));
        run.push({ x: seconds(row), low: reading.low, high: reading.high });
      }
    }
    return runs;
  }

  #options() {
    const colour = (name) => this.#palette.of(name);
    const dots = (side) => ({
      stroke: colour(`${side}-faint`),
      paths: () => null,
      points: {
        show: true,
        size: 4,
        width: 1,
        stroke: colour(`${side}-faint`),
        fill: colour(side === "left" ? "left-faint" : "surface"),
      },
    });
    const line = (side) => ({
      stroke: colour(side),
      width: 3,
      dash: DASH[side],
      points: { show: false },
    });
    const axis = { stroke: colour("muted"), font: "13px system-ui, sans-serif" };
    return {
      width: 300,
      height: HEIGHT_PX,
      padding: [6, 20, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      scales: {
        x: { time: false, range: () => [-this.windowS, 0] },
        y: { range: (_plot, low, high) => this.#range(low, high) },
      },
      series: [{}, ...SIDES.map(dots), ...SIDES.map(line)],
      axes: [
        {
          ...axis,
          size: 24,
          grid: { show: false },
          ticks: { stroke: colour("line"), size: 4 },
          splits: () => [0, 1, 2, 3].map((i) => (-this.windowS * i) / 3),
          values: (_plot, splits) => splits.map(ago),
        },
        {
          ...axis,
          size: 48,
          space: 28,
          grid: { stroke: colour("line"), width: 1 },
          ticks: { show: false },
          values: (_plot, splits) => splits.map(String),
        },
      ],
      hooks: { drawAxes: [(plot) => this.#drawZones(plot)], draw: [(plot) => this.#drawCues(plot)] },
    };
  }

  /** Everything that is drawn, and never less than the metric's span. */
  #range(low, high) {
    const bounds = this.#zones.flat(2).flatMap((zone) => [zone.low, zone.high]);
    const all = [low, high, ...bounds].filter((value) => Math.abs(value ?? NaN) < MOST);
    if (all.length === 0) return [0, this.metric.span];
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const span = Math.max(most - least, this.metric.span) * (1 + 2 * ROOM);
    const middle = (least + most) / 2;
    return [middle - span / 2, middle + span / 2];
  }

  #fit() {
    const width = Math.floor(this.#element.clientWidth);
    if (width > 0) this.#plot.setSize({ width, height: HEIGHT_PX });
  }

  #drawZones(plot) {
    const { ctx, bbox } = plot;
    const x = (value) => Math.max(plot.valToPos(value, "x", true), bbox.left);
    const y = (value) => plot.valToPos(value, "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = this.#palette.of("zone")();
    ctx.strokeStyle = this.#palette.of("zone-edge")();
    ctx.lineWidth = devicePixelRatio;
    for (const [i, runs] of this.#zones.entries()) {
      ctx.setLineDash(DASH[SIDES[i]].map((dash) => dash * devicePixelRatio));
      for (const run of runs) {
        const last = run.at(-1);
        const points = [...run, { ...last, x: Math.min(last.x + SUMMARY_S, 0) }];
        const top = points.map((p) => [x(p.x), p.high === null ? bbox.top - BEYOND_PX : y(p.high)]);
        const foot = bbox.top + bbox.height + BEYOND_PX;
        const bottom = points.map((p) => [x(p.x), p.low === null ? foot : y(p.low)]);
        ctx.globalAlpha = ZONE_ALPHA;
        fill(ctx, [...top, ...bottom.toReversed()]);
        ctx.globalAlpha = 1;
        stroke(ctx, top);
        stroke(ctx, bottom);
      }
    }
    ctx.restore();
  }

  /** Where it buzzed; dashed and hollow where it was withheld. */
  #drawCues(plot) {
    const { ctx, bbox } = plot;
    const radius = FLAG_PX * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = this.#palette.of("text")();
    ctx.lineWidth = 1.5 * devicePixelRatio;
    for (const { x, withheld } of this.#cues) {
      const at = plot.valToPos(x, "x", true);
      ctx.setLineDash(withheld ? [3, 4].map((dash) => dash * devicePixelRatio) : []);
      stroke(ctx, [[at, bbox.top], [at, bbox.top + bbox.height]]);
      ctx.setLineDash([]);
      ctx.fillStyle = this.#palette.of(withheld ? "surface" : "cue-fill")();
      ctx.beginPath();
      ctx.arc(at, bbox.top + radius, radius, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }
}

function ago(seconds) {
  if (seconds > -0.5) return "now";
  const minutes = seconds / 60;
  return `${plain(minutes, Number.isInteger(minutes) ? 0 : 1)} min`;
}

function trace(ctx, points) {
  ctx.beginPath();
  points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
}

function fill(ctx, points) {
  trace(ctx, points);
  ctx.fill();
}

function stroke(ctx, points) {
  trace(ctx, points);
  ctx.stroke();
}
