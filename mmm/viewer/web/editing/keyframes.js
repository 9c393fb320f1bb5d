// Keyframes (defined in docs/spec.md), and the lane of diamonds below the timeline, in which they
// are selected, moved, copied and deleted.

const DIAMOND_PX = 8; // smallest average distance of diamonds; below it none are drawn
const NOTE_PX = 150; // width of a note at an end of the lane

/** The keyframes, as in Edited.keyframes of mmm.edits: single known or pinned frames, and frames
 *  with a pose set by hand. */
function keyframesOf(hiddenFrames, pinned, posed) {
  const pins = new Uint8Array(hiddenFrames.length),
    alone = (flags) => runsOf(flags).flatMap(([first, end]) => (end - first === 1 ? [first] : []));
  for (const frame of pinned) pins[frame] = 1;
  const frames = [...posed, ...alone(hiddenFrames.map((hidden) => 1 - hidden)), ...alone(pins)];
  return new Set(frames.sort((a, b) => a - b));
}

class KeyframeLane {
  /** `act` has three callbacks: send(action), goTo(frame), changed(). */
  constructor(timeline, act) {
    this.timeline = timeline;
    this.act = act;
    this.selected = new Set();
    this.copied = [];
    this.nodes = new Map();
    this.by = 0; // frames by which the selected keyframes are being moved
    this.note = el("span", { class: "note" });
    this.list = el("div", {
      class: "list",
      role: "listbox",
      "aria-label": "Keyframes",
      "aria-multiselectable": "true",
      onkeydown: (event) => this.onKey(event),
      onkeyup: () => this.nudgeEnd(),
      onfocusout: () => this.nudgeEnd(),
    });
    const name = el("span", { class: "name", "aria-hidden": "true" }, "keyframes");
    this.root = el("div", { class: "keys", hidden: true }, name, this.note, this.list);
    timeline.keys = this;
  }

  get frames() {
    return [...(this.timeline.data?.keyframes ?? [])];
  }

  /** The selected keyframes, ascending. */
  get chosen() {
    return this.frames.filter((frame) => this.selected.has(frame));
  }

  select(frames) {
    this.selected = new Set(frames);
    this.show();
    this.act.changed();
  }

  /** Draws the keyframes that the timeline shows. */
  show() {
    const { data, view, width } = this.timeline;
    if (!data || this.root.hidden) return;
    const [first, end] = view,
      shown = this.frames.filter((frame) => frame + 1 > first && frame < end),
      few = shown.length * DIAMOND_PX <= width;
    for (const frame of this.selected) if (!data.keyframes.has(frame)) this.selected.delete(frame);
    this.root.dataset.selected = this.chosen.join();
    this.list.hidden = !few || !shown.length;
    if (!shown.includes(this.current)) this.current = shown[0];
    for (const [frame, node] of this.nodes) {
      if (few && shown.includes(frame)) continue;
      node.remove();
      this.nodes.delete(frame);
    }
    if (few) for (const frame of shown) this.showKey(frame, data);
    this.showNote(shown.length, few);
  }

  showKey(frame, data) {
    let node = this.nodes.get(frame);
    if (!node) {
      node = el("div", { class: "key", role: "option" });
      for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
        node.addEventListener(type, (event) => this[type](event, frame));
      this.nodes.set(frame, node);
      // In the order of time, in which a screen reader reads them.
      const after = [...this.nodes.keys()].filter((other) => other > frame);
      this.list.insertBefore(node, this.nodes.get(Math.min(...after)) ?? null);
    }
    const chosen = this.selected.has(frame),
      { posed, pinned, hiddenFrames } = data,
      kind = posed.has(frame) ? "posed" : pinned.has(frame) ? "pinned" : "recorded",
      words = { posed: "pose set by hand", pinned: "pinned", recorded: "as recorded" }[kind];
    const [first, end] = this.timeline.view,
      at = frame + (chosen ? this.by : 0);
    node.style.left = `${((100 * (at + 0.5 - first)) / (end - first)).toFixed(3)}%`;
    node.dataset.kind = kind;
    node.dataset.frame = frame;
    node.tabIndex = frame === this.current ? 0 : -1;
    node.setAttribute("aria-selected", String(chosen));
    const partly = hiddenFrames[frame] ? ", some joints only" : "";
    node.setAttribute("aria-label", `Keyframe at frame ${frame}, ${words}${partly}`);
    node.title = `Frame ${frame}: ${words}${partly}. Drag or ← → moves it, with Alt copies it, Delete hides it`;
  }

  /** Says where the selected diamonds are being moved, or why there are none. */
  showNote(count, few) {
    const { note, by, chosen } = this,
      goals = chosen.map((frame) => frame + by);
    note.textContent = by
      ? `to frame ${goals.slice(0, 4).join(", ")}${goals.length > 4 ? ", …" : ""}`
      : !this.frames.length
        ? "none yet: pin a frame (P) or paste a pose (V)"
        : !count
          ? "none in view"
          : few
            ? ""
            : `${count} keyframes: zoom in to move them`;
    note.classList.toggle("late", Boolean(by) && this.timeline.toX(goals[0]) < NOTE_PX);
  }

