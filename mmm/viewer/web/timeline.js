// The timeline under the panels: waveform (or movement), beats, hidden frames, errors. Dragging scrubs.

const STRIP_TOP = 18,
  WAVE_HEIGHT = 46,
  ERROR_HEIGHT = 40,
  STRIP_GAP = 8;

class Timeline {
  constructor({ onScrub, onScrubEnd, describe }) {
    this.canvas = el("canvas", { class: "strip" });
    this.line = el("div", { class: "playhead" }, el("div", { class: "grip" }));
    this.hover = el("div", { class: "tip", hidden: true });
    this.hoverLine = el("div", { class: "hoverline", hidden: true });
    this.root = el(
      "div",
      {
        class: "timeline",
        role: "slider",
        tabindex: "0",
        "aria-label": "Timeline",
        "aria-valuemin": "0",
        "aria-valuenow": "0",
        "aria-orientation": "horizontal",
      },
      this.canvas,
      this.hoverLine,
      this.line,
      this.hover,
    );
    this.glow = new TimelineGlow(this.root);
    this.future = new TimelineFuture(this.root);
    this.selection = new TimelineSelection(this.root);
    this.onScrub = onScrub;
    this.onScrubEnd = onScrubEnd;
    this.describe = describe;
    this.width = 0;
    this.attach();
  }

