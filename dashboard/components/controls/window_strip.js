// An overview of a long file or song, in which the user moves the window that is used.
// See window_strip.py.

const KEY_DELAY_MS = 350; // from the last key until the server gets the new window
const ANSWER_TIMEOUT_MS = 5000; // without an answer, the server's window is shown again

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
    if (header.first === this.sent) this.forgetSent(); // the server has applied the last move
    if (this.grabbed === undefined && !this.timer && this.sent === undefined)
      this.show(header.first);
  }

  /** The nearest frame (or tenth of a second) at which the window may begin. */
  nearestStart(first) {
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

  /** The position under the pointer: in frames, for a song in seconds. */
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
    // A press outside the window centres it at the pointer. The window of a song begins there
    // instead, because a song may end before its window does.
    this.grabbed = inside ? at - this.first : whole ? length / 2 : 0;
    this.root.classList.add("moves");
    this.show(this.nearestStart(at - this.grabbed));
  }

  drag(event) {
    if (this.grabbed !== undefined) this.show(this.nearestStart(this.at(event) - this.grabbed));
  }

  drop() {
    if (this.grabbed === undefined) return;
    this.grabbed = undefined;
    this.root.classList.remove("moves");
    this.send();
  }

  press(event) {
    const { length, last, total, in_frames: whole } = this.header,
      page = Math.min(length, total / 4);
    // At most a second in a song.
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
    this.show(this.nearestStart(to));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.send();
    }, KEY_DELAY_MS);
  }

  send() {
    if (this.first === (this.sent ?? this.header.first)) return;
    this.sent = this.first;
    this.component.setTriggerValue("moved", this.first);
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.forgetSent();
      if (this.grabbed === undefined) this.show(this.header.first);
    }, ANSWER_TIMEOUT_MS);
  }

  /** Ends the wait for the server, whose window is shown again. */
  forgetSent() {
    clearTimeout(this.answer);
    this.sent = undefined;
  }

  destroy() {
    clearTimeout(this.timer);
    clearTimeout(this.answer);
    this.root.remove();
  }
}

export default mountOnce((root) => new WindowStrip(root));