  /** `by`, limited so that the selected keyframes stay within the clip. */
  within(by) {
    const chosen = this.chosen;
    if (!chosen.length) return 0;
    return clamp(by, -chosen[0], this.timeline.data.frames - 1 - chosen.at(-1));
  }

  // ---- pointer ----

  pointerdown(event, frame) {
    if (event.button !== 0) return;
    event.preventDefault();
    const node = this.nodes.get(frame),
      had = this.selected.has(frame);
    node.setPointerCapture(event.pointerId);
    this.current = frame;
    this.drag = { x: event.clientX, moved: false, had, grow: event.shiftKey };
    if (event.shiftKey && had) this.selected.delete(frame);
    else if (event.shiftKey) this.selected.add(frame);
    else if (!had) this.selected = new Set([frame]);
    this.select(this.selected);
    node.focus({ preventScroll: true });
  }

  pointermove(event) {
    const { drag } = this;
    if (!drag) return;
    const [first, end] = this.timeline.view,
      dx = event.clientX - drag.x;
    if (Math.abs(dx) > CLICK_PX) drag.moved = true;
    if (!drag.moved) return;
    this.by = this.within(Math.round((dx / this.timeline.width) * (end - first)));
    this.root.classList.toggle("copying", event.altKey);
    this.show();
  }

  pointerup(event, frame) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.moved) {
      this.drop(event.altKey);
      return;
    }
    if (!drag.grow) this.select([frame]);
    this.act.goTo(frame);
  }

  pointercancel() {
    this.drag = null;
    this.by = 0;
    this.show();
  }

  /** Moves the selected keyframes by the dragged distance, or copies them. */
  drop(copies = false) {
    const { by } = this,
      frames = this.chosen;
    this.by = 0;
    this.root.classList.remove("copying");
    if (!by || !frames.length) {
      this.show();
      return;
    }
    const goal = (this.selected.has(this.current) ? this.current : frames[0]) + by;
    this.act.send({ do: copies ? "copy" : "move", frames, by });
    this.current = goal;
    this.select(frames.map((frame) => frame + by));
    this.nodes.get(goal)?.focus({ preventScroll: true });
    this.act.goTo(goal);
  }

  // ---- keys ----

  onKey(event) {
    if (event.ctrlKey || event.metaKey) return;
    const far = event.shiftKey ? 10 : 1,
      shown = [...this.nodes.keys()].sort((a, b) => a - b),
      place = shown.indexOf(this.current);
    const actions = {
      ArrowLeft: () => this.nudge(-far, event.altKey),
      ArrowRight: () => this.nudge(far, event.altKey),
      ArrowUp: () => this.step(shown[place - 1], event.shiftKey),
      ArrowDown: () => this.step(shown[place + 1], event.shiftKey),
      Home: () => this.step(shown[0], event.shiftKey),
      End: () => this.step(shown.at(-1), event.shiftKey),
      " ": () => this.toggle(this.current),
      Enter: () => this.act.goTo(this.current),
      Escape: () => (this.by || this.drag ? this.pointercancel() : this.select([])),
    };
    const action = actions[event.key];
    if (!action || !shown.length) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /** Moves the focus, and the selection with it. */
  step(frame, grow) {
    if (frame === undefined) return;
    this.current = frame;
    this.select(grow ? [...this.selected, frame] : [frame]);
    this.nodes.get(frame)?.focus();
    this.act.goTo(frame);
  }

  toggle(frame) {
    const chosen = new Set(this.selected);
    if (!chosen.delete(frame)) chosen.add(frame);
    this.select(chosen);
  }

  /** Moves by an arrow key. One edit is made when the key is released, however often it repeats. */
  nudge(by, copies) {
    if (!this.selected.size) this.select([this.current]);
    this.nudged = { copies };
    this.by = this.within(this.by + by);
    this.show();
  }

  nudgeEnd() {
    if (!this.nudged || this.drag) return;
    const { copies } = this.nudged;
    this.nudged = null;
    this.drop(copies);
  }

  /** Hides the selected keyframes; false if there are none. */
  remove() {
    const frames = this.chosen;
    if (!frames.length) return false;
    const { pinned } = this.timeline.data;
    this.act.send({ do: "drop", frames, pinned: frames.some((frame) => pinned.has(frame)) });
    this.select([]);
    return true;
  }

  /** Copies the selected keyframes; false if there are none, or if text is selected. */
  copy() {
    if (!this.chosen.length || !getSelection().isCollapsed) return false;
    this.copied = this.chosen;
    return true;
  }

  /** Pastes the copied keyframes, the first one at `frame`; false if there are none. */
  paste(frame) {
    const { copied } = this,
      last = this.timeline.data.frames - 1;
    if (!copied.length) return false;
    const by = frame - copied[0],
      frames = copied.filter((at) => at + by <= last);
    if (by && frames.length) this.act.send({ do: "copy", frames, by });
    this.select(frames.map((at) => at + by));
    return true;
  }
}
