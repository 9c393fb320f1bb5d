"""Edits made with the viewer's tools, and their undo history, for each sequence and part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from dashboard.common import escape
from mmm import Clip, MMMError, masks
from mmm.edits import Edited, add, apply, place, reach, turn
from mmm.motion import rotations as rot
from mmm.motion.posing import limbs_of

MOST_STEPS = 200
"""Number of steps that can be undone."""


@dataclass
class History:
    """The edits of one sequence, and the steps that led to them."""

    states: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    """The edits as terms of a SPEC, after each step."""
    index: int = 0
    """Index of the current state."""

    @property
    def edits(self) -> tuple[str, ...]:
        """The current edits."""
        return self.states[self.index]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self.index > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self.index + 1 < len(self.states)

    def do(self, edits: tuple[str, ...]) -> None:
        """Add a step and drop the undone ones. Unchanged edits add no step."""
        if edits != self.edits:
            self.states = [*self.states[: self.index + 1], edits][-MOST_STEPS:]
            self.index = len(self.states) - 1

    def undo(self) -> None:
        """Go one step back, if there is one."""
        self.index = max(self.index - 1, 0)

    def redo(self) -> None:
        """Go one step forward again, if there is one."""
        self.index = min(self.index + 1, len(self.states) - 1)


@dataclass(frozen=True)
class Desk:
    """A sequence with its mask pattern and its edits."""

    key: str
    """Sequence and part; each has its own edits."""
    recorded: Clip
    """The clip before all edits."""
    pattern: str
    seed: int
    spec: str
    """Pattern and edits, as on the command line."""
    edited: Edited
    problem: str = ""
    """Why the SPEC is invalid, in which case nothing is hidden; empty if it is valid."""

    @property
    def is_old(self) -> bool:
        """Whether edits were made since this was computed."""
        return self.spec != joined(self.pattern, history(self.key).edits)

    def header(self) -> dict[str, Any]:
        """Data of the viewer's editing tools, for the payload's header."""
        steps, mask = history(self.key), self.edited.mask
        pinned = [] if mask.pinned is None else np.flatnonzero(mask.pinned.any(axis=1)).tolist()
        # The browser previews an action until its serial number appears here.
        received = [
            [client, serial]
            for client, serial in st.session_state.get("edits_received", {}).items()
        ]

        def spec_at(step: int) -> str:
            return joined(self.pattern, steps.states[step]) if 0 <= step < len(steps.states) else ""

        return {
            "mark": self.key,
            "spec": self.spec,
            "pattern": self.pattern,
            "seed": self.seed,
            # With these the browser shows an undo or redo before the server answers.
            "undo": spec_at(steps.index - 1),
            "redo": spec_at(steps.index + 1),
            "pinned": pinned,
            "received": received,
            "keyframes": self.edited.keyframes,
            "posed": self.edited.posed_frames,
            "pose": self._posing(),
            "edits": len(steps.edits),
            # Sorted, because the order of a set differs between processes.
            "limbs": sorted(set(self.recorded.motion.skeleton.limbs)),
        }

    def _posing(self) -> dict[str, Any] | None:
        """Joints and rotations of the frame that is being posed; None if no frame is."""
        frame = (st.session_state.get("stage", {}).get("edit") or {}).get("posing")
        motion = self.edited.clip.motion
        if frame is None or not 0 <= int(frame) < len(motion):
            return None
        rotations = rot.matrix_to_quat_wxyz(motion.rotations[int(frame)])
        return {
            "frame": int(frame),
            "joints": motion.skeleton.names,
            "rotations": np.round(rotations.astype(float), 6).ravel().tolist(),
            "limbs": [list(limb) for limb in limbs_of(motion.skeleton).values()],
        }


def joined(pattern: str, edits: tuple[str, ...]) -> str:
    """The SPEC of a pattern and edits."""
    return "+".join((pattern, *edits))


def history(key: str) -> History:
    """The history of this sequence and part; it begins with the edits of a shared link."""
    kept: dict[str, History] = st.session_state.setdefault("edit_steps", {})
    if key not in kept:
        # While the linked file is missing, another file is shown, to which the edits do not apply.
        given = () if "awaited" in st.session_state else st.session_state.pop("url_edits", ())
        kept[key] = History([tuple(given)])
    return kept[key]


def open_desk(key: str, clip: Clip, pattern: str, seed: int) -> Desk:
    """The clip with its pattern and edits applied; an invalid SPEC becomes a ``problem``."""
    problem, spec = "", joined(pattern, history(key).edits)
    try:
        edited = _edited(f"{clip.name} {clip.source} {clip.digest()}", spec, seed, _clip=clip)
        # Nothing can be interpolated for a joint without a known frame.
        if edited.mask.hidden.all(axis=0).any():
            problem = "Some joints are hidden in all frames: leave at least one frame visible."
    except MMMError as error:
        # The page is drawn with nothing hidden, so that the user can correct the SPEC.
        nothing = masks.none(clip)
        edited, problem = Edited(clip, nothing, nothing.hidden), str(error)
    return Desk(key, clip, pattern, seed, spec, edited, problem)


@st.cache_resource(max_entries=16, show_spinner=False)
def _edited(which: str, spec: str, seed: int, *, _clip: Clip) -> Edited:
    """Cached by clip and SPEC: other caches depend on the clip staying the same object."""
    return apply(spec, _clip, seed)


def receive(desk: Desk) -> None:
    """Apply the actions of the viewer's tools; called before the page is redrawn."""
    message = st.session_state.get("stage", {}).get("edit")
    if not message:
        return
    # Streamlit may drop a message when the next one follows at once. So each message repeats the
    # latest actions, and serial numbers tell which of them are new.
    client, log = str(message["client"]), message["log"]
    done: dict[str, int] = st.session_state.setdefault("edits_received", {})
    for action in log:
        if action["serial"] > done.get(client, -1):
            # Recorded first, so that a failed action is not repeated with each later message.
            done[client] = action["serial"]
            act(desk, action)


