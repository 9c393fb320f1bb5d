// Canvas2D renderer: shaded bodies or bones, painted back to front on a floor with a soft shadow.
// Each panel has an instance; draw({figures, floor, bones}, view) paints it.

const SHADOW_SLANT = [0.16, 0.1]; // shift of a shadow in x and z, per metre of height
const GRID_STEP_M = 0.5,
  GRID_REACH_M = 3.4,
  GRID_ALPHAS = 6;
const HEAD_LONG_M = 0.132,
  HEAD_WIDE_M = 0.094;

class CanvasRenderer {
  constructor(canvas) {
    this.canvas = canvas;
    // A ghost is painted on this layer first, and then made transparent as a whole.
    this.layer = document.createElement("canvas");
    this.shadow = document.createElement("canvas");
    this.blurred = document.createElement("canvas");
    this.width = this.height = 0;
    this.screen = new Float32Array(4);
  }

  resize(width, height, ratio) {
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.context = fitCanvas(this.canvas, width, height, ratio);
  }

  setTheme(theme) {
    this.theme = theme;
    const neutral = theme.dark ? [156, 168, 188] : [158, 170, 189];
    this.neutral = neutral;
    this.colours = { truth: shadeTable(neutral, neutral, theme.dark) };
  }

  draw({ figures, floor, bones }, view) {
    this.bones = bones;
    const context = this.context;
    context.clearRect(0, 0, this.width, this.height);
    this.drawFloor(context, floor, view);
    this.drawShadows(context, figures, floor, view);
    const ghosts = figures.filter((figure) => figure.ghost),
      solid = figures.filter((figure) => !figure.ghost);
    for (const figure of ghosts) this.drawGhost(context, figure, view, 0.55);
    for (const figure of solid) this.drawFigure(context, figure, view);
    // Again, so that ghosts stay faintly visible through the bodies.
    for (const figure of ghosts) this.drawGhost(context, figure, view, 0.1);
  }

  drawFloor(context, floor, view) {
    const { theme, screen } = this,
      [tx, , tz] = view.target,
      reach = GRID_REACH_M;
    project(view, tx, floor, tz, screen);
    const [x, y, , scale] = screen,
      flat = Math.max(0.04, Math.abs(view.forward[1]));
    context.save();
    context.translate(x, y);
    context.scale(1, flat);
    const pool = context.createRadialGradient(0, 0, 0, 0, 0, reach * scale * 0.8);
    pool.addColorStop(0, theme.dark ? "rgba(255,255,255,0.075)" : "rgba(255,255,255,0.85)");
    pool.addColorStop(1, "rgba(255,255,255,0)");
    context.fillStyle = pool;
    context.fillRect(-reach * scale, -reach * scale, 2 * reach * scale, 2 * reach * scale);
    context.restore();
    const buckets = Array.from({ length: GRID_ALPHAS }, () => new Path2D());
    const steps = Math.ceil(reach / GRID_STEP_M),
      gx = Math.round(tx / GRID_STEP_M),
      gz = Math.round(tz / GRID_STEP_M);
    const ends = [0, 0];
    const segment = (x0, z0, x1, z1, whole) => {
      const away = Math.hypot((x0 + x1) / 2 - tx, (z0 + z1) / 2 - tz) / reach;
      const strength = (1 - away * away) * (whole ? 1 : 0.5);
      if (away >= 1) return;
      project(view, x0, floor, z0, screen);
      if (screen[2] < 0.4) return;
      ends[0] = screen[0];
      ends[1] = screen[1];
      project(view, x1, floor, z1, screen);
      if (screen[2] < 0.4) return;
      const path = buckets[Math.min(GRID_ALPHAS - 1, Math.floor(strength * GRID_ALPHAS))];
      path.moveTo(ends[0], ends[1]);
      path.lineTo(screen[0], screen[1]);
    };
    for (let i = -steps; i <= steps; i++) {
      for (let k = -steps; k < steps; k++) {
        const s = GRID_STEP_M;
        segment((gx + i) * s, (gz + k) * s, (gx + i) * s, (gz + k + 1) * s, (gx + i) % 2 === 0);
        segment((gx + k) * s, (gz + i) * s, (gx + k + 1) * s, (gz + i) * s, (gz + i) % 2 === 0);
      }
    }
    context.lineWidth = 1;
    buckets.forEach((path, i) => {
      context.strokeStyle = css(theme.text, (theme.dark ? 0.2 : 0.17) * ((i + 0.5) / GRID_ALPHAS));
      context.stroke(path);
    });
  }

