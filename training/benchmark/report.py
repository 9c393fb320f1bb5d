"""The benchmark's tables. Figures that were published on other data are marked."""

from collections.abc import Mapping, Sequence
from typing import Any

METRICS = {
    "l2q": ("L2Q", 3),
    "l2p": ("L2P", 3),
    "npss": ("NPSS", 4),
    "position_cm": ("position, cm", 2),
}
"""Titles and decimals of the tables' columns."""
REFERENCE = "interpolation"
FEW = 20
"""Groups of fewer windows are marked: their ratios say little."""

Row = Mapping[str, Any]

PUBLISHED: dict[str, dict[str, tuple[float | None, ...]]] = {
    # Two baselines and the network of Harvey et al. 2020, *Robust Motion In-betweening*.
    "zero-velocity": {
        "l2q": (0.56, 1.10, 1.51, 1.81),
        "l2p": (1.52, 3.69, 6.60, 9.33),
        "npss": (0.0053, 0.0522, 0.2318, 0.4918),
    },
    "interpolation": {
        "l2q": (0.22, 0.62, 0.98, 1.25),
        "l2p": (0.373, 1.249, 2.316, 3.447),
        "npss": (0.0023, 0.0391, 0.2013, 0.4493),
    },
    "RMIB (2020)": {
        "l2q": (0.17, 0.42, 0.69, 0.94),
        "l2p": (0.23, 0.65, 1.28, 2.24),
        "npss": (0.0020, 0.0258, 0.1328, 0.3311),
    },
    # Oreshkin et al. 2022, *Motion In-Betweening via Deep Delta-Interpolator*; no gap of 45 there.
    "delta-interpolator (2022)": {
        "l2q": (0.114, 0.318, 0.572, None),
        "l2p": (0.129, 0.467, 0.995, None),
        "npss": (0.0014, 0.0217, 0.1217, None),
    },
    # Qin et al. 2022, *Motion In-betweening via Two-stage Transformers*.
    "two-stage (2022)": {
        "l2q": (0.099, 0.284, 0.545, 0.873),
        "l2p": (0.105, 0.394, 0.895, 1.678),
        "npss": (0.0011, 0.0188, 0.1124, 0.3217),
    },
}
"""On the full LAFAN1 test set, at gaps of 5, 15, 30 and 45 frames, from the papers of these
methods."""
PUBLISHED_GAPS = (5, 15, 30, 45)
# Scores of different recordings cannot be compared. Ratios to a common baseline can, with care.
RATIOS_PUBLISHED = {
    "two-stage (2022)": (0.28, 0.32, 0.39, 0.49),
    "delta-interpolator (2022)": (0.35, 0.37, 0.43, None),
}
"""L2P over interpolation's."""


def ratios(rows: Sequence[Row], to: str = REFERENCE) -> list[dict[str, Any]]:
    """The scores of all other methods divided by those of one, for the same gap and group.

    A ratio over zero is None.
    """
    base = {(row["group"], row["gap"]): row for row in rows if row["method"] == to}
    return [
        {
            **{key: row[key] for key in ("group", "windows", "gap", "method")},
            **{m: _over(row[m], base[row["group"], row["gap"]][m]) for m in METRICS},
        }
        for row in rows
        if row["method"] != to
    ]


def by_group(rows: Sequence[Row], method: str) -> list[dict[str, Any]]:
    """For every group and gap, one method's scores over the better of interpolation and spline."""
    of = {(row["group"], row["gap"], row["method"]): row for row in rows}
    table = []
    for (group, gap, name), row in of.items():
        if group != "all" and name == method:
            # Without the condition, the spline would be compared with itself.
            rivals = [of[group, gap, rival] for rival in (REFERENCE, "spline") if rival != method]
            table.append(
                {
                    "group": group,
                    "windows": row["windows"],
                    "gap": gap,
                    **{m: _over(row[m], min(rival[m] for rival in rivals)) for m in METRICS},
                }
            )
    return table


