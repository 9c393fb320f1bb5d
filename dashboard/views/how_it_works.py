"""How it works, in plain words, with strips that show real mask patterns."""

import html

import numpy as np
import streamlit as st

from dashboard.common import escape, layout
from dashboard.work.networks import list_checkpoints
from mmm import masks
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24

FRAMES = 48
SHOWN = (
    ("every:15", "keyframes: one frame in fifteen is known, as in an animator's blocking"),
    ("span:14-34", "one gap, as after lost markers in motion capture"),
    ("random:0.15", "random single frames, which a network learns to fill first"),
    ("keep:5,hide:5", "five frames known, five hidden, in turn"),
)
PATTERNS_HEADING = "Hidden frames"

PARTS = (
    (
        "Masked modelling",
        "A language model can be trained by hiding words of a sentence and predicting them from "
        "the others. Here, the words are poses: a network learns to fill hidden frames of a motion "
        "from the frames around them. A network that fills any gap well has learned how people "
        "move. A pose is 24 joint rotations and the position of the root. Other humanoid skeletons "
        "are mapped to 22 joint roles.",
    ),
    (
        PATTERNS_HEADING,
        "A mask says which frames, or which joints in them, are hidden from the network. Hidden "
        "values are replaced before anything is computed, so no information about them reaches "
        "the network. Known frames are returned unchanged. Four patterns on 48 frames, hidden "
        "frames in colour:",
    ),
    (
        "From interpolation to prediction",
        "First, an interpolation fills the gap: a curve that leaves and reaches the known frames "
        "at their own speed. The network then predicts the difference between this curve and the "
        "real motion, and the prediction is added. An untrained network adds nothing. Predicted "
        "matrices are projected to rotations, and foot locking bends the legs so that feet on the "
        "floor stay where they are.",
    ),
    (
        "Music",
        "For dance, one encoder reads the motion, another the music (35 features a frame: onsets, "
        "beats, pitch classes, timbre), and a cross-modal encoder combines them. `ecm` puts music "
        "after motion in time, so its attention maps show which moment of the music a frame looks "
        "at. `3bert` joins the two in each frame. The section *Attention* of the workbench shows "
        "the maps. It can also change the music and recover again, which shows the effect of the "
        "music; a map alone does not.",
    ),
    (
        "Generation",
        "To continue a motion, the network fills a gap that has no known frames after it: one "
        "second at a time, from two seconds of recorded motion to any length. It was trained on "
        "its own output too, so that small errors do not build up. Music decides which dance it "
        "generates; without music, random numbers do.",
    ),
    (
        "How errors are measured",
        "Errors count hidden entries only. Every network is compared with four interpolations on "
        "exactly the same entries: hold (the last known pose), slerp, inertial and spline. Where "
        "an interpolation is better, the page says so. The rotation error is the angle between "
        "joint rotations in degrees, the position error the distance between joints "
        "in centimetres.",
    ),
)


def page() -> None:
    """Draw the page."""
    layout.page_header("How it works")
    st.html('<div class="wb-title"><h1>How it works</h1></div>')
    for heading, text in PARTS:
        st.header(heading, anchor=False)
        st.markdown(text)
        if heading == PATTERNS_HEADING:
            st.html("".join(_strip(spec, words) for spec, words in SHOWN))
    st.header("Networks", anchor=False)
    # Listed from the files, so that it is correct for any set of checkpoints.
    for card in list_checkpoints():
        task = "continues a motion" if card.can_generate else "fills gaps"
        music = "with music" if card.uses_music else "without music"
        body = (
            "any humanoid, any frame rate"
            if card.representation == "roles"
            else f"{len(card.joint_names or ())} joints at {card.fps:g} fps"
        )
        st.markdown(
            f"- **{escape.markdown(card.name)}** ({escape.code(card.network)}): "
            f"{task}, {music}; {body}."
        )
    st.caption(
        "More: docs/attention.md (attention maps), docs/training.md (training your own network), "
        "docs/results.md (results)."
    )


def _strip(spec: str, words: str) -> str:
    """The pattern as a row of frames, hidden ones coloured."""
    # A body at rest, because the patterns depend on the number of frames only.
    rest = np.broadcast_to(np.eye(3, dtype=np.float32), (FRAMES, 24, 3, 3))
    still = Motion(SMPL24, rest, np.zeros((FRAMES, 3), np.float32), 60.0)
    # The default seed is fixed, so that the random pattern always looks the same.
    hidden = masks.parse(spec, Clip("pattern", still)).frames
    cells = "".join(f'<i class="{"hidden" if h else "known"}"></i>' for h in hidden)
    # A label for screen readers, instead of 48 empty elements.
    label = f"{int(hidden.sum())} of {FRAMES} frames hidden"
    return (
        f'<div class="how-strip" role="img" aria-label="{label}">{cells}</div>'
        f'<div class="how-words"><code>{html.escape(spec)}</code> {html.escape(words)}</div>'
    )