  drawShadows(context, figures, floor, view) {
    const shrink = 0.25,
      w = Math.max(1, Math.round(this.width * shrink)),
      h = Math.max(1, Math.round(this.height * shrink));
    const { shadow, screen } = this;
    if (shadow.width !== w || shadow.height !== h) {
      shadow.width = w;
      shadow.height = h;
    }
    const soft = shadow.getContext("2d");
    soft.setTransform(1, 0, 0, 1, 0, 0);
    soft.clearRect(0, 0, w, h);
    soft.setTransform(shrink, 0, 0, shrink, 0, 0);
    soft.lineCap = "round";
    for (const figure of figures) {
      const { pose, radii } = figure;
      for (const part of this.bones ? figure.bones : figure.parts) {
        const a = part.points[0];
        for (const b of part.points.length > 1 ? part.points.slice(1) : [a]) {
          const high = (pose[a * 3 + 1] + pose[b * 3 + 1]) / 2 - floor;
          const alpha = clamp(0.5 - high * 0.26, 0.08, 0.5) * (figure.ghost ? 0.4 : 1);
          const drop = (p) =>
            project(
              view,
              pose[p * 3] + (pose[p * 3 + 1] - floor) * SHADOW_SLANT[0],
              floor,
              pose[p * 3 + 2] + (pose[p * 3 + 1] - floor) * SHADOW_SLANT[1],
              screen,
            );
          drop(a);
          soft.beginPath();
          soft.moveTo(screen[0], screen[1]);
          drop(b);
          soft.lineTo(screen[0] + 0.01, screen[1]);
          soft.strokeStyle = `rgba(${this.theme.dark ? "0,0,0" : "24,28,48"},${alpha})`;
          const width = (radii[a] + radii[b]) * screen[3] * 0.95;
          soft.lineWidth = Math.max(3, this.bones ? width / 2 : width);
          soft.stroke();
        }
      }
    }
    const { blurred } = this;
    if (blurred.width !== w || blurred.height !== h) {
      blurred.width = w;
      blurred.height = h;
    }
    const out = blurred.getContext("2d");
    out.clearRect(0, 0, w, h);
    // At a quarter of the size, so that enlarging softens it, too, in browsers without filters.
    out.filter = "blur(1.4px)";
    out.drawImage(shadow, 0, 0);
    context.imageSmoothingQuality = "high";
    context.globalAlpha = this.theme.dark ? 0.75 : 0.5;
    context.drawImage(blurred, 0, 0, this.width, this.height);
    context.globalAlpha = 1;
  }

  drawGhost(context, figure, view, alpha) {
    const { layer } = this;
    const own = fitCanvas(layer, this.width, this.height, this.ratio);
    own.clearRect(0, 0, this.width, this.height);
    this.drawFigure(own, figure, view);
    context.save();
    context.globalAlpha = alpha;
    context.drawImage(layer, 0, 0, this.width, this.height);
    context.restore();
  }

  drawFigure(context, figure, view) {
    const table = (this.colours[figure.look] ||= shadeTable(
      this.neutral,
      lookColour(this.theme, figure.look),
      this.theme.dark,
    ));
    const rowOf = (joint) => table[Math.round(figure.tint[joint] * (TINTS - 1))];
    if (this.bones) drawBones(context, figure, view, rowOf);
    else this.drawVolumes(context, figure, view, rowOf);
  }

