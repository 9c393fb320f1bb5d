// Motion that is still being made: frames that arrive while the stage plays, and the rule where the seed ends.
// The header's `future` {seed, ready, live, run, start, mark, sound} says how far it is; see stage.py.

class StageFuture extends StageActions {
  get future() { return this.header?.future || null; }

  /** Frames that may be shown: all, or those made so far. */
  get ready() { return this.future?.live ? clamp(this.future.ready, 1, this.header.frames) : this.header.frames; }

  get frame() { return clamp(super.frame, 0, Math.max(0, this.ready - 1)); }

  goTo(frame) { super.goTo(Math.min(frame, this.ready - 1)); }

  step(count) {
    if (this.waiting) this.toggle();
    super.step(count);
  }

  toggle() {
    if (!this.waiting) { super.toggle(); return; }
    this.waiting = false;
    this.showControls();
  }

  /** Further frames of the run that plays: figures grow in place; clock, sound and camera go on as they were. */
  append(header, arrays) {
    header.sound = this.header.sound;
    header.height ||= this.header.height;
    this.header = header;
    const { figures } = this;
    header.panels.forEach((info, i) => figures[i].grow(arrays[`positions${i}`], info.frames));
    this.setTimeline(header, arrays);
    this.timeline.paint(this.theme);
    this.dirty = true;
    if (this.waiting) { this.waiting = false; this.clock.play(); this.showControls(); }
  }

  /** Whether a payload brings only more of what is on the stage. */
  goesOn(header) {
    const now = this.header, panels = (h) => h.panels.map((p) => `${p.name}|${p.role}|${p.look}|${p.joints}`).join();
    return Boolean(now?.future && header.future && now.channel === header.channel && now.future.run === header.future.run
      && now.frames === header.frames && now.fps === header.fps && now.future.mark === header.future.mark
      && now.future.sound === header.future.sound && panels(now) === panels(header));
  }

  /** A run that has just begun is seen from a moment before its first frame. */
  startRun(before) {
    const { future } = this;
    if (!future || !future.run || future.run === before) return;
    this.waiting = false;
    this.goTo(future.start);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.clock.play();
  }

  /** At the last frame made so far the clock stands until more come. */
  waitForMore() {
    if (!this.future?.live || !this.clock.playing || this.clock.now() * this.header.fps < this.ready - 1) return;
    this.clock.pause();
    this.clock.seek((this.ready - 1) / this.header.fps + 1e-7);
    this.waiting = true;
    this.dirty = true;
  }
}

/** The rule at the seed's end and the stretch that is still to come, on the timeline. */
class TimelineFuture {
  constructor(root) {
    this.coming = el("div", { class: "coming", hidden: true }, el("span", {}, "being made"));
    this.rule = el("div", { class: "seedrule", hidden: true }, el("span", {}, "seed ends"));
    this.root = root;
    root.append(this.coming, this.rule);
  }

  show(header) {
    const { future, frames } = header, share = (frame) => `${((100 * frame) / Math.max(frames, 1)).toFixed(3)}%`;
    this.rule.hidden = !future;
    this.coming.hidden = !future?.live || future.ready >= frames;
    this.root.dataset.seed = future ? future.seed : "";
    this.root.dataset.ready = future ? (future.live ? future.ready : frames) : "";
    if (!future) return;
    this.rule.style.left = share(future.seed);
    this.rule.classList.toggle("late", future.seed > 0.75 * frames);
    this.coming.style.left = share(future.ready);
  }
}
