"""Title, icon and styles of every page, the heading above the viewer, and the guided tour."""

import html
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard.common import escape, session
from dashboard.components.controls.link_button import link_button
from dashboard.components.controls.tour import Stop, tour

HERE = Path(__file__).parent
CSS = (HERE / "page.css").read_text(encoding="utf-8")
_PAGES_CSS = (HERE / "pages.css").read_text(encoding="utf-8")
ICON = (HERE / "icon.svg").read_text(encoding="utf-8")
"""Passed as text. For a named icon, Streamlit lets the browser fetch it from another host."""

_STAGE = Stop(
    ".st-key-stage, .st-key-future-stage",
    "Watch and listen",
    "Space plays, arrow keys step, a drag on the timeline scrubs, Ctrl+wheel zooms it; ? lists all "
    "keys. Drag a dancer to orbit. All charts on the page follow this playhead.",
)
# ``*=`` in selectors, since ``widgets.pick`` appends a number to its keys.
_SEQUENCE = Stop(
    '[class*="st-key-pick-sequence"]',
    "Pick a sequence",
    "A sample dance, or your own motion and songs: the box above takes BVH, AIST++ and NPZ files.",
)
RECOVER = (
    _SEQUENCE,
    Stop(
        ".st-key-kind",
        "Hide frames",
        "Choose the frames to hide: one gap, all but keyframes, or random frames. Under the "
        "viewer, Edit hides and keeps frames by hand, and inserts poses as keyframes.",
    ),
    Stop(
        ".st-key-recover",
        "Recover them",
        "Choose a network above, or a plain interpolation, and press Recover (R). The viewer shows "
        "the recovered motion beside the recording.",
    ),
    _STAGE,
    Stop(
        ".st-key-attention_open",
        "Look inside",
        "Which frames and which music the network looked at, and what changes with the music. "
        "Below are the errors and the export.",
    ),
)
"""Tour of the mode Recover."""
GENERATE = (
    _SEQUENCE,
    Stop(
        ".st-key-gen_seed_s",
        "Choose the seed",
        "The recorded frames that the network starts from. Everything after them is generated.",
    ),
    Stop(
        '[class*="st-key-pick-gen_song"]',
        "Choose the music",
        "The sequence's own, another sample's, or your own.",
    ),
    Stop(
        ".st-key-gen_go",
        "Generate",
        "Playback starts while later frames are still being generated. Another random seed or a "
        "higher temperature gives another dance; the viewer shows up to three side by side.",
    ),
    _STAGE,
)
"""Tour of the mode Generate."""


def heading(
    name: str, facts: Sequence[str], stops: Sequence[Stop], notes: Sequence[str] = ()
) -> None:
    """Draw the clip's name and facts, the tour and link buttons, and notes on the clip."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", key="heading"
    ):
        st.html(
            f'<div class="wb-title"><h1>{html.escape(name.replace("_", " "))}</h1>'
            f'<span class="wb-facts">{html.escape("  ·  ".join(facts))}</span></div>'
        )
        with st.container(horizontal=True, horizontal_alignment="right", width=230, gap="small"):
            tour(stops, key="tour")
            link_button(key="link")
    for note in notes:
        st.caption(escape.markdown(note))


def page_header(title: str) -> None:
    """Set title and styles of a page beside the workbench, and keep the workbench's controls."""
    st.set_page_config(
        page_title=f"{title} · Masked motion workbench", layout="wide", page_icon=ICON
    )
    # In every run, since Streamlit drops elements that a run does not draw.
    st.html(f"<style>{CSS}{_PAGES_CSS}</style>")
    session.stash_controls()