def _over(value: float, base: float) -> float | None:
    # A group in which nothing moves is interpolated without any error.
    return value / base if base > 0 else None


def lines(rows: Sequence[Row], published: bool) -> list[str]:
    """Scores of all windows and their ratios to interpolation, one block for each metric, and the
    published ratios.

    Args:
        rows: of ``training.benchmark.protocol.benchmark``.
        published: whether the rows are of the published test set, so that published scores may
        stand beside them.
    """
    overall = [row for row in rows if row["group"] == "all"]
    gaps = list(dict.fromkeys(row["gap"] for row in overall))
    text = []
    for metric, (title, decimals) in METRICS.items():
        scores = _by_method(overall, metric)
        relative = _by_method(ratios(overall), metric)
        text.append(
            _line(f"{title}, gap of", gaps, None, 0)
            + "   over interpolation"
            + "".join(f"{gap:>7}" for gap in gaps)
        )
        for method, values in scores.items():
            share = (
                " " * 21 + "".join(f"{_number(v, 2):>7}" for v in relative[method])
                if method in relative
                else ""
            )
            text.append(_line(method, values, decimals, 2) + share)
        # No paper reports distances in centimetres, so that metric has no published rows.
        if published and metric in PUBLISHED[REFERENCE]:
            for method, by_metric in PUBLISHED.items():
                published_scores = [
                    by_metric[metric][PUBLISHED_GAPS.index(gap)] if gap in PUBLISHED_GAPS else None
                    for gap in gaps
                ]
                text.append(_line(f"published: {method}", published_scores, decimals, 2))
        text.append("")
    origin = (
        "the same test set"
        if published
        else "OTHER data (the full LAFAN1 test set, which this is not)"
    )
    text.append(f"L2P over interpolation's as published, on {origin}:")
    text += [
        _line(
            method,
            [values[PUBLISHED_GAPS.index(gap)] if gap in PUBLISHED_GAPS else None for gap in gaps],
            2,
            2,
        )
        for method, values in RATIOS_PUBLISHED.items()
    ]
    return text


def _by_method(rows: Sequence[Row], metric: str) -> dict[str, list[float | None]]:
    by_method: dict[str, list[float | None]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row[metric])
    return by_method


def _line(name: str, values: Sequence[float | None], decimals: int | None, indent: int) -> str:
    cells = (
        f"{value:>8}" if decimals is None else f"{_number(value, decimals):>8}" for value in values
    )
    return f"{' ' * indent + name:<38}" + "".join(cells)


def group_lines(rows: Sequence[Row], method: str) -> list[str]:
    """Ratios of one method to the better of interpolation and spline, one line for each group, the
    worst L2P first."""
    table = by_group(rows, method)
    if not table:
        return []
    gaps = list(dict.fromkeys(row["gap"] for row in table))
    of = {(row["group"], row["gap"]): row for row in table}
    # Sorted by the worst gap, because this table is read to find where a method fails.
    worst = {
        row["group"]: max((of[row["group"], gap]["l2p"] or 0) for gap in gaps) for row in table
    }
    names = sorted(worst, key=lambda name: -worst[name])
    wide = max(map(len, names))
    rivals = "interpolation" if method == "spline" else "the better of interpolation and spline"
    text = [
        "",
        f"{method} over {rivals}, by group; * fewer than {FEW} windows:",
        f"{'':{wide}}  windows"
        + "".join(
            f"  {METRICS[m][0] + ' at':>12}" + "".join(f"{g:>7}" for g in gaps)
            for m in ("l2p", "position_cm")
        ),
    ]
    for name in names:
        count = of[name, gaps[0]]["windows"]
        cells = "".join(
            " " * 14 + "".join(f"{_number(of[name, g][m], 2):>7}" for g in gaps)
            for m in ("l2p", "position_cm")
        )
        text.append(f"{name:{wide}}  {count:>6}{'*' if count < FEW else ' '}{cells}")
    return text


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
