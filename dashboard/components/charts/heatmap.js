// The error map: a row for each joint, a column for each frame. See heatmap.py for the data.

const ROW_HEIGHT = 15,
  GROUP_GAP = 5,
  STRIP = 6;

class Heatmap extends TimePlot {
  constructor(root) {
    super(root, "heatmap", "Error map");
    this.picture = document.createElement("canvas");
    this.band = el("div", { class: "cursor", hidden: true });
    this.plot.append(this.band);
  }

  update(component) {
    if (component.data === this.payload) return;
    this.payload = component.data;
    const { header, arrays } = unpack(component.data);
    this.setHeader(header);
    this.values = arrays.values;
    this.hidden = arrays.hidden || null;
    const any = new Uint8Array(header.frames);
    this.hidden?.forEach((flag, i) => {
      if (flag) any[i % header.frames] = 1;
    });
    this.setRuns(runsOf(any));
    let y = STRIP + 4;
    this.rows = header.rows.map((row, i) => {
      if (i && row.group !== header.rows[i - 1].group) y += GROUP_GAP;
      const top = y;
      y += this.rowHeight(header);
      return { ...row, top };
    });
    this.bottom = y;
    this.plot.style.height = `${y + AXIS_HEIGHT}px`;
    this.ramp = el("div", { class: "ramp" });
    this.head.replaceChildren(
      el("span", { class: "title" }, header.title),
      el("span", { class: "subtitle" }, header.subtitle),
      el("span", { class: "spacer" }),
      this.viewButton,
      el(
        "span",
        { class: "scale" },
        "0",
        this.ramp,
        `${header.over ? "≥ " : ""}${numberText(header.top)} ${header.unit}`,
        ...(this.hidden ? [el("span", { class: "swatch" }), "hidden"] : []),
      ),
    );
    this.repaint();
  }

  rowHeight(header) {
    if (!header.height) return ROW_HEIGHT;
    const groups = new Set(header.rows.map((row) => row.group)).size;
    return Math.max(
      8,
      (header.height - AXIS_HEIGHT - STRIP - 40 - groups * GROUP_GAP) /
        Math.max(1, header.rows.length),
    );
  }

  paint() {
    const { header, rows, theme } = this,
      width = this.plot.clientWidth,
      height = this.bottom + AXIS_HEIGHT;
    const context = fitCanvas(this.canvas, width, height);
    context.clearRect(0, 0, width, height);
    const tall = this.rowHeight(header);
    context.font = `${clamp(tall - 3.5, 7.5, 11.5)}px ${theme.font}`;
    const label = Math.min(
      width * 0.3,
      Math.max(...rows.map((row) => context.measureText(row.name).width), LABELS - 12) + 12,
    );
    this.box = { ...this.across(width, label), top: 0, height: this.bottom };
    const ramp = theme.dark ? RAMP_DARK : RAMP_LIGHT;
    this.ramp.style.background = `linear-gradient(90deg, ${ramp.map((c) => css(c)).join(",")})`;
    this.buildPicture(ramp);
    context.imageSmoothingEnabled = false;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const { left } = this.box;
    context.fillStyle = css(theme.muted);
    for (const row of rows)
      context.fillText(row.name, left - 7, row.top + tall / 2 + 0.5, left - 9);
    context.save();
    this.clip(context);
    const [first, end] = this.shown,
      from = this.toX(first),
      wide = this.toX(end) - from,
      columns = this.picture.width;
    rows.forEach((row, j) => {
      context.drawImage(this.picture, 0, j, columns, 1, from, row.top, wide, tall + 0.5);
    });
    if (this.hidden) this.paintHidden(context, tall);
    context.restore();
    paintTimeAxis(context, theme, this.box, this.view, header.fps, this.axis?.inFrames);
  }

  /** The view, extended to whole frames. */
  get shown() {
    const [first, end] = this.view;
    return [Math.floor(first), Math.ceil(end)];
  }

