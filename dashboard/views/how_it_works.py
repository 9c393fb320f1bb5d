"""How it works, in plain words, with figures drawn from the real mask language."""

import html

import numpy as np
import streamlit as st

from dashboard.common import layout
from mmm import masks
from mmm.checkpoints import list_checkpoints
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24

FRAMES = 48
SHOWN = (
    ("every:15", "keyframes, one in fifteen known: what an animator sets"),
    ("span:14-34", "one gap, as after a lost marker"),
    ("random:0.15", "single frames here and there: the first thing a network learns on"),
    ("keep:5,hide:5", "five known, five hidden, again and again"),
)

PARTS = (
    (
        "Frames are words",
        "A motion is a row of poses. Read each pose as a word and the motion becomes a sentence, so what works for "
        "language works here: hide some of the words and train a network to put them back. Whoever can fill any gap "
        "has learned how people move. A pose is 24 joint rotations and the place of the root (any humanoid skeleton is "
        "brought to 22 roles first).",
    ),
    (
        "What is hidden stays hidden",
        "A mask says which frames, or which joints of them, the network may not see. Before anything is computed the "
        "hidden values are replaced, so nothing of them can leak; what is known comes back bit for bit. These are four "
        "patterns on 48 frames, hidden ones filled:",
    ),
    (
        "First a plain guess, then the network",
        "The gap is filled by a curve that leaves and reaches the known frames at their own speed. The network looks "
        "at the whole and says how far the truth is likely to be from that curve; its answer is added. Untrained, it "
        "adds nothing. Rotations are brought back to true rotations, and feet that stand are held where they stand by "
        "bending the legs.",
    ),
    (
        "Hearing",
        "For dance, two encoders read motion and music (35 numbers a frame: onsets, beats, pitch classes, timbre), and "
        "a cross-modal one lets each look at the other. `ecm` lays music after motion in time, so its maps show which "
        "moment of the music a frame looks at; `3bert` puts both side by side in every frame. Under *Attention* on the "
        "workbench you see the maps, and can change the music and recover again: that shows what it really did, which "
        "a map alone cannot tell.",
    ),
    (
        "Going on",
        "To generate, the last second is hidden and nothing follows it. The network fills it, the window moves on by a "
        "second, and so on: from two seconds of seed to any length. It was trained after its own output, so that small "
        "errors do not grow. Music decides the dance; where there is none, numbers of chance do.",
    ),
    (
        "Honest numbers",
        "Errors count hidden entries alone, never known ones, and every model stands beside hold (the last known "
        "pose), slerp, inertial and spline on exactly the same entries. A curve that is better is shown as better. "
        "Rotation error is the angle between joint rotations in degrees; position error the distance of "
        "joints in centimetres.",
    ),
)


def page() -> None:
    """Draw the page."""
    layout.page_header("How it works")
    st.html('<div class="wb-title"><h1>How it works</h1></div>')
    for heading, text in PARTS:
        st.subheader(heading, anchor=False)
        st.markdown(text)
        if heading == "What is hidden stays hidden":
            st.html("".join(_strip(spec, words) for spec, words in SHOWN))
    st.subheader("What each network is for", anchor=False)
    for card in list_checkpoints():
        what = "goes on from a seed" if card.can_generate else "fills gaps"
        hears = "listens to music" if card.uses_music else "sees motion alone"
        where = (
            "any humanoid, any frame rate"
            if card.representation == "roles"
            else (f"{len(card.joint_names or ())} joints at {card.fps:g} frames a second")
        )
        st.markdown(f"- **{card.name}** (`{card.network}`): {what}, {hears}; {where}.")
    st.caption(
        "More: docs/attention.md (maps), docs/training.md (training your own), docs/results.md (figures)."
    )


def _strip(spec: str, words: str) -> str:
    """The pattern as a row of frames, hidden ones filled."""
    rest = np.broadcast_to(np.eye(3, dtype=np.float32), (FRAMES, 24, 3, 3))
    still = Motion(SMPL24, rest, np.zeros((FRAMES, 3), np.float32), 60.0)
    hidden = masks.parse(spec, Clip("pattern", still)).frames
    cells = "".join(f'<i class="{"hidden" if h else "known"}"></i>' for h in hidden)
    said = f"{int(hidden.sum())} of {FRAMES} frames hidden"
    return (
        f'<div class="how-strip" role="img" aria-label="{said}">{cells}</div>'
        f'<div class="how-words"><code>{html.escape(spec)}</code> {html.escape(words)}</div>'
    )
