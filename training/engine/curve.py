"""The loss curve of a run as a small SVG for the checkpoint's card, for light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 44, 48
_STYLE = """
.ground{fill:#ffffff;stroke:#d1d5db}.grid{stroke:#e5e7eb}.axis{stroke:#6b7280}.text{fill:#1f2937}
.soft{fill:#4b5563}
.loss{stroke:#2563eb;fill:none;stroke-width:2;stroke-linejoin:round}.dot{fill:#2563eb}
.stage{stroke:#9ca3af;stroke-dasharray:4 4}
@media (prefers-color-scheme:dark){.ground{fill:#111827;stroke:#374151}
.grid{stroke:#1f2937}.axis{stroke:#9ca3af}
.text{fill:#f3f4f6}.soft{fill:#9ca3af}.loss{stroke:#60a5fa}.dot{fill:#60a5fa}.stage{stroke:#4b5563}}
""".replace("\n", "")
LOG_FROM = 20.0
"""A loss that falls by more than this factor is drawn on a logarithmic axis; on a linear one its
later part would look flat."""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round numbers (1, 2 or 5 times a power of ten) inside ``low`` to ``high``."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    # The margin of 0.1 % keeps a step that rounding puts just below ``rough``.
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    # Rounding must not drop a tick that lies exactly on an end of the axis.
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def curve_svg(
    curve: Sequence[Mapping[str, float]], title: str, unit: str, stages: Sequence[int] = ()
) -> str:
    """A drawing of the loss over the steps.

    Args:
        curve: rows with ``step`` and ``loss``; rows whose loss is not finite are left out.
        title: what the drawing is called, also for screen readers.
        unit: what the loss is, on its axis.
        stages: steps at which another stage of the schedule begins, drawn as dashed lines.

    Returns:
        The file's text; no scripts and nothing from elsewhere in it.

    Raises:
        ValueError: no row has a finite loss.
    """
    points = [
        # One infinite value would stretch the axis so far that nothing else could be read.
        (float(row["step"]), float(row["loss"]))
        for row in curve
        if math.isfinite(row["loss"])
    ]
    if not points:
        raise ValueError("a curve without a finite loss")
    losses = [loss for _, loss in points]
    logarithmic = min(losses) > 0 and max(losses) / min(losses) > LOG_FROM
    # At least 1, because a run of no steps would divide by zero.
    last = max(max(step for step, _ in points), 1.0)
    low, high = (
        (min(losses) * 0.9, max(losses) * 1.1)
        if logarithmic
        else (min(0.0, min(losses)), max(losses) * 1.05)
    )
    # A loss that is constant at zero spans no range.
    high = high if high > low else low + 1

    def across(step: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * step / last

    def up(loss: float) -> float:
        share = (
            math.log(loss / low) / math.log(high / low)
            if logarithmic
            else (loss - low) / (high - low)
        )
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share

    parts = [_frame(title)]
    for value in _decades(low, high) if logarithmic else ticks(low, high):
        y = up(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="soft" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for step in ticks(0, last, 6):
        parts.append(
            f'<text class="soft" x="{across(step):.1f}" y="{HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{step:,.0f}</text>'
        )
    for step in stages:
        if 0 < step < last:
            parts.append(
                f'<line class="stage" x1="{across(step):.1f}" x2="{across(step):.1f}" y1="{_TOP}" '
                f'y2="{HEIGHT - _BOTTOM}"/>'
            )
    path = " ".join(f"{across(step):.1f},{up(loss):.1f}" for step, loss in points)
    parts.append(f'<polyline class="loss" points="{path}"/>')
    # The polyline is drawn before the dot, because SVG paints in the order of the text.
    parts += _ending(across(points[-1][0]), up(points[-1][1]), points[-1][1])
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{HEIGHT - _BOTTOM}" '
        f'y2="{HEIGHT - _BOTTOM}"/>'
    )
    scale = ", logarithmic" if logarithmic else ""
    parts.append(
        f'<text class="soft" x="{(WIDTH + _LEFT - _RIGHT) / 2}" y="{HEIGHT - 10}" '
        f'text-anchor="middle">training step</text><text class="soft" '
        f'transform="translate(16 {(HEIGHT + _TOP - _BOTTOM) / 2}) '
        f'rotate(-90)" text-anchor="middle">{escape(unit + scale)}</text></svg>'
    )
    return "\n".join(parts) + "\n"


def _frame(title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui,sans-serif" font-size="12">'
        f"<title>{escape(title)}</title>"
        # The colours are in the file itself: a viewer that shows it as an image loads no style
        # sheet.
        f"<style>{_STYLE}</style>"
        # Half a pixel inwards, so that a border one pixel wide falls on whole pixels.
        f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
        f'<text class="text" x="{_LEFT}" y="26" font-size="14" font-weight="600">'
        f"{escape(title)}</text>"
    )


def _ending(x: float, y: float, loss: float) -> list[str]:
    """A dot at the end, and its value."""
    return [
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
        f'<text class="text" x="{x - 6:.1f}" y="{max(y - 10, _TOP - 4):.1f}" '
        f'text-anchor="end">{loss:.4g}</text>',
    ]


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten inside ``low`` to ``high``."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [v for p in powers for v in (10.0**p, 2 * 10.0**p, 5 * 10.0**p) if low <= v <= high]


def stage_starts(plan: Mapping[str, Any]) -> list[int]:
    """The steps at which the second and later stages of a recorded plan begin."""
    starts, start = [], 0
    for stage in (plan.get("stages") or [])[:-1]:
        start += int(stage["steps"])
        starts.append(start)
    return starts
