// The selection of frames on the timeline, and the marks of pinned frames.

const CLICK_PX = 3; // a smaller movement is a click

class TimelineSelection {
  constructor(root) {
    this.box = el("div", { class: "selection", hidden: true }, el("span", {}));
    this.root = root;
    this.on = false;
    this.span = null; // [first, last], both included
    this.view = [0, 1]; // the frames that the timeline shows
    this.onChange = () => {};
    this.onClick = () => {};
    root.append(this.box);
  }

  setOn(on) {
    this.on = on;
    this.root.classList.toggle("selecting", on);
    if (!on) this.set(null);
  }

  /** Starts a drag. With Shift it extends the selection. */
  begin(frame, x, grow) {
    this.anchor = grow && this.span ? (frame < this.span[0] ? this.span[1] : this.span[0]) : frame;
    this.moved = grow;
    this.from = x;
    this.set(grow ? [this.anchor, frame] : [frame, frame]);
  }

  extend(frame, x) {
    if (this.anchor === undefined) return;
    if (Math.abs(x - this.from) > CLICK_PX) this.moved = true;
    if (this.moved) this.set([this.anchor, frame]);
  }

  end() {
    if (this.anchor === undefined) return;
    if (!this.moved) this.onClick(this.anchor);
    this.anchor = undefined;
  }

  set(span) {
    this.span = span && [Math.min(...span), Math.max(...span)];
    this.show();
    this.onChange();
  }

  /** Adapts to a timeline of another length. */
  fit(frames) {
    this.frames = frames;
    if (this.span && this.span[1] >= frames)
      this.span = this.span[0] < frames ? [this.span[0], frames - 1] : null;
    this.show();
  }

  setView(view) {
    this.view = view;
    this.show();
  }

  show() {
    const { box, span, frames } = this;
    const [from, end] = this.view;
    const share = (frame) => (100 * (frame - from)) / (end - from);
    this.root.dataset.selection = span ? span.join("-") : "";
    box.hidden = !span || !frames || span[0] >= end || span[1] < from;
    if (box.hidden) return;
    const left = Math.max(share(span[0]), 0),
      right = Math.min(share(span[1] + 1), 100);
    box.style.left = `${left.toFixed(3)}%`;
    box.style.width = `${(right - left).toFixed(3)}%`;
    const count = span[1] - span[0] + 1;
    box.firstChild.textContent = count > 1 ? `${span[0]}–${span[1]}` : `${span[0]}`;
    box.classList.toggle("late", left > 85);
  }
}

/** Marks each pinned run by a pin and a bar at the upper edge. */
function paintMarks(context, theme, toX, { frames, pinned }) {
  if (!pinned?.size) return;
  const flags = new Uint8Array(frames);
  for (const frame of pinned) flags[frame] = 1;
  const ink = css(theme.text),
    paper = css(theme.bg),
    top = STRIP_TOP;
  context.save();
  for (const [first, end] of runsOf(flags)) {
    const x = toX(first),
      w = Math.max(toX(end) - x, 2),
      middle = x + w / 2;
    context.fillStyle = ink;
    context.fillRect(x, top - 1.5, w, 3);
    context.fillRect(middle - 0.75, top, 1.5, 9);
    context.beginPath();
    context.arc(middle, top, 4, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = paper;
    context.stroke();
  }
  context.restore();
}
