// Motion that is being generated: frames arrive while the viewer plays. The header's `future`
// {seed, ready, live, run, start, mark, sound} describes the progress; see panels.py.

class ViewerFuture extends ViewerActions {
  get future() {
    return this.header?.future || null;
  }

  /** The number of frames that can be shown. */
  get ready() {
    return this.future?.live ? clamp(this.future.ready, 1, this.header.frames) : this.header.frames;
  }

  get frame() {
    return clamp(super.frame, 0, Math.max(0, this.ready - 1));
  }

  goTo(frame) {
    super.goTo(Math.min(frame, this.ready - 1));
  }

  step(count) {
    if (this.waiting) this.toggle();
    super.step(count);
  }

  toggle() {
    if (!this.waiting) {
      super.toggle();
      return;
    }
    this.waiting = false;
    this.showControls();
  }

  /** Adds frames of the run that is playing. Clock, sound and camera stay as they are. */
  append(header, arrays) {
    header.sound = this.header.sound;
    header.height ||= this.header.height;
    this.header = header;
    const { figures } = this;
    header.panels.forEach((info, i) => figures[i].grow(arrays[`positions${i}`], info.frames));
    this.setTimeline(header, arrays);
    this.timeline.paint(this.theme);
    this.dirty = true;
    if (this.waiting) {
      this.waiting = false;
      this.clock.play();
      this.showControls();
    }
  }

  /** Whether a payload only adds frames to the shown ones. */
  onlyAdds(header) {
    const now = this.header,
      panels = (h) => h.panels.map((p) => `${p.name}|${p.role}|${p.look}|${p.joints}`).join();
    return Boolean(
      now?.future &&
      header.future &&
      now.channel === header.channel &&
      now.future.run === header.future.run &&
      now.frames === header.frames &&
      now.fps === header.fps &&
      now.future.mark === header.future.mark &&
      now.future.sound === header.future.sound &&
      panels(now) === panels(header),
    );
  }

  /** Plays a new run, from a moment before its first generated frame. */
  startRun(before) {
    const { future } = this;
    if (!future || !future.run || future.run === before) return;
    this.waiting = false;
    this.goTo(future.start);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.clock.play();
  }

  /** Pauses the clock at the last generated frame until more frames arrive. */
  waitForMore() {
    if (
      !this.future?.live ||
      !this.clock.playing ||
      this.clock.now() * this.header.fps < this.ready - 1
    )
      return;
    this.clock.pause();
    this.clock.seek((this.ready - 1) / this.header.fps + 1e-7);
    this.waiting = true;
    this.dirty = true;
  }
}

/** Draws the line at the end of the seed, and the part of the timeline not yet generated. */
class TimelineFuture {
  constructor(root) {
    this.coming = el("div", { class: "coming", hidden: true }, el("span", {}, "generating"));
    this.rule = el("div", { class: "seedrule", hidden: true }, el("span", {}, "seed ends"));
    this.root = root;
    root.append(this.coming, this.rule);
  }

  setView(view) {
    this.view = view;
    if (this.header) this.show(this.header);
  }

  show(header) {
    this.header = header;
    const { future, frames } = header,
      [from, end] = this.view ?? [0, Math.max(frames, 1)],
      place = (frame) => (100 * (frame - from)) / (end - from),
      share = (frame) => `${clamp(place(frame), 0, 100).toFixed(3)}%`;
    this.rule.hidden = !future || future.seed < from || future.seed > end;
    this.coming.hidden = !future?.live || future.ready >= Math.min(frames, end);
    this.root.dataset.seed = future ? future.seed : "";
    this.root.dataset.ready = future ? (future.live ? future.ready : frames) : "";
    if (!future) return;
    this.rule.style.left = share(future.seed);
    this.rule.classList.toggle("late", place(future.seed) > 75);
    this.coming.style.left = share(future.ready);
  }
}
