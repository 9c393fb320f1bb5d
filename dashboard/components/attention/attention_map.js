// The large attention map: rulers with beats, bars and hidden frames along two sides, a crosshair
// at the playhead, and profiles of the row and the column at the crosshair.

const EDGE = 16; // width of a ruler, CSS pixels
const PROFILE = 74,
  GAP = 8,
  TIME_ROOM = 46,
  TITLE_ROOM = 18;
const LOG_DECADES = 3; // range of the logarithmic scale: powers of ten below the largest value

class MapPlot extends MapPointer {
  /** `act` has three callbacks: seek(frame), peek(frame or null), spanned(span, done). */
  constructor(act) {
    super();
    this.act = act;
    this.canvas = el("canvas", {});
    this.over = el("canvas", { class: "over", "data-map": "cross" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.root = el(
      "div",
      {
        class: "plot map",
        role: "slider",
        tabindex: "0",
        "aria-label": "Attention map",
        "aria-valuemin": "0",
        "aria-valuenow": "0",
      },
      this.canvas,
      this.over,
      this.tip,
    );
    this.picture = document.createElement("canvas");
    this.log = false;
    this.axis = "row"; // "row": what the playhead's frame looks at; "column": what looks at it
    this.span = null;
    this.frame = 0;
    this.attach();
  }

  // ---- geometry: frames of the clip, rows and columns of the map, pixels ----

  setData(header, arrays) {
    this.header = header;
    this.codes = arrays.map;
    this.beats = arrays.beats || [];
    this.bars = arrays.bars || [];
    this.hiddenRuns = arrays.hidden ? runsOf(arrays.hidden) : [];
    this.values = Float32Array.from({ length: 256 }, (_, code) => (code / 255) ** 2 * header.top);
    this.means = null;
    this.root.setAttribute("aria-valuemax", String(header.frames - 1));
    this.root.setAttribute("aria-label", `Attention map: ${header.label}`);
  }

  inWindow(frame) {
    return frame >= this.header.window[0] && frame < this.header.window[1];
  }

  /** The row or column, of `count`, that contains a frame of the clip. */
  indexOf(frame, count) {
    const [first, end] = this.header.window;
    return clamp(Math.floor(((frame - first + 0.5) * count) / (end - first)), 0, count - 1);
  }

  frameOf(share) {
    const [first, end] = this.header.window;
    return clamp(first + Math.floor(share * (end - first)), first, end - 1);
  }

  layout(width, tallest) {
    const left = TIME_ROOM + TITLE_ROOM + EDGE,
      top = TITLE_ROOM + 18 + EDGE;
    const side = Math.max(120, Math.min(width - left - PROFILE - GAP - 2, tallest || 620));
    this.box = { left, top, side };
    this.size = { width: left + side + GAP + PROFILE + 2, height: top + side + GAP + PROFILE + 4 };
    Object.assign(this.root.style, {
      width: `${this.size.width}px`,
      height: `${this.size.height}px`,
    });
  }

  toPixel(frame) {
    const [first, end] = this.header.window;
    return ((frame - first) / (end - first)) * this.box.side;
  }

  at(event) {
    const place = this.root.getBoundingClientRect(),
      { left, top, side } = this.box;
    return {
      x: (event.clientX - place.left - left) / side,
      y: (event.clientY - place.top - top) / side,
    };
  }

  // ---- numbers ----

  /** The mean row (or column) over the selected span; without a span, the one at the playhead. */
  profile(axis) {
    const { rows, columns } = this.header,
      along = axis === "row",
      count = along ? rows : columns;
    const spanned = this.span && this.axis === axis,
      [a, b] = spanned ? this.span : [this.frame, this.frame];
    const from = this.indexOf(a, count),
      to = Math.max(from, this.indexOf(b, count)),
      out = new Float32Array(along ? columns : rows);
    for (let i = from; i <= to; i++) {
      for (let j = 0; j < out.length; j++)
        out[j] += this.values[this.codes[along ? i * columns + j : j * columns + i]];
    }
    return out.map((v) => v / (to - from + 1));
  }

  /** The mean of all rows and of all columns, for comparison. */
  wholeProfiles() {
    if (!this.means) {
      const { rows, columns } = this.header,
        row = new Float32Array(columns),
        column = new Float32Array(rows);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const v = this.values[this.codes[i * columns + j]];
          row[j] += v / rows;
          column[i] += v / columns;
        }
      }
      this.means = { row, column };
    }
    return this.means;
  }

