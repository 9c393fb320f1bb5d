"""Curves over time, the model beside its baselines, on the stage's playhead."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from jaxtyping import Bool, Float

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack, with_height

Array = np.ndarray

SCRIPTS = ("common.js", "chart.js", "curves.js")


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
    """A few curves of equal length as a payload.

    Args:
        series: name to values; NaN leaves a gap (nothing was measured there).
        fps: frames a second.
        unit: of all values.
        model: the name of the model's curve, drawn in the theme's colour; by default the first.
        truth: the name of the truth's curve, drawn in the text's colour, if there is one.
        expected: the name of the curve that the model foretold of its own, drawn dashed in its colour, if there is one.
        hidden_frames: frames in which anything was hidden from the model; shown as bands.
        title: what is shown; also the chart's spoken name.
        subtitle: over what it was computed.
        shines: the name of the curve that also shows as a strip over the stage's waveform, if one does.
        channel: the playhead it follows and drives.
        looks: ``second`` or ``third`` by name, for further networks, as on the stage.

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
        if array.ndim != 1 or np.isinf(array).any():
            raise ValueError(
                f"curve {name!r} has shape {array.shape} or infinite values; expected {frames} numbers"
            )
        buffers[f"series{i}"] = array
    if hidden_frames is not None:
        buffers["hidden"] = np.asarray(hidden_frames, dtype=np.uint8)
    lead = (
        model
        if model is not None
        else next((name for name in series if name not in (truth, expected)), None)
    )
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


_component = st.components.v2.component(
    "mmm_curves", js=script(*SCRIPTS), css=styles("common.css", "chart.css")
)


def curves(payload: bytes, *, key: str, height: int = 220) -> None:
    """Show a payload of ``pack_curves``; a click or drag on it moves the stage's playhead.

    Args:
        key: keeps which curves are switched off when the payload changes.
        height: of the plot, CSS pixels.
    """
    _component(key=key, data=with_height(payload, height))
