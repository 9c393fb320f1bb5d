"""The error map: a row for each joint, grouped by limb, and a column for each frame."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from jaxtyping import Bool, Float

from dashboard.components.assets import script, styles
from mmm.motion.skeleton import Skeleton
from mmm.viewer.payload import finite, pack, with_height
from mmm.viewer.raster.error_map import nice_top, row_order

Array = np.ndarray

# Streamlit takes one script. common.js comes first: the others use its constants at load time.
SCRIPTS = ("common.js", "charts/chart.js", "charts/heatmap.js")


def pack_heatmap(
    values: Float[Array, "T J"],
    *,
    names: Sequence[str],
    groups: Sequence[str],
    fps: float,
    hidden: Bool[Array, "T J"] | None = None,
    unit: str = "cm",
    top: float | None = None,
    title: str = "",
    subtitle: str = "",
    channel: str = "main",
) -> bytes:
    """A map of non-negative values as a payload, with one byte for each value.

    Args:
        values: for example position errors, in ``unit``.
        names: the joints, one for each column of ``values``.
        groups: the limb of each joint; rows of one limb are drawn together.
        fps: frames per second.
        hidden: True where values were hidden from the model; these cells are outlined.
        unit: ``"cm"``, ``"°"``, ...
        top: end of the colour scale; by default ``nice_top(values)``.
        title: title, also the map's name for assistive technology.
        subtitle: what the values are computed over.
        channel: the playhead it follows and drives.

    Raises:
        ValueError: shapes disagree, or a value is negative, NaN or infinite.
    """
    frames = len(values)
    array = finite("values", values, (frames, len(names)))
    # `min` of an empty array raises.
    if array.size and float(array.min()) < 0:
        raise ValueError(f"values go down to {float(array.min()):g}; expected none below 0")
    if len(groups) != len(names) or (hidden is not None and hidden.shape != array.shape):
        raise ValueError(
            f"{len(names)} names, {len(groups)} groups, hidden {getattr(hidden, 'shape', None)}, "
            f"values {array.shape}; expected one of each a joint"
        )
    end = float(top) if top is not None else nice_top(array)
    # A skeleton's joints may jump between limbs; the rows of one limb belong together.
    order = row_order(groups)
    # Transposed: the browser reads one row for each joint. Values above the end are clipped,
    # and `over` in the header makes the legend say so.
    buffers = {"values": np.round(np.clip(array[:, order].T / end, 0, 1) * 255).astype(np.uint8)}
    if hidden is not None:
        buffers["hidden"] = hidden[:, order].T.astype(np.uint8)
    header = {
        "frames": frames,
        "fps": float(fps),
        "unit": unit,
        "top": end,
        "title": title,
        "subtitle": subtitle,
        "over": bool(array.size and float(array.max()) > end),
        "channel": channel,
        "rows": [{"name": names[j].replace("_", " "), "group": groups[j]} for j in order],
    }
    return pack(header, buffers)


def pack_joint_heatmap(
    values: Float[Array, "T J"],
    skeleton: Skeleton,
    *,
    fps: float,
    hidden: Bool[Array, "T J"] | None = None,
    unit: str = "cm",
    top: float | None = None,
    title: str = "",
    subtitle: str = "",
    channel: str = "main",
) -> bytes:
    """``pack_heatmap`` with the names and limbs of a skeleton."""
    return pack_heatmap(
        values,
        names=skeleton.names,
        groups=skeleton.limbs,
        fps=fps,
        hidden=hidden,
        unit=unit,
        top=top,
        title=title,
        subtitle=subtitle,
        channel=channel,
    )


# Declared once at import: inside `heatmap` it would be registered again on every run.
_component = st.components.v2.component(
    "mmm_heatmap", js=script(*SCRIPTS), css=styles("common.css", "charts/chart.css")
)


def heatmap(payload: bytes, *, key: str, height: int = 0) -> None:
    """Show a payload of ``pack_heatmap``; a click or drag on it moves the playhead.

    Args:
        key: keeps the view when the payload changes.
        height: CSS pixels in all; 0 gives each row its natural height.
    """
    _component(key=key, data=with_height(payload, height))
