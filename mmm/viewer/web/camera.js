// One orbit camera for all panels. Each panel's target follows its own body with easing.

const FIELD_OF_VIEW = 0.56; // radians, about a 40 mm lens: little distortion, some depth
const LOOK_AT_M = 0.87; // height of the middle of a standing body
const SHARED_DRIFT_M = 0.6; // beyond this distance from the first body a panel follows its own
const HOME_YAW = 0.42; // radians from the direction that the body faces
const FRAMED = 0.79; // share of a panel that a framed figure fills
const TURNING_S = 0.35; // time constant of a following camera, seconds
// Yaw relative to the body's heading, and pitch, radians.
const CAMERA_PRESETS = { front: [0, 0], side: [Math.PI / 2, 0], top: [0, Math.PI / 2] };
const within = (angle) => Math.atan2(Math.sin(angle), Math.cos(angle));

class OrbitCamera {
  constructor() {
    this.setHome(0);
    this.reset();
  }

  setHome(facing) {
    this.home = { yaw: facing + HOME_YAW, pitch: 0.16, zoom: 1 };
  }

  reset() {
    Object.assign(this, this.home, { preset: null, turned: 0, heading: null, offset: [0, 0, 0] });
  }

  orbit(dx, dy) {
    this.yaw -= dx * 0.008;
    this.pitch = clamp(this.pitch + dy * 0.006, -0.08, Math.PI / 2);
    if (this.preset !== "follow") this.preset = null;
  }

  zoomBy(factor) {
    this.zoom = clamp(this.zoom * factor, 0.1, 8);
  }

  state() {
    const { yaw, pitch, zoom, preset, turned, heading, offset } = this;
    return { yaw, pitch, zoom, preset, turned, heading, offset: [...offset] };
  }

  /** Looks from the side of a preset at a body of this heading, radians. "follow" keeps the current
   *  side and then turns with the body. */
  look(preset, heading) {
    this.yaw += this.turned;
    this.turned = 0;
    this.heading = heading;
    this.preset = preset;
    const [yaw, pitch] = CAMERA_PRESETS[preset] ?? [];
    if (pitch === undefined) return;
    Object.assign(this, { yaw: heading + yaw, pitch, zoom: 1, offset: [0, 0, 0] });
  }

  /** Turns a following camera with the body; at once if `dt` is Infinity. */
  turnTo(heading, dt) {
    if (this.preset !== "follow" || heading === null) return;
    const by = within(heading - this.heading - this.turned) * (1 - Math.exp(-dt / TURNING_S));
    this.turned += by;
  }

  /** Fits whole bodies into the panels without turning the camera. Each panel has a width, a
   *  height, a target and points, which are x, y, z and a radius. */
  frame(panels) {
    const [{ target, points }] = panels;
    this.offset = target.map((value, i) => {
      const all = points.map((point) => point[i]);
      return (Math.min(...all) + Math.max(...all)) / 2 - value;
    });
    this.zoom = Math.min(...panels.map((panel) => this.framedZoom(panel)));
  }

  framedZoom({ width, height, target, points }) {
    const { right, up, forward, focal, whole } = this.lens(width, height);
    let distance = 0.1;
    for (const [x, y, z, radius] of points) {
      const away = [x, y, z].map((value, i) => value - target[i] - this.offset[i]),
        along = (axis) => away[0] * axis[0] + away[1] * axis[1] + away[2] * axis[2];
      for (const [axis, size] of [
        [right, width],
        [up, height],
      ]) {
        const needed = (2 * focal * (Math.abs(along(axis)) + radius)) / (size * FRAMED);
        distance = Math.max(distance, needed - along(forward));
      }
    }
    return whole / distance;
  }

