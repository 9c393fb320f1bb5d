// Turns the joints of a body in one frame, to show a pose while the user makes it. The server makes
// the same pose from the SPEC (mmm/motion/posing.py). Quaternions are [w, x, y, z].

const quatMul = ([a, b, c, d], [e, f, g, h]) => [
  a * e - b * f - c * g - d * h,
  a * f + b * e + c * h - d * g,
  a * g - b * h + c * e + d * f,
  a * h + b * g - c * f + d * e,
];
const quatInverse = ([w, x, y, z]) => [w, -x, -y, -z];
const quatAbout = (axis, angle) => {
  const sine = Math.sin(angle / 2);
  return [Math.cos(angle / 2), axis[0] * sine, axis[1] * sine, axis[2] * sine];
};
const quatTurn = (q, v) => quatMul(quatMul(q, [0, ...v]), quatInverse(q)).slice(1);
const AXES = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

const less = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const scaled = (v, by) => [v[0] * by, v[1] * by, v[2] * by];
const unit = (v) => scaled(v, 1 / Math.max(Math.hypot(...v), 1e-9));

/** Intrinsic rotations about X, the new Y and the new Z, degrees, as a quaternion. */
const quatOfAngles = (degrees) =>
  degrees
    .map((angle, i) => quatAbout(AXES[i], (angle * Math.PI) / 180))
    .reduce((a, b) => quatMul(a, b));

function anglesOf(q) {
  const [x, y, z] = AXES.map((axis) => quatTurn(q, axis)); // the columns of its matrix
  const middle = Math.asin(clamp(z[0], -1, 1)),
    locked = Math.abs(z[0]) > 1 - 1e-9;
  const turns = locked
    ? [Math.atan2(y[2], y[1]), middle, 0]
    : [Math.atan2(-z[1], z[2]), middle, Math.atan2(-y[0], x[0])];
  return turns.map((turn) => Math.round((turn * 18000) / Math.PI) / 100 + 0);
}

/** The smallest rotation from one direction to another. */
function quatBetween(from, to) {
  const a = unit(from),
    b = unit(to),
    axis = cross(a, b);
  return quatAbout(unit(axis), Math.atan2(Math.hypot(...axis), dot(a, b)));
}

/** A body in one frame, whose joints can be turned. Several figures may show it. */
class PosedBody {
  /** `rotations` are the local rotations of all joints, four numbers each. */
  constructor(figures, frame, rotations) {
    this.figures = figures;
    this.frame = frame;
    this.parents = figures[0].parents;
    this.local = [];
    for (let i = 0; i < rotations.length; i += 4) this.local.push(rotations.slice(i, i + 4));
  }

  /** Shows the pose on other figures of the same body, after a new payload. */
  showOn(figures) {
    const { track, points } = this.figures[0],
      at = this.frame * points * 3;
    for (const figure of figures) figure.track.set(track.subarray(at, at + points * 3), at);
    this.figures = figures;
  }

  /** World position of a joint, metres. */
  place(joint) {
    const { track, points } = this.figures[0],
      at = (this.frame * points + joint) * 3;
    return [track[at], track[at + 1], track[at + 2]];
  }

  /** World rotation of a joint; the identity for -1. */
  world(joint) {
    let turned = [1, 0, 0, 0];
    for (let j = joint; j >= 0; j = this.parents[j]) turned = quatMul(this.local[j], turned);
    return turned;
  }

  angles(joint) {
    return anglesOf(this.local[joint]);
  }

  /** Turns a joint and all joints below it by a rotation in world axes. */
  turn(joint, by) {
    const above = this.world(this.parents[joint]),
      pivot = this.place(joint);
    this.local[joint] = quatMul(
      quatMul(quatInverse(above), by),
      quatMul(above, this.local[joint]),
    );
    for (const { track, points, parents } of this.figures) {
      const below = new Uint8Array(points);
      for (let p = joint + 1; p < points; p++) {
        if (parents[p] !== joint && !below[parents[p]]) continue;
        below[p] = 1;
        const at = (this.frame * points + p) * 3,
          offset = less([track[at], track[at + 1], track[at + 2]], pivot);
        quatTurn(by, offset).forEach((value, i) => (track[at + i] = pivot[i] + value));
      }
    }
  }

  /** Moves the whole body so that its root is at a position. */
  moveTo(place) {
    const by = less(place, this.place(0));
    for (const { track, points } of this.figures) {
      const at = this.frame * points * 3;
      for (let i = 0; i < points * 3; i++) track[at + i] += by[i % 3];
    }
  }

  setAngles(joint, degrees) {
    const above = this.world(this.parents[joint]),
      change = quatMul(quatOfAngles(degrees), quatInverse(this.local[joint]));
    this.turn(joint, quatMul(quatMul(above, change), quatInverse(above)));
  }

  /** Two-bone inverse kinematics: moves the last joint of a limb to a position. The middle joint
   *  moves as little as possible, and the hand or foot keeps its orientation. */
  reach([first, middle, last], goal) {
    const from = this.place(first),
      upper = less(this.place(middle), from),
      lower = less(this.place(last), this.place(middle)),
      kept = this.world(last);
    const [a, b] = [upper, lower].map((bone) => Math.hypot(...bone)),
      axis = unit(less(goal, from)),
      far = clamp(Math.hypot(...less(goal, from)), Math.abs(a - b) + 1e-6, a + b - 1e-6);
    const cosine = clamp((a * a + far * far - b * b) / (2 * a * far), -1, 1);
    const aside = unit(less(upper, scaled(axis, dot(upper, axis))));
    const bent = less(
      scaled(axis, a * cosine),
      scaled(aside, -a * Math.sqrt(1 - cosine * cosine)),
    );
    this.turn(first, quatBetween(upper, bent));
    const now = less(this.place(last), this.place(middle)),
      end = less(scaled(axis, far), less(this.place(middle), from));
    this.turn(middle, quatBetween(now, end));
    this.turn(last, quatMul(kept, quatInverse(this.world(last))));
  }
}
