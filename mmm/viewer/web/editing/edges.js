// Dragging a gap's edge on the timeline hides more frames, or makes some known again.

const EDGE_PX = 5; // a drag that begins this near to an edge moves it

/** The edit tools set `onEdge(what, first, last)`, which makes the edit. */
class TimelineEdges extends TimelineZoom {
  /** The gap's edge under the pointer while the edit tools are on: {run, side}; null elsewhere. */
  edgeAt(clientX) {
    if (!this.selection.on || !this.onEdge) return null;
    const x = clientX - this.root.getBoundingClientRect().left;
    for (const run of this.data?.hiddenRuns ?? []) {
      for (const side of [0, 1])
        if (Math.abs(this.toX(run[side]) - x) <= EDGE_PX) return { run, side };
    }
    return null;
  }

  /** Selects the frames that the drag adds to the gap or takes from it. */
  dragEdge(frame) {
    const { run, side } = this.edge,
      other = run[1 - side];
    const goal = side ? Math.max(frame + 1, other + 1) : Math.min(frame, other - 1);
    const change = [Math.min(goal, run[side]), Math.max(goal, run[side])];
    this.edge.change = goal === run[side] ? null : change;
    this.edge.grows = side ? goal > run[1] : goal < run[0];
    this.selection.set(this.edge.change && [change[0], change[1] - 1]);
  }

  dropEdge() {
    const { change, grows } = this.edge;
    this.edge = null;
    this.selection.set(null);
    if (change) this.onEdge(grows ? "hide" : "known", change[0], change[1] - 1);
  }
}
