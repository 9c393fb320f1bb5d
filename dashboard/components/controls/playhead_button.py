"""Buttons that act on the frame under the playhead, or on the frames that the timeline shows."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from jaxtyping import Bool

from dashboard.components.assets import script, styles
from mmm.arrays import true_runs
from mmm.viewer.payload import pack

Array = np.ndarray

_component = st.components.v2.component(
    "mmm_playhead_button",
    js=script("common.js", "controls/playhead_button.js"),
    css=styles("common.css", "controls/playhead_button.css"),
)


def playhead_button(
    label: str,
    hidden_frames: Bool[Array, "T"],
    *,
    key: str,
    on_press: Callable[[], None],
    channel: str = "main",
) -> None:
    """Show ``LABEL 123``, which follows the playhead and is enabled on hidden frames.

    Args:
        on_press: called on a press. The frame is then in the session state under ``key``, as
            ``pressed``.
    """
    # Runs, not a flag for each frame: the button searches them on every frame that is played.
    runs = true_runs(hidden_frames)
    _component(
        key=key,
        data=pack({"label": label, "hidden": runs, "channel": channel}, {}),
        # A trigger: Streamlit clears it after one run, so that no later run repeats the press.
        on_pressed_change=on_press,
    )


def zoom_button(
    label: str, *, key: str, on_press: Callable[[], None], channel: str = "main"
) -> None:
    """Show ``LABEL, 60 to 179`` while the timeline is zoomed; disabled while it shows all frames.

    Args:
        on_press: called on a press. The first and last-plus-one frame are then in the session state
            under ``key``, as ``pressed``.
    """
    _component(
        key=key,
        data=pack({"label": label, "zoom": True, "channel": channel}, {}),
        on_pressed_change=on_press,
    )
