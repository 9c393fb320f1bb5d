"""Edits by hand on the stage: what was done, undone and done again, for each sequence and part, in the session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from mmm import Clip, MMMError, masks
from mmm.edits import Edited, add, apply

MOST_STEPS = 200
"""That can be undone."""


@dataclass
class History:
    """The edits of one sequence, and how they came about."""

    states: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    """Edits as terms of a SPEC, after each step."""
    at: int = 0
    """Which of them holds."""

    @property
    def edits(self) -> tuple[str, ...]:
        """As they stand."""
        return self.states[self.at]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone that nothing has replaced."""
        return self.at + 1 < len(self.states)

    def do(self, edits: tuple[str, ...]) -> None:
        """One step on; what had been undone is gone. A step that changes nothing is none."""
        if edits != self.edits:
            self.states = [*self.states[: self.at + 1], edits][-MOST_STEPS:]
            self.at = len(self.states) - 1

    def undo(self) -> None:
        """One step back, where there is one."""
        self.at = max(self.at - 1, 0)

    def redo(self) -> None:
        """One step on again, where there is one."""
        self.at = min(self.at + 1, len(self.states) - 1)


@dataclass(frozen=True)
class Desk:
    """A sequence with its pattern and its edits, ready to be edited further."""

    key: str
    """Sequence and part: each has edits of its own."""
    recorded: Clip
    """Before all edits."""
    pattern: str
    seed: int
    spec: str
    """Pattern and edits, as the command line takes them."""
    edited: Edited
    problem: str = ""
    """What is wrong with the SPEC; then nothing is hidden."""

    @property
    def is_old(self) -> bool:
        """Whether there have been edits since."""
        return self.spec != joined(self.pattern, history(self.key).edits)

    def header(self) -> dict[str, Any]:
        """What the stage's tools show of it."""
        steps, mask = history(self.key), self.edited.mask
        pinned = [] if mask.pinned is None else np.flatnonzero(mask.pinned.any(axis=1)).tolist()
        heard = [
            [client, serial] for client, serial in st.session_state.get("edits_heard", {}).items()
        ]

        def spec_at(step: int) -> str:
            return joined(self.pattern, steps.states[step]) if 0 <= step < len(steps.states) else ""

        return {
            "mark": self.key,
            "spec": self.spec,
            "pattern": self.pattern,
            "seed": self.seed,
            "undo": spec_at(steps.at - 1),
            "redo": spec_at(steps.at + 1),
            "pinned": pinned,
            "heard": heard,
            "keyframes": self.edited.keyframes,
            "edits": len(steps.edits),
            "limbs": sorted(set(self.recorded.motion.skeleton.limbs)),
        }


def joined(pattern: str, edits: tuple[str, ...]) -> str:
    """A SPEC of a pattern and edits."""
    return "+".join((pattern, *edits))


def history(key: str) -> History:
    """The steps of this sequence and part; at first what a shared link says."""
    kept: dict[str, History] = st.session_state.setdefault("edit_steps", {})
    if key not in kept:
        given = () if "awaited" in st.session_state else st.session_state.pop("url_edits", ())
        kept[key] = History([tuple(given)])
    return kept[key]


def open_desk(key: str, clip: Clip, pattern: str, seed: int) -> Desk:
    """The clip with its pattern and edits; what is wrong with them is said, and then nothing is hidden."""
    problem, spec = "", joined(pattern, history(key).edits)
    try:
        edited = _edited(clip.digest(), spec, seed, _clip=clip)
        if edited.mask.hidden.all(axis=0).any():
            problem = "Nothing is known of some joints: leave at least one frame visible."
    except MMMError as error:
        nothing = masks.none(clip)
        edited, problem = Edited(clip, nothing, nothing.hidden), str(error)
    return Desk(key, clip, pattern, seed, spec, edited, problem)


@st.cache_resource(max_entries=16, show_spinner=False)
def _edited(digest: str, spec: str, seed: int, *, _clip: Clip) -> Edited:
    """Worked out once for each clip and SPEC: a clip with inserted poses is another object with other positions."""
    return apply(spec, _clip, seed)


def hear(desk: Desk) -> None:
    """Do what the stage's tools ask for; called before the page is drawn anew."""
    told = st.session_state.get("stage", {}).get("edit")
    if not told:
        return
    client, log = str(told["client"]), told["log"]
    done: dict[str, int] = st.session_state.setdefault("edits_heard", {})
    for action in log:
        if action["serial"] > done.get(client, -1):
            done[client] = action["serial"]
            act(desk, action)


def act(desk: Desk, action: Mapping[str, Any]) -> None:
    """One step: ``{"do": "undo" | "redo" | "clear" | an edit's kind, ...}``; what does not fit is said in a toast."""
    steps, what = history(desk.key), action["do"]
    if what == "undo":
        steps.undo()
    elif what == "redo":
        steps.redo()
    elif what == "clear":
        steps.do(())
    else:
        try:
            edits = add(steps.edits, term_of(action))
            apply(joined(desk.pattern, edits), desk.recorded, desk.seed)
        except MMMError as error:
            st.toast(str(error), icon=":material/error:")
            return
        steps.do(edits)


def term_of(action: Mapping[str, Any]) -> str:
    """The term of a SPEC that an action stands for."""
    kind, groups = action["do"], ",".join(action.get("groups") or ())
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
