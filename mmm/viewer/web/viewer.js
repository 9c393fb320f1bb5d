// The viewer: figures, one camera, one clock, one timeline. panels.py describes its payload.

class Viewer extends ViewerTimeline {
  constructor(root) {
    super();
    this.root = root;
    this.ui = buildViewer({
      toggle: () => this.toggle(),
      step: (n) => this.step(n),
      speed: (rate) => this.setSpeed(rate),
      loop: () => this.setLoop(!this.clock.loop),
      overlay: () => this.setOverlay(!this.overlay),
      bones: () => this.setBones(!this.bones),
      look: (preset) => this.look(preset),
      frame: () => this.frameFigure(),
      sound: () => this.setSound(!this.clock.soundWanted),
      full: () => this.toggleFull(),
      help: () => this.toggleHelp(),
    });
    this.camera = new OrbitCamera();
    this.clock = new Clock(1);
    this.timeline = new Timeline({
      onScrub: (place) => this.scrub(place),
      onScrubEnd: () => this.scrubEnd(),
      describe: (frame) => this.describe(frame),
    });
    this.edit = new ViewerEdit(this);
    const { zoomTools, root: strip } = this.timeline;
    this.ui.root.append(zoomTools, strip, this.edit.keys.root, this.edit.root, this.ui.bar);
    root.append(this.ui.root);
    this.panels = [];
    this.figures = [];
    this.overlay = false;
    this.bones = false; // whether bones are drawn instead of bodies
    this.visible = true;
    this.soundChoice = undefined; // undefined until the user has chosen
    this.stops = [watchTheme(this.ui.root, () => this.retheme())];
    this.attach();
    this.last = performance.now();
    this.drawn = 0;
    this.loopId = requestAnimationFrame((now) => this.tick(now));
  }

