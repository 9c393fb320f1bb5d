// The bones view: an octahedron for each bone and a ball for each joint, as animation programs draw them.

const BONE_WAIST = 0.13, // where a bone is widest, as a share of its length
  BONE_WIDTH = 0.1, // half its width there, as a share of its length
  BONE_WIDTHS_M = [0.005, 0.036],
  BONE_BALL = 0.62; // radius of a joint's ball, as a share of the width

/** The bones of a body. `starts` has, for each joint, the joint at which its bone begins. */
function bonesOf(starts) {
  const bones = [];
  starts.forEach((start, p) => {
    if (start >= 0) bones.push({ points: [start, p], owner: start });
  });
  return bones;
}

/** Adds the triangles of one bone that face the eye to `faces`, with their depth and shade. */
function boneFaces(a, b, row, view, faces) {
  const axis = less(b, a),
    length = Math.hypot(...axis);
  if (length < 1e-3) return;
  const width = clamp(length * BONE_WIDTH, ...BONE_WIDTHS_M),
    u = unit(cross(axis, Math.abs(axis[1]) < 0.9 * length ? AXES[1] : AXES[0])),
    v = unit(cross(axis, u)),
    waist = a.map((value, i) => value + axis[i] * BONE_WAIST);
  const corners = [u, v, scaled(u, -1), scaled(v, -1)].map((side) =>
    waist.map((value, i) => value + side[i] * width),
  );
  corners.forEach((corner, k) => {
    for (const end of [a, b]) {
      const triangle = [end, corner, corners[(k + 1) % 4]],
        middle = [0, 1, 2].map((i) => (triangle[0][i] + triangle[1][i] + triangle[2][i]) / 3);
      let normal = unit(cross(less(triangle[1], end), less(triangle[2], end)));
      if (dot(normal, less(middle, waist)) < 0) normal = scaled(normal, -1);
      if (dot(normal, less(middle, view.eye)) > 0) continue; // on the far side
      const light = lit(dot(normal, view.right), dot(normal, view.up), -dot(normal, view.forward));
      faces.push({
        depth: dot(less(middle, view.eye), view.forward),
        at: triangle.map((point) => project(view, ...point, [])),
        fill: shade(row, light),
        edge: row.edge,
      });
    }
  });
}

/** Draws a figure as bones, back to front. `rowOf` gives the colours of a joint. */
function drawBones(context, figure, view, rowOf) {
  const faces = [],
    { pose } = figure,
    place = (p) => [pose[p * 3], pose[p * 3 + 1], pose[p * 3 + 2]],
    widths = new Map();
  for (const { points, owner } of figure.bones) {
    const [a, b] = points.map(place),
      width = clamp(Math.hypot(...less(b, a)) * BONE_WIDTH, ...BONE_WIDTHS_M);
    boneFaces(a, b, rowOf(owner), view, faces);
    // A joint's ball has the width of the thickest of its bones.
    for (const p of points) widths.set(p, Math.max(widths.get(p) ?? 0, width));
  }
  for (const [p, width] of widths) {
    const [x, y, depth, scale] = project(view, ...place(p), []),
      row = rowOf(Math.min(p, figure.joints - 1));
    faces.push({
      depth: depth - width,
      ball: [x, y, Math.max(width * BONE_BALL * scale, 1.2)],
      fill: shade(row, 0.8),
      edge: row.edge,
    });
  }
  context.lineWidth = 0.8;
  context.lineJoin = "round";
  for (const { at, ball, fill, edge } of faces.sort((a, b) => b.depth - a.depth)) {
    context.beginPath();
    if (ball) context.arc(...ball, 0, 2 * Math.PI);
    else at.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = edge;
    context.stroke();
  }
}
