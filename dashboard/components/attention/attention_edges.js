// Rulers along an attention map (time, beats, bars, hidden frames), and the profiles beside it.

/** Draws the ruler at the top (`across`) or at the left: hidden frames, beats, bars and time. */
function paintEdge(context, map, across) {
  const {
      theme,
      header,
      box: { left, top, side },
    } = map,
    [first, end] = header.window;
  const rect = (from, to, near, far) => {
    const a = map.toPixel(clamp(from, first, end)),
      b = map.toPixel(clamp(to, first, end));
    if (across) context.fillRect(left + a, top - far, Math.max(b - a, 1), far - near);
    else context.fillRect(left - far, top + a, far - near, Math.max(b - a, 1));
  };
  context.fillStyle = css(theme.text, theme.dark ? 0.08 : 0.05);
  rect(first, end, 2, EDGE);
  for (const [a, b] of map.hiddenRuns) {
    if (b <= first || a >= end) continue;
    context.fillStyle = css(theme.primary, 0.55);
    rect(a, b, 2, 7);
  }
  const pixel = (end - first) / side,
    bars = new Set(map.bars);
  for (const beat of map.beats) {
    if (beat < first || beat >= end) continue;
    const bar = bars.has(beat),
      half = pixel * (bar ? 1 : 0.5);
    context.fillStyle = css(theme.text, bar ? 0.95 : 0.5);
    rect(beat + 0.5 - half, beat + 0.5 + half, bar ? 2 : 8, EDGE);
  }
  const seconds = (end - first) / header.fps;
  const step =
    [0.25, 0.5, 1, 2, 5, 10, 15, 30].find((s) => (s / seconds) * side >= (across ? 44 : 30)) || 60;
  context.font = `11px ${theme.font}`;
  context.fillStyle = css(theme.muted);
  context.textBaseline = across ? "alphabetic" : "middle";
  context.textAlign = across ? "center" : "right";
  for (
    let s = Math.ceil(first / header.fps / step - 1e-6) * step;
    s * header.fps < end - 1e-6;
    s += step
  ) {
    const at = map.toPixel(s * header.fps),
      text = `${+s.toFixed(2)} s`;
    if (across) {
      context.fillRect(left + at - 0.5, top - EDGE - 4, 1, 4);
      context.fillText(text, clamp(left + at, left + 8, left + side - 8), top - EDGE - 7);
    } else {
      context.fillRect(left - EDGE - 4, top + at - 0.5, 4, 1);
      context.fillText(text, left - EDGE - 7, clamp(top + at, top + 6, top + side - 6));
    }
  }
}

/** Draws the profile of the row (below) and of the column (right); dotted: means over the map. */
function paintProfiles(context, map) {
  const {
      theme,
      box: { left, top, side },
    } = map,
    means = map.wholeProfiles();
  for (const axis of ["row", "column"]) {
    const below = axis === "row",
      values = map.profile(axis),
      mean = means[axis],
      strong = axis === map.axis;
    let high = 1e-12;
    for (const v of values) high = Math.max(high, v);
    for (const v of mean) high = Math.max(high, v);
    const low = high * 10 ** -LOG_DECADES,
      reach = PROFILE - 16;
    const length = (v) =>
      reach *
      (map.log ? Math.max(0, 1 + Math.log10(Math.max(v, low) / high) / LOG_DECADES) : v / high);
    const base = (below ? top : left) + side + GAP,
      cell = side / values.length,
      line = new Path2D(),
      area = new Path2D();
    area.moveTo(...(below ? [left, base] : [base, top]));
    values.forEach((v, i) => {
      const at = (i + 0.5) * cell,
        point = below ? [left + at, base + length(v)] : [base + length(v), top + at];
      area.lineTo(...point);
      if (i) line.lineTo(...point);
      else line.moveTo(...point);
    });
    area.lineTo(...(below ? [left + side, base] : [base, top + side]));
    area.closePath();
    const colour = GLOW[theme.dark ? "dark" : "light"];
    context.fillStyle = css(colour, strong ? 0.42 : 0.14);
    context.fill(area);
    context.strokeStyle = css(
      strong ? mix(colour, theme.text, 0.35) : theme.muted,
      strong ? 1 : 0.7,
    );
    context.lineWidth = 1.25;
    context.stroke(line);
    const faint = new Path2D();
    mean.forEach((v, i) => {
      const at = (i + 0.5) * cell,
        point = below ? [left + at, base + length(v)] : [base + length(v), top + at];
      if (i) faint.lineTo(...point);
      else faint.moveTo(...point);
    });
    context.setLineDash([2, 3]);
    context.strokeStyle = css(theme.text, 0.45);
    context.lineWidth = 1;
    context.stroke(faint);
    context.setLineDash([]);
    context.fillStyle = css(theme.text, 0.3);
    context.fillRect(...(below ? [left, base - 0.5, side, 1] : [base - 0.5, top, 1, side]));
    context.font = `10.5px ${theme.font}`;
    context.fillStyle = css(theme.muted);
    context.textBaseline = "alphabetic";
    context.textAlign = below ? "right" : "left";
    const text = `up to ${shareText(high)}`;
    if (below) context.fillText(text, left - 8, base + 10);
    else context.fillText(text, base, top - 5);
  }
}
