// A small figure whose limbs are clicked to choose the joints that an edit applies to. It faces the
// viewer, so its left side is on the right.

const LIMB_SHAPES = {
  head: '<ellipse cx="50" cy="16" rx="10.5" ry="12.5"/>',
  torso: '<path d="M35 34q15-5 30 0l3 8-4 44q-14 6-28 0l-4-44z"/>',
  right_arm: '<path d="M32 37q-8 1-10 9L12 84q-1 5 3 6t6-4l12-37z"/>',
  left_arm: '<path d="M68 37q8 1 10 9l10 38q1 5-3 6t-6-4L67 49z"/>',
  right_leg: '<path d="M36 89q6 3 13 3l-1 32-3 40q-1 6-6 6t-5-6l-3-42z"/>',
  left_leg: '<path d="M64 89q-6 3-13 3l1 32 3 40q1 6 6 6t5-6l3-42z"/>',
};

const limbName = (limb) => limb.replace("_", " ").replace(/^./, (letter) => letter.toUpperCase());

class LimbPicker {
  /** `onChange` is called after each choice. Without any limb, edits apply to the whole body. */
  constructor(onChange) {
    this.chosen = new Set();
    this.onChange = onChange;
    const holder = document.createElement("div");
    holder.innerHTML = `<svg viewBox="0 0 100 174" width="112" height="195" role="group" aria-label="Limbs">${Object.entries(
      LIMB_SHAPES,
    )
      .map(
        ([
          limb,
          shape,
        ]) => `<g class="limb" data-limb="${limb}" role="checkbox" tabindex="0" aria-checked="false"
        aria-label="${limbName(limb)}"><title>${limbName(limb)}</title>${shape}</g>`,
      )
      .join("")}</svg>`;
    this.svg = holder.firstChild;
    this.limbs = new Map(
      [...this.svg.querySelectorAll(".limb")].map((node) => [node.dataset.limb, node]),
    );
    for (const [limb, node] of this.limbs) {
      node.addEventListener("click", () => this.toggle(limb));
      node.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        event.stopPropagation();
        this.toggle(limb);
      });
    }
    this.all = el("button", { type: "button", onclick: () => this.choose([]) }, "Whole body");
    this.root = el(
      "div",
      { class: "picker", role: "dialog", "aria-label": "Which joints", hidden: true },
      el("div", { class: "subtitle" }, "Edits apply to"),
      this.svg,
      this.all,
    );
  }

  /** Enables the limbs that the skeleton has. */
  setLimbs(limbs) {
    for (const [limb, node] of this.limbs) {
      const there = limbs.includes(limb);
      node.classList.toggle("missing", !there);
      node.setAttribute("tabindex", there ? "0" : "-1");
      node.setAttribute("aria-disabled", String(!there));
      if (!there) this.chosen.delete(limb);
    }
    this.show();
  }

  toggle(limb) {
    if (this.limbs.get(limb).classList.contains("missing")) return;
    if (!this.chosen.delete(limb)) this.chosen.add(limb);
    this.show();
    this.onChange();
  }

  choose(limbs) {
    this.chosen = new Set(limbs);
    this.show();
    this.onChange();
  }

  show() {
    for (const [limb, node] of this.limbs)
      node.setAttribute("aria-checked", String(this.chosen.has(limb)));
    press(this.all, !this.chosen.size);
  }

  /** The chosen limbs, always in the same order. */
  get names() {
    return [...this.limbs.keys()].filter((limb) => this.chosen.has(limb));
  }

  get words() {
    return this.chosen.size ? this.names.map(limbName).join(", ") : "Whole body";
  }
}
