// The editing tools: hide, keep or pin frames that are selected on the timeline, paste a pose at
// another frame, retime a gap. The server keeps the edits and their history. Each edit is sent as
// an action, and the header `edit` of the next payload has the new state. See editing.py.

const EDIT_HELP = [
  [["R"], "recover; also Ctrl+Enter"],
  [["E"], "editing tools; a drag then selects frames"],
  [["[", "]"], "selection from or up to the playhead"],
  [["A"], "select all frames"],
  [["H", "K", "P"], "hide, keep, pin"],
  [["C", "V"], "copy, paste a pose"],
  [["T"], "length of the gap under the playhead"],
  [["J"], "pose the body: turn joints, drag hips, hands and feet"],
  [["Click"], "on a diamond: selects the keyframe; Shift adds it"],
  [["Drag", "←", "→"], "move selected keyframes; Alt copies"],
  [["Ctrl", "C", "V"], "copy, paste selected keyframes"],
  [["Del"], "hide selected keyframes"],
  [["Drag"], "on a gap's edge: moves the edge"],
  [["Ctrl", "Z"], "undo; with Shift redo"],
];

const SENT_AGAIN = 30; // actions in each message, because a newer message may replace an unread one

/** Runs of frames with their labels: hidden, or not recorded. */
function labelRuns(hiddenFrames, recorded) {
  if (!recorded)
    return { recorded: null, labels: runsOf(hiddenFrames).map((run) => [...run, "hidden"]) };
  const was = runsOf(hiddenFrames.map((hidden, i) => hidden && recorded[i])),
    never = runsOf(recorded.map((yes) => 1 - yes));
  return {
    recorded,
    labels: [
      ...never.map((run) => [...run, "not recorded"]),
      ...was.map((run) => [...run, "hidden"]),
    ],
  };
}

/** Previews hidden frames, pins and poses after an action, for whole frames only: the server also
 *  knows joints. */
function previewOf(data, action) {
  const { do: what, first, last, frame, groups, frames = [], by = 0 } = action;
  const hiddenFrames = data.hiddenFrames.slice(),
    pinned = new Set(data.pinned),
    posed = new Set(data.posed);
  const known = (at) => {
    if (!groups?.length) hiddenFrames[at] = 0;
  };
  const leave = (at) => {
    hiddenFrames[at] = 1;
    pinned.delete(at);
    posed.delete(at);
  };
  const arrive = (at, pin = false) => {
    posed.add(at);
    known(at);
    if (pin) pinned.add(at);
  };
  if (what === "pose") arrive(frame);
  if (what === "turn" || what === "reach" || what === "place") arrive(frame, action.pin);
  if (what === "move" || what === "drop") frames.forEach(leave);
  if (what === "move") for (const at of frames) arrive(at + by, data.pinned.has(at));
  if (what === "copy") for (const at of frames) arrive(at + by);
  for (let at = first; at <= last; at++) {
    const there = !data.recorded || data.recorded[at] || posed.has(at);
    if (what === "hide" && !pinned.has(at)) hiddenFrames[at] = 1;
    if ((what === "known" || what === "pin") && there) known(at);
    if (what === "pin" && there) pinned.add(at);
    if (what === "unpin") pinned.delete(at);
  }
  return { hiddenFrames, pinned, posed, keyframes: keyframesOf(hiddenFrames, pinned, posed) };
}

