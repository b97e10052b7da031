/** Names of topics, as in topics.py; `+` where a filter takes all. */

const ROOT = "stridehub/1";

export const topics = {
  status: (hub = "+") => `${ROOT}/${hub}/status`,
  meta: (hub = "+") => `${ROOT}/${hub}/meta`,
  checklist: (hub = "+") => `${ROOT}/${hub}/checklist`,
  alert: (hub = "+") => `${ROOT}/${hub}/alert`,
  ack: (hub = "+") => `${ROOT}/${hub}/ack`,
  health: (hub = "+", pod = "+") => `${ROOT}/${hub}/pod/${pod}/health`,
  ofRunner: (what, hub = "+", runner = "+") => `${ROOT}/${hub}/runner/${runner}/${what}`,
  command: (hub, name) => `${ROOT}/${hub}/cmd/${name}`,
};

/** Whether a filter with `+` takes the topic with these levels. */
export function takes(filterLevels, levels) {
  return (
    filterLevels.length === levels.length &&
    filterLevels.every((level, place) => level === "+" || level === levels[place])
  );
}
