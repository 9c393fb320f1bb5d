"""The error map as a picture: joints in rows, by limb, and frames in columns."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from mmm.arrays import true_runs
from mmm.motion.skeleton import Skeleton
from mmm.viewer.palette import THEMES, Colour, mix, rgb

Array = np.ndarray

LIMB_ORDER = ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
"""Round numbers at which a colour scale may end, so close that maps use most of their scale."""
RAMPS = {
    "light": (
        (247, 246, 243),
        (253, 224, 170),
        (247, 165, 94),
        (219, 94, 74),
        (152, 44, 92),
        (62, 18, 84),
    ),
    "dark": (
        (27, 29, 38),
        (72, 30, 98),
        (150, 44, 104),
        (219, 88, 70),
        (248, 166, 66),
        (253, 240, 176),
    ),
}
"""Colours from zero to the end of the scale, the same as in ``heatmap.js``."""
# Pixels: a row, the gap between limbs, joint names, right margin, title and scale, time axis.
_ROW, _GAP, _LABELS, _MARGIN, _HEAD, _AXIS = 22, 8, 190, 28, 84, 40
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_MOST_OUTLINES = 60  # more outlines would cover the values that they frame


def nice_top(values: Float[Array, "..."]) -> float:
    """The end of the colour scale: the 99th percentile of values above zero, rounded up."""
    # Known entries have no error. Counting them would push the percentile to zero in short gaps.
    positive = values[values > 0]
    if not positive.size:
        return 1.0
    # One frame with a large error must not make the rest of the map look perfect.
    high = float(np.percentile(positive, 99))
    power = 10.0 ** np.floor(np.log10(high))
    # 0.1 % of tolerance: an error of 3.001 cm does not need a scale that ends at 4.
    return float(next(m * power for m in STEPS if m * power >= high * 0.999))


def row_order(groups: Sequence[str]) -> list[int]:
    """The joints in the order of a map's rows: limb by limb, unknown limbs first."""
    ranks = {limb: i for i, limb in enumerate([*LIMB_ORDER, *dict.fromkeys(groups)][::-1])}
    return sorted(range(len(groups)), key=lambda j: (-ranks[groups[j]], j))


def draw_error_map(
    values: Float[Array, "T J"],
    skeleton: Skeleton,
    *,
    fps: float,
    hidden: Bool[Array, "T J"] | None = None,
    unit: str = "cm",
    top: float | None = None,
    title: str = "",
    subtitle: str = "",
    theme: str = "light",
    width: int = 1600,
) -> Image.Image:
    """Draw the map with joint names, scale and time axis.

    Args:
        values: errors in ``unit``, not negative.
        hidden: True for hidden entries, which are outlined and marked above the map.
        top: end of the colour scale; by default ``nice_top(values)``.
        theme: ``"light"`` or ``"dark"``.
        width: width of the picture, pixels.
    """
    colours = {name: rgb(colour) for name, colour in THEMES[theme].items()}
    muted = mix(colours["text"], colours["background"], 0.42)
    order, end = row_order(skeleton.limbs), float(top if top is not None else nice_top(values))
    tops, bottom = _row_tops([skeleton.limbs[j] for j in order])
    picture = Image.new("RGB", (width, bottom + _AXIS), colours["background"])
    draw = ImageDraw.Draw(picture)
    # Pillow's own typeface, because a server may have no other.
    fonts = {size: ImageFont.load_default(size) for size in (14, 15, 20)}
    left, wide = _LABELS, width - _LABELS - _MARGIN
    ramp = _ramp(theme)
    worst = _column_levels(values / end, wide)
    for top_px, j in zip(tops, order, strict=True):
        row = Image.fromarray(ramp[worst[:, j]][None])
        # Nearest, because smoothed columns would show values that no frame has.
        picture.paste(row.resize((wide, _ROW), Image.Resampling.NEAREST), (left, top_px))
        # 26 letters fill the space beside the rows.
        name = skeleton.names[j].replace("_", " ")[:26]
        draw.text((left - 10, top_px + _ROW / 2), name, muted, fonts[14], anchor="rm")
    if hidden is not None:
        _outline(draw, hidden[:, order], tops, (left, wide), colours["primary"])
    draw.text((left, 14), title, colours["text"], fonts[20])
    draw.text((left, 42), subtitle, muted, fonts[15])
    picture.paste(Image.fromarray(ramp[None]).resize((180, 12)), (width - _MARGIN - 250, 22))
    # The last colour also stands for values beyond the scale. The label says whether there are any.
    over = "≥ " if values.size and float(values.max()) > end else ""
    draw.text((width - _MARGIN - 258, 28), "0", muted, fonts[14], anchor="rm")
    draw.text((width - _MARGIN - 62, 28), f"{over}{end:g} {unit}", muted, fonts[14], anchor="lm")
    _time_axis(draw, (left, wide), bottom, len(values), fps, muted, fonts[14])
    return picture


