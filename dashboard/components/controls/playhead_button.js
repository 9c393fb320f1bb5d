// A button that acts on the playhead's frame. See playhead_button.py.

class PlayheadButton {
  constructor(root) {
    this.button = el("button", {
      type: "button",
      class: "press",
      onclick: () => this.component.setTriggerValue("pressed", this.frame),
    });
    this.root = el("div", { class: "mmm playheadbutton" }, this.button);
    root.append(this.root);
  }

  update(component) {
    this.component = component;
    const { header } = unpack(component.data);
    this.header = header;
    if (this.leave) this.leave();
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

  destroy() {
    if (this.leave) this.leave();
    this.root.remove();
  }
}

export default mountOnce((root) => new PlayheadButton(root));
