// The view of the timeline: the shown frames [first, end), which wheel, pinch, keys and buttons
// zoom and move; and the ruler above it, in seconds or in frames.

const LEAST_VIEW = 8; // frames
const ZOOM_STEP = 1.6; // factor of a button or a key
const GAP_MARGIN = 0.5; // shown on each side of a gap, as a share of its length

/** The base of Timeline, which has `root`, `data`, `width`, `selection`, `future` and `paint`. */
class TimelineZoom {
  constructor() {
    this.view = [0, 1];
    this.inFrames = false; // the ruler's unit
  }

  buildZoom() {
    const tool = (label, name, onclick) =>
      el("button", { type: "button", "aria-label": name, title: name, onclick }, label);
    this.fitButton = tool("Fit", "Show the whole clip (0)", () => this.fit());
    this.gapButton = tool("Gap", "Zoom to the gap (G)", () => this.zoomToGap());
    this.unitButton = tool("s", "Ruler in frames (U)", () => this.switchUnit());
    // Beside the strip, because assistive technology does not find buttons inside a slider.
    this.zoomTools = el(
      "div",
      { class: "zoom", role: "toolbar", "aria-label": "Timeline zoom" },
      tool("−", "Zoom out (-)", () => this.zoom(1 / ZOOM_STEP)),
      tool("+", "Zoom in (+)", () => this.zoom(ZOOM_STEP)),
      this.gapButton,
      this.fitButton,
      this.unitButton,
    );
    this.root.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  /** Makes this strip the time axis of its channel: charts show its view, aligned with it. */
  joinAxis(channel) {
    this.leaveAxis();
    this.axisOf = channel;
    playheadBus().memory.set(`axis:${channel}`, this);
  }

  leaveAxis() {
    const { memory } = playheadBus(),
      key = `axis:${this.axisOf}`;
    if (memory.get(key) !== this) return;
    memory.delete(key);
    this.tellAxis();
  }

  /** Tells the charts that view, unit or position may have changed. */
  tellAxis() {
    if (this.axisOf) publish("axis", { channel: this.axisOf });
  }

  toX(frame) {
    return ((frame - this.view[0]) / (this.view[1] - this.view[0])) * this.width;
  }

  /** The fractional frame at a share of the width. */
  placeAt(share) {
    return this.view[0] + share * (this.view[1] - this.view[0]);
  }

  get isWhole() {
    return this.view[0] <= 0 && this.view[1] >= (this.data?.frames || 1);
  }

  setView(first, length) {
    const frames = Math.max(this.data?.frames || 1, 1),
      long = clamp(length, Math.min(LEAST_VIEW, frames), frames);
    const from = clamp(first, 0, frames - long);
    this.view = [from, from + long];
    this.showView();
    if (this.theme) this.paint(this.theme);
  }

  /** Passes the view to all that is drawn on the strip, and to tests. */
  showView() {
    const [first, end] = this.view;
    this.root.dataset.view = `${Math.round(first)}-${Math.round(end)}`;
    this.fitButton.disabled = this.isWhole;
    this.gapButton.disabled = !this.data?.hiddenRuns.length;
    this.selection.setView(this.view);
    this.future.setView(this.view);
    this.movePlayhead();
  }

  fit() {
    this.setView(0, this.data.frames);
  }

  /** Zooms about a frame, by default the playhead's. */
  zoom(factor, about = this.at ?? 0) {
    const [first, end] = this.view,
      length = (end - first) / factor;
    const share = clamp((about - first) / (end - first), 0, 1);
    this.setView(about - share * length, length);
  }

  /** Zooms to the gap under the playhead, or to the next one. */
  zoomToGap() {
    const { hiddenRuns } = this.data,
      run = hiddenRuns.find(([, end]) => end > (this.at ?? 0)) ?? hiddenRuns[0];
    if (!run) return;
    const length = Math.max((run[1] - run[0]) * (1 + 2 * GAP_MARGIN), LEAST_VIEW);
    this.setView((run[0] + run[1] - length) / 2, length);
  }

  switchUnit() {
    this.inFrames = !this.inFrames;
    this.unitButton.textContent = this.inFrames ? "f" : "s";
    this.unitButton.title = `Ruler in ${this.inFrames ? "seconds" : "frames"} (U)`;
    this.unitButton.setAttribute("aria-label", this.unitButton.title);
    if (this.theme) this.paint(this.theme);
  }

  /** A pinch, which browsers report as a wheel with Ctrl, zooms. A sideways wheel pans. A plain
   *  wheel zooms only while the viewer has the focus; otherwise it scrolls the page. */
  onWheel(event) {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const pinch = event.ctrlKey || event.metaKey;
    if (
      !this.data?.frames ||
      !(
        pinch ||
        (sideways && !this.isWhole) ||
        this.root.closest(".viewer")?.matches(":focus-within")
      )
    )
      return;
    event.preventDefault();
    event.stopPropagation();
    const box = this.root.getBoundingClientRect(),
      [first, end] = this.view;
    if (sideways && !pinch)
      this.setView(
        first + ((event.deltaX || event.deltaY) / box.width) * (end - first),
        end - first,
      );
    else
      this.zoom(
        Math.exp(-event.deltaY * (pinch ? 0.01 : 0.002)),
        this.placeAt((event.clientX - box.left) / box.width),
      );
  }

  /** Handles a key of the timeline; false for any other. */
  onKey(key) {
    const action = {
      "+": () => this.zoom(ZOOM_STEP),
      "=": () => this.zoom(ZOOM_STEP),
      "-": () => this.zoom(1 / ZOOM_STEP),
      0: () => this.fit(),
      g: () => this.zoomToGap(),
      u: () => this.switchUnit(),
    }[key];
    if (!action || !this.data?.frames) return false;
    action();
    return true;
  }

  paintRuler(context, theme, toX, width) {
    const { data } = this;
    if (!data.frames) return;
    const unit = this.inFrames ? 1 : data.fps,
      [first, end] = this.view,
      shown = (end - first) / unit;
    const steps = this.inFrames
      ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
      : [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120];
    const step = steps.find((s) => (s / shown) * width >= 64) || (this.inFrames ? 2000 : 300);
    const digits = step < 0.1 || step === 0.25 ? 2 : 1,
      room = this.zoomTools.offsetWidth + 6;
    context.fillStyle = css(theme.muted);
    context.textBaseline = "alphabetic";
    for (let n = Math.ceil(first / unit / step - 1e-6); n * step * unit <= end + 1e-6; n++) {
      const s = n * step,
        x = toX(s * unit),
        clock = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
      const text = this.inFrames ? String(s) : step < 1 ? `${s.toFixed(digits)} s` : clock;
      context.fillRect(Math.min(x, width - 1), STRIP_TOP - 4, 1, 4);
      const w = context.measureText(text).width;
      if (x + w + 4 < width - room) context.fillText(text, x + 4, STRIP_TOP - 6);
    }
  }
}
