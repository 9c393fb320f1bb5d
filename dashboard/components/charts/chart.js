// The base of the error map and of the curves: a plot with a time axis, hidden frames and the
// playhead. If the page has the viewer's timeline, the plot shows the same frames, [first, end), at
// the same horizontal pixels. Otherwise it shows the hidden frames with a margin, or all frames.

const AXIS_HEIGHT = 22;
// Pixels left of the plot, as in stage.css: one width aligns all plots and the timeline.
const LABELS = 92;

const RAMP_LIGHT = [
  [247, 246, 243],
  [253, 224, 170],
  [247, 165, 94],
  [219, 94, 74],
  [152, 44, 92],
  [62, 18, 84],
];
const RAMP_DARK = [
  [27, 29, 38],
  [72, 30, 98],
  [150, 44, 104],
  [219, 88, 70],
  [248, 166, 66],
  [253, 240, 176],
];

function rampColour(ramp, share) {
  const at = clamp(share, 0, 1) * (ramp.length - 1),
    i = Math.min(ramp.length - 2, Math.floor(at));
  return mix(ramp[i], ramp[i + 1], at - i);
}

/** The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `value`. */
function niceUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((m) => m * power).find((n) => n >= value * 0.999);
}

function numberText(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size >= 100
    ? value.toFixed(0)
    : size >= 1 || size === 0
      ? value.toFixed(1)
      : value.toFixed(2);
}

// The margin on each side of the hidden frames: a share of them, and at least so many seconds.
const VIEW_MARGIN = 0.25;
const VIEW_MARGIN_S = 0.25;
const MOST_OF_CLIP = 0.7; // a view of a larger share of the clip would hardly enlarge anything

/** The frames from the first to the last hidden run with a margin; null for most of the clip. */
function viewOfHidden(runs, frames, fps) {
  if (!runs.length) return null;
  const first = runs[0][0],
    end = runs[runs.length - 1][1];
  const margin = Math.max(VIEW_MARGIN * (end - first), VIEW_MARGIN_S * fps);
  const view = [Math.max(0, Math.floor(first - margin)), Math.min(frames, Math.ceil(end + margin))];
  return view[1] - view[0] > MOST_OF_CLIP * frames ? null : view;
}

const STEPS_S = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
const STEPS_FRAMES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** Draws ticks at the times of the timeline's ruler, in seconds or in frames. */
function paintTimeAxis(context, theme, box, [first, end], fps, inFrames = false) {
  const unit = inFrames ? 1 : fps,
    shown = (end - first) / unit,
    start = first / unit;
  const steps = inFrames ? STEPS_FRAMES : STEPS_S,
    step = steps.find((s) => (s / shown) * box.width >= 64) || steps.at(-1);
  context.fillStyle = css(theme.muted);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  for (let n = Math.ceil(start / step - 1e-6); n * step <= start + shown + 1e-6; n++) {
    const s = n * step,
      x = box.left + ((s - start) / shown) * box.width;
    const text = inFrames ? `${s}` : step < 1 ? `${s.toFixed(2).replace(/0$/, "")} s` : `${s} s`;
    context.fillRect(Math.min(x, box.left + box.width - 1), box.top + box.height, 1, 4);
    if (x + context.measureText(text).width < box.left + box.width)
      context.fillText(text, x + 4, box.top + box.height + 14);
  }
}

