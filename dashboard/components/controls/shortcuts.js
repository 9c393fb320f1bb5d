// Keyboard shortcuts for the whole page. See shortcuts.py.

const TYPING =
  "input:not([type=radio], [type=checkbox]), textarea, select, " +
  "[contenteditable=true], [role=combobox]";
// Controls that handle arrows, space and Enter themselves.
const CONTROLS =
  "button, a, summary, input, [role=slider], [role=radio], [role=checkbox], [role=tab], " +
  "[role=option]";
const CONTROL_KEYS = new Set([
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  " ",
  "Enter",
  "Escape",
  "Tab",
]);
// These keys scroll the page. The viewer handles them when it has the focus.
const PAGE_KEYS = new Set(["Home", "End"]);

class Shortcuts {
  constructor() {
    // In the capture phase, because Streamlit has its own shortcut on R, which reruns the page.
    this.onKey = (event) => this.handle(event);
    window.addEventListener("keydown", this.onKey, true);
  }

  update(component) {
    this.header = unpack(component.data).header;
  }

  handle(event) {
    const target = event.composedPath()[0];
    if (event.isComposing || !(target instanceof Element) || target.closest(TYPING)) return;
    if (document.querySelector('[data-testid="stDialog"], :popover-open')) return;
    // A popover in a shadow tree, such as the tour, appears only in the path of the event.
    if (event.composedPath().some((node) => node instanceof Element && node.matches(":popover-open")))
      return;
    const control = event.ctrlKey || event.metaKey,
      plain = !control && !event.altKey && !event.shiftKey;
    if ((plain && event.key.toLowerCase() === "r") || (control && event.key === "Enter")) {
      if (event.repeat || this.run()) stop(event);
      return;
    }
    if (!PAGE_KEYS.has(event.key) && !(CONTROL_KEYS.has(event.key) && target.closest(CONTROLS)))
      this.forward(event);
  }

  /** Presses the run button; false if there is none or it is disabled. */
  run() {
    const button = document.querySelector(`.st-key-${this.header.run} button`);
    if (!button || button.disabled) return false;
    button.click();
    return true;
  }

  /** Sends a copy of the event to the visible viewer, unless the event passes through it anyway. */
  forward(event) {
    const viewer = this.header.viewers.map(viewerOf).find((node) => node?.getClientRects().length);
    if (!viewer || event.composedPath().includes(viewer)) return;
    const { key, code, shiftKey, ctrlKey, metaKey, altKey, repeat } = event;
    const copy = new KeyboardEvent("keydown", {
      key,
      code,
      shiftKey,
      ctrlKey,
      metaKey,
      altKey,
      repeat,
      cancelable: true,
    });
    viewer.dispatchEvent(copy);
    if (copy.defaultPrevented) stop(event);
  }

  destroy() {
    window.removeEventListener("keydown", this.onKey, true);
  }
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** The root of a viewer, which lies in the shadow tree of its Streamlit element. */
function viewerOf(key) {
  const element = document.querySelector(`.st-key-${key}`);
  for (const node of element?.querySelectorAll("*") ?? []) {
    const viewer = node.shadowRoot?.querySelector(".mmm.viewer");
    if (viewer) return viewer;
  }
  return element?.querySelector(".mmm.viewer");
}

export default mountOnce(() => new Shortcuts());
