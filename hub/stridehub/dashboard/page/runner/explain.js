/** How the feet land, beside the mechanics upstream of it: together, not because. */

import { el, setText } from "../js/dom.js";
import { strikeWords } from "../js/format.js";
import { SIDES } from "../js/zonebar.js";
import { metricOf, withUnit } from "./metrics.js";
import { svg } from "./svg.js";

const OUTCOMES = new Map([
  ["foot_strike_angle_deg", "Foot strike"],
  ["overstride_ratio", "Overstride"],
]);
const BAR = { width: 120, height: 18 };

export class ExplainPanel {
  #session; // undefined: not heard of yet
  #lands;
  #groups;
  #none;

  constructor(parent) {
    this.#lands = el("p", { class: "how-lands" });
    this.#groups = el("div", { class: "associations" });
    this.#none = el("p", { class: "quiet" },
      "Told after some dozens of strides, and then every half minute.");
    parent.append(
      this.#lands,
      el("p", { class: "caution" },
        "What rose and fell together this session. It does not say that one caused the other. " +
        "Foot strike is an outcome: it is shown beside what comes before it, and never cued."),
      this.#none,
      this.#groups,
    );
  }

  /** What went together in one session says nothing of another. `session`: null between them. */
  session(session) {
    if (session === this.#session) return;
    const isFirst = this.#session === undefined;
    this.#session = session;
    if (!isFirst) this.show({ strike: new Map(), associations: [] });
  }

  /** @param {{strike: Map<string, string>, associations: object[]}} message */
  show({ strike, associations }) {
    const landings = SIDES.filter((side) => strike.has(side)).map(
      (side) => `${side} ${strikeWords(strike.get(side))}`,
    );
    setText(this.#lands, landings.length > 0 ? `Lands ${landings.join(", ")}` : "");
    this.#none.hidden = associations.length > 0;
    const open = [...this.#groups.querySelectorAll("details[open]")].map((one) => one.dataset.of);
    this.#groups.replaceChildren(
      ...[...OUTCOMES].flatMap(([outcome, title]) => {
        const own = associations.filter((one) => one.outcome === outcome);
        return own.length > 0 ? [group(title, own, outcome, open.includes(outcome))] : [];
      }),
    );
  }
}

function group(title, associations, outcome, isOpen) {
  const clear = associations.filter((one) => one.is_clear);
  const others = associations.filter((one) => !one.is_clear);
  const medians = SIDES.flatMap((side) => {
    const median = associations.find((one) => one.side === side)?.outcome_median ?? null;
    return median === null ? [] : [`${side} ${withUnit(metricOf(outcome), median)}`];
  });
  return el("section", { class: "outcome" },
    el("h3", {}, title, el("small", {}, medians.join(", "))),
    clear.length > 0
      ? el("ul", {}, ...clear.map(row))
      : el("p", { class: "quiet" }, "Nothing upstream is clearly linked so far."),
    ...(others.length > 0
      ? [el("details", { "data-of": outcome, open: isOpen },
          el("summary", {}, `No clear link (${others.length})`),
          el("ul", {}, ...others.map(row)))]
      : []));
}

function row(one) {
  const metric = metricOf(one.metric);
  const median = one.metric_median === null ? "" : withUnit(metric, one.metric_median);
  return el("li", {},
    el("span", { class: "what" }, `${metric.title}, ${one.side}`, el("small", {}, median)),
    interval(one),
    el("span", { class: "told" }, one.text));
}

/** From -1, one falls as the other rises, to +1: where the link likely lies. */
function interval({ rho, low, high }) {
  const x = (value) => ((value + 1) / 2) * (BAR.width - 12) + 6;
  const middle = BAR.height / 2;
  const picture = svg("svg", {
    class: "interval", viewBox: `0 0 ${BAR.width} ${BAR.height}`, "aria-hidden": "true",
  });
  picture.append(
    svg("path", { class: "scale", d: `M${x(-1)} ${middle} H${x(1)} M${x(0)} 2 V${BAR.height - 2}` }),
  );
  if (low !== null && high !== null) {
    picture.append(svg("path", { class: "likely", d: `M${x(low)} ${middle} H${x(high)}` }));
  }
  if (rho !== null) picture.append(svg("circle", { cx: x(rho), cy: middle, r: 4 }));
  return picture;
}
