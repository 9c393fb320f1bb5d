"""A long file or song at a glance, with the window of it that is used: dragged, clicked to, moved by keys."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from jaxtyping import Float

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack

Array = np.ndarray

_component = st.components.v2.component(
    "mmm_window_strip",
    js=script("common.js", "window_strip.js"),
    css=styles("common.css", "window_strip.css"),
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
    """Show bars over the whole and a window on them that can be moved.

    Args:
        heights: 0 to 1, over equal parts of the whole.
        first, length, total: where the window begins, how long it is and how long the whole, in frames or seconds.
        last: the last place where it may begin.
        label: what the bars are of, for those who cannot see them.
        in_frames: whether places are whole frames; else they are tenths of a second.
        on_move: the new beginning is then in the session state under ``key``, as ``moved``.
    """
    header = {
        "heights": [round(float(height), 3) for height in heights],
        "first": first,
        "length": length,
        "total": total,
        "last": last,
        "label": label,
        "in_frames": in_frames,
    }
    _component(key=key, data=pack(header, {}), on_moved_change=on_move)
