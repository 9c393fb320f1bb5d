// Bodies: the volumes of a body, and its pose at a time.

const UNDRAWN = -2; // marks a bone that is not drawn, see mmm/viewer/bones.py

/** Parts of a body. kind: "limb" (tapered capsule a-b), "hull" (rounded volume over points), "head",
 *  "ball". owner is the joint whose rotation moves the part; its mask colours the part. */
function bodyParts(info, parents, radii) {
  const joints = info.joints,
    starts = info.starts ?? parents,
    parts = [],
    inner = new Set(info.hulls.flat());
  const together = (a, b) => info.hulls.some((hull) => hull.includes(a) && hull.includes(b));
  for (const hull of info.hulls) {
    const owner = hull[0],
      axis = starts[owner] < 0 ? [owner, hull.at(-1)] : [starts[owner], owner];
    parts.push({ kind: "hull", points: hull, owner, axis });
  }
  for (let p = 0; p < parents.length; p++) {
    const start = starts[p];
    if (start < 0) continue;
    inner.add(start);
    if (p < joints ? !together(p, start) : p - joints !== info.crown)
      parts.push({ kind: "limb", points: [start, p], owner: start });
  }
  for (const j of [...inner]) inner.add(parents[j]); // of bones that begin at one place
  if (info.head >= 0) {
    const top = info.crown >= 0 ? joints + info.crown : -1;
    parts.push({
      kind: "head",
      points: top >= 0 ? [info.head, top] : [info.head],
      owner: info.head,
    });
  }
  for (let j = 0; j < joints; j++) {
    if (starts[j] !== UNDRAWN && !inner.has(j) && j !== info.head)
      parts.push({ kind: "ball", points: [j], owner: j });
  }
  const all = new Float32Array(parents.length);
  for (let p = 0; p < parents.length; p++)
    all[p] = p < joints ? radii[p] : Math.max(0.012, radii[parents[p]] * 0.7);
  return { parts, radii: all, starts };
}

/** The body of a panel, which can be posed and drawn. */
class Figure {
  constructor(info, index, arrays, frames, seed) {
    this.name = info.name;
    this.role = info.role;
    this.look = info.look || (info.role === "baseline" ? baselineLook(info.name) : info.role);
    this.facing = info.facing;
    this.joints = info.joints;
    this.frames = info.frames ?? frames; // a figure may end before the others
    this.track = arrays[`positions${index}`];
    this.parents = arrays[`parents${index}`];
    this.points = this.parents.length;
    Object.assign(this, bodyParts(info, this.parents, arrays[`radii${index}`]));
    this.bones = bonesOf(this.starts);
    this.root = Math.max(this.starts.indexOf(-1), 0);
    this.hips = info.hips;
    this.hidden = info.role === "truth" ? null : arrays[`hidden${index}`] || arrays.hidden || null;
    // Frames without a recording have no truth to draw.
    this.recorded = info.role === "truth" ? arrays.recorded || null : null;
    this.seed = seed; // earlier frames are known; undefined if nothing is generated
    this.pose = new Float32Array(this.points * 3);
    this.tint = new Float32Array(this.joints); // 0 = known, 1 = predicted
    this.frame = -1;
  }

  /** Poses the body at a time, in frames. It interpolates only while playing, so that a paused
   *  viewer shows an actual frame. */
  setTime(at, playing, dt) {
    const frame = clamp(Math.floor(at + 1e-6), 0, this.frames - 1),
      size = this.points * 3;
    const rest = playing && frame + 1 < this.frames ? clamp(at - frame, 0, 1) : 0;
    const a = frame * size,
      b = a + (rest > 0 ? size : 0);
    for (let i = 0; i < size; i++)
      this.pose[i] = this.track[a + i] + (this.track[b + i] - this.track[a + i]) * rest;
    // While playing, colours fade: masks such as every:15 would otherwise flash several times a
    // second.
    const ease = playing ? 1 - Math.exp(-dt / 0.09) : 1;
    for (let j = 0; j < this.joints; j++) {
      const goal = this.hidden ? this.hidden[frame * this.joints + j] : Number(this.made(frame));
      this.tint[j] += (goal - this.tint[j]) * ease;
    }
    this.frame = frame;
  }

  /** Whether the frame was generated. */
  made(frame) {
    return this.seed !== undefined && this.role !== "truth" && frame >= this.seed;
  }

  /** Whether there is a body to draw at the current frame. */
  get there() {
    return !this.recorded || Boolean(this.recorded[this.frame]);
  }

  /** Appends frames of the same body. */
  grow(track, frames) {
    this.track = track;
    this.frames = frames;
  }

  /** A checksum of the drawn pose, for tests. */
  signature() {
    let sum = 0;
    for (let i = 0; i < this.pose.length; i++) sum += this.pose[i] * ((i % 11) + 1);
    return sum.toFixed(4);
  }

  /** The position of the root joint, metres. */
  centre(out) {
    for (let i = 0; i < 3; i++) out[i] = this.pose[this.root * 3 + i];
    return out;
  }

  /** The direction that the hips face, radians about Y, 0 for +Z; null if it is undefined. */
  heading() {
    if (!this.hips) return null;
    const { pose } = this,
      [left, right] = this.hips,
      [x, y, z] = [0, 1, 2].map((i) => pose[left * 3 + i] - pose[right * 3 + i]);
    // A body that lies on its side has no heading on the floor.
    return Math.hypot(x, z) > Math.abs(y) / 2 ? Math.atan2(-z, x) : null;
  }

  /** The drawn points: x, y, z and a radius, metres. */
  drawn() {
    const { pose, radii } = this,
      points = new Set(this.parts.flatMap((part) => part.points));
    return [...points].map((p) => [pose[p * 3], pose[p * 3 + 1], pose[p * 3 + 2], radii[p]]);
  }
}

const longest = (figures) => figures.reduce((a, b) => (b.frames > a.frames ? b : a));

/** Mean speed of the joints in each frame, for the timeline of a clip without music. */
function motionEnergy(figure, length = figure.frames) {
  const { frames, points, track } = figure,
    size = points * 3,
    out = new Float32Array(frames);
  for (let t = 1; t < frames; t++) {
    let sum = 0;
    for (let p = 0; p < size; p += 3) {
      const i = t * size + p,
        k = i - size;
      sum += Math.hypot(
        track[i] - track[k],
        track[i + 1] - track[k + 1],
        track[i + 2] - track[k + 2],
      );
    }
    out[t] = sum / points;
  }
  if (frames > 1) out[0] = out[1];
  const smooth = new Float32Array(length); // zero where no frame has been generated yet
  for (let t = 0; t < frames; t++) {
    let sum = 0,
      count = 0;
    for (let k = Math.max(0, t - 2); k <= Math.min(frames - 1, t + 2); k++) {
      sum += out[k];
      count++;
    }
    smooth[t] = sum / count;
  }
  return smooth;
}
