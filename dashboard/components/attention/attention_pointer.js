// Pointer and keys on an attention map: they seek, select a span, and show a value.

const DRAG_FROM = 5; // pixels; a shorter movement is a click

/** The base class of MapPlot, which adds the geometry, the values and the elements. */
class MapPointer {
  attach() {
    const { root } = this;
    let start = null;
    root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const here = this.at(event);
      if (here.x < -0.2 || here.y < -0.2 || here.x > 1 || here.y > 1) return;
      start = { ...here, px: event.clientX, py: event.clientY, moved: false };
      root.setPointerCapture(event.pointerId);
      this.act.seek(this.frameOf(this.axis === "row" ? here.y : here.x));
    });
    root.addEventListener("pointermove", (event) => {
      this.hover(event, !start && event.pointerType !== "touch");
      if (!start) return;
      const dx = event.clientX - start.px,
        dy = event.clientY - start.py;
      if (!start.moved && Math.hypot(dx, dy) < DRAG_FROM) return;
      start.moved = true;
      const axis = Math.abs(dx) > Math.abs(dy) ? "column" : "row",
        here = this.at(event);
      const ends = axis === "row" ? [start.y, here.y] : [start.x, here.x];
      this.axis = axis;
      this.span = [this.frameOf(Math.min(...ends)), this.frameOf(Math.max(...ends))];
      this.act.spanned(this.span, false);
    });
    const end = () => {
      if (!start) return;
      if (start.moved || this.span) {
        if (!start.moved) this.span = null; // a click clears the span
        this.act.spanned(this.span, true);
      }
      start = null;
    };
    root.addEventListener("pointerup", end);
    root.addEventListener("pointercancel", end);
    root.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
      this.act.peek(null);
    });
    root.addEventListener("keydown", (event) => {
      const far = event.shiftKey ? 10 : 1,
        [first, last] = this.header.window;
      const goal = {
        ArrowLeft: this.frame - far,
        ArrowUp: this.frame - far,
        ArrowRight: this.frame + far,
        ArrowDown: this.frame + far,
        Home: first,
        End: last - 1,
      }[event.key];
      if (goal === undefined && !(event.key === "Escape" && this.span)) return;
      event.preventDefault();
      event.stopPropagation();
      if (goal === undefined) {
        this.span = null;
        this.act.spanned(null, true);
      } else this.act.seek(clamp(goal, first, last - 1));
    });
  }

  hover(event, peeks) {
    const here = this.at(event),
      { header } = this;
    if (here.x < 0 || here.y < 0 || here.x >= 1 || here.y >= 1) {
      this.tip.hidden = true;
      if (peeks) this.act.peek(null);
      return;
    }
    if (peeks) this.act.peek(this.frameOf(this.axis === "row" ? here.y : here.x));
    const row = Math.floor(here.y * header.rows),
      column = Math.floor(here.x * header.columns);
    const value = this.values[this.codes[row * header.columns + column]],
      looks = this.frameOf(here.y),
      seen = this.frameOf(here.x);
    this.tip.replaceChildren(
      el("b", {}, shareText(value)),
      ` of ${header.sides[0]} ${clockText(looks / header.fps)}`,
      el("span", { class: "dim" }, ` (frame ${looks})`),
      el("br"),
      `looks at ${header.sides[1]} ${clockText(seen / header.fps)}`,
      el(
        "span",
        { class: "dim" },
        ` (frame ${seen}) · ${numberText(value * header.columns)} × uniform`,
      ),
    );
    this.tip.hidden = false;
    const place = this.root.getBoundingClientRect(),
      x = event.clientX - place.left,
      y = event.clientY - place.top;
    const left =
      x + 16 + this.tip.offsetWidth > this.size.width ? x - this.tip.offsetWidth - 16 : x + 16;
    const top = Math.max(0, y - this.tip.offsetHeight - 12);
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }
}
