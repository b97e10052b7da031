/**
 * Geometry of a leg from its mean cycle; pure.
 *
 * Angles are degrees from the downward vertical, positive with the lower end ahead. Lengths are
 * shares of the leg, hip to ankle. Points are seen from the hip: x ahead, y below. A phase is a
 * share of the stride, 0 at initial contact, and goes on for ever.
 *
 * @typedef {{thighDeg: number[] | null, shankDeg: number[], toeOffShare: number, strides: number}}
 *   SideCycle
 * @typedef {{x: number, y: number}} Point
 * @typedef {{knee: Point, ankle: Point}} Pose
 */

const PATH_POINTS = 120; // of an ankle's path: smooth at any size of a screen

/** Within 0 (included) and 1. */
export function wrap(phase) {
  return phase - Math.floor(phase);
}

/** Between evenly spaced points of a cycle: Catmull-Rom, without a corner where the cycle closes. */
export function valueAt(values, phase) {
  const n = values.length;
  const place = wrap(phase) * n;
  const i = Math.floor(place) % n;
  const f = place - Math.floor(place);
  const [a, b, c, d] = [-1, 0, 1, 2].map((step) => values[(i + step + n) % n]);
  return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
}

/** Where a limb ends that begins at `from`. @returns {Point} */
export function along(from, length, angleDeg) {
  const angle = (angleDeg * Math.PI) / 180;
  return { x: from.x + length * Math.sin(angle), y: from.y + length * Math.cos(angle) };
}

/**
 * Knee and ankle by two angles. Where the thigh's is not known it hangs straight down.
 * @returns {Pose}
 */
export function poseOf(thighDeg, shankDeg, thighOfLeg) {
  const knee = along({ x: 0, y: 0 }, thighOfLeg, thighDeg ?? 0);
  return { knee, ankle: along(knee, 1 - thighOfLeg, shankDeg) };
}

/** @param {SideCycle} side @returns {Pose} */
export function poseAt(side, thighOfLeg, phase) {
  const thighDeg = side.thighDeg && valueAt(side.thighDeg, phase);
  return poseOf(thighDeg, valueAt(side.shankDeg, phase), thighOfLeg);
}

/** The foot is on the ground. @param {SideCycle} side */
export function isStance(side, phase) {
  return wrap(phase) < side.toeOffShare;
}

/** The ankle over one stride, its ends at initial contact. @param {SideCycle} side */
export function anklePath(side, thighOfLeg) {
  return phases(0, 1).map((phase) => poseAt(side, thighOfLeg, phase).ankle);
}

/** The ankle from toe-off to the next contact. @param {SideCycle} side */
export function swingPath(side, thighOfLeg) {
  return phases(side.toeOffShare, 1).map((phase) => poseAt(side, thighOfLeg, phase).ankle);
}

/**
 * Phases worth standing still at.
 * @param {SideCycle} side
 */
export function keyMoments(side, thighOfLeg) {
  const swing = phases(side.toeOffShare, 1);
  const whole = phases(0, 1);
  const thighDeg = (phase) => (side.thighDeg ? valueAt(side.thighDeg, phase) : 0);
  return {
    landing: 0,
    midStance: side.toeOffShare / 2,
    toeOff: side.toeOffShare,
    heelUp: least(swing, (phase) => poseAt(side, thighOfLeg, phase).ankle.y),
    kickback: least(swing, (phase) => valueAt(side.shankDeg, phase)),
    kneeLift: least(whole, (phase) => -thighDeg(phase)),
  };
}

/** Points of an arc around `centre`, both ends included; 2 degrees apart at most. */
export function arc(centre, radius, fromDeg, toDeg) {
  const steps = Math.max(1, Math.ceil(Math.abs(toDeg - fromDeg) / 2));
  return Array.from({ length: steps + 1 }, (_, i) =>
    along(centre, radius, fromDeg + ((toDeg - fromDeg) * i) / steps),
  );
}

/**
 * How much of a stride the right foot lands after the left, from times of contacts; half a stride
 * where they do not tell. The times go round, so their mean does as well.
 */
export function rightLag(leftContacts, rightContacts, strideS) {
  let x = 0;
  let y = 0;
  for (const right of rightContacts) {
    const before = leftContacts.findLast((left) => left <= right);
    if (before === undefined || right - before > 1.5 * strideS) continue;
    const angle = (2 * Math.PI * (right - before)) / strideS;
    x += Math.cos(angle);
    y += Math.sin(angle);
  }
  return Math.hypot(x, y) < 1e-6 ? 0.5 : wrap(Math.atan2(y, x) / (2 * Math.PI));
}

function phases(from, to) {
  return Array.from(
    { length: PATH_POINTS + 1 },
    (_, i) => from + ((to - from) * i) / PATH_POINTS,
  );
}

function least(candidates, cost) {
  return candidates.reduce((best, next) => (cost(next) < cost(best) ? next : best));
}
