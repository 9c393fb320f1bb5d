// The viewer's actions: play, step, scrub, switch. The viewer's class extends this one.

class ViewerActions {
  get frame() {
    return clamp(
      Math.floor(this.clock.now() * this.header.fps + 1e-6),
      0,
      Math.max(0, this.header.frames - 1),
    );
  }

  toggle() {
    if (!this.figures.length) return;
    if (this.clock.playing) {
      this.clock.pause();
      this.goTo(this.frame);
      this.commit(this.frame);
    } else this.clock.play();
    this.showControls();
  }

  goTo(frame) {
    const target = clamp(Math.round(frame), 0, this.header.frames - 1);
    this.clock.seek(target / this.header.fps + 1e-7);
    this.dirty = true;
  }

  step(count) {
    const { frames } = this.header;
    if (this.clock.playing) {
      this.clock.pause();
      this.showControls();
    }
    this.goTo(this.clock.loop ? (this.frame + count + frames) % frames : this.frame + count);
  }

  scrub(place) {
    if (this.resume === undefined) {
      this.resume = this.clock.playing;
      this.clock.pause();
    }
    this.goTo(Math.floor(place));
  }

  scrubEnd() {
    this.commit(this.frame);
    if (this.resume) this.clock.play();
    this.resume = undefined;
    this.showControls();
  }

  setSpeed(rate) {
    this.clock.setRate(rate);
    this.showControls();
  }

  setLoop(on) {
    this.clock.setLoop(on);
    this.showControls();
  }

  setOverlay(on) {
    if (this.figures.length > 1) {
      this.overlay = on;
      this.buildPanels();
      this.showControls();
    }
  }

  setBones(on) {
    this.bones = on;
    this.showControls();
  }

  /** Looks from the front, the side or the top of the first body, or follows it. */
  look(preset) {
    const [figure] = this.figures;
    this.camera.look(preset, figure.heading() ?? figure.facing);
    this.showControls();
  }

  /** Moves the camera so that the bodies of all panels fit in this frame. */
  frameFigure() {
    const panels = this.panels.filter(({ renderer }) => renderer.width && renderer.height);
    if (!panels.length) return;
    this.camera.frame(
      panels.map(({ renderer, figures }) => ({
        width: renderer.width,
        height: renderer.height,
        target: this.followers[this.figures.indexOf(figures[0])].goal,
        points: figures.flatMap((figure) => figure.drawn()),
      })),
    );
    this.showControls();
  }

  setSound(on) {
    this.soundChoice = on;
    this.clock.setSound(on).then(() => this.showControls());
    this.showControls();
  }

  isFull() {
    return Boolean(this.root.fullscreenElement ?? document.fullscreenElement);
  }

  toggleFull() {
    const done = this.isFull() ? document.exitFullscreen() : this.ui.root.requestFullscreen();
    done.catch((error) => showError(this.root, error));
  }

  toggleHelp(open = this.ui.help.hidden) {
    this.ui.help.hidden = !open;
    this.ui.helpButton.setAttribute("aria-expanded", String(open));
  }

  onKey(event) {
    if (this.edit.onKey(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.header?.frames) return;
    const onButton = event.target.closest("button");
    const far = event.shiftKey ? 10 : 1;
    const actions = {
      " ": onButton ? null : () => this.toggle(),
      ArrowLeft: () => this.step(-far),
      ArrowRight: () => this.step(far),
      Home: () => this.goTo(0),
      End: () => {
        if (this.clock.playing || this.waiting) this.toggle();
        this.goTo(this.header.frames - 1);
      },
      l: () => this.setLoop(!this.clock.loop),
      o: () => this.setOverlay(!this.overlay),
      b: () => this.setBones(!this.bones),
      f: () => (event.shiftKey ? this.toggleFull() : this.frameFigure()),
      ...Object.fromEntries(CAMERA_VIEWS.map(([name, , key]) => [key, () => this.look(name)])),
      1: () => this.setSpeed(0.25),
      2: () => this.setSpeed(0.5),
      3: () => this.setSpeed(1),
      "?": () => this.toggleHelp(),
      Escape: () => {
        this.toggleHelp(false);
        this.ui.views.open(false);
      },
    };
    const action = actions[event.key] || actions[event.key.toLowerCase()];
    if (!action && !this.timeline.onKey(event.key.toLowerCase())) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit uses some of these keys itself
    action?.();
  }

  describe(frame) {
    const { data } = this.timeline,
      { fps, errors_unit: unit } = this.header;
    const parts = [clockText(frame / fps), `frame ${frame}`];
    if (data.hiddenFrames[frame])
      parts.push(data.recorded && !data.recorded[frame] ? "hidden, never recorded" : "hidden");
    if (data.pinned?.has(frame)) parts.push("pinned");
    if (data.posed?.has(frame)) parts.push("inserted pose");
    if (this.header.future) parts.push(frame < this.header.future.seed ? "seed" : "generated");
    for (const { name, values } of data.errors.slice(0, 2)) {
      if (Number.isFinite(values[frame])) parts.push(`${name} ${values[frame].toFixed(1)} ${unit}`);
    }
    return parts.join(" · ");
  }
}
