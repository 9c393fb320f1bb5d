// Curves over time: the model beside its baselines. See curves.py for the data.

const CURVES_HEIGHT = 220;

class Curves extends TimePlot {
  constructor(root) {
    super(root, "curves", "Curves");
    this.off = new Set(); // names of hidden curves, kept when the data change
    this.log = false;
  }

  update(component) {
    if (component.data === this.payload) return;
    this.payload = component.data;
    const { header, arrays } = unpack(component.data);
    this.setHeader(header);
    this.setRuns(arrays.hidden ? runsOf(arrays.hidden) : []);
    this.series = header.series.map(({ name, role, look }, i) => ({
      name,
      role,
      look,
      values: arrays[`series${i}`],
    }));
    this.height = header.height || CURVES_HEIGHT;
    this.plot.style.height = `${this.height}px`;
    this.buildHead();
    this.repaint();
    this.showStrip();
  }

  /** Shows one of the curves as a strip on the viewer's timeline; see glow.js. */
  showStrip() {
    const { channel, shines, frames } = this.header,
      line = this.series.find((curve) => curve.name === shines);
    if (!line) return;
    publishGlow({
      channel,
      source: "strip",
      window: [0, frames],
      values: line.values,
      top: Math.max(...line.values, 1e-9),
      label: this.header.title,
    });
  }

  destroy() {
    if (this.header?.shines)
      publishGlow({ channel: this.header.channel, source: "strip", values: null });
    super.destroy();
  }

  buildHead() {
    const { header } = this;
    this.logButton = el(
      "button",
      {
        type: "button",
        class: "log",
        onclick: () => {
          this.log = !this.log;
          this.repaint();
        },
      },
      "Log scale",
    );
    for (const line of this.series) {
      line.value = el("span", { class: "value" });
      line.button = el(
        "button",
        {
          type: "button",
          class: "series",
          "aria-label": line.name,
          "data-role": line.role,
          onclick: () => {
            if (!this.off.delete(line.name)) this.off.add(line.name);
            this.repaint();
          },
        },
        el("span", { class: "mark" }),
        line.name,
        line.value,
      );
    }
    this.head.replaceChildren(
      el("span", { class: "title" }, header.title),
      el("span", { class: "subtitle" }, header.subtitle),
      el("span", { class: "spacer" }),
      el(
        "div",
        { class: "legend" },
        ...this.series.map((line) => line.button),
        this.logButton,
        this.viewButton,
      ),
    );
  }

  colour(line) {
    if (line.role === "truth") return this.theme.text;
    if (line.role === "expected") return this.theme.primary;
    if (line.look) return lookColour(this.theme, line.look);
    // A baseline keeps its colour when it is the chosen method.
    const look = baselineLook(line.name);
    return lookColour(this.theme, line.role === "model" && look === "other" ? "model" : look);
  }

  range(shown) {
    let low = Infinity,
      high = -Infinity,
      least = Infinity;
    for (const { values } of shown) {
      for (const v of values) {
        if (!Number.isFinite(v)) continue;
        low = Math.min(low, v);
        high = Math.max(high, v);
        if (v > 0) least = Math.min(least, v);
      }
    }
    if (high === -Infinity) return { low: 0, high: 1, ticks: [0, 1] };
    if (this.log && least < Infinity) {
      const bottom = Math.max(Math.floor(Math.log10(least)), Math.floor(Math.log10(high)) - 4),
        top = Math.ceil(Math.log10(high * 1.05));
      const ticks = [];
      for (let p = bottom; p <= top; p++) ticks.push(10 ** p);
      return { low: 10 ** bottom, high: 10 ** Math.max(top, bottom + 1), ticks };
    }
    const floor = Math.min(0, low),
      step = niceUp((high - floor || 1) / 4),
      ticks = [];
    const bottom = Math.floor(floor / step) * step;
    for (let v = bottom; v <= high + step * 0.999; v += step) ticks.push(v);
    return { low: bottom, high: ticks.at(-1), ticks };
  }

