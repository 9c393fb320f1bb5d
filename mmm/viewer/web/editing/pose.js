// Posing by hand: the user chooses a joint in the viewer and turns it, by numbers or by rings,
// drags hands and feet, and drags the body by its hips. The server keeps the pose in the SPEC. It
// sends the rotations of the frame that is being posed, in the header's edit.pose {frame, joints,
// rotations, limbs}.

const RING_PX = 46; // radius of the rings, pixels
const RING_STEPS = 48;
const HIT_PX = 9; // a pointer this near hits a ring or a joint
const RING_COLOURS = {
  light: ["#c2261d", "#1a7a2e", "#1f5fd0"],
  dark: ["#ff8a80", "#7ddc8b", "#8ab8ff"],
};
const MOST_ASKED = 3; // how often the rotations of a frame are requested again
const ROOT = 0; // the joint whose position is that of the body
const PAUSE_MS = 350; // from the last change of a number until the edit is made

class PoseTool {
  constructor(edit) {
    this.edit = edit;
    this.frame = null; // the frame that is being posed
    this.body = null; // null until the server has sent its rotations
    this.joint = 0;
    this.words = el("span", { class: "words", role: "status" });
    this.joints = el("select", {
      "aria-label": "Joint to turn",
      onchange: () => this.choose(Number(this.joints.value)),
    });
    const number = (name, what, changed) =>
      el(
        "label",
        {},
        `${name} `,
        el("input", {
          type: "number",
          step: "any",
          "aria-label": `${what[0]} ${name}, ${what[1]}`,
          oninput: changed,
        }),
      );
    const letters = ["X", "Y", "Z"];
    this.turns = letters.map((name) => number(name, ["Turn", "degrees"], () => this.onAngles()));
    this.places = letters.map((name) =>
      number(name, ["Place", "centimetres"], () => this.onPlace()),
    );
    this.turnBox = el("span", { class: "numbers" }, el("span", {}, "turn °"), ...this.turns);
    this.placeBox = el("span", { class: "numbers" }, el("span", {}, "place cm"), ...this.places);
    this.root = el(
      "div",
      {
        class: "pose",
        role: "group",
        "aria-label": "Make a pose",
        hidden: true,
        onkeydown: (event) => this.onPanelKey(event),
        onfocusout: () => (this.typed = null),
      },
      this.words,
      this.joints,
      this.turnBox,
      this.placeBox,
      el("button", { type: "button", onclick: () => this.close() }, "Done"),
    );
    edit.viewer.ui.root.poseTool = this; // tests look up positions of joints and rings here
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
      edit.viewer.ui.panels.addEventListener(type, (event) => this[type](event), true);
  }

  toggle() {
    if (this.frame !== null && this.frame === this.edit.viewer.frame) this.close();
    else this.open();
  }

  /** Starts posing the frame at the playhead. A hidden frame is pinned first. */
  open() {
    const { viewer } = this.edit,
      { data } = viewer.timeline,
      { frame } = viewer;
    if (viewer.clock.playing) viewer.toggle();
    this.frame = frame;
    this.body = null;
    this.asked = 0;
    const known = !data.hiddenFrames[frame],
      nothing = data.recorded && !data.recorded[frame] && !data.posed.has(frame);
    this.refused = nothing ? "This frame was not recorded: paste a pose first (V)" : "";
    if (nothing || known) this.edit.report();
    else this.edit.send({ do: "pin", first: frame, last: frame, groups: [] });
    this.edit.show();
  }

  close() {
    if (this.frame === null) return;
    this.commit();
    this.frame = this.body = null;
    this.edit.viewer.dirty = true;
    if (this.edit.component) this.edit.report();
    this.edit.viewer.ui.root.focus({ preventScroll: true });
    this.edit.show();
  }

