"""Figures beside the attention maps, in plain HTML."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.work.attention_maps import STAGE_NAMES
from mmm.viewer.palette import FURTHER, MODEL, THEMES

if TYPE_CHECKING:
    from mmm.attention import Convolution
    from mmm.explain.deletion_curves import DeletionCurves

METHOD_NAMES = {
    "random": "random order",
    "nearest": "the nearest frames",
    "attention": "attention maps",
    "rollout": "attention rollout",
    "gradients": "gradients",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
    "mute": "silencing the music",
}


def convolution_figure(stages: "Mapping[str, Convolution]") -> str:
    """One row for each layer: the share of the convolution, and the mean kernel of each head."""
    rows = []
    # The last encoder first, in the order of the maps' thumbnails.
    for stage, layers in reversed(list(stages.items())):
        for number, share in enumerate(layers.share):
            kernels = layers.kernels[number].astype(np.float32).mean(axis=0)  # (H, 9)
            pictures = "".join(
                _kernel(kernel, f"head {head + 1}") for head, kernel in enumerate(kernels)
            )
            rows.append(
                f'<div class="conv" role="listitem">'
                f"<span>{STAGE_NAMES.get(stage, stage)}, layer {number + 1}</span>"
                f"<b>{share:.0%}</b>"
                f'<div class="share"><i style="width:{100 * share:.1f}%"></i></div>'
                f'<div class="kernels">{pictures}</div></div>'
            )
    return f'<div class="wb-conv" role="list">{"".join(rows)}</div>'


def _kernel(weights: "Sequence[float] | np.ndarray", name: str) -> str:
    """Nine bars, one for each weight (none is negative); the middle one is the frame itself."""
    # A kernel of zeros must not divide by zero.
    high = max(float(np.max(weights)), 1e-9)
    bars = "".join(f'<i style="height:{float(w) / high * 22:.0f}px"></i>' for w in weights)
    values = ", ".join(f"{float(w):.2f}" for w in weights)
    return (
        f'<div class="kernel" role="img" aria-label="{name}: {values}" '
        f'title="{name}: {values}">{bars}</div>'
    )


def trust_chart(measured: Mapping[str, Any], rule: str) -> str:
    """A bar chart of each method's precision at k, with intervals and the chance level.

    Args:
        measured: the section ``attention`` of a checkpoint's metrics.
        rule: ``all`` or ``drums``.
    """
    rows = [row for row in measured["rows"] if row["rule"] == rule]
    # The upper end of the longest interval: no interval may leave its row.
    longest = max((row["precision"][2] for row in rows), default=0.0) or 1.0
    bars = []
    for row in sorted(rows, key=lambda row: -row["precision"][0]):
        # The mean and the ends of its 95 % interval, in per cent of the row's width.
        mean, low, high = (100 * value / longest for value in row["precision"])
        chance = 100 * row["by_chance"] / longest
        name = html.escape(METHOD_NAMES.get(row["method"], row["method"]))
        hint = (
            f"{name}: {row['precision'][0]:.1%} "
            f"({row['precision'][1]:.1%} to {row['precision'][2]:.1%}), "
            f"area under the precision-recall curve {row['area']:.2f}"
        )
        kind = (
            "maps"
            if row["method"] in ("attention", "rollout")
            else "plain"
            if row["method"] in ("random", "nearest")
            else "measured"
        )
        bars.append(
            f'<div class="row {kind}" role="listitem" title="{hint}"><span>{name}</span><div>'
            f'<i style="width:{mean:.1f}%"></i>'
            f'<s style="left:{low:.1f}%;width:{high - low:.1f}%"></s>'
            f'<u style="left:{chance:.1f}%"></u></div><em>{row["precision"][0]:.0%}</em></div>'
        )
    return f'<div class="wb-trust" role="list">{"".join(bars)}</div>'


WIDE, TALL, LEFT, BELOW = 640, 250, 46, 34
"""Size of the deletion figure, and its margins for numbers, in pixels."""


def deletion_figure(curves: "DeletionCurves", dark: bool = False) -> str:
    """Deletion curves: movement of the pose over the share of removed music, a line for each method.

    The figure is an SVG inside an image, because Streamlit removes drawings from HTML.
    """
    colours = _line_colours(list(curves.moved), dark)
    names = {name: html.escape(METHOD_NAMES.get(name, name)) for name in curves.moved}
    keys = "".join(
        f'<span><i style="background:{colour}"></i>{names[name]}</span>'
        for name, colour in colours.items()
    )
    areas = "; ".join(f"{names[name]} {curves.area(name):.2f}" for name in curves.moved)
    # Base64 needs no escaping inside the attribute, unlike the SVG's own quotes and angle brackets.
    drawn = base64.b64encode(
        _deletion_svg(curves, colours, THEMES["dark" if dark else "light"]["text"]).encode()
    )
    return (
        f'<div class="wb-deletion"><div class="keys">{keys}</div>'
        f'<img src="data:image/svg+xml;base64,{drawn.decode()}" '
        f'alt="Area under each curve: {areas}"></div>'
    )


def _deletion_svg(curves: "DeletionCurves", colours: Mapping[str, str], ink: str) -> str:
    # The axis always reaches 100 %, the pose without any music, plus a margin of 5 %.
    top = max(1.05, float(max(values.max() for values in curves.moved.values())) * 1.05)

    def place(share: float, moved: float) -> tuple[float, float]:
        # SVG counts y from the top. 16 and 8 px keep numbers and thick lines inside the picture.
        return LEFT + share * (WIDE - LEFT - 16), 8 + (1 - moved / top) * (TALL - BELOW - 8)

    def points(values: "np.ndarray") -> list[str]:
        return [
            f"{x:.1f},{y:.1f}"
            for x, y in (
                place(float(share), float(value))
                for share, value in zip(curves.shares, values, strict=True)
            )
        ]

    low, high = curves.random_range
    parts = [
        # The upper edge from left to right and the lower one back make one closed outline.
        f'<polygon points="{" ".join(points(high) + points(low)[::-1])}" '
        f'fill="{ink}" opacity=".1"/>'
    ]
    for mark in (0.0, 0.5, 1.0):
        x, y = place(0, mark)
        parts.append(
            f'<path d="M{x} {y}H{place(1, mark)[0]}" stroke="{ink}" opacity=".18"/>'
            f'<text x="{x - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:.0%}</text>'
        )
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, _ = place(share, 0)
        parts.append(
            f'<text x="{x}" y="{TALL - BELOW + 18}" text-anchor="middle">{share:.0%}</text>'
        )
    parts += [
        f'<polyline points="{" ".join(points(curves.moved[name]))}" fill="none" stroke="{colour}" '
        'stroke-width="2.2"/>'
        for name, colour in colours.items()
    ]
    parts.append(
        f'<text x="{(WIDE + LEFT) / 2}" y="{TALL - 2}" text-anchor="middle">'
        "of the music removed</text>"
    )
    return (
        # An SVG in an image inherits neither fonts nor colours from the page.
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {TALL}" '
        f'font-size="12" fill="{ink}" font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )


def _line_colours(names: Sequence[str], dark: bool) -> dict[str, str]:
    """The chosen method in the model's colour, random order in grey, others in further colours."""
    theme = "dark" if dark else "light"
    rest = iter(FURTHER[theme])
    colours = {names[0]: MODEL[theme]}
    for name in names[1:]:
        # A middle grey is readable on the backgrounds of both themes.
        colours[name] = "#8a8a86" if name == "random" else next(rest)
    return colours