  drawVolumes(context, figure, view, rowOf) {
    const { pose, points } = figure,
      count = points * 4;
    if (!figure.screen || figure.screen.length !== count) figure.screen = new Float32Array(count);
    for (let p = 0; p < points; p++) {
      project(
        view,
        pose[p * 3],
        pose[p * 3 + 1],
        pose[p * 3 + 2],
        figure.screen.subarray(p * 4, p * 4 + 4),
      );
    }
    for (const part of figure.parts) {
      let depth = 0;
      for (const p of part.points) depth += figure.screen[p * 4 + 2];
      part.depth = depth / part.points.length - (part.kind === "head" ? 0.03 : 0);
    }
    for (const part of [...figure.parts].sort((a, b) => b.depth - a.depth)) {
      const row = rowOf(part.owner);
      if (part.kind === "limb") this.limb(context, figure, part, row, view);
      else if (part.kind === "hull") this.hull(context, figure, part, row, view);
      else if (part.kind === "head") this.head(context, figure, part, row);
      else {
        const s = figure.screen.subarray(part.points[0] * 4),
          r = figure.radii[part.points[0]] * s[3];
        this.ellipse(context, s[0], s[1], r, r, 0, row, s[3]);
      }
    }
  }

  paint(context, row, scale) {
    context.strokeStyle = row.edge;
    context.lineWidth = clamp(scale * 0.011, 1, 3.5);
    context.lineJoin = "round";
    context.stroke(); // before the fill, so that only the outer half of the line shows
    context.fill();
  }

  limb(context, figure, part, row, view) {
    const [a, b] = part.points,
      s = figure.screen,
      { pose, radii } = figure;
    const ax = s[a * 4],
      ay = s[a * 4 + 1],
      bx = s[b * 4],
      by = s[b * 4 + 1];
    const ra = radii[a] * s[a * 4 + 3],
      rb = radii[b] * s[b * 4 + 3],
      scale = s[a * 4 + 3];
    const dx = bx - ax,
      dy = by - ay,
      length = Math.hypot(dx, dy);
    if (length <= Math.abs(ra - rb) + 0.5) {
      // seen end on
      const big = ra > rb;
      this.ellipse(
        context,
        big ? ax : bx,
        big ? ay : by,
        big ? ra : rb,
        big ? ra : rb,
        0,
        row,
        scale,
      );
      return;
    }
    const angle = Math.atan2(dy, dx),
      open = Math.acos(clamp((ra - rb) / length, -1, 1));
    context.beginPath();
    context.arc(ax, ay, ra, angle + open, angle - open + 2 * Math.PI);
    context.arc(bx, by, rb, angle - open, angle + open);
    context.closePath();
    context.fillStyle = this.across(
      context,
      (ax + bx) / 2,
      (ay + by) / 2,
      Math.max(ra, rb),
      pose,
      a,
      b,
      row,
      view,
    );
    this.paint(context, row, scale);
  }

  /** A gradient across a volume whose axis runs from a to b, lit by the normals of its surface.
   *  `round` is 1 for a cylinder, less for a flatter volume. */
  across(context, x, y, r, pose, a, b, row, view, round = 1) {
    const wx = pose[b * 3] - pose[a * 3],
      wy = pose[b * 3 + 1] - pose[a * 3 + 1],
      wz = pose[b * 3 + 2] - pose[a * 3 + 2];
    const along = Math.hypot(wx, wy, wz) || 1;
    const [rx, , rz] = view.right,
      u = view.up,
      f = view.forward;
    const sx = wx * rx + wz * rz,
      sy = wx * u[0] + wy * u[1] + wz * u[2],
      flat = Math.hypot(sx, sy) || 1;
    const tilt = -(wx * f[0] + wy * f[1] + wz * f[2]) / along; // how far the axis points at the camera
    const facing = Math.sqrt(Math.max(0, 1 - tilt * tilt));
    // p runs across the axis on the screen, q points to the camera (right, up)
    const px = sy / flat,
      py = -sx / flat,
      qx = -(sx / flat) * tilt,
      qy = -(sy / flat) * tilt;
    const gradient = context.createLinearGradient(x - px * r, y + py * r, x + px * r, y - py * r);
    for (let k = 0; k <= 6; k++) {
      const s = (k / 3 - 1) * round,
        c = Math.sqrt(Math.max(0, 1 - s * s));
      gradient.addColorStop(k / 6, shade(row, lit(s * px + c * qx, s * py + c * qy, c * facing)));
    }
    return gradient;
  }

