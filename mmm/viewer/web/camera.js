// One orbit camera for all panels. Each panel's target follows its own body with easing.

const FIELD_OF_VIEW = 0.56; // radians, about a 40 mm lens: little distortion, some depth
const LOOK_AT_M = 0.87; // height of the middle of a standing body
const SHARED_DRIFT_M = 0.6; // beyond this distance from the first body a panel follows its own

class OrbitCamera {
  constructor() {
    this.home = { yaw: 0.5, pitch: 0.16, zoom: 1 };
    Object.assign(this, this.home);
  }

  setHome(facing) {
    this.home = { yaw: facing + 0.42, pitch: 0.16, zoom: 1 };
  }

  reset() {
    Object.assign(this, this.home);
  }

  orbit(dx, dy) {
    this.yaw -= dx * 0.008;
    this.pitch = clamp(this.pitch + dy * 0.006, -0.08, 1.45);
  }

  zoomBy(factor) {
    this.zoom = clamp(this.zoom * factor, 0.35, 4);
  }

  state() {
    return { yaw: this.yaw, pitch: this.pitch, zoom: this.zoom };
  }

  /** Projection for a panel of this size that looks at the target. */
  view(width, height, target, out = {}) {
    const focal = height / 2 / Math.tan(FIELD_OF_VIEW / 2);
    // Arms raised must fit the height, arms spread the width.
    const distance = Math.max((2.42 * focal) / height, (2.1 * focal) / width) / this.zoom;
    const cp = Math.cos(this.pitch),
      sp = Math.sin(this.pitch),
      cy = Math.cos(this.yaw),
      sy = Math.sin(this.yaw);
    out.width = width;
    out.height = height;
    out.focal = focal;
    out.distance = distance;
    out.right = [cy, 0, -sy];
    out.up = [-sy * sp, cp, -cy * sp];
    out.forward = [-sy * cp, -sp, -cy * cp];
    out.eye = [
      target[0] - out.forward[0] * distance,
      target[1] - out.forward[1] * distance,
      target[2] - out.forward[2] * distance,
    ];
    out.target = target;
    return out;
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

/** Eases towards the body, and jumps with it after a seek. */
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
    const goal = [shared[0] + dx * take, floor + LOOK_AT_M + lift, shared[2] + dz * take];
    if (!this.at || Math.hypot(goal[0] - this.at[0], goal[2] - this.at[2]) > 2.5) {
      this.at = goal;
      return this.at;
    }
    const left = Math.hypot(goal[0] - this.at[0], goal[1] - this.at[1], goal[2] - this.at[2]);
    // The last millimetres are taken at once, so that the picture comes to rest.
    const ease = left < 0.003 ? 1 : 1 - Math.exp(-dt / 0.45);
    for (let i = 0; i < 3; i++) this.at[i] += (goal[i] - this.at[i]) * ease;
    return this.at;
  }
}

/** Drag orbits and two fingers pinch. The wheel zooms once the viewer has the focus, and scrolls the
 *  page before. */
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
