// The timeline under the panels: waveform (or movement), beats, hidden frames, errors. Dragging scrubs.

const STRIP_TOP = 18,
  WAVE_HEIGHT = 46,
  ERROR_HEIGHT = 40,
  STRIP_GAP = 8;

class Timeline extends TimelineEdges {
  constructor({ onScrub, onScrubEnd, describe }) {
    super();
    this.canvas = el("canvas", { class: "strip" });
    this.line = el("div", { class: "playhead" }, el("div", { class: "grip" }));
    this.lanes = el("div", { class: "lanes", "aria-hidden": "true" });
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
      this.lanes,
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
    this.buildZoom();
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
      // The ruler always scrubs, also while the edit tools select frames below it.
      const onRuler = event.clientY - this.root.getBoundingClientRect().top < STRIP_TOP;
      const edge = onRuler ? null : this.edgeAt(event.clientX);
      if (edge) {
        this.edge = edge;
        this.dragEdge(this.frameAt(at(event)));
        return;
      }
      if (this.selection.on && !onRuler) {
        this.selection.begin(this.frameAt(at(event)), event.clientX, event.shiftKey);
        return;
      }
      dragging = true;
      this.onScrub(this.placeAt(at(event)));
    });
    this.root.addEventListener("pointermove", (event) => {
      if (this.edge) {
        this.dragEdge(this.frameAt(at(event)));
        return;
      }
      this.root.classList.toggle("onedge", !dragging && Boolean(this.edgeAt(event.clientX)));
      if (dragging) this.onScrub(this.placeAt(at(event)));
      else this.selection.extend(this.frameAt(at(event)), event.clientX);
      this.showHover(at(event));
    });
    const end = () => {
      if (this.edge) this.dropEdge();
      else if (dragging) {
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
    const last = Math.max((this.data?.frames || 1) - 1, 0);
    return clamp(Math.floor(this.placeAt(share)), 0, last);
  }

  setData(data) {
    const same = this.data?.frames === data.frames;
    this.data = data;
    if (!same) this.view = [0, Math.max(data.frames, 1)];
    this.showView();
    this.selection.fit(data.frames);
    this.root.dataset.hidden = data.hiddenRuns.map(([first, end]) => `${first}-${end - 1}`).join();
    this.shown = -1;
    // With edit tools the error lane stays without errors, so that an edit moves nothing.
    this.lane = data.errors.length > 0 || Boolean(data.keepsLane);
    this.height = STRIP_TOP + WAVE_HEIGHT + (this.lane ? STRIP_GAP + ERROR_HEIGHT : 0) + 4;
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
    this.at = at;
    const [first, end] = this.view;
    if (frame !== this.shown && (at < first || at >= end) && !this.isWhole && !this.stays) {
      this.setView(at - 0.1 * (end - first), end - first); // the playhead has left the view
    }
    this.stays = false;
    this.movePlayhead();
    if (frame !== this.shown) {
      this.shown = frame;
      this.root.setAttribute("aria-valuenow", String(frame));
      this.root.setAttribute("aria-valuetext", text);
    }
  }

  movePlayhead() {
    const x = this.data?.frames ? this.toX(this.at ?? 0) : 0;
    this.line.hidden = x < -1 || x > this.width + 1;
    this.line.style.transform = `translateX(${x.toFixed(2)}px)`;
  }

  /** Paints what does not change while playing. */
  paint(theme) {
    const width = this.root.clientWidth;
    this.theme = theme;
    if (!width || !this.data) return;
    this.width = width;
    this.movePlayhead();
    const context = fitCanvas(this.canvas, width, this.height),
      { data } = this;
    context.clearRect(0, 0, width, this.height);
    context.font = `10.5px ${theme.font}`;
    const toX = (frame) => this.toX(frame);
    const bottom = this.height - 4;
    context.fillStyle = css(theme.text, theme.dark ? 0.07 : 0.045);
    context.beginPath();
    context.roundRect(0, STRIP_TOP, width, bottom - STRIP_TOP, 6);
    context.fill();
    context.save();
    context.clip();
    this.paintHidden(context, theme, toX, bottom);
    this.paintWave(context, theme, width);
    if (this.lane) this.paintErrors(context, theme, toX, bottom);
    this.paintLabels(context, theme, toX);
    context.restore();
    paintMarks(context, theme, toX, data);
    this.paintRuler(context, theme, toX, width);
    this.keys?.show();
    this.glow.paint({
      theme,
      width,
      height: this.height,
      toX,
      top: STRIP_TOP,
      wave: WAVE_HEIGHT + 2,
    });
    this.nameLanes(bottom);
    this.tellAxis();
  }

  paintHidden(context, theme, toX, bottom) {
    const { data } = this;
    for (const [first, end] of data.hiddenRuns) {
      const x = Math.max(toX(first), -20),
        w = Math.max(Math.min(toX(end), this.width + 20) - x, 1);
      if (toX(end) < 0 || x > this.width) continue;
      context.fillStyle = css(theme.primary, theme.dark ? 0.16 : 0.1);
      context.fillRect(x, STRIP_TOP, w, bottom - STRIP_TOP);
      context.fillStyle = css(theme.primary, 0.9);
      context.fillRect(x, STRIP_TOP, Math.max(w - (w > 3 ? 1 : 0), 1), 2.5);
      if (w < 6) continue;
      context.save(); // hatched, too, for people who do not see the colour
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

  /** Labels the gaps that are wide enough; of more than four, only the first. */
  paintLabels(context, theme, toX) {
    const wideOf = (words) => context.measureText(words).width;
    const left = (first) => Math.max(toX(first), 0);
    const right = (end) => Math.min(toX(end), this.width);
    const roomy = this.data.labels.filter(
      ([first, end, words]) => right(end) - left(first) > wideOf(words) + 17,
    );
    for (const [first, , words] of roomy.slice(0, roomy.length > 4 ? 1 : 4)) {
      const x = left(first) + 5,
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
      const index = (pixel) =>
        Math.floor((this.placeAt(pixel / width) / data.frames) * values.length);
      for (let x = 0; x < width; x += step) {
        const a = Math.max(index(x), 0),
          b = Math.max(a + 1, index(x + step));
        let peak = 0;
        for (let i = a; i < b && i < values.length; i++) peak = Math.max(peak, values[i]);
        const h = Math.max(0.75, (peak / top) * reach * (data.waveform ? 1 : 0.8));
        context.fillRect(x, middle - h, bar, 2 * h);
      }
    }
    if (data.beats && data.beats.length) {
      context.fillStyle = css(theme.text, 0.75);
      for (const beat of data.beats)
        context.fillRect(this.toX(beat) - 0.75, STRIP_TOP + WAVE_HEIGHT - 6, 1.5, 6);
    }
  }

  /** Names the lanes in small print at their left end; on the dashboard's pages left of them. */
  nameLanes(bottom) {
    const { data } = this,
      first = data.waveform ? "sound" : data.energy ? "movement" : "";
    const names = [
      [first, first, STRIP_TOP, WAVE_HEIGHT],
      ["error", data.errors.length ? "error" : "error: press Recover", bottom - ERROR_HEIGHT, ERROR_HEIGHT],
    ];
    this.lanes.replaceChildren(
      ...names
        .slice(0, this.lane ? 2 : 1)
        .map(([kind, words, top, height]) =>
          el("span", { class: kind, style: `top:${top}px;height:${height}px` }, words),
        ),
    );
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
      const first = i === data.errors.length - 1; // the model's curve, which is drawn last, on top
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
}
