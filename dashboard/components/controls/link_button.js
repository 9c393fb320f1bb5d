// A button that copies the page's address, which holds its whole state. See link_button.py.

const MESSAGE_MS = 2200; // how long a message replaces the label

class LinkButton {
  constructor(root) {
    this.words = el("span", { role: "status" });
    this.button = el(
      "button",
      {
        type: "button",
        class: "press",
        "aria-label": "Copy the link to this page",
        onclick: () => this.copy(),
      },
      icon("copy"),
      this.words,
    );
    this.address = el("input", {
      type: "text",
      readonly: true,
      hidden: true,
      "aria-label": "The page's address",
    });
    this.root = el("div", { class: "mmm linkbutton" }, this.address, this.button);
    root.append(this.root);
  }

  update(component) {
    const { header } = unpack(component.data);
    this.label = header.label;
    this.button.title = header.help;
    if (!this.timer) this.words.textContent = this.label;
  }

  async copy() {
    const address = location.href;
    try {
      if (!navigator.clipboard) throw new Error("no clipboard without https");
      await navigator.clipboard.writeText(address);
      this.say("Link copied");
    } catch {
      this.address.value = address;
      this.address.hidden = false;
      this.address.select();
      this.say("Press Ctrl+C to copy");
    }
  }

  say(words) {
    clearTimeout(this.timer);
    this.words.textContent = words;
    this.root.classList.add("says");
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.root.classList.remove("says");
        this.words.textContent = this.label;
        this.address.hidden = true;
      },
      this.address.hidden ? MESSAGE_MS : 5 * MESSAGE_MS,
    );
  }

  destroy() {
    clearTimeout(this.timer);
    this.root.remove();
  }
}

export default mountOnce((root) => new LinkButton(root));
