// Thumbnails of all layers and heads, in the network's order or sorted by a score of the heads.

const SORT_NAMES = {
  network: "Layer and head",
  across: "Share on the other modality",
  beats: "Share near beats",
  diagonal: "Share near the diagonal",
};

class TileBoard {
  constructor(choose) {
    this.choose = choose;
    this.sort = "network";
    this.order = el("select", {
      "aria-label": "Sort heads",
      onchange: () => this.setSort(this.order.value),
    });
    this.list = el("div", { class: "list" });
    this.root = el(
      "div",
      { class: "tiles" },
      el("label", { class: "sort" }, "Sort heads by", this.order),
      this.list,
    );
    this.buttons = new Map();
  }

  setData(header, arrays) {
    this.groups = header.tiles.map((group, i) => ({ ...group, codes: arrays[`tiles${i}`] }));
    this.kinds = Object.keys(SORT_NAMES).filter(
      (kind) => kind === "network" || this.groups.some((group) => kind in group.scores),
    );
    if (!this.kinds.includes(this.sort)) this.sort = "network";
    this.order.replaceChildren(
      ...this.kinds.map((kind) =>
        el("option", { value: kind, selected: kind === this.sort }, SORT_NAMES[kind]),
      ),
    );
    const mark = JSON.stringify([header.tiles, header.window]);
    if (mark !== this.mark || this.builtSort !== this.sort) this.build();
    this.mark = mark;
    this.select(header.view);
  }

  setSort(kind) {
    this.sort = kind;
    this.build();
    this.select(this.view);
    if (this.ramp) this.paint(this.ramp);
  }

  build() {
    this.builtSort = this.sort;
    this.buttons.clear();
    this.list.replaceChildren(
      ...(this.sort === "network"
        ? this.groups.map((group) => this.asNetwork(group))
        : [this.asSorted()]),
    );
    this.painted = null;
  }

  tile(group, i, caption) {
    const [height, width] = group.size,
      canvas = el("canvas", { width, height, "aria-hidden": "true" });
    const name = `${group.name}: ${group.labels[i]}`;
    const node = el(
      "button",
      {
        type: "button",
        class: "tile",
        "aria-label": name,
        title: name,
        "data-view": group.views[i],
        onclick: () => this.choose(group.views[i], i, group),
      },
      canvas,
      el("span", { class: "caption" }, caption),
    );
    this.buttons.set(group.views[i], { node, canvas, group, i });
    return node;
  }

  /** A row for each layer, its mean at the end; below: means over the layers, and the rollout. */
  asNetwork(group) {
    const { across } = group,
      layers = Math.floor(group.heads.filter(Boolean).length / (across - 1));
    const nodes = group.views.map((view, i) => {
      const row = Math.floor(i / across),
        column = i % across;
      if (i === group.views.length - 1) return this.tile(group, i, "rollout");
      return this.tile(
        group,
        i,
        column === across - 1
          ? row === layers
            ? "all"
            : "mean"
          : row === layers
            ? `mean ${column + 1}`
            : `${row + 1}·${column + 1}`,
      );
    });
    const grid = el("div", { class: "grid" }, ...nodes);
    grid.style.setProperty("--across", across);
    return el("section", {}, el("h2", {}, group.name), grid);
  }

  asSorted() {
    const scored = [];
    for (const group of this.groups) {
      (group.scores[this.sort] || []).forEach((score, i) => {
        if (group.heads[i] && score !== null) scored.push({ group, i, score });
      });
    }
    scored.sort((a, b) => b.score - a.score);
    const place = (group, i) => `${Math.floor(i / group.across) + 1}·${(i % group.across) + 1}`;
    const short = { motion: "mo", music: "mu", cross: "x" };
    const nodes = scored.map(({ group, i, score }) =>
      this.tile(group, i, `${short[group.stage] || ""} ${place(group, i)}  ${shareText(score)}`),
    );
    const grid = el("div", { class: "grid sorted" }, ...nodes);
    return el("section", {}, el("h2", {}, `${SORT_NAMES[this.sort]}, share of attention`), grid);
  }

  select(view) {
    this.view = view;
    for (const [name, { node }] of this.buttons)
      node.setAttribute("aria-pressed", String(name === view));
  }

  paint(ramp) {
    this.ramp = ramp;
    if (this.painted === ramp) return;
    this.painted = ramp;
    const table = Array.from({ length: 256 }, (_, code) => rampColour(ramp, code / 255));
    for (const { canvas, group, i } of this.buttons.values()) {
      const [height, width] = group.size,
        image = new ImageData(width, height),
        cells = width * height;
      for (let c = 0; c < cells; c++) {
        [image.data[4 * c], image.data[4 * c + 1], image.data[4 * c + 2]] =
          table[group.codes[i * cells + c]];
        image.data[4 * c + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
  }
}