  share(value) {
    const { top, shown } = this.header;
    if (!this.log) return value / shown;
    return 1 + Math.log10(Math.max(value, top * 1e-9) / top) / LOG_DECADES;
  }

  // ---- paint ----

  buildPicture(ramp) {
    const { rows, columns } = this.header,
      image = new ImageData(columns, rows),
      pixels = new Uint32Array(image.data.buffer);
    const table = Uint32Array.from({ length: 256 }, (_, code) => {
      const [r, g, b] = rampColour(ramp, this.share(this.values[code])).map(Math.round);
      return (255 << 24) | (b << 16) | (g << 8) | r;
    });
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[this.codes[i]];
    this.picture.width = columns;
    this.picture.height = rows;
    this.picture.getContext("2d").putImageData(image, 0, 0);
  }

  paint(theme) {
    this.theme = theme;
    this.ramp = theme.dark ? RAMP_DARK : RAMP_LIGHT;
    this.buildPicture(this.ramp);
    this.paintStill(fitCanvas(this.canvas, this.size.width, this.size.height));
    this.paintMoving();
  }

  /** Draws what does not follow the playhead: the map and its rulers. */
  paintStill(context) {
    const {
      theme,
      box: { left, top, side },
      header,
    } = this;
    context.clearRect(0, 0, this.size.width, this.size.height);
    // A cell that covers more than a pixel stays sharp.
    context.imageSmoothingEnabled = header.columns > side;
    context.drawImage(this.picture, left, top, side, side);
    paintEdge(context, this, true);
    paintEdge(context, this, false);
    context.strokeStyle = css(theme.line);
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
    context.font = `600 12px ${theme.font}`;
    context.fillStyle = css(theme.text);
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillText(`${header.sides[1]} looked at →`, left + side / 2, 12);
    context.save();
    context.translate(12, top + side / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(`← ${header.sides[0]} looking`, 0, 0);
    context.restore();
  }

  /** Draws what follows the playhead: crosshair, span, profiles. */
  paintMoving(context = fitCanvas(this.over, this.size.width, this.size.height)) {
    const {
      theme,
      box: { left, top, side },
      frame,
    } = this;
    context.clearRect(0, 0, this.size.width, this.size.height);
    if (this.span) {
      const a = this.toPixel(this.span[0]),
        b = this.toPixel(this.span[1] + 1);
      context.fillStyle = css(theme.text, 0.14);
      context.strokeStyle = css(theme.text, 0.9);
      context.lineWidth = 1.5;
      context.setLineDash([4, 3]);
      const at = this.axis === "row" ? [left, top + a, side, b - a] : [left + a, top, b - a, side];
      context.fillRect(...at);
      context.strokeRect(...at);
      context.setLineDash([]);
    }
    const inside = this.inWindow(frame);
    if (inside) {
      const cell = this.toPixel(frame + 1) - this.toPixel(frame),
        middle = this.toPixel(frame) + cell / 2;
      for (const axis of ["row", "column"]) {
        const strong = axis === this.axis;
        context.fillStyle = css(theme.bg, strong ? 0.85 : 0.5);
        const at = (thick) =>
          axis === "row"
            ? [left, top + middle - thick / 2, side, thick]
            : [left + middle - thick / 2, top, thick, side];
        context.fillRect(...at(strong ? 3.5 : 2));
        context.fillStyle = css(theme.text, strong ? 0.95 : 0.55);
        context.fillRect(...at(strong ? 1.5 : 0.75));
      }
    }
    if (inside || this.span) paintProfiles(context, this);
  }

  moveTo(frame) {
    this.frame = frame;
    this.root.setAttribute("aria-valuenow", String(frame));
    this.root.dataset.frame = frame;
    if (this.theme) this.paintMoving();
  }
}

/** A share as text in percent; small shares keep one significant digit. */
function shareText(value) {
  const percent = value * 100;
  const text =
    value >= 0.1
      ? percent.toFixed(0)
      : value >= 0.001
        ? percent.toFixed(1)
        : percent.toPrecision(1);
  return `${text} %`;
}
