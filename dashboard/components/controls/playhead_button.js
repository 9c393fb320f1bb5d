// A button that acts on the playhead's frame, or on the frames that the timeline shows.
// See playhead_button.py.

class PlayheadButton {
  constructor(root) {
    this.button = el("button", {
      type: "button",
      class: "press",
      onclick: () => this.component.setTriggerValue("pressed", this.zoomed ?? this.frame),
    });
    this.root = el("div", { class: "mmm playheadbutton" }, this.button);
    root.append(this.root);
  }

  update(component) {
    this.component = component;
    const { header } = unpack(component.data);
    this.header = header;
    if (this.leave) this.leave();
    if (header.zoom) {
      this.leave = listen("axis", header.channel, () => this.zoomTo());
      this.zoomTo();
      return;
    }
    this.leave = listen("playhead", header.channel, (now) => this.moveTo(now.frame));
    this.moveTo(playheadBus().now.get(header.channel)?.frame ?? 0);
  }

  moveTo(frame) {
    this.frame = frame;
    const { hidden, label } = this.header,
      can = hidden.some(([first, end]) => frame >= first && frame < end);
    this.button.disabled = !can;
    this.button.textContent = can ? `${label} ${frame}` : `Frame ${frame} is not hidden`;
  }

  zoomTo() {
    const { channel, label } = this.header,
      axis = playheadBus().memory.get(`axis:${channel}`);
    this.zoomed = axis ? axis.view.map(Math.round) : null;
    this.button.disabled = !axis || axis.isWhole;
    this.button.title = "The frames that the timeline shows";
    this.button.textContent = this.button.disabled
      ? label
      : `${label}, ${this.zoomed[0]} to ${this.zoomed[1] - 1}`;
  }

  destroy() {
    if (this.leave) this.leave();
    this.root.remove();
  }
}

export default mountOnce((root) => new PlayheadButton(root));