class ViewerTimeline extends ViewerFuture {
  setTimeline(header, arrays) {
    const looks = errorLooks(header.errors, this.figures);
    this.timeline.future.show(header);
    const hiddenFrames = new Uint8Array(header.frames),
      joints = header.frames ? (arrays.hidden?.length || 0) / header.frames : 0;
    for (let i = 0; i < (arrays.hidden?.length || 0); i++)
      if (arrays.hidden[i]) hiddenFrames[Math.floor(i / joints)] = 1;
    this.timeline.setData({
      frames: header.frames,
      fps: header.fps,
      waveform: arrays.waveform,
      beats: arrays.beats,
      energy:
        this.figures.length && !arrays.waveform
          ? motionEnergy(longest(this.figures), header.frames)
          : null,
      hiddenFrames,
      hiddenRuns: runsOf(hiddenFrames),
      ...labelRuns(hiddenFrames, arrays.recorded),
      keepsLane: Boolean(header.edit),
      pinned: new Set(header.edit?.pinned),
      posed: new Set(header.edit?.posed),
      keyframes: new Set(header.edit?.keyframes),
      errors: header.errors.map((name, i) => ({
        name,
        values: arrays[`error${i}`],
        look: looks[i],
      })),
    });
    this.ui.errors.replaceChildren(
      ...this.timeline.data.errors.slice(0, 4).map((error) => {
        error.value = el("b", {});
        error.key = el(
          "span",
          { class: "key", title: error.name },
          el("span", {}, error.name),
          error.value,
        );
        return error.key;
      }),
    );
  }
}