  /** One pixel for each cell; of frames that share a pixel, the largest value is shown. */
  buildPicture(ramp) {
    const { header, rows, values } = this,
      { frames } = header,
      [first, end] = this.shown,
      seen = end - first;
    const columns = Math.min(
      seen,
      Math.max(1, Math.round(this.box.width * Math.min(window.devicePixelRatio || 1, 2))),
    );
    const table = Array.from({ length: 256 }, (_, v) => rampColour(ramp, v / 255));
    this.picture.width = columns;
    this.picture.height = Math.max(1, rows.length);
    const context = this.picture.getContext("2d"),
      image = context.createImageData(columns, this.picture.height);
    for (let j = 0; j < rows.length; j++) {
      for (let c = 0; c < columns; c++) {
        const from = first + Math.floor((c * seen) / columns);
        const to = Math.max(from + 1, first + Math.floor(((c + 1) * seen) / columns));
        let worst = 0;
        for (let t = from; t < to; t++) worst = Math.max(worst, values[j * frames + t]);
        const i = (j * columns + c) * 4;
        [image.data[i], image.data[i + 1], image.data[i + 2]] = table[worst];
        image.data[i + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** Draws a strip above frames with anything hidden, and outlines around the hidden cells. */
  paintHidden(context, tall) {
    const { header, rows, hidden, box, theme, runs } = this,
      { frames } = header,
      cell = this.toX(1) - this.toX(0);
    context.fillStyle = css(theme.primary);
    for (const [a, b] of runs)
      context.fillRect(this.toX(a), 0, Math.max(1, (b - a) * cell - (cell > 2 ? 1 : 0)), STRIP - 2);
    if (runs.length * 20 > box.width) return; // outlines this dense would cover the cells
    const path = new Path2D();
    rows.forEach((row, j) => {
      const above = j && rows[j - 1].group === row.group ? j - 1 : -1,
        below = rows[j + 1]?.group === row.group ? j + 1 : -1;
      for (const [a, b] of runsOf(hidden.subarray(j * frames, (j + 1) * frames))) {
        const left = this.toX(a),
          right = this.toX(b);
        path.moveTo(left, row.top);
        path.lineTo(left, row.top + tall);
        path.moveTo(right, row.top);
        path.lineTo(right, row.top + tall);
        if (above < 0 || !hidden[above * frames + a]) {
          path.moveTo(left, row.top);
          path.lineTo(right, row.top);
        }
        if (below < 0 || !hidden[below * frames + a]) {
          path.moveTo(left, row.top + tall);
          path.lineTo(right, row.top + tall);
        }
      }
    });
    context.strokeStyle = css(theme.primary, 0.85);
    context.lineWidth = 1.25;
    context.stroke(path);
  }

  hover(event) {
    const { header, rows } = this,
      tall = this.rowHeight(header);
    const y = event.clientY - this.plot.getBoundingClientRect().top;
    const j = rows.findIndex((row) => y >= row.top && y < row.top + tall);
    if (j < 0) {
      this.tip.hidden = true;
      this.unhover();
      return;
    }
    const frame = this.frameAt(event),
      raw = this.values[j * header.frames + frame];
    const over = raw === 255 && header.over ? "≥ " : "";
    const value = `${over}${numberText((raw / 255) * header.top)} ${header.unit}`;
    const state = this.hidden
      ? this.hidden[j * header.frames + frame]
        ? " · hidden"
        : " · known"
      : "";
    this.placeTip(
      event,
      el("b", {}, value),
      ` ${rows[j].name}`,
      el("span", { class: "dim" }, ` · frame ${frame}${state}`),
    );
    Object.assign(this.band.style, {
      top: `${rows[j].top}px`,
      height: `${tall}px`,
      left: `${this.box.left}px`,
      width: `${this.box.width}px`,
      background: "none",
      opacity: "0.35",
    });
    this.band.hidden = false;
  }

  unhover() {
    this.band.hidden = true;
  }
}

export default mountOnce((root) => new Heatmap(root));
