// Shading of round volumes: colour tables from shadow to highlight, and outlines of rounded hulls.

const SHADES = 28,
  TINTS = 8;
// Direction of the light in the camera's frame (right, up, towards the camera): it moves with the
// camera, so that shapes are visible from any side.
const LIGHT = [-0.46, 0.72, 0.52];

const lit = (nx, ny, nz) => {
  const diffuse = Math.max(0, nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2]);
  const rim = (1 - Math.max(0, nz)) ** 3;
  return clamp(0.27 + 0.57 * diffuse + 0.13 * (ny * 0.5 + 0.5) + 0.13 * rim, 0, 1);
};

/** For each step from the neutral to the accent colour, CSS colours from shadow to highlight. */
function shadeTable(neutral, accent, dark) {
  const table = [];
  for (let t = 0; t < TINTS; t++) {
    const base = mix(neutral, accent, t / (TINTS - 1));
    const low = mix(base, dark ? [10, 14, 26] : [38, 44, 66], dark ? 0.74 : 0.62);
    const high = mix(base, [255, 255, 255], dark ? 0.5 : 0.66);
    const row = [];
    for (let s = 0; s < SHADES; s++) {
      const i = s / (SHADES - 1);
      row.push(css(i < 0.56 ? mix(low, base, i / 0.56) : mix(base, high, (i - 0.56) / 0.44)));
    }
    row.edge = css(mix(low, [0, 0, 0], 0.35), dark ? 0.6 : 0.4);
    table.push(row);
  }
  return table;
}

const shade = (row, intensity) => row[Math.round(clamp(intensity, 0, 1) * (SHADES - 1))];

/** The rounded convex outline of circles, given as x, y, radius. */
function roundedHull(circles) {
  const dots = [];
  for (const [x, y, r] of circles) {
    for (let k = 0; k < 14; k++) {
      const angle = (k / 14) * 2 * Math.PI;
      dots.push([x + r * Math.cos(angle), y + r * Math.sin(angle)]);
    }
  }
  dots.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered) => {
    const line = [];
    for (const p of ordered) {
      while (line.length > 1) {
        const [a, b] = line.slice(-2);
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        line.pop();
      }
      line.push(p);
    }
    line.pop();
    return line;
  };
  return [...half(dots), ...half(dots.reverse())];
}
