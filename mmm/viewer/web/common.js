// Shared by all components: payloads, the theme, the page's playhead, DOM helpers.

const ARRAY_TYPES = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array };

/** Header and typed arrays of a payload; see payload.py for the layout. */
function unpack(bytes) {
  if (!(bytes instanceof Uint8Array) || bytes.length < 16)
    throw new Error("The server sent no payload.");
  const copy = bytes.slice(); // typed arrays need an aligned offset, which the message lacks
  const view = new DataView(copy.buffer);
  if (view.getUint32(0, true) !== 0x314d4d4d)
    throw new Error("The payload does not begin with MMM1.");
  const length = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(16, 16 + length)));
  const start = Math.ceil((16 + length) / 8) * 8;
  const arrays = {};
  for (const [name, { offset, dtype, shape }] of Object.entries(header.buffers)) {
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[name] = new ARRAY_TYPES[dtype](copy.buffer, start + offset, count);
  }
  header.height = view.getUint32(8, true);
  return { header, arrays };
}

/** An element with attributes, listeners (onclick: f) and children. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The playhead that all components of the page share. The event "playhead" {channel, frame,
 *  frames, time_s, fps, playing} reports it, and "seek" {channel, frame} moves it. `now` holds the
 *  last report of each channel for components that mount later. `memory` keeps a viewer's state
 *  while the page rebuilds the viewer. */
function playheadBus() {
  if (!window.mmmPlayhead) {
    window.mmmPlayhead = Object.assign(new EventTarget(), { now: new Map(), memory: new Map() });
  }
  return window.mmmPlayhead;
}

function publish(type, detail) {
  const bus = playheadBus();
  if (type === "playhead") bus.now.set(detail.channel, detail);
  bus.dispatchEvent(new CustomEvent(type, { detail }));
}

/** Calls `callback` with each event of a type and channel. Returns a function that unsubscribes. */
function listen(type, channel, callback) {
  const handler = (event) => {
    if (event.detail.channel === channel) callback(event.detail);
  };
  playheadBus().addEventListener(type, handler);
  return () => playheadBus().removeEventListener(type, handler);
}

/** The highlights of a channel's timeline, kept for viewers that mount later:
 *  {glows: source -> detail, span: [a, b] | null}. */
function glowMemory(channel) {
  const { memory } = playheadBus(),
    key = `glow:${channel}`;
  if (!memory.has(key)) memory.set(key, { glows: new Map(), span: null });
  return memory.get(key);
}

/** Highlights frames on the timeline. Without values it removes this source's highlight (glow.js). */
function publishGlow(detail) {
  const { glows } = glowMemory(detail.channel);
  if (detail.values) glows.set(detail.source, detail);
  else if (!glows.delete(detail.source)) return;
  publish("glow", detail);
}

function publishSpan(channel, span) {
  glowMemory(channel).span = span;
  publish("span", { channel, span });
}

/** Colours of attention and of interventions. Neither is the colour of a method. */
const GLOW = { light: [232, 168, 0], dark: [255, 205, 77] };
const STRIP_COLOUR = { light: [13, 110, 120], dark: [92, 214, 222] };

// ---- colours ----

const colourProbe = document.createElement("canvas").getContext("2d");

/** [r, g, b] of any CSS colour, or the fallback. */
function parseColour(text, fallback = "#888888") {
  colourProbe.fillStyle = fallback;
  if (text && text.trim()) colourProbe.fillStyle = text.trim();
  const value = colourProbe.fillStyle;
  if (value[0] === "#") return [1, 3, 5].map((i) => parseInt(value.slice(i, i + 2), 16));
  return value
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);
const css = (c, alpha = 1) => `rgba(${c.map((v) => Math.round(v)).join(",")},${alpha})`;
const luminance = (c) => (0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]) / 255;

/** One colour for each method, on the whole page; mmm/viewer/palette.py has the same for Python.
 *  The model has the theme's primary colour, and the truth the colour of text. `second` and `third`
 *  are further networks, `other` is everything else. */
const METHOD_COLOURS = {
  light: {
    hold: "#3f8ac9",
    slerp: "#1f8a80",
    inertial: "#8f1d4f",
    spline: "#7b46b8",
    other: "#6b7a12",
    second: "#3f8a1c",
    third: "#946c00",
  },
  dark: {
    hold: "#6db3f2",
    slerp: "#4fc0b0",
    inertial: "#ffc2dd",
    spline: "#b898f0",
    other: "#c3cf4f",
    second: "#8fdc6b",
    third: "#f2d25c",
  },
};

