"""The attention view: thumbnails of all maps, and one large map with its row and column profiles.

The map is sent with one byte for each cell, the square root of its share: small shares keep enough
precision for a logarithmic scale. The thumbnails of all layers and heads come with it. Choosing
another map asks the server. Scale, playhead, span, sorting and the PNG are handled in the browser.
The row or column under the playhead is published as ``glow``, which the viewer draws on its
waveform.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Bool, Float, Int, UInt8

from dashboard.components.assets import script, styles
from mmm.viewer.payload import finite, pack, with_height

Array = np.ndarray

# Streamlit takes one script. common.js comes first: the others use its constants at load time.
SCRIPTS = (
    "common.js",
    "charts/chart.js",
    "attention/attention_edges.js",
    "attention/attention_pointer.js",
    "attention/attention_map.js",
    "attention/attention_picture.js",
    "attention/attention_tiles.js",
    "attention/attention.js",
)
SHOWN_SHARE = 99.7
"""The linear colour scale ends at this percentile; a few bright cells would darken all others."""


@dataclass(frozen=True)
class Tiles:
    """The thumbnails of one encoder of the network."""

    stage: str
    name: str
    views: Sequence[str]
    """Name of each tile's view, row by row with ``across`` tiles each, then the remaining ones."""
    labels: Sequence[str]
    across: int
    thumbnails: UInt8[Array, "N S S"]
    heads: Sequence[bool]
    """Whether a tile is one head and not a mean; only heads are sorted."""
    scores: Mapping[str, Sequence[float | None]]
    """Kind of score to the score of each tile."""


@dataclass(frozen=True)
class AttentionState:
    """What the user chose, as far as the server needs it."""

    view: str | None
    """The chosen map."""
    span: tuple[int, int] | None
    """The dragged span in frames of the clip, both ends included."""


def pack_attention(
    values: Float[Array, "Q K"],
    tiles: Sequence[Tiles],
    *,
    view: str,
    label: str,
    sides: tuple[str, str],
    window: tuple[int, int],
    frames: int,
    fps: float,
    beats: Int[Array, "B"] | None = None,
    bars: Int[Array, "N"] | None = None,
    hidden_frames: Bool[Array, "T"] | None = None,
    blocks: Sequence[tuple[str, str]] = (),
    title: str = "",
    name: str = "attention",
    channel: str = "main",
) -> bytes:
    """A map and all thumbnails as a payload.

    Args:
        values: shares of attention. Rows attend, columns are attended to; a row sums to at most 1.
        tiles: the encoders, in order.
        view: which map ``values`` is.
        label: the same in words.
        sides: what the rows and the columns are: ``("motion", "music")``.
        window: first and last-plus-one frame of the clip that the map covers.
        frames: of the clip.
        fps: of the clip.
        beats, bars: frames of the clip.
        hidden_frames: of the whole clip, True where anything was hidden.
        blocks: view and name of each block that may be chosen instead.
        title: name for assistive technology.
        name: of the PNG file.
        channel: the playhead it follows and drives.

    Raises:
        ValueError: a value is negative or not finite, or the window is not inside the clip.
    """
    array = finite("attention", values, (None, None))
    # `min` of an empty array raises.
    if array.size and float(array.min()) < 0:
        raise ValueError(f"attention goes down to {float(array.min()):g}; expected none below 0")
    first, end = window
    if not 0 <= first < end <= frames:
        raise ValueError(f"window {window} of {frames} frames; expected one inside them")
    # A map of zeros must not divide by zero below.
    top = float(array.max(initial=0.0)) or 1.0
    shown = _shown_top(array, top)
    # Rounded first: `astype` alone cuts off and would darken every cell by half a step.
    buffers: dict[str, Array] = {"map": np.round(np.sqrt(array / top) * 255).astype(np.uint8)}
    for i, group in enumerate(tiles):
        # Numbered in the order of the header's list, which is how the browser pairs them.
        buffers[f"tiles{i}"] = group.thumbnails
    for key, marks in (("beats", beats), ("bars", bars)):
        if marks is not None:
            buffers[key] = np.asarray(marks, dtype=np.int32)
    if hidden_frames is not None:
        # The payload has no boolean arrays.
        buffers["hidden"] = np.asarray(hidden_frames, dtype=np.uint8)
    header: dict[str, Any] = {
        "view": view,
        "label": label,
        "sides": list(sides),
        # Plain integers: `json` refuses NumPy's.
        "window": [int(first), int(end)],
        "frames": int(frames),
        "fps": float(fps),
        "rows": array.shape[0],
        "columns": array.shape[1],
        "top": top,
        "shown": shown,
        "blocks": [list(block) for block in blocks],
        "title": title,
        "name": name,
        "channel": channel,
        "tiles": [_tiles_header(group) for group in tiles],
    }
    return pack(header, buffers)


def _shown_top(shares: Float[Array, "Q K"], top: float) -> float:
    """The end of the linear colour scale, at most ``top``, the largest share."""
    # Cells that are exactly zero would only lower the percentile.
    positive = shares[shares > 0]
    end = float(np.percentile(positive, SHOWN_SHARE)) if positive.size else top
    # The lower bound keeps a map with a handful of bright cells from being saturated by noise.
    return min(top, max(end, top / 255))


def _tiles_header(tiles: Tiles) -> dict[str, Any]:
    """What the browser reads about one encoder's thumbnails."""
    return {
        "stage": tiles.stage,
        "name": tiles.name,
        "views": list(tiles.views),
        "labels": list(tiles.labels),
        "across": tiles.across,
        "heads": list(tiles.heads),
        "size": list(tiles.thumbnails.shape[1:]),
        "scores": {
            # Five digits are enough to sort by and keep the header short.
            kind: [None if s is None else round(float(s), 5) for s in scores]
            for kind, scores in tiles.scores.items()
        },
    }


# Declared once at import: inside `attention` it would be registered again on every run.
_component = st.components.v2.component(
    "mmm_attention",
    js=script(*SCRIPTS),
    css=styles("common.css", "charts/chart.css", "attention/attention.css"),
)


def attention(
    payload: bytes, *, key: str, on_window: Callable[[], None], height: int = 0
) -> AttentionState:
    """Show a payload of ``pack_attention``.

    Args:
        key: keeps scale, sorting and span when the payload changes.
        on_window: called when the user asks for the window that holds the playhead. The frame is
            then in the session state under ``key``, as ``window``.
        height: of the map's longest side, CSS pixels; 0 for its own.
    """
    result = _component(
        key=key,
        data=with_height(payload, height),
        # An empty callback declares the key, so that the result always has it.
        on_view_change=lambda: None,
        on_span_change=lambda: None,
        on_window_change=on_window,
    )
    span = result.get("span")
    return AttentionState(result.get("view"), None if not span else (int(span[0]), int(span[1])))