  paint() {
    const { header, theme, height } = this,
      width = this.plot.clientWidth;
    const context = fitCanvas(this.canvas, width, height);
    context.clearRect(0, 0, width, height);
    context.font = `11px ${theme.font}`;
    this.logButton.setAttribute("aria-pressed", String(this.log));
    for (const line of this.series) {
      line.button.setAttribute("aria-pressed", String(!this.off.has(line.name)));
      line.button.style.setProperty("--dot", css(this.colour(line)));
    }
    const shown = this.series.filter((line) => !this.off.has(line.name)),
      range = this.range(shown);
    const tickText = (v) => (this.log ? String(+v.toPrecision(1)) : String(+v.toFixed(4)));
    const label =
      Math.max(
        ...range.ticks.map((v) => context.measureText(`${tickText(v)} ${header.unit}`).width),
        LABELS - 12,
      ) + 12;
    this.box = { ...this.across(width, label), top: 8, height: height - AXIS_HEIGHT - 8 };
    const { box } = this;
    this.toY = (v) => {
      const share =
        this.log && range.low > 0
          ? Math.log(Math.max(v, range.low) / range.low) / Math.log(range.high / range.low)
          : (v - range.low) / (range.high - range.low);
      return box.top + box.height * (1 - share);
    };
    context.save();
    this.clip(context);
    for (const [a, b] of this.runs) {
      context.fillStyle = css(theme.primary, theme.dark ? 0.14 : 0.08);
      context.fillRect(this.toX(a), box.top, Math.max(1, this.toX(b) - this.toX(a)), box.height);
    }
    context.restore();
    context.textAlign = "right";
    context.textBaseline = "middle";
    range.ticks.forEach((v, i) => {
      const y = Math.round(this.toY(v)) + 0.5;
      context.fillStyle = css(theme.text, i ? 0.1 : 0.25);
      context.fillRect(box.left, y - 0.5, box.width, 1);
      context.fillStyle = css(theme.muted);
      context.fillText(`${tickText(v)} ${header.unit}`, box.left - 8, y, box.left - 9);
    });
    context.save();
    this.clip(context);
    for (const line of [...shown].reverse()) this.paintLine(context, line);
    context.restore();
    paintTimeAxis(context, theme, box, this.view, header.fps, this.axis?.inFrames);
  }

  paintLine(context, line) {
    const path = new Path2D(),
      strong = line.role === "model";
    let open = false;
    line.values.forEach((v, t) => {
      if (!Number.isFinite(v)) {
        open = false;
        return;
      }
      const x = this.toX(t + 0.5),
        y = this.toY(v);
      if (open) path.lineTo(x, y);
      else {
        path.moveTo(x - 0.01, y);
        path.lineTo(x, y);
      }
      open = true;
    });
    context.strokeStyle = css(this.colour(line), strong ? 1 : 0.85);
    context.lineWidth = strong ? 2.25 : 1.5;
    context.setLineDash(line.role === "expected" ? [5, 4] : []);
    context.lineJoin = context.lineCap = "round";
    context.stroke(path);
    context.setLineDash([]);
  }

  follow() {
    for (const line of this.series || [])
      line.value.textContent = `${numberText(line.values[this.frame])} ${this.header.unit}`;
  }

  hover(event) {
    const frame = this.frameAt(event),
      { header } = this;
    const shown = this.series.filter((line) => !this.off.has(line.name));
    this.placeTip(
      event,
      el("span", { class: "dim" }, `frame ${frame} · ${clockText(frame / header.fps)}`),
      ...shown.flatMap((line) => [
        el("br"),
        `${line.name} `,
        el("b", {}, `${numberText(line.values[frame])} ${header.unit}`),
      ]),
    );
  }
}

export default mountOnce((root) => new Curves(root));