/** The baseline that a name starts with, if any: "Slerp, before Recover" is slerp. */
function baselineLook(name) {
  const word = name.toLowerCase().split(/[ ,]/)[0];
  return word !== "other" && word in METHOD_COLOURS.light ? word : "other";
}

/** [r, g, b] of a look: "truth", "model" or a baseline's. */
function lookColour(theme, look) {
  if (look === "truth") return mix(theme.text, theme.bg, 0.45);
  if (look === "model") return theme.primary;
  return parseColour(
    METHOD_COLOURS[theme.dark ? "dark" : "light"][look] || METHOD_COLOURS.light.other,
  );
}

/** The theme's colours as numbers, from Streamlit's --st-* variables. */
function readTheme(node) {
  const style = getComputedStyle(node);
  const get = (name, fallback) => parseColour(style.getPropertyValue(`--st-${name}`), fallback);
  const bg = get("background-color", "#ffffff");
  const dark = luminance(bg) < 0.5;
  const text = get("text-color", dark ? "#fafafa" : "#31333f"),
    primary = get("primary-color", "#ff4b4b");
  return {
    dark,
    bg,
    text,
    panel: get("secondary-background-color", dark ? "#262730" : "#f0f2f6"),
    primary,
    muted: mix(text, bg, 0.3),
    line: mix(bg, text, dark ? 0.17 : 0.13),
    font: style.getPropertyValue("--st-font") || "sans-serif",
  };
}

const themeKey = (node) => {
  const style = getComputedStyle(node);
  return ["background-color", "secondary-background-color", "text-color", "primary-color"]
    .map((name) => style.getPropertyValue(`--st-${name}`))
    .join("|");
};

/** Calls `callback` when Streamlit's theme changes. Returns a function that unsubscribes. */
function watchTheme(node, callback) {
  let last = themeKey(node);
  const timer = setInterval(() => {
    const key = themeKey(node);
    if (key !== last) {
      last = key;
      callback();
    }
  }, 400);
  return () => clearInterval(timer);
}

// ---- canvas and numbers ----

/** Fits a canvas to its box on the screen. Returns a context that measures in CSS pixels. */
function fitCanvas(canvas, width, height, ratio = Math.min(window.devicePixelRatio || 1, 2)) {
  const w = Math.max(1, Math.round(width * ratio)),
    h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context.setTransform(w / Math.max(width, 1), 0, 0, h / Math.max(height, 1), 0, 0);
  return context;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** 83.456 -> "1:23.45"; with one digit "1:23.4" */
function clockText(seconds, digits = 2) {
  const unit = 10 ** digits,
    parts = Math.floor(seconds * unit + 1e-6);
  const pad = (value, width) => String(value).padStart(width, "0");
  return `${Math.floor(parts / (60 * unit))}:${pad(Math.floor(parts / unit) % 60, 2)}.${pad(parts % unit, digits)}`;
}

/** The runs of nonzero flags, as [first, last + 1]. */
function runsOf(flags) {
  const runs = [];
  for (let i = 0; i < flags.length; i++) {
    if (!flags[i]) continue;
    if (runs.length && runs[runs.length - 1][1] === i) runs[runs.length - 1][1] = i + 1;
    else runs.push([i, i + 1]);
  }
  return runs;
}

/** Shows an error in place of the component, so that nothing fails silently. */
function showError(root, error) {
  console.error(error);
  for (const old of root.querySelectorAll(".mmm-error")) old.remove();
  root.append(
    el(
      "div",
      { class: "mmm-error", role: "alert" },
      el("strong", {}, "This view could not be drawn. "),
      String(error && error.message ? error.message : error),
    ),
  );
}

/** Makes the function that a component exports. It keeps one instance for each mount point, updates
 *  it with each payload, and destroys it when the component is removed. */
function mountOnce(create) {
  const instances = new WeakMap();
  return (component) => {
    const root = component.parentElement;
    try {
      let instance = instances.get(root);
      if (!instance) instances.set(root, (instance = create(root, component)));
      for (const old of root.querySelectorAll(".mmm-error")) old.remove();
      instance.update(component);
      return () => {
        instances.delete(root);
        instance.destroy();
      };
    } catch (error) {
      showError(root, error);
      return () => {};
    }
  };
}