def act(desk: Desk, action: Mapping[str, Any]) -> None:
    """Perform one action; an edit that fails is reported in a toast.

    Args:
        action: ``{"do": "undo" | "redo" | "clear" | an edit's kind, ...}``.
    """
    steps, kind = history(desk.key), action["do"]
    if kind == "undo":
        steps.undo()
    elif kind == "redo":
        steps.redo()
    elif kind == "clear":
        steps.do(())
    else:
        try:
            edits = steps.edits
            for term in terms_of(action) or _reach_terms(desk, action):
                edits = add(edits, term)
            # Tried before it becomes a step, so that the history holds valid edits only.
            apply(joined(desk.pattern, edits), desk.recorded, desk.seed)
        except MMMError as error:
            st.toast(escape.markdown(error), icon=":material/error:")
            return
        steps.do(edits)


def _reach_terms(desk: Desk, action: Mapping[str, Any]) -> tuple[str, ...]:
    """The SPEC terms that move a hand or a foot to a position (inverse kinematics)."""
    spec = joined(desk.pattern, history(desk.key).edits)
    # Not the desk's own clip: an earlier action of the same message may have changed it.
    clip = apply(spec, desk.recorded, desk.seed).clip
    place_m = np.array([float(value) for value in action["place"]])
    return reach(clip, int(action["frame"]), str(action["joint"]), place_m)


def terms_of(action: Mapping[str, Any]) -> list[str]:
    """The SPEC terms of an action; none for ``reach``, whose terms depend on the clip."""
    kind = action["do"]
    if kind == "reach":
        return []
    if kind == "turn":
        return [turn(int(action["frame"]), str(action["joint"]), map(float, action["angles"]))]
    if kind == "place":
        return [place(int(action["frame"]), map(float, action["place"]))]
    if kind not in ("move", "copy", "drop"):
        return [term_of(action)]
    frames = sorted(int(frame) for frame in action["frames"])
    listed = ",".join(map(str, frames))
    if kind == "drop":
        return [*([f"unpin:{listed}"] if action["pinned"] else []), f"hide:{listed}"]
    by = int(action["by"])
    if kind == "move":
        return [f"move:{listed}={frames[0] + by}"]
    # Copied in an order in which no copy is overwritten before it is read.
    return [f"pose:{frame + by}={frame}" for frame in (frames[::-1] if by > 0 else frames)]


def term_of(action: Mapping[str, Any]) -> str:
    """The SPEC term of an action on a range of frames, or of a pasted pose."""
    kind, groups = action["do"], ",".join(action.get("groups") or ())
    # A change of a gap's length applies to the whole body.
    joints = f"@{groups}" if groups and kind != "retime" else ""
    if kind == "pose":
        return f"pose:{int(action['frame'])}={int(action['from'])}{joints}"
    first, last = int(action["first"]), int(action["last"])
    span = f"{first}-{last}" if first != last else f"{first}"
    return (
        f"retime:{first}-{last}={int(action['length'])}"
        if kind == "retime"
        else f"{kind}:{span}{joints}"
    )