  /** Takes the rotations from the server. If `behind`, the latest edit is still missing in them. */
  take(pose, behind) {
    if (this.frame === null) return;
    if (this.frame >= this.edit.viewer.header.frames) {
      this.close();
      return;
    }
    if (pose?.frame !== this.frame) {
      // A page that was just redrawn may have lost the request, which is then repeated.
      if (!this.body && this.asked++ < MOST_ASKED) this.edit.report();
      return;
    }
    const { figures } = this.edit.viewer,
      count = pose.joints.length;
    const whole = figures.filter(({ joints }) => joints === count),
      others = whole.filter(({ role }) => role !== "truth"),
      posed = others.length ? others : whole; // if nothing is hidden, only the truth is shown
    this.refused = posed.length ? "" : "The viewer shows no body with these joints";
    if (!posed.length) return;
    if (this.body && (behind || this.drag || this.timer)) {
      this.body.showOn(posed); // the shown pose is newer than the server's
      return;
    }
    this.body = new PosedBody(posed, this.frame, pose.rotations);
    this.limbs = new Map(pose.limbs.map((limb) => [limb[2], limb]));
    if (this.names?.join() !== pose.joints.join()) {
      this.names = pose.joints;
      this.joints.replaceChildren(
        ...pose.joints.map((name, j) => el("option", { value: j }, name.replaceAll("_", " "))),
      );
      this.joint = pose.limbs[0]?.[1] ?? 0;
    }
    this.joint = clamp(this.joint, 0, this.names.length - 1);
    // Joints that are not drawn (helpers of a rig) have no dot. The list has all joints.
    this.shown = [...this.names.keys()].filter((joint) => posed[0].starts[joint] !== UNDRAWN);
    this.show();
  }

  /** Whether a joint can be dragged: the root with the whole body, wrists, ankles. */
  isHandle(joint) {
    return joint === ROOT || this.limbs.has(joint);
  }

  /** Moves a joint to a position; returns the kind of the edit. */
  bring(joint, place) {
    if (joint === ROOT) this.body.moveTo(place);
    else this.body.reach(this.limbs.get(joint), place);
    return joint === ROOT ? "place" : "reach";
  }

  choose(joint) {
    this.commit();
    this.typed = null;
    this.joint = clamp(joint, 0, this.names.length - 1);
    this.show();
    this.edit.viewer.dirty = true;
  }

  show() {
    const open = this.frame !== null,
      ready = open && this.body !== null;
    this.root.hidden = !open || !this.edit.on;
    if (!open) return;
    const away = this.edit.viewer.frame !== this.frame;
    this.words.textContent =
      this.refused ||
      (!ready
        ? `Pose of frame ${this.frame}: loading`
        : `Pose of frame ${this.frame}${away ? " (the playhead is elsewhere)" : ": click a joint, drag rings, hips, hands or feet"}`);
    this.root.dataset.ready = ready ? this.frame : "";
    for (const node of [this.joints, this.turnBox]) node.hidden = !ready;
    this.placeBox.hidden = !ready || !this.isHandle(this.joint);
    if (!ready) return;
    this.joints.value = String(this.joint);
    // Fields in which the user is typing keep their text.
    const write = (labels, values) => {
      if (labels !== this.typed)
        labels.forEach((label, i) => (label.lastChild.value = values[i]));
    };
    write(this.turns, this.body.angles(this.joint));
    write(
      this.places,
      this.body.place(this.joint).map((value) => Math.round(value * 1000) / 10),
    );
  }

  // ---- numbers ----

  /** The numbers of three fields; null if one is no number or too large. */
  read(labels, most) {
    const values = labels.map((label) => label.lastChild.valueAsNumber);
    return values.every((value) => Math.abs(value) <= most) ? values : null;
  }

  onAngles() {
    this.typed = this.turns;
    const angles = this.read(this.turns, 360);
    if (!angles) return;
    this.body.setAngles(this.joint, angles);
    this.later({ do: "turn", angles });
  }

  onPlace() {
    this.typed = this.places;
    const place = this.read(this.places, 100000)?.map((value) => value / 100);
    if (!place) return;
    this.later({ do: this.bring(this.joint, place), place });
  }

