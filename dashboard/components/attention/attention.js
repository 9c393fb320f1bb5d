// The attention view: thumbnails, one map, its scale and direction. See attention.py.

class AttentionView {
  constructor(root) {
    this.host = root;
    this.map = new MapPlot({
      seek: (frame) => this.seek(frame),
      peek: (frame) => this.peek(frame),
      spanned: (span, done) => this.spanned(span, done),
    });
    this.tiles = new TileBoard((view) => this.choose(view));
    this.head = el("div", { class: "head" });
    this.tools = el("div", { class: "tools", role: "toolbar", "aria-label": "Attention map" });
    this.foot = el("div", { class: "foot legend" });
    this.away = el("div", { class: "away", hidden: true });
    this.board = el(
      "div",
      { class: "board" },
      el("div", { class: "large" }, this.map.root, this.away, this.foot),
      this.tiles.root,
    );
    this.root = el("div", { class: "mmm attention" }, this.head, this.tools, this.board);
    root.append(this.root);
    this.buildTools();
    const resize = new ResizeObserver(() => this.repaint());
    resize.observe(this.board);
    this.stops = [() => resize.disconnect(), watchTheme(this.root, () => this.repaint())];
  }

  buildTools() {
    const group = (name, ...entries) => {
      const buttons = entries.map(([value, label, hint, press]) => {
        const node = el(
          "button",
          { type: "button", title: hint, "data-value": value, onclick: () => press(value) },
          label,
        );
        return node;
      });
      return {
        buttons,
        node: el("div", { class: "group", role: "group", "aria-label": name }, ...buttons),
      };
    };
    this.scales = group(
      "Scale",
      ["linear", "Linear", "Colour by share", () => this.setLog(false)],
      [
        "log",
        "Log",
        `Colour by the logarithm of the share, ${LOG_DECADES} powers of ten`,
        () => this.setLog(true),
      ],
    );
    this.axes = group(
      "Follow",
      [
        "row",
        "Looks at",
        "Highlights on the timeline what the playhead's frame looks at: the row of the map",
        () => this.setAxis("row"),
      ],
      [
        "column",
        "Is looked at by",
        "Highlights on the timeline what looks at the playhead's frame: the column of the map",
        () => this.setAxis("column"),
      ],
    );
    this.blocks = el("div", { class: "group blocks", role: "group", "aria-label": "Block" });
    this.keep = el(
      "button",
      {
        type: "button",
        class: "keep",
        title: "Save this map as an image",
        onclick: () => this.savePicture(),
      },
      "PNG",
    );
    this.tools.append(
      this.blocks,
      this.axes.node,
      this.scales.node,
      el("span", { class: "spacer" }),
      this.keep,
    );
  }

  update(component) {
    this.component = component;
    if (component.data === this.payload) return;
    this.payload = component.data;
    const { header, arrays } = unpack(component.data),
      before = this.header;
    this.header = header;
    if (before?.channel !== header.channel) {
      if (this.leave) this.leave();
      this.leave = listen("playhead", header.channel, (now) => this.moveTo(now.frame));
    }
    if (before && (before.window.join() !== header.window.join() || before.title !== header.title))
      this.map.span = null;
    this.map.setData(header, arrays);
    this.tiles.setData(header, arrays);
    this.head.replaceChildren(
      el("span", { class: "title" }, header.label),
      el("span", { class: "subtitle" }, header.title),
    );
    this.blocks.hidden = !header.blocks.length;
    this.blocks.replaceChildren(
      ...header.blocks.map(([view, label]) =>
        el(
          "button",
          {
            type: "button",
            "data-view": view,
            "aria-pressed": String(view === header.view),
            onclick: () => this.choose(view),
          },
          label,
        ),
      ),
    );
    this.buildFoot();
    this.root.dataset.view = header.view;
    this.showTools();
    this.repaint();
    this.moveTo(playheadBus().now.get(header.channel)?.frame ?? header.window[0]);
  }

  buildFoot() {
    const { header } = this;
    this.ramp = el("div", { class: "ramp" });
    this.low = el("span", {});
    this.high = el("span", {});
    const mark = (kind, text) => el("span", { class: "mark" }, el("i", { class: kind }), text);
    this.foot.replaceChildren(
      el("span", { class: "scale" }, this.low, this.ramp, this.high),
      el(
        "span",
        { class: "dim" },
        `share of a row; uniform attention would be ${shareText(1 / header.columns)}`,
      ),
      ...(this.map.beats.length ? [mark("bar", "bar"), mark("beat", "beat")] : []),
      ...(this.map.hiddenRuns.length ? [mark("hid", "hidden frames")] : []),
      mark("mean", "mean over the map"),
    );
  }

