"""The loss curve of a run as a small SVG for the checkpoint's card, for light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Axes:
    """Where steps and losses lie on the drawing, in pixels."""

    last: float
    """The last step; steps begin at 0."""
    low: float
    high: float
    logarithmic: bool

    @staticmethod
    def of(points: Sequence[tuple[float, float]]) -> "_Axes":
        """Axes that hold all points of step and loss."""
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
        return _Axes(last, low, high if high > low else low + 1, logarithmic)

    def x(self, step: float) -> float:
        """The place of a step."""
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * step / self.last

    def y(self, loss: float) -> float:
        """The place of a loss."""
        share = (
            math.log(loss / self.low) / math.log(self.high / self.low)
            if self.logarithmic
            else (loss - self.low) / (self.high - self.low)
        )
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share


def curve_svg(
    curve: Sequence[Mapping[str, float]], title: str, unit: str, stages: Sequence[int] = ()
) -> str:
    """A drawing of the loss over the steps.

    Args:
        curve: rows with ``step`` and ``loss``; rows whose loss is not finite are left out.
        title: the drawing's title, also for screen readers.
        unit: the label of the loss axis.
        stages: steps at which another stage of the schedule begins, drawn as dashed lines.

    Returns:
        The file's text, without scripts or external resources.

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
    axes = _Axes.of(points)
    path = " ".join(f"{axes.x(step):.1f},{axes.y(loss):.1f}" for step, loss in points)
    step, loss = points[-1]
    parts = [
        # In the order in which SVG paints: the dot at the end lies on the line.
        _frame(title),
        *_grid(axes, stages),
        f'<polyline class="loss" points="{path}"/>',
        *_ending(axes.x(step), axes.y(loss), loss),
        *_axis_titles(unit + (", logarithmic" if axes.logarithmic else "")),
    ]
    return "\n".join(parts) + "\n"


def _grid(axes: _Axes, stages: Sequence[int]) -> list[str]:
    """Grid lines and tick labels, and a dashed line where a stage begins."""
    parts = []
    for value in _decades(axes.low, axes.high) if axes.logarithmic else ticks(axes.low, axes.high):
        y = axes.y(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="soft" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for step in ticks(0, axes.last, 6):
        parts.append(
            f'<text class="soft" x="{axes.x(step):.1f}" y="{HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{step:,.0f}</text>'
        )
    for step in stages:
        if 0 < step < axes.last:
            x = axes.x(step)
            parts.append(
                f'<line class="stage" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" '
                f'y2="{HEIGHT - _BOTTOM}"/>'
            )
    return parts


def _axis_titles(loss_title: str) -> list[str]:
    """The axis of steps, both titles and the end of the file."""
    return [
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{HEIGHT - _BOTTOM}" '
        f'y2="{HEIGHT - _BOTTOM}"/>',
        f'<text class="soft" x="{(WIDTH + _LEFT - _RIGHT) / 2}" y="{HEIGHT - 10}" '
        f'text-anchor="middle">training step</text><text class="soft" '
        f'transform="translate(16 {(HEIGHT + _TOP - _BOTTOM) / 2}) '
        f'rotate(-90)" text-anchor="middle">{escape(loss_title)}</text></svg>',
    ]


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
