// A tour of the page: it highlights and explains one control after another. See tour.py.

const TAKEN = "mmm-tour-taken",
  MARGIN = 14,
  BUBBLE = 300;

/** Whether this browser has started the tour before; false if it has no local storage. */
function wasTaken() {
  try {
    return localStorage.getItem(TAKEN) === "yes";
  } catch {
    return false;
  }
}
function markTaken() {
  try {
    localStorage.setItem(TAKEN, "yes");
  } catch {
    /* without local storage, the button stays highlighted */
  }
}

/** The first visible element of a selector, and its box; null if there is none on the screen. */
function boxOf(selector) {
  const element = [...document.querySelectorAll(selector)].find(
    (node) => node.getClientRects().length,
  );
  const box = element?.getBoundingClientRect();
  return box && box.right > 8 && box.left < innerWidth - 8 ? { element, box } : null;
}

class Tour {
  constructor(root) {
    this.button = el(
      "button",
      {
        type: "button",
        class: "press",
        "aria-label": "Tour of the page",
        onclick: () => this.start(),
      },
      icon("help"),
      el("span", {}, "Tour"),
    );
    this.ring = el("div", { class: "ring" });
    this.title = el("b", { id: "tour-title" });
    this.words = el("p", {});
    this.count = el("span", { class: "count" });
    this.back = el("button", { type: "button", onclick: () => this.go(-1) }, "Back");
    this.next = el("button", { type: "button", class: "next", onclick: () => this.go(1) });
    this.bubble = el(
      "div",
      { class: "bubble", role: "dialog", "aria-labelledby": "tour-title", tabindex: "-1" },
      this.title,
      this.words,
      el(
        "div",
        { class: "row" },
        this.count,
        el("div", { class: "spacer" }),
        el("button", { type: "button", onclick: () => this.end() }, "Close"),
        this.back,
        this.next,
      ),
    );
    this.layer = el("div", { class: "layer", popover: "manual" }, this.ring, this.bubble);
    this.root = el("div", { class: "mmm tour" }, this.button, this.layer);
    root.append(this.root);
    this.keys = (event) => this.onKey(event);
    this.follow = () => {
      this.place();
      this.frame = requestAnimationFrame(this.follow);
    };
    this.at = -1;
  }

  update(component) {
    this.steps = unpack(component.data).header.steps;
    this.button.classList.toggle("new", !wasTaken());
    this.button.title = "Explains the page's controls, one after another";
  }

  start() {
    markTaken();
    this.button.classList.remove("new");
    this.shown = this.steps.filter((step) => boxOf(step.selector));
    if (!this.shown.length) return;
    this.at = 0;
    this.layer.showPopover();
    document.addEventListener("keydown", this.keys, true);
    this.show();
    // Controls move without an event while the page is drawn, so the ring is placed in every frame.
    this.follow();
  }

  go(by) {
    this.at += by;
    if (this.at < 0 || this.at >= this.shown.length) this.end();
    else this.show();
  }

  show() {
    const step = this.shown[this.at];
    this.title.textContent = step.title;
    this.words.textContent = step.words;
    this.count.textContent = `${this.at + 1} of ${this.shown.length}`;
    this.back.disabled = !this.at;
    this.next.textContent = this.at + 1 < this.shown.length ? "Next" : "Done";
    const box = boxOf(step.selector)?.box;
    if (box && (box.top < 0 || box.bottom > innerHeight))
      boxOf(step.selector).element.scrollIntoView({ block: "center" });
    this.drawn = "";
    this.bubble.focus({ preventScroll: true });
  }

  place() {
    const at = boxOf(this.shown[this.at].selector),
      { ring, bubble } = this;
    ring.hidden = !at;
    const box = at?.box ?? {
      left: innerWidth / 2,
      right: innerWidth / 2,
      top: innerHeight / 3,
      bottom: innerHeight / 3,
      width: 0,
      height: 0,
    };
    const sizes = [box.left, box.top, box.width, box.height, innerWidth, innerHeight];
    const drawn = `${this.at} ${sizes.join(" ")}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    Object.assign(ring.style, {
      left: `${box.left - 6}px`,
      top: `${box.top - 6}px`,
      width: `${box.width + 12}px`,
      height: `${box.height + 12}px`,
    });
    const height = bubble.offsetHeight,
      width = Math.min(BUBBLE, innerWidth - 2 * MARGIN);
    const beside = box.right + MARGIN + width < innerWidth,
      below = box.bottom + MARGIN + height < innerHeight;
    const left = beside ? box.right + MARGIN : clamp(box.left, MARGIN, innerWidth - width - MARGIN);
    const top = beside ? box.top - 6 : below ? box.bottom + MARGIN : box.top - height - MARGIN;
    Object.assign(bubble.style, {
      width: `${width}px`,
      left: `${left}px`,
      top: `${clamp(top, MARGIN, innerHeight - height - MARGIN)}px`,
    });
  }

  onKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key !== "Escape" && !by) return;
    event.preventDefault();
    event.stopPropagation();
    if (by) this.go(this.at + by < 0 ? 0 : by);
    else this.end();
  }

  end() {
    this.at = -1;
    document.removeEventListener("keydown", this.keys, true);
    cancelAnimationFrame(this.frame);
    if (this.layer.matches(":popover-open")) this.layer.hidePopover();
    this.button.focus({ preventScroll: true });
  }

  destroy() {
    if (this.at >= 0) this.end();
    this.root.remove();
  }
}

export default mountOnce((root) => new Tour(root));