  /** The axes of the camera, its focal length in pixels, and the distance at which a body fits. */
  lens(width, height) {
    const focal = height / 2 / Math.tan(FIELD_OF_VIEW / 2),
      yaw = this.yaw + this.turned;
    const cp = Math.cos(this.pitch),
      sp = Math.sin(this.pitch),
      cy = Math.cos(yaw),
      sy = Math.sin(yaw);
    return {
      focal,
      // Raised arms must fit the height, and spread arms the width.
      whole: Math.max((2.42 * focal) / height, (2.1 * focal) / width),
      right: [cy, 0, -sy],
      up: [-sy * sp, cp, -cy * sp],
      forward: [-sy * cp, -sp, -cy * cp],
    };
  }

  /** The projection of a panel of this size, whose camera looks at the target. */
  view(width, height, target, out = {}) {
    const { focal, whole, right, up, forward } = this.lens(width, height),
      distance = whole / this.zoom,
      at = target.map((value, i) => value + this.offset[i]),
      eye = at.map((value, i) => value - forward[i] * distance);
    return Object.assign(out, {
      ...{ width, height, focal, distance },
      ...{ right, up, forward, eye, target: at },
    });
  }
}

/** Screen x, y, depth and pixels per metre of a world point, into out[0..3]. */
function project(view, x, y, z, out) {
  const dx = x - view.eye[0],
    dy = y - view.eye[1],
    dz = z - view.eye[2];
  const depth = Math.max(0.05, dx * view.forward[0] + dy * view.forward[1] + dz * view.forward[2]);
  const scale = view.focal / depth;
  out[0] = view.width / 2 + scale * (dx * view.right[0] + dz * view.right[2]);
  out[1] = view.height / 2 - scale * (dx * view.up[0] + dy * view.up[1] + dz * view.up[2]);
  out[2] = depth;
  out[3] = scale;
  return out;
}

/** A camera target that eases towards the body, and jumps to it after a seek. */
class Follower {
  constructor() {
    this.at = null;
    this.own = [0, 0, 0];
  }

  update(centre, shared, floor, dt) {
    const dx = centre[0] - shared[0],
      dz = centre[2] - shared[2],
      apart = Math.hypot(dx, dz);
    const take = apart > SHARED_DRIFT_M ? 1 - SHARED_DRIFT_M / apart : 0;
    const lift = clamp((centre[1] - floor - LOOK_AT_M) * 0.35, -0.3, 1);
    this.goal = [shared[0] + dx * take, floor + LOOK_AT_M + lift, shared[2] + dz * take];
    if (!this.at || Math.hypot(this.goal[0] - this.at[0], this.goal[2] - this.at[2]) > 2.5) {
      this.at = [...this.goal];
      return this.at;
    }
    const left = Math.hypot(this.goal[0] - this.at[0], this.goal[1] - this.at[1], this.goal[2] - this.at[2]);
    // The last millimetres are taken in one step, so that drawing can stop.
    const ease = left < 0.003 ? 1 : 1 - Math.exp(-dt / 0.45);
    for (let i = 0; i < 3; i++) this.at[i] += (this.goal[i] - this.at[i]) * ease;
    return this.at;
  }
}

/** A drag orbits, and two fingers pinch. The wheel zooms while the viewer has the focus; otherwise
 *  it scrolls the page. */
function attachOrbit(element, camera, hasFocus, onChange) {
  const fingers = new Map();
  let gap = 0;
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    element.setPointerCapture(event.pointerId);
    if (fingers.size === 2) gap = spread();
  });
  element.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const dx = event.clientX - last.x,
      dy = event.clientY - last.y;
    last.x = event.clientX;
    last.y = event.clientY;
    if (fingers.size === 1) camera.orbit(dx, dy);
    else if (fingers.size === 2) {
      const now = spread();
      camera.zoomBy(now / Math.max(gap, 1));
      gap = now;
    }
    onChange();
  });
  const release = (event) => fingers.delete(event.pointerId);
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !hasFocus()) return;
      event.preventDefault();
      camera.zoomBy(Math.exp(-clamp(event.deltaY, -60, 60) * 0.004));
      onChange();
    },
    { passive: false },
  );
  element.addEventListener("dblclick", () => {
    camera.reset();
    onChange();
  });
}