def _row_tops(limbs: Sequence[str]) -> tuple[list[int], int]:
    """The upper edge of each row, and the lower edge of the last one, in pixels."""
    tops, y = [], _HEAD
    for n, limb in enumerate(limbs):
        y += _GAP if n and limb != limbs[n - 1] else 0
        tops.append(y)
        y += _ROW
    return tops, y


def _ramp(theme: str) -> UInt8[Array, "256 3"]:
    """The colour scale of a theme, one colour per level."""
    stops = np.array(RAMPS[theme], dtype=float)
    levels, positions = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    channels = [np.interp(levels, positions, channel) for channel in stops.T]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def _column_levels(shares: Float[Array, "T J"], wide: int) -> UInt8[Array, "columns J"]:
    """The level, 0 to 255, of each joint in each column of at most ``wide`` pixels."""
    levels = np.round(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    edges = np.linspace(0, len(levels), min(len(levels), wide) + 1).astype(int)[:-1]
    # A column shows the largest error of its frames, because a mean would hide short ones.
    return np.asarray(np.maximum.reduceat(levels, edges, axis=0))


def _outline(
    draw: ImageDraw.ImageDraw,
    hidden: Bool[Array, "T J"],
    tops: Sequence[int],
    box: tuple[int, int],
    colour: Colour,
) -> None:
    """Mark frames with hidden entries; if there are few runs, also outline the hidden rows."""
    left, wide = box
    runs = true_runs(np.asarray(hidden.any(axis=1)))
    for a, b in runs:
        # In a long clip a gap may be narrower than a pixel. It still gets one.
        start = left + wide * a / len(hidden)
        draw.rectangle(
            (start, _HEAD - 9, max(left + wide * b / len(hidden) - 1, start), _HEAD - 5), colour
        )
    if len(runs) > _MOST_OUTLINES:
        return
    for n, top_px in enumerate(tops):
        # Only both ends of a run, because rows touch and lines between them would cover values.
        for a, b in true_runs(hidden[:, n]):
            x0, x1 = left + wide * a / len(hidden), left + wide * b / len(hidden) - 1
            draw.line((x0, top_px, x0, top_px + _ROW - 1), colour, 2)
            draw.line((x1, top_px, x1, top_px + _ROW - 1), colour, 2)


def _time_axis(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int],
    y: int,
    frames: int,
    fps: float,
    colour: Colour,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, wide = box
    duration = frames / fps
    # At most 13 labels: more would touch each other at the default width.
    step = next((tick for tick in _TICKS_S if duration / tick <= 12), _TICKS_S[-1])
    # The small number keeps the last tick if the division is slightly below a whole number.
    for n in range(int(duration / step + 1e-6) + 1):
        x = left + wide * n * step / duration
        draw.line((x, y + 3, x, y + 8), colour)
        draw.text((x, y + 12), f"{n * step:g} s", colour, font, anchor="ma")