  attach() {
    const at = (event) => {
      const box = this.root.getBoundingClientRect();
      return clamp((event.clientX - box.left) / Math.max(box.width, 1), 0, 1);
    };
    let dragging = false;
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.root.setPointerCapture(event.pointerId);
      const high = event.clientY - this.root.getBoundingClientRect().top < STRIP_TOP; // the ruler always scrubs
      if (this.selection.on && !high) {
        this.selection.begin(this.frameAt(at(event)), event.clientX, event.shiftKey);
        return;
      }
      dragging = true;
      this.onScrub(at(event));
    });
    this.root.addEventListener("pointermove", (event) => {
      if (dragging) this.onScrub(at(event));
      else this.selection.extend(this.frameAt(at(event)), event.clientX);
      this.showHover(at(event));
    });
    const end = () => {
      if (dragging) {
        dragging = false;
        this.onScrubEnd();
      } else this.selection.end();
    };
    this.root.addEventListener("pointerup", end);
    this.root.addEventListener("pointercancel", end);
    this.root.addEventListener("pointerleave", () => {
      this.hover.hidden = this.hoverLine.hidden = true;
    });
  }

  frameAt(share) {
    return clamp(
      Math.floor(share * (this.data?.frames || 1)),
      0,
      Math.max((this.data?.frames || 1) - 1, 0),
    );
  }

  setData(data) {
    this.data = data;
    this.selection.fit(data.frames);
    this.root.dataset.hidden = data.hiddenRuns.map(([first, end]) => `${first}-${end - 1}`).join();
    this.shown = -1;
    this.height = STRIP_TOP + WAVE_HEIGHT + (data.errors.length ? STRIP_GAP + ERROR_HEIGHT : 0) + 4;
    this.root.style.height = `${this.height}px`;
    this.root.setAttribute("aria-valuemax", String(Math.max(data.frames - 1, 0)));
  }

  showHover(share) {
    if (!this.data || !this.data.frames) return;
    this.hover.textContent = this.describe(this.frameAt(share));
    this.hover.hidden = this.hoverLine.hidden = false;
    const x = share * this.width,
      half = this.hover.offsetWidth / 2;
    this.hover.style.transform = `translateX(${clamp(x - half, 0, Math.max(0, this.width - 2 * half))}px)`;
    this.hoverLine.style.transform = `translateX(${x}px)`;
  }

  setPlayhead(at, frame, text) {
    const x = this.data.frames ? (at / this.data.frames) * this.width : 0;
    this.line.style.transform = `translateX(${x.toFixed(2)}px)`;
    if (frame !== this.shown) {
      this.shown = frame;
      this.root.setAttribute("aria-valuenow", String(frame));
      this.root.setAttribute("aria-valuetext", text);
    }
  }

  /** Paints the parts that stay the same while playing. */
  paint(theme) {
    const width = this.root.clientWidth;
    if (!width || !this.data) return;
    this.width = width;
    const context = fitCanvas(this.canvas, width, this.height),
      { data } = this;
    context.clearRect(0, 0, width, this.height);
    context.font = `10.5px ${theme.font}`;
    const toX = (frame) => (frame / Math.max(data.frames, 1)) * width;
    const bottom = this.height - 4;
    context.fillStyle = css(theme.text, theme.dark ? 0.07 : 0.045);
    context.beginPath();
    context.roundRect(0, STRIP_TOP, width, bottom - STRIP_TOP, 6);
    context.fill();
    context.save();
    context.clip();
    this.paintHidden(context, theme, toX, bottom);
    this.paintWave(context, theme, width);
    if (data.errors.length) this.paintErrors(context, theme, toX, bottom);
    this.paintLabels(context, theme, toX);
    context.restore();
    paintMarks(context, theme, toX, data, bottom);
    this.paintRuler(context, theme, toX, width);
    this.glow.paint({
      theme,
      width,
      height: this.height,
      frames: data.frames,
      top: STRIP_TOP,
      wave: WAVE_HEIGHT + 2,
    });
  }

  paintHidden(context, theme, toX, bottom) {
    const { data } = this;
    for (const [first, end] of data.hiddenRuns) {
      const x = toX(first),
        w = Math.max(toX(end) - x, 1);
      context.fillStyle = css(theme.primary, theme.dark ? 0.16 : 0.1);
      context.fillRect(x, STRIP_TOP, w, bottom - STRIP_TOP);
      context.fillStyle = css(theme.primary, 0.9);
      context.fillRect(x, STRIP_TOP, Math.max(w - (w > 3 ? 1 : 0), 1), 2.5);
      if (w < 6) continue;
      context.save(); // hatched as well, for readers who do not see the colour
      context.beginPath();
      context.rect(x, STRIP_TOP + 2.5, w, bottom - STRIP_TOP);
      context.clip();
      context.strokeStyle = css(theme.primary, theme.dark ? 0.2 : 0.16);
      context.lineWidth = 1;
      context.beginPath();
      const tall = bottom - STRIP_TOP;
      for (let h = Math.floor((x - tall) / 7) * 7; h < x + w; h += 7) {
        context.moveTo(h, bottom);
        context.lineTo(h + tall, STRIP_TOP);
      }
      context.stroke();
      context.restore();
    }
  }

  /** Labels gaps that are wide enough; of many alike only the first. */
  paintLabels(context, theme, toX) {
    const wideOf = (words) => context.measureText(words).width;
    const roomy = this.data.labels.filter(
      ([first, end, words]) => toX(end) - toX(first) > wideOf(words) + 17,
    );
    for (const [first, , words] of roomy.slice(0, roomy.length > 4 ? 1 : 4)) {
      const x = toX(first) + 5,
        wide = wideOf(words);
      context.fillStyle = css(theme.bg, 0.82);
      context.beginPath();
      context.roundRect(x, STRIP_TOP + 6, wide + 8, 14, 4);
      context.fill();
      context.fillStyle = css(theme.primary);
      context.fillText(words, x + 4, STRIP_TOP + 16.5);
    }
  }

  paintWave(context, theme, width) {
    const { data } = this,
      middle = STRIP_TOP + WAVE_HEIGHT / 2 + 1,
      reach = WAVE_HEIGHT / 2 - 5;
    const values = data.waveform || data.energy;
    if (values && values.length) {
      const top = values.reduce((a, b) => Math.max(a, b), 1e-9),
        step = data.waveform ? 3 : 2,
        bar = step - 1;
      context.fillStyle = css(theme.text, data.waveform ? (theme.dark ? 0.5 : 0.42) : 0.3);
      for (let x = 0; x < width; x += step) {
        const a = Math.floor((x / width) * values.length),
          b = Math.max(a + 1, Math.floor(((x + step) / width) * values.length));
        let peak = 0;
        for (let i = a; i < b && i < values.length; i++) peak = Math.max(peak, values[i]);
        const h = Math.max(0.75, (peak / top) * reach * (data.waveform ? 1 : 0.8));
        context.fillRect(x, middle - h, bar, 2 * h);
      }
    }
    if (data.beats && data.beats.length) {
      context.fillStyle = css(theme.text, 0.75);
      for (const beat of data.beats)
        context.fillRect((beat / data.frames) * width - 0.75, STRIP_TOP + WAVE_HEIGHT - 6, 1.5, 6);
    }
  }

  paintErrors(context, theme, toX, bottom) {
    const { data } = this,
      top = bottom - ERROR_HEIGHT,
      base = bottom - 3;
    context.fillStyle = css(theme.bg, 0.8);
    context.fillRect(0, top - STRIP_GAP / 2 - 1, context.canvas.width, 1.5);
    let high = 1e-9;
    for (const { values } of data.errors) for (const v of values) if (v > high) high = v;
    data.errorTop = high;
    [...data.errors].reverse().forEach(({ values, look }, i) => {
      const first = i === data.errors.length - 1; // the model's curve is drawn last, on top
      const path = new Path2D();
      let open = false;
      for (let t = 0; t < values.length; t++) {
        if (!Number.isFinite(values[t])) {
          open = false;
          continue;
        }
        const x = toX(t + 0.5),
          y = base - (values[t] / high) * (ERROR_HEIGHT - 10);
        if (open) path.lineTo(x, y);
        else path.moveTo(x, y);
        open = true;
      }
      context.strokeStyle = css(lookColour(theme, look), first ? 1 : 0.75);
      context.lineWidth = first ? 1.75 : 1.25;
      context.lineJoin = "round";
      context.stroke(path);
    });
  }

  paintRuler(context, theme, toX, width) {
    const { data } = this;
    if (!data.frames) return;
    const seconds = data.frames / data.fps;
    const step =
      [0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((s) => (s / seconds) * width >= 64) || 300;
    context.fillStyle = css(theme.muted);
    context.textBaseline = "alphabetic";
    for (let s = 0; s <= seconds + 1e-6; s += step) {
      const x = toX(s * data.fps),
        text =
          step < 1
            ? `${s.toFixed(1)} s`
            : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
      context.fillRect(Math.min(x, width - 1), STRIP_TOP - 4, 1, 4);
      const w = context.measureText(text).width;
      if (x + w + 4 < width) context.fillText(text, x + 4, STRIP_TOP - 6);
    }
  }
}