class ViewerEdit {
  constructor(viewer) {
    this.viewer = viewer;
    this.client = Math.random().toString(36).slice(2);
    this.log = [];
    this.copied = null;
    this.seen = new Map(); // the timeline of each SPEC, to preview undo
    this.picker = new LimbPicker(() => this.show());
    this.pose = new PoseTool(this);
    this.keys = new KeyframeLane(viewer.timeline, {
      send: (action) => this.send(action),
      changed: () => this.show(),
      goTo: (frame) => {
        if (viewer.clock.playing) viewer.toggle();
        viewer.goTo(frame);
      },
    });
    const tool = (label, key, title, onclick) =>
      el(
        "button",
        { type: "button", title: `${title} (${key})`, "aria-keyshortcuts": key, onclick },
        label,
      );
    this.toggleButton = el(
      "button",
      {
        type: "button",
        class: "tool",
        title: "Edit hidden frames and poses (E)",
        "aria-keyshortcuts": "E",
        onclick: () => this.setOn(!this.on),
      },
      icon("edit"),
      "Edit",
    );
    this.limbs = el(
      "button",
      {
        type: "button",
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        title: "Which joints edits apply to",
        onclick: () => this.openPicker(),
      },
      icon("body"),
      el("span", {}),
    );
    this.hide = tool("Hide", "H", "Hide these frames from the model", () => this.mark("hide"));
    this.keep = tool("Keep", "K", "Make these frames known again", () => this.mark("known"));
    this.pin = tool("Pin", "P", "Keep these frames known, whatever is hidden later", () =>
      this.mark(this.allPinned() ? "unpin" : "pin"),
    );
    this.copy = tool("Copy pose", "C", "Copy the pose at the playhead", () => this.copyPose());
    this.paste = tool(
      "Paste pose",
      "V",
      "Insert the copied pose at the playhead, as a keyframe",
      () => this.pastePose(),
    );
    this.poseButton = tool("Pose…", "J", "Turn joints, drag hips, hands and feet in this frame", () =>
      this.pose.toggle(),
    );
    this.retime = tool("Length…", "T", "Make the gap longer or shorter", () => this.openRetime());
    this.length = el("input", {
      type: "number",
      min: "1",
      max: "10000",
      step: "1",
      "aria-label": "Frames of the gap",
      onkeydown: (event) => this.onLengthKey(event),
    });
    this.lengthWords = el("span", { class: "words" });
    this.lengthBox = el(
      "span",
      { class: "length", hidden: true },
      this.lengthWords,
      this.length,
      el("button", { type: "button", onclick: () => this.setLength() }, "Set"),
    );
    this.words = el("span", { class: "words", role: "status" });
    this.undo = button("Undo (Ctrl+Z)", "undo", () => this.send({ do: "undo" }), {
      "aria-label": "Undo",
    });
    this.redo = button("Redo (Ctrl+Shift+Z)", "redo", () => this.send({ do: "redo" }), {
      "aria-label": "Redo",
    });
    this.clear = el(
      "button",
      {
        type: "button",
        title: "Undo all edits; the pattern stays",
        onclick: () => this.send({ do: "clear" }),
      },
      "Clear",
    );
    this.tools = el(
      "span",
      { class: "tools" },
      this.limbs,
      this.hide,
      this.keep,
      this.pin,
      el("i"),
      this.copy,
      this.paste,
      this.poseButton,
      el("i"),
      this.retime,
      this.lengthBox,
    );
    this.spec = el("code", { tabindex: "0", "aria-label": "The pattern and the edits, as a SPEC" });
    this.copySpec = button("Copy the SPEC", "copy", () => this.copyText());
    this.line = el(
      "div",
      { class: "spec" },
      this.words,
      el("div", { class: "spacer" }),
      this.spec,
      this.copySpec,
    );
    this.root = el(
      "div",
      {
        class: "edit",
        role: "toolbar",
        "aria-label": "Edit hidden frames and poses",
        hidden: true,
      },
      el(
        "div",
        { class: "row" },
        this.toggleButton,
        this.tools,
        el("div", { class: "spacer" }),
        this.undo,
        this.redo,
        this.clear,
      ),
      this.pose.root,
      this.line,
      this.picker.root,
    );
    this.helpList = keyList(EDIT_HELP, { hidden: true, class: "more" });
    viewer.ui.help.append(this.helpList);
    const { selection } = viewer.timeline;
    viewer.timeline.onEdge = (what, first, last) =>
      this.send({ do: what, first, last, groups: this.picker.names });
    selection.onChange = () => this.show();
    selection.onClick = (frame) => {
      if (viewer.clock.playing) viewer.toggle();
      viewer.goTo(frame);
    };
    this.on = false;
    viewer.ui.root.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".picker") && !this.limbs.contains(event.target))
        this.openPicker(false);
    });
    // The viewer keeps the keyboard focus after a click on a tool.
    this.root.addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest("button") && this.lengthBox.hidden)
        viewer.ui.root.focus({ preventScroll: true });
    });
  }

  /** The state that a rebuilt viewer restores. */
  state() {
    return {
      on: this.on,
      clip: this.clip,
      copied: this.copied,
      span: this.viewer.timeline.selection.span,
      limbs: this.picker.names,
      keys: this.keys.chosen,
      copiedKeys: this.keys.copied,
    };
  }

  /** Takes the state from the server. Exported pages and notebooks have no `edit`, and so no tools. */
  update(header, saved) {
    const { edit } = header;
    this.root.hidden = this.helpList.hidden = this.keys.root.hidden = !edit;
    this.header = edit;
    if (!edit) {
      this.setOn(false);
      return;
    }
    if (edit.mark !== this.clip) {
      this.clip = edit.mark;
      const known =
        saved?.clip === edit.mark
          ? saved
          : { on: saved?.on ?? this.on, copied: null, span: null, limbs: this.picker.names };
      this.setOn(known.on);
      this.copied = known.copied;
      this.picker.choose(known.limbs);
      this.keys.select(known.keys ?? []);
      this.keys.copied = known.copiedKeys ?? [];
      this.pose.close();
      this.viewer.timeline.selection.set(known.span);
    }
    this.picker.setLimbs(edit.limbs);
    const { hiddenFrames, pinned, posed, keyframes } = this.viewer.timeline.data;
    if (edit.seed !== this.seed) this.seen.clear(); // a random pattern now hides other frames
    this.seed = edit.seed;
    this.seen.set(edit.spec, { hiddenFrames, pinned, posed, keyframes });
    const received = new Map(edit.received).get(this.client) ?? -1;
    for (const action of this.log) if (action.serial > received) this.preview(action);
    this.keys.show();
    this.pose.take(edit.pose, (this.log.at(-1)?.serial ?? -1) > received);
    this.root.dataset.spec = edit.spec;
    this.show();
  }

  setOn(on) {
    if (on === this.on) return;
    this.on = on;
    this.viewer.timeline.selection.setOn(on);
    this.openRetime(false);
    this.openPicker(false);
    this.show();
    this.viewer.layout();
  }

  show() {
    if (!this.header) return;
    const { header, viewer } = this,
      { timeline } = viewer,
      span = this.span,
      gap = this.gap();
    press(this.toggleButton, this.on);
    this.tools.hidden = !this.on;
    this.line.hidden = !this.on && !header.edits;
    this.spec.textContent = header.spec;
    this.limbs.lastChild.textContent = this.picker.words;
    this.pin.firstChild.textContent = this.allPinned() ? "Unpin" : "Pin";
    this.paste.disabled = this.copied === null;
    this.retime.disabled = !gap;
    this.undo.disabled = !header.undo;
    this.redo.disabled = !header.redo;
    this.clear.disabled = !header.edits;
    press(this.poseButton, this.pose.frame !== null);
    this.pose.show();
    const { pinned, keyframes } = timeline.data;
    timeline.root.dataset.pinned = [...pinned].join();
    timeline.root.dataset.keyframes = [...keyframes].join();
    const keys = this.keys.chosen;
    if (keys.length) this.line.hidden = false;
    this.words.textContent = keys.length
      ? `Selected: ${keys.length > 1 ? `${keys.length} keyframes` : `keyframe ${keys[0]}`}`
      : this.selectionWords(span);
  }

  /** What is selected on the timeline, or how many edits there are while the tools are closed. */
  selectionWords(span) {
    const { header, viewer } = this,
      chosen = viewer.timeline.selection.span,
      count = span[1] - span[0] + 1;
    return !this.on
      ? `${header.edits} edit${header.edits === 1 ? "" : "s"} by hand`
      : chosen
        ? `Selected: ${count > 1 ? `frames ${span[0]} to ${span[1]}, ${count} frames, ${(count / viewer.header.fps).toFixed(2)} s` : `frame ${span[0]}`}`
        : `Drag on the timeline to select frames; ${
            viewer.clock.playing
              ? "otherwise edits apply to the one at the playhead"
              : `otherwise edits apply to frame ${span[0]}, at the playhead`
          }`;
  }

  /** The frames that an edit applies to: the selection, or the frame under the playhead. */
  get span() {
    return this.viewer.timeline.selection.span ?? [this.viewer.frame, this.viewer.frame];
  }

  /** The gap that can be retimed: the selection, else the hidden run at the playhead, else null. */
  gap() {
    const { selection, data } = this.viewer.timeline,
      { frame } = this.viewer;
    const run = data?.hiddenRuns.find(([first, end]) => first <= frame && frame < end),
      frames = data?.frames ?? 0;
    // A click selects one frame; T then applies to the gap at the playhead.
    const chosen = selection.span,
      several = chosen && chosen[1] > chosen[0] ? chosen : null;
    const span = several ?? (run ? [run[0], run[1] - 1] : chosen);
    return span && span[1] - span[0] + 1 < frames ? span : null;
  }

  allPinned() {
    const { pinned } = this.viewer.timeline.data ?? {},
      [first, last] = this.span;
    for (let frame = first; frame <= last; frame++) if (!pinned?.has(frame)) return false;
    return true;
  }

  mark(what) {
    const [first, last] = this.span;
    this.send({ do: what, first, last, groups: this.picker.names });
  }

  copyPose() {
    this.copied = this.viewer.frame;
    this.paste.title = `Insert the pose of frame ${this.copied} at the playhead, as a keyframe (V)`;
    this.show();
    this.words.textContent = `Pose of frame ${this.copied} copied: go to another frame and paste it`;
  }

  pastePose() {
    if (this.copied !== null)
      this.send({
        do: "pose",
        frame: this.viewer.frame,
        from: this.copied,
        groups: this.picker.names,
      });
  }

  openRetime(open = this.lengthBox.hidden) {
    const gap = this.gap();
    this.lengthBox.hidden = !open || !gap;
    press(this.retime, !this.lengthBox.hidden);
    if (this.lengthBox.hidden) return;
    this.retimed = gap;
    this.lengthWords.textContent = `Frames ${gap[0]} to ${gap[1]}:`;
    this.length.value = gap[1] - gap[0] + 1;
    this.length.focus();
    this.length.select();
  }

  onLengthKey(event) {
    event.stopPropagation(); // digits and arrows belong to the number field
    if (event.key === "Enter") this.setLength();
    else if (event.key === "Escape") {
      this.openRetime(false);
      this.viewer.ui.root.focus({ preventScroll: true });
    }
  }

  setLength() {
    const [first, last] = this.retimed,
      length = Number(this.length.value);
    if (!this.length.reportValidity() || !Number.isInteger(length) || length < 1) return;
    if (length !== last - first + 1) {
      this.send({ do: "retime", first, last, length });
      this.viewer.timeline.selection.set(null);
    }
    this.openRetime(false);
    this.viewer.ui.root.focus({ preventScroll: true });
  }

  openPicker(open = this.picker.root.hidden) {
    this.picker.root.hidden = !open;
    this.limbs.setAttribute("aria-expanded", String(open));
    if (open) this.picker.root.style.left = `${this.limbs.offsetLeft}px`;
  }

  copyText() {
    const written =
      navigator.clipboard?.writeText(this.header.spec) ??
      Promise.reject(new Error("no clipboard without https"));
    written.then(
      () => {
        this.words.textContent = "The SPEC is copied";
      },
      () => {
        getSelection().selectAllChildren(this.spec);
        this.words.textContent = "The SPEC is selected: press Ctrl+C to copy";
      },
    );
  }

  send(action) {
    if (this.preview(action)) {
      this.viewer.timeline.paint(this.viewer.theme);
      this.show();
    }
    this.log.push({ ...action, serial: this.log.length ? this.log.at(-1).serial + 1 : 0 });
    this.log = this.log.slice(-SENT_AGAIN);
    this.report();
  }

  /** Sends the latest edits, and the frame that is being posed. */
  report() {
    const { client, log, pose } = this;
    this.component.setStateValue("edit", { client, log, posing: pose.frame });
  }

  /** Previews an edit on the timeline before the server answers; false if it cannot. */
  preview(action) {
    const { timeline } = this.viewer,
      { data } = timeline,
      known = { undo: this.header.undo, redo: this.header.redo, clear: this.header.pattern }[
        action.do
      ];
    let next = null;
    if (known) next = this.seen.get(known);
    else if (data && action.do !== "retime") next = previewOf(data, action);
    if (!next || next.hiddenFrames.length !== data.frames) return false;
    timeline.setData({
      ...data,
      ...next,
      hiddenRuns: runsOf(next.hiddenFrames),
      ...labelRuns(next.hiddenFrames, data.recorded),
    });
    return true;
  }

  /** Handles a key of the editing tools; false for any other. */
  onKey(event) {
    if (!this.header || event.altKey) return false;
    if (this.pose.onKey(event)) return true;
    const key = event.key.toLowerCase(),
      { frame } = this.viewer,
      { selection } = this.viewer.timeline;
    const control = {
      z: () => (event.shiftKey ? this.redo : this.undo).click(),
      y: () => this.redo.click(),
    };
    const done = event.ctrlKey || event.metaKey ? { c: "copy", v: "paste" }[key] : null;
    if (
      (done && this.keys[done](frame)) ||
      ((key === "delete" || key === "backspace") && this.keys.remove())
    ) {
      event.preventDefault();
      event.stopPropagation();
      return true;
    }
    const tools = {
      j: () => this.pose.toggle(),
      h: () => this.mark("hide"),
      k: () => this.mark("known"),
      p: () => this.pin.click(),
      c: () => this.copyPose(),
      v: () => this.pastePose(),
      t: () => this.openRetime(),
      a: () => selection.set([0, this.viewer.header.frames - 1]),
      "[": () => selection.set([frame, Math.max(frame, selection.span?.[1] ?? frame)]),
      "]": () => selection.set([Math.min(frame, selection.span?.[0] ?? frame), frame]),
    };
    const action =
      event.ctrlKey || event.metaKey
        ? control[key]
        : key === "e"
          ? () => this.setOn(!this.on)
          : this.on
            ? tools[key]
            : null;
    if (this.on && key === "escape" && (selection.span || !this.picker.root.hidden)) {
      if (this.picker.root.hidden) selection.set(null);
      this.openPicker(false);
      event.stopPropagation();
      return true;
    }
    if (!action) return false;
    event.preventDefault();
    event.stopPropagation();
    action();
    return true;
  }
}