  hull(context, figure, part, row, view) {
    const s = figure.screen,
      circles = part.points.map((p) => [s[p * 4], s[p * 4 + 1], figure.radii[p] * s[p * 4 + 3]]);
    const outline = roundedHull(circles),
      [a, b] = part.axis;
    context.beginPath();
    outline.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    // Width of the volume across its axis, on the screen.
    const dx = s[b * 4] - s[a * 4],
      dy = s[b * 4 + 1] - s[a * 4 + 1],
      length = Math.hypot(dx, dy) || 1;
    let low = Infinity,
      high = -Infinity;
    for (const [x, y] of outline) {
      const at = (-(x - s[a * 4]) * dy + (y - s[a * 4 + 1]) * dx) / length;
      low = Math.min(low, at);
      high = Math.max(high, at);
    }
    const middle = (low + high) / 2,
      x = s[a * 4] - (dy / length) * middle,
      y = s[a * 4 + 1] + (dx / length) * middle;
    context.fillStyle = this.across(
      context,
      x,
      y,
      (high - low) / 2,
      figure.pose,
      a,
      b,
      row,
      view,
      0.86,
    );
    this.paint(context, row, s[a * 4 + 3]);
  }

  head(context, figure, part, row) {
    const s = figure.screen,
      [a, b] = part.points,
      scale = s[a * 4 + 3];
    if (b === undefined) {
      const r = HEAD_WIDE_M * scale;
      this.ellipse(context, s[a * 4], s[a * 4 + 1] - r * 0.6, r, r, 0, row, scale);
      return;
    }
    const dx = s[b * 4] - s[a * 4],
      dy = s[b * 4 + 1] - s[a * 4 + 1];
    const { pose } = figure;
    const true_m = Math.hypot(
      pose[b * 3] - pose[a * 3],
      pose[b * 3 + 1] - pose[a * 3 + 1],
      pose[b * 3 + 2] - pose[a * 3 + 2],
    );
    const size = clamp(true_m / 0.19, 0.7, 1.25);
    // 1 seen from the side, 0 from above
    const seen = clamp(Math.hypot(dx, dy) / Math.max(true_m * scale, 1e-6), 0, 1);
    const long =
      Math.sqrt((HEAD_LONG_M * seen) ** 2 + HEAD_WIDE_M ** 2 * (1 - seen * seen)) * scale * size;
    this.ellipse(
      context,
      s[a * 4] + dx * 0.42,
      s[a * 4 + 1] + dy * 0.42,
      HEAD_WIDE_M * scale * size,
      long,
      Math.atan2(dy, dx) + Math.PI / 2,
      row,
      scale,
    );
  }

  ellipse(context, x, y, rx, ry, turn, row, scale) {
    const r = Math.max(rx, ry, 0.5);
    const gradient = context.createRadialGradient(
      x + LIGHT[0] * r * 0.5,
      y - LIGHT[1] * r * 0.5,
      r * 0.04,
      x,
      y,
      r * 1.06,
    );
    for (let k = 0; k <= 5; k++)
      gradient.addColorStop(k / 5, shade(row, 0.97 - 0.7 * (k / 5) ** 1.25));
    context.beginPath();
    context.ellipse(x, y, Math.max(rx, 0.5), Math.max(ry, 0.5), turn, 0, 2 * Math.PI);
    context.fillStyle = gradient;
    this.paint(context, row, scale);
  }
}
