// A button that copies the page's address, which holds its whole state. See link_button.py.

const SAID_MS = 2200;

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
    const there = location.href;
    try {
      if (!navigator.clipboard) throw new Error("only on https and localhost");
      await navigator.clipboard.writeText(there);
      this.say("Link copied");
    } catch {
      this.address.value = there;
      this.address.hidden = false;
      this.address.select();
      this.say("Copy it with Ctrl+C");
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
      this.address.hidden ? SAID_MS : 5 * SAID_MS,
    );
  }

  destroy() {
    clearTimeout(this.timer);
    this.root.remove();
  }
}

export default mountOnce((root) => new LinkButton(root));
