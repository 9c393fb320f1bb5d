// Highlights on the timeline: what an attention map looks at, the window of the map, a selected
// span. Any component publishes "glow" {channel, source, window, values, top, label}; values of
// null remove it.

const STRIP_HEIGHT = 7; // pixels; a strip above the waveform for every source but the map

class TimelineGlow {
  constructor(root) {
    this.canvas = el("canvas", { class: "glow", "aria-hidden": "true" });
    this.label = el("div", { class: "glowlabel", hidden: true });
    root.append(this.canvas, this.label);
    this.root = root;
  }

  join(channel) {
    this.leave();
    this.kept = glowMemory(channel);
    this.stops = [
      listen("glow", channel, () => this.paint()),
      listen("span", channel, () => this.paint()),
    ];
  }

  leave() {
    for (const stop of this.stops || []) stop();
    this.stops = [];
  }

  /** Draws the highlights. `place` is the timeline's geometry: {theme, width, height, toX, top, wave}. */
  paint(place = this.place) {
    if (!place || !place.width) return;
    this.place = place;
    const { theme, width, height, toX, top, wave } = place,
      context = fitCanvas(this.canvas, width, height);
    context.clearRect(0, 0, width, height);
    // Blended, so that the waveform stays readable.
    this.canvas.style.mixBlendMode = theme.dark ? "screen" : "multiply";
    const glows = [...(this.kept?.glows.values() || [])];
    const map = glows.find((glow) => glow.source === "attention");
    if (map) this.paintGlow(context, theme, toX, map, top, wave);
    glows
      .filter((glow) => glow !== map)
      .forEach((glow, i) =>
        this.paintStrip(context, theme, toX, glow, top + i * (STRIP_HEIGHT + 1)),
      );
    const span = this.kept?.span;
    if (span) this.paintSpan(context, theme, toX, span, top, height);
    const first = map || glows[0];
    this.root.dataset.glow = first ? first.source : "";
    if (first) this.root.dataset.glowFrame = this.brightest(first);
    this.label.hidden = !first;
    this.label.textContent = glows.map((glow) => glow.label).join(" · strip: ");
  }

  brightest({ values, window: [first, end] }) {
    let best = 0;
    for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
    return first + Math.floor(((best + 0.5) * (end - first)) / values.length);
  }

  /** Colours the waveform, and draws a bracket over the frames that the map covers. */
  paintGlow(context, theme, toX, { values, top, window: [first, end] }, y, tall) {
    const left = toX(first),
      wide = toX(end) - left,
      cell = wide / values.length;
    for (let i = 0; i < values.length; i++) {
      const share = clamp(values[i] / top, 0, 1);
      if (share < 0.02) continue;
      context.fillStyle = css(GLOW[theme.dark ? "dark" : "light"], 0.75 * share ** 0.8);
      context.fillRect(left + i * cell, y, Math.max(cell, 1) + 0.3, tall);
    }
    context.fillStyle = css(theme.text, 0.55);
    context.fillRect(left, y - 1.5, wide, 1.5);
    for (const x of [left, left + wide - 1.5]) context.fillRect(x, y - 1.5, 1.5, 6);
  }

  paintStrip(context, theme, toX, { values, top, window: [first, end] }, y) {
    const left = toX(first),
      cell = (toX(end) - left) / values.length;
    for (let i = 0; i < values.length; i++) {
      context.fillStyle = css(
        STRIP_COLOUR[theme.dark ? "dark" : "light"],
        clamp(values[i] / top, 0, 1),
      );
      context.fillRect(left + i * cell, y, Math.max(cell, 1) + 0.3, STRIP_HEIGHT);
    }
  }

  paintSpan(context, theme, toX, [first, last], y, height) {
    const left = toX(first),
      wide = Math.max(toX(last + 1) - left, 2);
    context.strokeStyle = css(theme.text, 0.9);
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    context.strokeRect(left + 0.75, y + 0.75, Math.max(wide - 1.5, 0.5), height - y - 5.5);
    context.setLineDash([]);
  }
}
