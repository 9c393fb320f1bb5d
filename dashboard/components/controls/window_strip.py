"""An overview of a long file or song, with a window that pointer and keys move."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack

Array = np.ndarray

_component = st.components.v2.component(
    "mmm_window_strip",
    js=script("common.js", "controls/window_strip.js"),
    css=styles("common.css", "controls/window_strip.css"),
)


def window_strip(
    heights: Float[Array, "n"],
    first: float,
    length: float,
    total: float,
    last: float,
    *,
    label: str,
    in_frames: bool,
    key: str,
    on_move: Callable[[], None],
) -> None:
    """Show bars for the whole file, and a movable window over them.

    Args:
        heights: height of each bar, 0 to 1; each stands for an equal part of the file.
        first: start of the window, in frames or seconds.
        length: of the window.
        total: length of the whole file.
        last: the last possible start.
        label: name for assistive technology.
        in_frames: whether places are whole frames; else they are tenths of a second.
        on_move: called after a move. The new start is then in the session state under ``key``, as
            ``moved``.
    """
    header = {
        # Three digits are finer than a pixel of the strip and keep the header short.
        "heights": [round(float(height), 3) for height in heights],
        "first": first,
        "length": length,
        "total": total,
        "last": last,
        "label": label,
        "in_frames": in_frames,
    }
    _component(key=key, data=pack(header, {}), on_moved_change=on_move)
