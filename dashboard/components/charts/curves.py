"""Curves over time that follow the viewer's playhead."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from jaxtyping import Bool, Float

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack, with_height

Array = np.ndarray

# Streamlit takes one script. common.js comes first: the others use its constants at load time.
SCRIPTS = ("common.js", "charts/chart.js", "charts/curves.js")


def pack_curves(
    series: Mapping[str, Float[Array, "T"]],
    *,
    fps: float,
    unit: str,
    model: str | None = None,
    truth: str | None = None,
    expected: str | None = None,
    hidden_frames: Bool[Array, "T"] | None = None,
    title: str = "",
    subtitle: str = "",
    shines: str | None = None,
    channel: str = "main",
    looks: Mapping[str, str] | None = None,
) -> bytes:
    """Curves of equal length as a payload.

    Args:
        series: name to values; NaN leaves a gap.
        fps: frames per second.
        unit: of all values.
        model: name of the model's curve, drawn in the theme's colour; by default the first.
        truth: name of the recording's curve, drawn in the text colour, if there is one.
        expected: name of the curve of the model's expected error, drawn dashed, if there is one.
        hidden_frames: frames in which anything was hidden from the model; shown as bands. The plot
            shows these frames large.
        title: title, also the chart's name for assistive technology.
        subtitle: what the values are computed over.
        shines: name of the curve that is also drawn over the viewer's waveform, if there is one.
        channel: the playhead it follows and drives.
        looks: ``second`` or ``third`` by name, for further networks, as in the viewer.

    Raises:
        ValueError: the curves differ in length, one is infinite somewhere, or a name is unknown.
    """
    lengths = {name: len(values) for name, values in series.items()}
    frames = next(iter(lengths.values()), 0)
    if len({*lengths.values(), *([len(hidden_frames)] if hidden_frames is not None else [])}) > 1:
        shade = f", hidden of {len(hidden_frames)}" if hidden_frames is not None else ""
        raise ValueError(f"curves of {lengths} frames{shade}; expected equal")
    for name in (model, truth, expected, shines):
        if name is not None and name not in series:
            raise ValueError(f"no curve {name!r}; expected one of {list(series)}")
    buffers: dict[str, Array] = {}
    for i, (name, values) in enumerate(series.items()):
        array = np.asarray(values, dtype=np.float32)
        # NaN is a gap in the line. An infinite value would leave the axis without a scale.
        if array.ndim != 1 or np.isinf(array).any():
            raise ValueError(
                f"curve {name!r} has shape {array.shape} or infinite values; "
                f"expected {frames} numbers"
            )
        # Numbered, because a series' name may be any text; the header's list has the same order.
        buffers[f"series{i}"] = array
    if hidden_frames is not None:
        # The payload has no boolean arrays.
        buffers["hidden"] = np.asarray(hidden_frames, dtype=np.uint8)
    # Recording and expected error are references, so neither becomes the leading curve.
    lead = (
        model
        if model is not None
        else next((name for name in series if name not in (truth, expected)), None)
    )
    # A missing curve puts None into the table, which is no series' name.
    named = {truth: "truth", expected: "expected", lead: "model"}
    roles = {name: named.get(name, "baseline") for name in series}
    lines = [
        {"name": name, "role": role, "look": (looks or {}).get(name)}
        for name, role in roles.items()
    ]
    header = {
        "frames": frames,
        "fps": float(fps),
        "unit": unit,
        "title": title,
        "subtitle": subtitle,
        "channel": channel,
        "shines": shines,
        "series": lines,
    }
    return pack(header, buffers)


# Declared once at import: inside `curves` it would be registered again on every run.
_component = st.components.v2.component(
    "mmm_curves", js=script(*SCRIPTS), css=styles("common.css", "charts/chart.css")
)


def curves(payload: bytes, *, key: str, height: int = 220) -> None:
    """Show a payload of ``pack_curves``; a click or drag on it moves the playhead.

    Args:
        key: keeps which curves are switched off when the payload changes.
        height: of the plot, CSS pixels.
    """
    _component(key=key, data=with_height(payload, height))
