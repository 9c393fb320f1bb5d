// The menu of camera presets, which camera.js defines.

const CAMERA_VIEWS = [
  ["front", "Front", "4"],
  ["side", "Side", "5"],
  ["top", "Top", "6"],
  ["follow", "Follow", "7"],
];
const VIEW_TITLES = {
  front: "From the front of the body at this frame",
  side: "From the left of the body at this frame",
  top: "From above",
  follow: "The camera turns with the body",
};

class CameraMenu {
  /** `choose` is called with the name of a preset. */
  constructor(choose) {
    this.items = CAMERA_VIEWS.map(([name, label, key]) =>
      el(
        "button",
        {
          type: "button",
          role: "menuitemradio",
          "aria-checked": "false",
          "aria-keyshortcuts": key,
          title: VIEW_TITLES[name],
          tabindex: "-1",
          "data-view": name,
          onclick: () => {
            choose(name);
            this.open(false);
          },
        },
        el("span", {}, label),
        el("kbd", { "aria-hidden": "true" }, key),
      ),
    );
    this.list = el(
      "div",
      {
        class: "views",
        role: "menu",
        "aria-label": "Camera",
        hidden: true,
        onkeydown: (event) => this.onKey(event),
      },
      ...this.items,
    );
    this.button = button("Camera", "camera", () => this.open(this.list.hidden), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    this.root = el("span", { class: "viewbox" }, this.button, this.list);
  }

  open(open) {
    if (open === !this.list.hidden) return;
    const within = this.list.contains(this.list.getRootNode().activeElement);
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) {
      // On a narrow page the button may be at the left edge.
      this.list.style.right = "";
      const left = this.root.closest(".viewer").getBoundingClientRect().left,
        over = left - this.list.getBoundingClientRect().left;
      if (over > 0) this.list.style.right = `${-over}px`;
      (this.items.find((item) => item.ariaChecked === "true") ?? this.items[0]).focus();
    } else if (within) this.button.focus({ preventScroll: true });
  }

  /** Checks the preset in use; none after the user has turned the camera. */
  show(preset) {
    for (const item of this.items)
      item.setAttribute("aria-checked", String(item.dataset.view === preset));
  }

  onKey(event) {
    const { items } = this,
      at = items.indexOf(event.target),
      goal = {
        ArrowDown: (at + 1) % items.length,
        ArrowUp: (at + items.length - 1) % items.length,
        Home: 0,
        End: items.length - 1,
      }[event.key];
    if (event.key === "Escape") this.open(false);
    else if (event.key === "Tab") {
      this.open(false);
      return;
    } else if (goal !== undefined) items[goal].focus();
    else if (event.key === " " || event.key === "Enter") {
      event.stopPropagation(); // this presses the button; playback does not start
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