/** A canvas, a line at the playhead, a tip at the pointer; click, drag and arrow keys seek. */
class TimePlot {
  constructor(root, kind, label) {
    this.canvas = el("canvas", {});
    this.line = el("div", { class: "cursor" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.plot = el(
      "div",
      {
        class: "plot",
        role: "slider",
        tabindex: "0",
        "aria-label": label,
        "aria-valuemin": "0",
        "aria-valuenow": "0",
      },
      this.canvas,
      this.line,
      this.tip,
    );
    this.head = el("div", { class: "head" });
    this.viewButton = el("button", {
      type: "button",
      class: "view",
      title: "Zooms the timeline and all charts",
      onclick: () => this.switchView(),
    });
    this.root = el("div", { class: `mmm ${kind}` }, this.head, this.plot);
    this.host = root;
    root.append(this.root);
    this.frame = 0;
    this.box = { left: 0, top: 0, width: 1, height: 1 };
    this.runs = []; // hidden frames
    this.wide = false; // whether the user wants to see all frames
    const resize = new ResizeObserver(() => this.repaint());
    resize.observe(this.plot);
    this.stops = [() => resize.disconnect(), watchTheme(this.root, () => this.repaint())];
    this.attach();
  }

  attach() {
    let dragging = false;
    const { plot } = this;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      dragging = true;
      plot.setPointerCapture(event.pointerId);
      this.seek(this.frameAt(event));
    });
    plot.addEventListener("pointermove", (event) => {
      if (dragging) this.seek(this.frameAt(event));
      this.hover(event);
    });
    for (const type of ["pointerup", "pointercancel"])
      plot.addEventListener(type, () => {
        dragging = false;
      });
    plot.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
      this.unhover();
    });
    plot.addEventListener("keydown", (event) => {
      const far = event.shiftKey ? 10 : 1,
        last = this.header.frames - 1;
      const goal = {
        ArrowLeft: this.frame - far,
        ArrowRight: this.frame + far,
        Home: 0,
        End: last,
      }[event.key];
      if (goal === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.seek(goal);
    });
    plot.addEventListener(
      "wheel",
      (event) => {
        const zooms = event.ctrlKey || event.metaKey || event.shiftKey;
        if (zooms || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.axis?.onWheel(event);
      },
      { passive: false },
    );
  }

  unhover() {}

  frameAt(event) {
    const share =
      (event.clientX - this.plot.getBoundingClientRect().left - this.box.left) / this.box.width;
    const [first, end] = this.view;
    return clamp(
      Math.floor(first + share * (end - first)),
      Math.floor(first),
      Math.ceil(end) - 1,
    );
  }

  /** The viewer's timeline if it has as many frames; else null. */
  get axis() {
    const axis = playheadBus().memory.get(`axis:${this.header?.channel}`);
    return axis?.data?.frames === this.header?.frames ? axis : null;
  }

  /** The shown frames, [first, end); fractional while the timeline is zoomed. */
  get view() {
    return this.axis?.view || (!this.wide && this.near) || [0, Math.max(this.header?.frames || 0, 1)];
  }

  get isZoomed() {
    const [first, end] = this.view;
    return end - first < (this.header?.frames || 0);
  }

  /** Switches between the hidden frames and all frames. */
  switchView() {
    const { axis, near, isZoomed } = this;
    this.wide = isZoomed;
    if (axis && isZoomed) axis.fit();
    else if (axis && near) axis.setView(near[0], near[1] - near[0]);
    this.repaint();
  }

  /** Left edge and width of the plot: those of the timeline if it is above the chart. Otherwise the
   *  plot begins after `label` pixels for names. */
  across(width, label) {
    const strip = this.axis?.root.getBoundingClientRect(),
      left = strip ? strip.left - this.plot.getBoundingClientRect().left : 0;
    if (strip?.width && left >= LABELS / 2 && left + strip.width <= width + 1)
      return { left, width: strip.width };
    return { left: label, width: Math.max(1, width - label - 1) };
  }

  /** The pixel at which a frame begins. */
  toX(frame) {
    const [first, end] = this.view;
    return this.box.left + ((frame - first) / (end - first)) * this.box.width;
  }

  /** Sets the runs of hidden frames, and the view that shows them. */
  setRuns(runs) {
    this.runs = runs;
    this.near = viewOfHidden(runs, this.header.frames, this.header.fps);
  }

  /** Limits drawing to the plot. */
  clip(context) {
    context.beginPath();
    context.rect(this.box.left, 0, this.box.width, this.box.top + this.box.height);
    context.clip();
  }

  seek(frame) {
    const { header } = this,
      goal = clamp(frame, 0, header.frames - 1);
    this.moveTo(goal);
    publish("seek", { channel: header.channel, frame: goal, pause: true });
  }

  setHeader(header) {
    if (this.header?.channel !== header.channel) {
      if (this.leave) this.leave();
      const leaves = [
        listen("playhead", header.channel, (now) => this.moveTo(now.frame)),
        listen("axis", header.channel, () => this.repaintSoon()),
      ];
      this.leave = () => leaves.forEach((stop) => stop());
    }
    this.header = header;
    this.frame = clamp(
      playheadBus().now.get(header.channel)?.frame ?? 0,
      0,
      Math.max(0, header.frames - 1),
    );
    this.plot.setAttribute("aria-valuemax", String(Math.max(0, header.frames - 1)));
    this.plot.setAttribute("aria-label", header.title || this.plot.getAttribute("aria-label"));
  }

  moveTo(frame) {
    if (!this.header?.frames) return;
    this.frame = clamp(frame, 0, this.header.frames - 1);
    const { left, width } = this.box,
      from = Math.max(this.toX(this.frame), left),
      to = Math.min(this.toX(this.frame + 1), left + width);
    this.line.hidden = to <= from;
    this.line.style.transform = `translateX(${from.toFixed(2)}px)`;
    this.line.style.width = `${Math.max(to - from, 1.5).toFixed(2)}px`;
    this.plot.setAttribute("aria-valuenow", String(this.frame));
    this.plot.dataset.frame = this.frame;
    this.follow();
  }

  follow() {}

  placeTip(event, ...lines) {
    const box = this.plot.getBoundingClientRect(),
      x = event.clientX - box.left,
      y = event.clientY - box.top;
    this.tip.replaceChildren(...lines);
    this.tip.hidden = false;
    const w = this.tip.offsetWidth,
      h = this.tip.offsetHeight;
    const left = x + 14 + w > box.width ? x - w - 14 : x + 14;
    const top = clamp(y - h - 10, 0, Math.max(0, box.height - h));
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  /** Repaints once in the next display frame: a drag or a wheel reports many views before it. */
  repaintSoon() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      this.repaint();
    });
  }

  repaint() {
    if (!this.header || !this.plot.clientWidth) return;
    try {
      this.theme = readTheme(this.root);
      this.viewButton.textContent = this.isZoomed ? "Show all frames" : "Show hidden frames";
      this.viewButton.hidden = !this.near && !this.isZoomed;
      this.plot.dataset.view = this.view.map(Math.round).join("-");
      this.paint();
      this.line.style.top = `${this.box.top}px`;
      this.line.style.height = `${this.box.height}px`;
      Object.assign(this.plot.dataset, { left: this.box.left, width: this.box.width });
      this.moveTo(this.frame);
    } catch (error) {
      showError(this.host, error);
    }
  }

  destroy() {
    cancelAnimationFrame(this.due);
    this.stops.forEach((stop) => stop());
    if (this.leave) this.leave();
    this.root.remove();
  }
}
