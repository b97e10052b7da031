/** Small helpers for pictures. Text becomes text nodes, never markup. */

const SPACE = "http://www.w3.org/2000/svg";

/** @returns {SVGElement} */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The `d` of a line through points. */
export function lineThrough(points) {
  return points.map(({ x, y }, i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

export function moveTo(node, { x, y }) {
  node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
}
