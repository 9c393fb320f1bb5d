"""The two modes of the workbench, Recover and Generate. Each keeps the values of its controls."""

from collections.abc import Callable

import streamlit as st

RECOVER, GENERATE = "Recover", "Generate"
_RECOVER_KEYS = (
    "auto_recover",
    "kind",
    "span",
    "every",
    "keep",
    "hide",
    "share",
    "spec_text",
    "groups",
    "seed",
    "method",
    "error_kind",
    "map_of",
    "song",
)
_SHARED = ("frames-", "take-", "body-", "unit-", "up-", "facing-", "role-")
"""Key prefixes of controls that belong to a sequence or a skeleton."""
_NOT_KEPT = ("gen_go", "gen_cancel", "gen_drop", "gen_get", "gen_commands")
"""Buttons, whose values a page cannot set in Streamlit."""


def pick_mode() -> str:
    """Draw the switch at the top of the sidebar; a shared link may set the mode."""
    state = st.session_state
    # The link only sets the initial mode.
    if "mode" not in state:
        state.mode = GENERATE if st.query_params.get("mode") == "generate" else RECOVER
    mode = str(
        st.segmented_control(
            "Mode",
            [RECOVER, GENERATE],
            key="mode",
            required=True,
            width="stretch",
            label_visibility="collapsed",
            help="Recover hidden frames, or let a network continue from the first frames.",
        )
    )
    _keep_others(mode)
    return mode


def stash_controls() -> None:
    """Note that another page is open, where Streamlit drops the values of undrawn controls."""
    st.session_state.elsewhere = True


def set_control(key: str, value: object) -> None:
    """Set a control of the workbench from another page."""
    st.session_state.setdefault("controls", {})[key] = value


def draw_with_state(draw: Callable[[], None]) -> None:
    """Draw the workbench, with the stored control values after a visit to another page."""
    state = st.session_state
    if state.get("elsewhere"):
        # Before drawing: Streamlit forbids setting a widget's value once it is drawn.
        for key, value in state.get("controls", {}).items():
            state[key] = value
    draw()
    # After drawing: an interrupted run has not drawn all controls.
    state.elsewhere = False
    remember()


def remember() -> None:
    """Store the values of the workbench's controls."""
    state = st.session_state
    kept: dict[str, object] = state.setdefault("controls", {})
    for key in [str(key) for key in state]:
        if (
            key in (*_RECOVER_KEYS, "mode", "sequence", "beside")
            or key.startswith(_SHARED)
            or _generates(key)
        ):
            kept[key] = state[key]


def _keep_others(mode: str) -> None:
    """Keep the other mode's values. Streamlit drops those of undrawn controls."""
    state = st.session_state
    # A copy of the keys, since setting a value changes the state.
    for key in [str(key) for key in state]:
        if _recovers(key) if mode == GENERATE else _generates(key):
            # This marks the value as set by the page, so that Streamlit keeps it.
            state[key] = state[key]


def _recovers(key: str) -> bool:
    """Whether a control of this key exists only in mode Recover."""
    return key in _RECOVER_KEYS or key.startswith("frames-")


def _generates(key: str) -> bool:
    """Whether a control of this key exists only in mode Generate."""
    return key.startswith("gen_") and not key.startswith(_NOT_KEPT)