  showTools() {
    const { log, axis } = this.map,
      { top, shown } = this.header;
    for (const [{ buttons }, value] of [
      [this.scales, log ? "log" : "linear"],
      [this.axes, axis],
    ]) {
      for (const node of buttons) pressed(node, node.dataset.value === value);
    }
    this.low.textContent = log ? shareText(top * 10 ** -LOG_DECADES) : "0";
    this.high.textContent = log
      ? shareText(top)
      : `${shown < top * 0.999 ? "≥ " : ""}${shareText(shown)}`;
  }

  setLog(on) {
    this.map.log = on;
    this.showTools();
    this.repaint();
  }

  setAxis(axis) {
    this.map.axis = axis;
    if (this.map.span) {
      this.map.span = null;
      this.spanned(null, true);
    }
    this.showTools();
    this.map.paintMoving();
    this.highlight();
  }

  choose(view) {
    this.tiles.select(view);
    this.component.setStateValue("view", view);
  }

  seek(frame) {
    const { channel } = this.header;
    this.frameBefore = null;
    this.moveTo(frame);
    publish("seek", { channel, frame, pause: true });
  }

  /** While paused, the viewer shows the frame under the pointer; null returns to the one before. */
  peek(frame) {
    const { channel } = this.header,
      goal = frame ?? this.frameBefore;
    if (playheadBus().now.get(channel)?.playing) this.frameBefore = null;
    else if (goal !== null && goal !== undefined && goal !== this.map.frame) {
      const before = frame === null ? null : (this.frameBefore ?? this.map.frame);
      this.moveTo(goal);
      publish("seek", { channel, frame: goal, peek: true });
      this.frameBefore = before;
    } else if (frame === null) this.frameBefore = null;
  }

  spanned(span, done) {
    this.showTools();
    this.map.paintMoving();
    publishSpan(this.header.channel, span);
    this.highlight();
    if (done) this.component.setStateValue("span", span);
  }

  moveTo(frame) {
    this.map.moveTo(frame);
    const {
        window: [first, end],
      } = this.header,
      away = !this.map.inWindow(frame);
    if (away !== !this.away.hidden || away) {
      this.away.hidden = !away;
      if (away) {
        this.away.replaceChildren(
          el(
            "span",
            {},
            `This map covers frames ${first} to ${end - 1}; the playhead is on frame ${frame}.`,
          ),
          el(
            "button",
            {
              type: "button",
              class: "keep",
              onclick: () => this.component.setTriggerValue("window", this.map.frame),
            },
            "Show its map",
          ),
        );
      }
    }
    this.highlight();
  }

  /** Highlights the row or column of the playhead (or of the span) on the timeline. */
  highlight() {
    const { map, header } = this,
      { axis, span } = map,
      inside = span || map.inWindow(map.frame);
    if (!inside) {
      publishGlow({ channel: header.channel, source: "attention", values: null });
      return;
    }
    const values = map.profile(axis),
      side = header.sides[axis === "row" ? 1 : 0].replace(/^frame$/, "frames");
    let high = 0;
    for (const v of values) high = Math.max(high, v);
    const what = span ? "this span" : "this frame";
    publishGlow({
      channel: header.channel,
      source: "attention",
      window: header.window,
      values,
      top: Math.max(high, 4 / values.length), // so that near-uniform attention is not highlighted
      label:
        axis === "row"
          ? `highlighted: ${side} that ${what} looks at`
          : `highlighted: ${side} that ${side === "frames" ? "look" : "looks"} at ${what}`,
    });
  }

  repaint() {
    if (!this.header || !this.board.clientWidth) return;
    try {
      const theme = readTheme(this.root),
        wide = this.board.clientWidth,
        beside = wide >= 760;
      this.board.classList.toggle("beside", beside);
      this.map.layout(
        beside ? wide - Math.min(Math.max(wide * 0.3, 270), 400) - 24 : wide,
        this.header.height,
      );
      this.map.paint(theme);
      this.tiles.paint(this.map.ramp);
      const colours = this.map.ramp.map((colour) => css(colour)).join(",");
      this.ramp.style.background = `linear-gradient(90deg, ${colours})`;
      this.root.dataset.painted = String(performance.now());
    } catch (error) {
      showError(this.host, error);
    }
  }

  savePicture() {
    saveMap(this.map, this.header, this.high.textContent);
  }

  destroy() {
    this.stops.forEach((stop) => stop());
    if (this.leave) this.leave();
    publishGlow({ channel: this.header?.channel, source: "attention", values: null });
    publishSpan(this.header?.channel, null);
    this.root.remove();
  }
}

const pressed = (node, on) => node.setAttribute("aria-pressed", String(on));

export default mountOnce((root) => new AttentionView(root));