  attach() {
    const { root } = this.ui;
    root.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".help, button, input, select, .picker, .keys"))
        root.focus({ preventScroll: true });
      if (!event.target.closest(".help, button[aria-label=Help]")) this.toggleHelp(false);
      if (!event.target.closest(".viewbox")) this.ui.views.open(false);
    });
    // A click on the bar returns the focus to the viewer, so that space still plays and pauses.
    this.ui.bar.addEventListener("click", (event) => {
      if (event.detail > 0 && this.ui.views.list.hidden) root.focus({ preventScroll: true });
    });
    for (const type of ["pointerup", "keydown"]) {
      root.addEventListener(type, (event) => {
        if (this.soundChoice === undefined && this.header?.sound && !event.target.closest(".sound"))
          this.setSound(true);
      });
    }
    attachOrbit(
      this.ui.panels,
      this.camera,
      () => root.matches(":focus-within"),
      () => this.showControls(),
    );
    const resize = new ResizeObserver(() => this.layout());
    resize.observe(this.ui.panels);
    const seen = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1).isIntersecting;
      this.dirty = true;
    });
    seen.observe(root);
    const full = () => {
      this.layout();
      press(this.ui.full, this.isFull());
    };
    document.addEventListener("fullscreenchange", full);
    this.stops.push(
      () => resize.disconnect(),
      () => seen.disconnect(),
      () => document.removeEventListener("fullscreenchange", full),
    );
  }

  // ---- data ----

  update(component) {
    // A report reruns the page's script, so it is sent only if Python asks for it.
    this.commit = (frame) => {
      if (this.header.reports) component.setStateValue("frame", frame);
    };
    this.edit.component = component;
    if (component.data === this.payload) return;
    this.payload = component.data;
    const { header, arrays } = unpack(component.data);
    if (this.onlyAdds(header) && (this.clock.buffer || !arrays.audio)) {
      this.append(header, arrays);
      return;
    }
    const first = !this.header,
      channel = header.channel,
      run = this.future?.run,
      { soundMark } = this;
    header.sound = Boolean(arrays.audio);
    this.header = header;
    this.duration = header.frames / header.fps;
    if (first || this.channel !== channel) this.join(channel);
    this.figures = header.panels.map(
      (info, i) => new Figure(info, i, arrays, header.frames, header.future?.seed),
    );
    const clip =
      header.future?.mark ??
      header.edit?.mark ??
      (this.figures.length ? `${header.frames}@${header.fps}:${this.clipMark()}` : "");
    const saved = first ? playheadBus().memory.get(`viewer:${channel}`) : null;
    const same = first ? saved?.clip === clip : this.clip === clip;
    this.clip = clip;
    if (!same || this.followers?.length !== this.figures.length)
      this.followers = this.figures.map(() => new Follower());
    this.shownFrame = -1;
    // A minimum: on a narrow page the tools wrap, and the viewer must grow.
    this.ui.root.style.minHeight = `${header.height || 520}px`;
    this.ui.root.setAttribute("aria-label", header.title || "Viewer");
    this.showEmpty(!this.figures.length || !header.frames);
    if (this.figures.length) this.camera.setHome(this.figures[0].facing);
    if (saved) {
      this.overlay = saved.overlay;
      this.bones = saved.bones;
      this.clock.rate = saved.rate;
      this.clock.loop = saved.loop;
      this.soundChoice = saved.sound;
    }
    this.clock.setDuration(this.duration || 1);
    if (!same) {
      this.camera.reset();
      this.clock.seek(0);
    } else if (saved) {
      Object.assign(this.camera, saved.camera);
      this.clock.seek(saved.at);
    }
    const sound = header.future?.sound ?? header.edit?.sound;
    this.soundMark = sound && `${sound}:${this.duration}`;
    if (this.soundMark && this.soundMark === soundMark && this.clock.buffer)
      header.sound = true; // the same recording keeps playing
    else this.loadSound(arrays.audio, arrays.waveform);
    this.setTimeline(header, arrays);
    this.edit.update(header, saved?.edit);
    this.retheme();
    this.buildPanels();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!same && !still && this.figures.length) this.clock.play();
    else if (first && saved && saved.playing) this.clock.play();
    this.startRun(run ?? saved?.run);
    this.showControls();
  }

  /** Identifies a clip without hashing it: by the first body's first, middle and last pose. */
  clipMark() {
    const [{ track, points, frames }] = this.figures,
      size = points * 3;
    return [0, Math.floor(frames / 2), frames - 1]
      .map((t) => track[t * size].toFixed(5) + track[(t + 1) * size - 1].toFixed(5))
      .join();
  }

  join(channel) {
    this.channel = channel;
    if (this.leave) this.leave();
    this.timeline.glow.join(channel);
    this.timeline.joinAxis(channel);
    this.leave = listen("seek", channel, ({ frame, pause, peek }) => {
      // While the pointer peeks at frames, the timeline does not scroll.
      this.timeline.stays = Boolean(peek);
      if (pause && (this.clock.playing || this.waiting)) {
        this.clock.pause();
        this.waiting = false;
        this.showControls();
      }
      this.goTo(frame);
    });
  }

  async loadSound(audio, waveform) {
    const mark = this.payload;
    this.clock.buffer = null;
    if (!audio) {
      this.clock.restart();
      return;
    }
    try {
      const buffer = await this.clock.load(audio);
      if (mark === this.payload && !waveform) {
        this.timeline.data.waveform = Float32Array.from(buffer.getChannelData(0), Math.abs);
        this.timeline.paint(this.theme);
      }
      if (this.soundChoice) this.setSound(true);
    } catch (error) {
      showError(
        this.root,
        new Error(`The sound could not be decoded (${error.message}); playing without it.`),
      );
      this.header.sound = false;
      this.showControls();
    }
  }

  // ---- layout and looks ----

  showEmpty(empty) {
    this.ui.empty.hidden = !empty;
    const { zoomTools, root: strip } = this.timeline;
    for (const node of [this.ui.panels, zoomTools, strip, this.ui.bar]) node.hidden = empty;
  }

  buildPanels() {
    const { figures } = this;
    for (const figure of figures)
      figure.ghost = this.overlay && figures.length > 1 && figure.role === "truth";
    const groups =
      this.overlay && figures.length > 1
        ? [["Overlay", figures]]
        : figures.map((figure) => [figure.name, [figure]]);
    this.panels = groups.map(([name, members]) => buildPanel(name, members));
    for (const panel of this.panels) panel.renderer = makeRenderer(panel.canvas);
    this.ui.panels.dataset.count = this.panels.length;
    this.ui.panels.replaceChildren(...this.panels.map((panel) => panel.node));
    this.retheme();
    this.layout();
  }

  layout() {
    for (const panel of this.panels) {
      const box = panel.node.getBoundingClientRect();
      panel.renderer.resize(
        box.width,
        box.height,
        Math.min(window.devicePixelRatio || 1, this.slow ? 1 : 2),
      );
    }
    if (this.theme) this.timeline.paint(this.theme);
    this.dirty = true;
  }

  retheme() {
    this.theme = readTheme(this.ui.root);
    for (const panel of this.panels) {
      panel.renderer.setTheme(this.theme);
      for (const { chip, figure } of panel.chips)
        chip.style.setProperty("--dot", css(lookColour(this.theme, figure.look)));
    }
    for (const error of this.timeline.data?.errors || [])
      error.key?.style.setProperty("--dot", css(lookColour(this.theme, error.look)));
    if (this.timeline.data) this.timeline.paint(this.theme);
    this.dirty = true;
  }

  showControls() {
    const { ui, clock } = this;
    setPlayButton(ui, clock.playing || this.waiting);
    press(ui.loop, clock.loop);
    press(ui.overlay, this.overlay);
    press(ui.bones, this.bones);
    ui.views.show(this.camera.preset);
    ui.overlay.hidden = this.figures.length < 2;
    for (const [rate, node] of ui.speeds) press(node, rate === clock.rate);
    setSoundButton(ui, this.header.sound, clock.soundWanted, this.soundChoice === undefined);
    this.dirty = true;
    this.remember();
  }

  remember() {
    const { clock, camera } = this;
    playheadBus().memory.set(`viewer:${this.channel}`, {
      clip: this.clip,
      camera: camera.state(),
      at: clock.now(),
      rate: clock.rate,
      playing: clock.playing,
      loop: clock.loop,
      overlay: this.overlay,
      bones: this.bones,
      sound: this.soundChoice,
      run: this.future?.run,
      edit: this.edit.state(),
    });
  }

  // ---- every animation frame ----

  tick(now) {
    this.loopId = requestAnimationFrame((next) => this.tick(next));
    // Never negative: a busy browser may report an earlier `now`.
    const dt = clamp((now - this.last) / 1000, 0, 0.25);
    this.last = now;
    this.pauseUnseen();
    if (!this.header || !this.figures.length) return;
    try {
      this.waitForMore();
      if (this.clock.ended()) {
        this.clock.pause();
        this.goTo(this.header.frames - 1);
        this.commit(this.frame);
        this.showControls();
      }
      if (this.clock.playing || this.dirty || this.settling) this.render(dt);
      if (this.clock.playing) this.measure(now);
    } catch (error) {
      cancelAnimationFrame(this.loopId);
      showError(this.root, error);
    }
  }

  /** Pauses picture and sound while the viewer is not shown, as on another tab of the page. */
  pauseUnseen() {
    const shown = this.ui.root.getClientRects().length > 0;
    if (!shown && this.clock.playing) {
      this.pausedUnseen = true;
      this.clock.pause();
    } else if (shown && this.pausedUnseen) {
      this.pausedUnseen = false;
      this.clock.play();
    }
  }

  render(dt) {
    const { clock, header, figures } = this,
      at = clock.now() * header.fps,
      { playing } = clock;
    this.dirty = false;
    for (const figure of figures) figure.setTime(at, playing, dt);
    const frame = clamp(Math.floor(at + 1e-6), 0, this.ready - 1);
    this.announce(frame, playing);
    this.timeline.setPlayhead(
      Math.min(at, header.frames),
      frame,
      `${clockText(frame / header.fps)}, frame ${frame} of ${header.frames}`,
    );
    if (!this.visible) return;
    this.camera.turnTo(figures[0].heading(), playing ? dt : Infinity);
    const shared = figures[0].centre([0, 0, 0]);
    this.settling = false;
    figures.forEach((figure, i) => {
      const before = this.followers[i].at ? [...this.followers[i].at] : [0, 0, 0];
      const after = this.followers[i].update(
        figure.centre(this.followers[i].own),
        shared,
        header.floor_m,
        dt,
      );
      if (Math.hypot(after[0] - before[0], after[1] - before[1], after[2] - before[2]) > 1e-4)
        this.settling = true;
    });
    for (const panel of this.panels) this.renderPanel(panel);
  }

  renderPanel(panel) {
    const { width, height } = panel.renderer;
    if (!width || !height) return;
    const target = this.followers[this.figures.indexOf(panel.figures[0])].at;
    panel.view = this.camera.view(width, height, target, panel.view);
    panel.renderer.draw(
      {
        figures: panel.figures.filter((figure) => figure.there),
        floor: this.header.floor_m,
        bones: this.bones,
      },
      panel.view,
    );
    panel.canvas.dataset.frame = panel.figures[0].frame;
    panel.canvas.dataset.frames = panel.figures[0].frames;
    panel.canvas.dataset.checksum = panel.figures.map((figure) => figure.signature()).join(" ");
    for (const chip of panel.chips) showState(chip, this.frame, this.timeline.data.posed);
    this.edit.pose.draw(panel);
  }

  announce(frame, playing) {
    if (frame === this.shownFrame && playing === this.shownPlaying && this.shownClip === this.clip)
      return;
    const { fps, frames } = this.header,
      { ui } = this,
      begun = playing && !this.shownPlaying;
    this.shownFrame = frame;
    this.shownPlaying = playing;
    this.shownClip = this.clip;
    ui.time.textContent = clockText(frame / fps);
    ui.count.textContent = ` · frame ${frame} / ${frames}`;
    for (const { values, value } of this.timeline.data.errors) {
      if (value)
        value.textContent = Number.isFinite(values[frame])
          ? ` ${values[frame].toFixed(1)} ${this.header.errors_unit}`
          : " –";
    }
    if (!playing || begun) this.edit.show();
    publish("playhead", {
      channel: this.channel,
      frame,
      frames,
      fps,
      time_s: frame / fps,
      playing,
    });
  }

  /** Measures frames per second, for tests. Slow machines get fewer pixels. */
  measure(now) {
    this.drawn += 1;
    if (!this.measured || now - this.measured > 5000) {
      this.measured = now;
      this.drawn = 0;
      return;
    }
    if (now - this.measured < 1000) return;
    const rate = (this.drawn * 1000) / (now - this.measured);
    this.measured = now;
    this.drawn = 0;
    this.ui.root.dataset.fps = rate.toFixed(1);
    this.ui.root.dataset.clock = this.clock.sounding ? "sound" : "timer";
    if (rate < 24 && !this.slow && window.devicePixelRatio > 1) {
      this.slow = true;
      this.layout();
    }
  }

  destroy() {
    this.remember();
    cancelAnimationFrame(this.loopId);
    this.stops.forEach((stop) => stop());
    if (this.leave) this.leave();
    this.timeline.glow.leave();
    this.timeline.leaveAxis();
    this.clock.close();
    this.ui.root.remove();
  }
}

function makeRenderer(canvas) {
  return new CanvasRenderer(canvas);
}

export default mountOnce((root) => new Viewer(root));