  /** Makes the edit after a pause, so that typing a number makes one edit. */
  later(action) {
    this.wanted = { ...action, joint: this.names[this.joint], frame: this.frame };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), PAUSE_MS);
    this.edit.viewer.dirty = true;
    this.show();
  }

  commit() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { wanted } = this;
    this.wanted = null;
    if (wanted) this.edit.send(wanted);
  }

  onPanelKey(event) {
    if (event.ctrlKey || event.metaKey) return; // undo and redo work as elsewhere
    event.stopPropagation(); // digits and arrows belong to the fields
    if (event.key === "Escape") this.close();
    if (event.key === "Enter" && event.target.matches("input")) this.commit();
  }

  onKey(event) {
    if (event.key !== "Escape" || this.frame === null) return false;
    this.close();
    event.stopPropagation();
    return true;
  }

  // ---- the panels ----

  /** Whether the pose is drawn over this panel. */
  isOn(panel) {
    return (
      this.body !== null &&
      this.edit.on &&
      this.edit.viewer.frame === this.frame &&
      !this.edit.viewer.clock.playing &&
      panel?.figures.some((figure) => this.body.figures.includes(figure))
    );
  }

  /** The screen position of the joint that is being turned. */
  spot(panel) {
    return project(panel.view, ...this.body.place(this.joint), []).slice(0, 2);
  }

  /** The points of a ring on the screen: x, y, depth. */
  ring(view, axis) {
    const centre = this.body.place(this.joint),
      turned = this.body.world(this.joint),
      across = AXES.filter((_, i) => i !== axis).map((a) => quatTurn(turned, a)),
      out = [];
    const radius = RING_PX / project(view, ...centre, [])[3];
    for (let k = 0; k <= RING_STEPS; k++) {
      const angle = (2 * Math.PI * k) / RING_STEPS,
        [c, s] = [radius * Math.cos(angle), radius * Math.sin(angle)];
      const at = centre.map((v, i) => v + c * across[0][i] + s * across[1][i]);
      out.push(project(view, ...at, []).slice(0, 3));
    }
    return out;
  }

  draw(panel) {
    if (!this.isOn(panel)) return;
    const { context, theme } = panel.renderer,
      { view } = panel;
    const dotAt = (joint, size, square) => {
      const [x, y] = project(view, ...this.body.place(joint), []);
      context.beginPath();
      if (square) context.rect(x - size, y - size, 2 * size, 2 * size);
      else context.arc(x, y, size, 0, 2 * Math.PI);
      context.fillStyle = css(joint === this.joint ? theme.primary : theme.bg);
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = css(theme.text);
      context.stroke();
    };
    context.save();
    for (const joint of this.shown)
      if (!this.isHandle(joint) && joint !== this.joint) dotAt(joint, 3.5);
    AXES.forEach((_, axis) => this.drawRing(context, theme, view, axis));
    for (const joint of [ROOT, ...this.limbs.keys()]) dotAt(joint, 5.5, true);
    if (!this.isHandle(this.joint)) dotAt(this.joint, 5);
    context.restore();
  }

  drawRing(context, theme, view, axis) {
    const points = this.ring(view, axis),
      colour = RING_COLOURS[theme.dark ? "dark" : "light"][axis],
      middle = project(view, ...this.body.place(this.joint), [])[2],
      held = this.drag?.axis === axis;
    for (const near of [false, true]) {
      context.beginPath();
      points.slice(1).forEach(([x, y, depth], i) => {
        if (depth <= middle !== near) return;
        context.moveTo(points[i][0], points[i][1]);
        context.lineTo(x, y);
      });
      context.globalAlpha = near ? 1 : 0.35;
      context.lineWidth = held ? 4 : near ? 2.5 : 1.5;
      context.strokeStyle = colour;
      context.stroke();
    }
    context.globalAlpha = 1;
    const front = points.reduce((a, b) => (b[2] < a[2] ? b : a));
    context.font = `600 11px ${theme.font}`;
    context.fillStyle = colour;
    context.fillText("XYZ"[axis], front[0] + 4, front[1] - 4);
  }

  /** What is under the pointer: the hips, a hand or foot, a ring, a joint, or nothing (null). */
  under(panel, x, y) {
    const { view } = panel,
      away = (joint) => {
        const at = project(view, ...this.body.place(joint), []);
        return Math.hypot(at[0] - x, at[1] - y);
      };
    const nearest = (joints) => joints.reduce((a, b) => (away(b) < away(a) ? b : a), joints[0]);
    const handle = nearest([ROOT, ...this.limbs.keys()]);
    if (away(handle) <= HIT_PX) return { handle };
    const rings = AXES.map((_, axis) =>
      Math.min(...this.ring(view, axis).map(([a, b]) => Math.hypot(a - x, b - y))),
    );
    const axis = rings.indexOf(Math.min(...rings));
    if (rings[axis] <= HIT_PX - 2) return { axis };
    const joint = nearest(this.shown);
    return away(joint) <= HIT_PX + 3 ? { joint } : null;
  }

  pointerdown(event) {
    const node = event.target.closest(".panel"),
      panel = this.edit.viewer.panels.find((each) => each.node === node);
    if (event.button !== 0 || !this.isOn(panel)) return;
    const box = node.getBoundingClientRect(),
      spot = this.under(panel, event.clientX - box.left, event.clientY - box.top);
    if (!spot) return;
    event.stopPropagation(); // the camera does not move
    event.preventDefault();
    this.edit.viewer.ui.root.focus({ preventScroll: true });
    if (spot.axis === undefined) this.choose(spot.handle ?? spot.joint);
    if (spot.joint !== undefined) return;
    node.setPointerCapture(event.pointerId);
    this.drag = { ...spot, panel, box, x: event.clientX, y: event.clientY };
    if (spot.handle !== undefined) this.drag.place = this.body.place(spot.handle);
  }

  pointermove(event) {
    const { drag, body } = this;
    if (!drag) return;
    event.stopPropagation();
    const { view } = drag.panel,
      dx = event.clientX - drag.x,
      dy = event.clientY - drag.y;
    if (!dx && !dy) return;
    drag.moved = true;
    if (drag.handle !== undefined) {
      const scale = project(view, ...drag.place, [])[3];
      drag.place = drag.place.map(
        (value, i) => value + (dx * view.right[i] - dy * view.up[i]) / scale,
      );
      drag.do = this.bring(drag.handle, drag.place);
    } else {
      const [cx, cy] = project(view, ...body.place(this.joint), []);
      const angle = (x, y) => Math.atan2(y - drag.box.top - cy, x - drag.box.left - cx);
      let by = angle(event.clientX, event.clientY) - angle(drag.x, drag.y);
      by = Math.atan2(Math.sin(by), Math.cos(by));
      const axis = quatTurn(body.world(this.joint), AXES[drag.axis]);
      // On the screen y points down, so an axis that points away from the eye turns clockwise.
      body.turn(this.joint, quatAbout(axis, dot(axis, view.forward) > 0 ? by : -by));
    }
    drag.x = event.clientX;
    drag.y = event.clientY;
    this.edit.viewer.dirty = true;
    this.show();
  }

  pointerup(event) {
    const { drag } = this;
    if (!drag) return;
    event.stopPropagation();
    this.drag = null;
    this.edit.viewer.dirty = true;
    if (!drag.moved) return;
    const joint = this.names[this.joint],
      { frame } = this;
    if (drag.do) this.edit.send({ do: drag.do, frame, joint, place: drag.place });
    else this.edit.send({ do: "turn", frame, joint, angles: this.body.angles(this.joint) });
  }

  pointercancel(event) {
    this.pointerup(event);
  }
}
