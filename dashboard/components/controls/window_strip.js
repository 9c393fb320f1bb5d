// A long file or song at a glance, and the window of it that is used. See window_strip.py.

const SETTLES_MS = 350; // after the last key, before the page is asked for the new window
const ANSWERS_MS = 5000; // longer than that, what the server said last is shown again

class WindowStrip {
  constructor(root) {
    this.bars = el("div", { class: "bars" });
    this.pane = el("div", { class: "pane" });
    this.says = el("div", { class: "says" });
    this.track = el("div", { class: "track", role: "slider", tabindex: "0" }, this.bars, this.pane);
    this.root = el("div", { class: "mmm windowstrip" }, this.track, this.says);
    this.track.addEventListener("pointerdown", (event) => this.grab(event));
    this.track.addEventListener("pointermove", (event) => this.drag(event));
    this.track.addEventListener("pointerup", () => this.drop());
    this.track.addEventListener("pointercancel", () => this.drop());
    this.track.addEventListener("keydown", (event) => this.press(event));
    root.append(this.root);
  }

  update(component) {
    this.component = component;
    const { header } = unpack(component.data),
      old = this.header?.heights;
    this.header = header;
    if (String(old) !== String(header.heights)) {
      this.bars.replaceChildren(
        ...header.heights.map((height) =>
          el("i", { style: `height:${Math.round(100 * Math.max(height, 0.04))}%` }),
        ),
      );
    }
    this.track.setAttribute("aria-label", header.label);
    this.track.setAttribute("aria-valuemin", "0");
    this.track.setAttribute("aria-valuemax", String(header.last));
    if (header.first === this.told) this.settle(); // the server has heard of the last move
    if (this.held === undefined && !this.timer && this.told === undefined) this.show(header.first);
  }

  /** The nearest place where the window may begin. */
  place(first) {
    const { last, in_frames: whole } = this.header;
    return clamp(whole ? Math.round(first) : Math.round(first * 10) / 10, 0, last);
  }

  show(first) {
    const { total, length } = this.header,
      end = Math.min(first + length, total);
    this.first = first;
    this.pane.style.left = `${(100 * first) / total}%`;
    this.pane.style.width = `${(100 * (end - first)) / total}%`;
    [...this.bars.children].forEach((bar, i, { length: count }) => {
      const middle = ((i + 0.5) * total) / count;
      bar.classList.toggle("in", middle >= first && middle < end);
    });
    const words = this.words(first, end);
    this.says.textContent = words;
    this.track.setAttribute("aria-valuenow", String(first));
    this.track.setAttribute("aria-valuetext", words);
  }

  words(first, end) {
    const { in_frames: whole, total } = this.header;
    if (whole) {
      const counts = [first, end, total].map((count) => count.toLocaleString("en"));
      return `${counts[0]} to ${counts[1]} of ${counts[2]}`;
    }
    return `${clockText(first, 1)} to ${clockText(end, 1)} of ${clockText(total, 1)}`;
  }

  /** What lies under the pointer, in the strip's own unit. */
  at(event) {
    const box = this.track.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.header.total;
  }

  grab(event) {
    if (event.button) return;
    event.preventDefault();
    this.track.focus();
    this.track.setPointerCapture(event.pointerId);
    const at = this.at(event),
      { length, in_frames: whole } = this.header,
      pane = this.pane.getBoundingClientRect();
    const inside = event.clientX >= pane.left - 3 && event.clientX <= pane.right + 3;
    // A press beside the window centres it there. A song may end before the window does, so its
    // window begins there instead.
    this.held = inside ? at - this.first : whole ? length / 2 : 0;
    this.root.classList.add("moves");
    this.show(this.place(at - this.held));
  }

  drag(event) {
    if (this.held !== undefined) this.show(this.place(this.at(event) - this.held));
  }

  drop() {
    if (this.held === undefined) return;
    this.held = undefined;
    this.root.classList.remove("moves");
    this.tell();
  }

  press(event) {
    const { length, last, total, in_frames: whole } = this.header,
      page = Math.min(length, total / 4);
    // In a song, a second is a large step.
    const step = whole ? Math.max(page / 4, 1) : Math.min(page / 4, 1);
    const to = {
      ArrowLeft: this.first - step,
      ArrowRight: this.first + step,
      PageUp: this.first - page,
      PageDown: this.first + page,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.show(this.place(to));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.tell();
    }, SETTLES_MS);
  }

  tell() {
    if (this.first === (this.told ?? this.header.first)) return;
    this.told = this.first;
    this.component.setTriggerValue("moved", this.first);
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.settle();
      if (this.held === undefined) this.show(this.header.first);
    }, ANSWERS_MS);
  }

  /** What the server says is shown again. */
  settle() {
    clearTimeout(this.answer);
    this.told = undefined;
  }

  destroy() {
    clearTimeout(this.timer);
    clearTimeout(this.answer);
    this.root.remove();
  }
}

export default mountOnce((root) => new WindowStrip(root));
