// The viewer's DOM: panels with names, control bar, help. Time and drawing are elsewhere.

const HELP = [
  [["Space"], "play or pause"],
  [["←", "→"], "previous or next frame"],
  [["Shift", "←", "→"], "ten frames back or forward"],
  [["Home", "End"], "first or last frame"],
  [["1", "2", "3"], "speed 1/4, 1/2, 1×"],
  [["L"], "loop"],
  [["O"], "overlay"],
  [["B"], "bones or body"],
  [["4", "5", "6", "7"], "camera: front, side, top, follow"],
  [["F"], "frame the figure"],
  [["+", "−"], "zoom the timeline; 0 fits it"],
  [["G"], "zoom to the gap"],
  [["U"], "ruler in frames or seconds"],
  [["Shift", "F"], "full screen"],
  [["Drag"], "orbit the camera; double-click to reset"],
  [["Wheel"], "zoom the camera, after a click on the viewer"],
];

const SPEEDS = [
  [0.25, "¼", "Speed 1/4"],
  [0.5, "½", "Speed 1/2"],
  [1, "1×", "Speed 1x"],
];

function button(name, iconName, onclick, extra = {}) {
  return el(
    "button",
    { type: "button", "aria-label": name, title: name, onclick, ...extra },
    icon(iconName),
  );
}

function keyList(entries, extra = {}) {
  return el(
    "dl",
    extra,
    ...entries.flatMap(([keys, what]) => [
      el("dt", {}, ...keys.map((k) => el("kbd", {}, k))),
      el("dd", {}, what),
    ]),
  );
}

/** Builds the DOM. `act` has a handler for each control. */
function buildViewer(act) {
  const ui = { speeds: new Map() };
  ui.play = button("Play", "play", act.toggle, { class: "play" });
  ui.previous = button("Previous frame", "previous", () => act.step(-1));
  ui.next = button("Next frame", "next", () => act.step(1));
  ui.time = el("span", { class: "time" });
  ui.count = el("span", { class: "count" });
  ui.readout = el("div", { class: "readout" }, ui.time, ui.count);
  ui.errors = el("div", { class: "errors" });
  const speeds = el("div", { class: "speeds", role: "group", "aria-label": "Speed" });
  for (const [rate, label, name] of SPEEDS) {
    const node = el(
      "button",
      { type: "button", "aria-label": name, title: name, onclick: () => act.speed(rate) },
      label,
    );
    ui.speeds.set(rate, node);
    speeds.append(node);
  }
  ui.loop = button("Loop", "loop", act.loop);
  ui.overlay = button("Overlay", "overlay", act.overlay);
  ui.bones = button("Bones", "bone", act.bones, { "aria-keyshortcuts": "B" });
  ui.views = new CameraMenu(act.look);
  ui.frame = button("Frame the figure", "frame", act.frame, { "aria-keyshortcuts": "F" });
  ui.sound = el("button", { type: "button", class: "sound", onclick: act.sound });
  ui.full = button("Full screen", "full", act.full);
  ui.helpButton = button("Help", "help", act.help, { "aria-expanded": "false" });
  ui.help = el(
    "div",
    // Reachable by Tab, because it scrolls on a low page.
    {
      class: "help",
      role: "dialog",
      "aria-label": "Keyboard and mouse",
      tabindex: "0",
      hidden: true,
    },
    el("div", { class: "title" }, "Keyboard and mouse"),
    keyList(HELP),
  );
  ui.panels = el("div", { class: "panels" });
  ui.bar = el(
    "div",
    { class: "bar", role: "toolbar", "aria-label": "Playback" },
    ui.play,
    ui.previous,
    ui.next,
    ui.readout,
    ui.errors,
    el("div", { class: "spacer" }),
    ui.sound,
    speeds,
    ui.loop,
    ui.overlay,
    ui.bones,
    ui.views.root,
    ui.frame,
    ui.helpButton,
    ui.full,
    ui.help,
  );
  ui.empty = el(
    "div",
    { class: "empty", hidden: true },
    el("strong", {}, "Nothing to play yet"),
    el("span", {}, "Choose a clip and the frames to hide; the bodies appear here."),
  );
  ui.root = el(
    "div",
    { class: "mmm viewer", role: "group", tabindex: "-1", "aria-label": "Viewer" },
    ui.empty,
    ui.panels,
  );
  return ui;
}

/** A panel with its canvas and a chip for each figure. */
function buildPanel(name, figures) {
  const chips = figures.map((figure) => {
    const state =
      figure.hidden || figure.recorded || figure.seed !== undefined
        ? el("span", { class: "state" })
        : null;
    const chip = el(
      "span",
      { class: "name", "data-role": figure.role },
      el("span", { class: "dot" }),
      figure.name,
      state,
    );
    return { figure, chip, state };
  });
  const canvas = el("canvas", {
    "data-panel": name,
    role: "img",
    "aria-label": `${name}: body in motion`,
  });
  const node = el(
    "div",
    { class: "panel" },
    canvas,
    el("div", { class: "names" }, ...chips.map((c) => c.chip)),
  );
  return { name, figures, chips, canvas, node };
}

/** Shows on the chip whether the frame is known or recovered. */
function showState({ figure, state }, at, posed) {
  if (!state || figure.frame < 0) return;
  if (figure.recorded) {
    state.hidden = figure.there;
    state.textContent = "not recorded";
    return;
  }
  if (figure.seed !== undefined) {
    showSeed(figure, state, at);
    return;
  }
  let hidden = 0;
  for (let j = 0; j < figure.joints; j++) hidden += figure.hidden[figure.frame * figure.joints + j];
  const text =
    hidden === 0
      ? posed?.has(figure.frame)
        ? "inserted pose"
        : "frame known"
      : hidden === figure.joints
        ? "frame hidden"
        : `${hidden} of ${figure.joints} joints hidden`;
  if (state.textContent !== text) {
    state.textContent = text;
    state.dataset.hidden = hidden ? "yes" : "no";
  }
}

/** Shows on the chip of a generated figure whether the frame is seed, generated or past the end. */
function showSeed(figure, state, at) {
  const made = figure.made(figure.frame),
    over = at >= figure.frames;
  const text = over
    ? "ends here"
    : made
      ? "generated"
      : figure.frame < figure.seed
        ? "seed"
        : "recorded";
  if (state.textContent === text) return;
  state.textContent = text;
  state.dataset.hidden = made ? "yes" : "no";
}

/** The look of each error curve: that of the body of its name; else the first is the model's. */
function errorLooks(names, figures) {
  return names.map((name, i) => {
    const look = figures.find((figure) => figure.name === name)?.look || baselineLook(name);
    return look === "other" && i === 0 ? "model" : look;
  });
}

function setPlayButton(ui, playing) {
  ui.play.replaceChildren(icon(playing ? "pause" : "play"));
  ui.play.setAttribute("aria-label", playing ? "Pause" : "Play");
  ui.play.title = playing ? "Pause" : "Play";
}

/** The sound button has a label until the user has pressed it once. */
function setSoundButton(ui, has, on, hint) {
  ui.sound.hidden = !has;
  const name = on ? "Sound off" : "Sound on";
  ui.sound.replaceChildren(
    icon(on ? "soundOn" : "soundOff"),
    el("span", { class: "words" }, "Sound on"),
  );
  ui.sound.setAttribute("aria-label", name);
  ui.sound.title = name;
  ui.sound.classList.toggle("hint", hint);
}

const press = (node, on) => node.setAttribute("aria-pressed", String(on));
