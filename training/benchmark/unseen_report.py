"""Summaries of the scores on unseen recordings: ratios to the best interpolation, the worst
contents and clips, and a page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.benchmark.bootstrap import LEVELS, resamples
from training.benchmark.report import FEW
from training.benchmark.unseen import CONTEXT, METRICS, GapScores

CURVES = ("hold", "slerp", "inertial", "spline")
WORSE = 1.05
"""A gap counts as worse than the inertial curve above this ratio."""
WITHIN = 1.5
"""An expected error counts as right within this factor of the real one."""
ALL = "all sets"
NAMES = {
    "rotation": "rotation",
    "position": "position",
    "l2p": "L2P",
    "l2q": "L2Q",
    "npss": "NPSS",
}


@dataclass(frozen=True)
class Ratio:
    """A network's error over that of the best curve, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    curve: str
    """Which curve is the best over all gaps of the cell."""


def ratio(gaps: Sequence[GapScores], name: str, metric: str) -> Ratio:
    """The network's mean divided by the smallest mean of the four curves, in each resample.

    Args:
        gaps: of one cell of the table.
        name: the network's.
        metric: one of ``METRICS``; NPSS is weighted by power, as it is defined.
    """
    # NPSS is a mean weighted by power, so that gaps of little motion count little.
    weights = np.array([gap.power if metric == "npss" else 1.0 for gap in gaps])
    of = {
        method: weights * np.array([gap.scores[method][metric] for gap in gaps])
        for method in (name, *CURVES)
    }
    # All methods share the draws, because the errors of one gap belong together.
    draws = resamples(len(gaps))
    # The best curve is chosen in every resample. A fixed choice would make the interval too narrow.
    best = np.min([of[curve][draws].sum(axis=1) for curve in CURVES], axis=0)
    # The bound avoids a division by zero where nothing moves.
    drawn = of[name][draws].sum(axis=1) / np.maximum(best, 1e-12)
    curve = min(CURVES, key=lambda curve: of[curve].sum())
    low, high = np.percentile(drawn, LEVELS)
    value = of[name].sum() / max(of[curve].sum(), 1e-12)
    return Ratio(round(float(value), 4), round(float(low), 4), round(float(high), 4), curve)


def worse_share(gaps: Sequence[GapScores], name: str, metric: str) -> float:
    """The share of gaps in which the network is more than 5 % worse than the inertial curve."""
    worse = [
        # The tolerance leaves out gaps in which both errors are zero but for rounding.
        gap.scores[name][metric] > WORSE * gap.scores["inertial"][metric] + 1e-6
        for gap in gaps
    ]
    return round(float(np.mean(worse)), 4)


def calibrated_share(gaps: Sequence[GapScores], name: str) -> float | None:
    """The share of gaps whose expected position error is within a factor of the real one.

    None where the network predicts no expected error.
    """
    pairs = [(gap.expected_cm, gap.scores[name]["position"]) for gap in gaps]
    right = [
        true / WITHIN <= expected <= true * WITHIN
        for expected, true in pairs
        if expected is not None
    ]
    return round(float(np.mean(right)), 4) if right else None


def worst(gaps: Sequence[GapScores], name: str, metric: str, by: str) -> dict[str, Any]:
    """The content or clip in which the network does worst against the best curve there.

    Args:
        gaps: of one cell of the table.
        name: the network's.
        metric: one of ``METRICS``.
        by: ``content`` or ``clip``. Contents of fewer than 20 gaps are skipped if any has more.
    """
    groups: dict[str, list[GapScores]] = defaultdict(list)
    for gap in gaps:
        groups[getattr(gap, by)].append(gap)
    if by == "content" and any(len(group) >= FEW for group in groups.values()):
        groups = defaultdict(list, {key: g for key, g in groups.items() if len(g) >= FEW})
    ratios = {key: _plain_ratio(group, name, metric) for key, group in groups.items()}
    key = max(ratios, key=lambda key: ratios[key])
    return {"name": key, "gaps": len(groups[key]), "ratio": round(ratios[key], 4)}


def _plain_ratio(gaps: Sequence[GapScores], name: str, metric: str) -> float:
    sums = {method: sum(gap.scores[method][metric] for gap in gaps) for method in (name, *CURVES)}
    return sums[name] / max(min(sums[curve] for curve in CURVES), 1e-12)


def cells(gaps: Sequence[GapScores]) -> Iterator[tuple[str, int, list[GapScores]]]:
    """Set, gap length and scores of every cell of the table; all sets together come last."""
    titles = list(dict.fromkeys(gap.title for gap in gaps))
    for title in (*titles, ALL):
        for length in sorted({gap.gap for gap in gaps}):
            cell = [g for g in gaps if g.gap == length and title in (ALL, g.title)]
            if cell:
                yield title, length, cell


def summary(gaps: Sequence[GapScores], name: str) -> list[dict[str, Any]]:
    """One row for each set and gap length, as JSON: ratios, shares of worse gaps, calibration, and
    the worst contents and clips."""
    return [
        {
            "set": title,
            "gap": length,
            "gaps": len(cell),
            "ratios": {metric: vars(ratio(cell, name, metric)) for metric in METRICS},
            "worse_than_inertial": {
                metric: worse_share(cell, name, metric) for metric in ("rotation", "position")
            },
            "expected_within_1.5": calibrated_share(cell, name),
            "means": {
                method: {
                    metric: round(float(np.mean([g.scores[method][metric] for g in cell])), 4)
                    for metric in ("rotation", "position")
                }
                for method in (name, *CURVES)
            },
            "worst": {
                by: {metric: worst(cell, name, metric, by) for metric in ("rotation", "position")}
                for by in ("content", "clip")
            },
        }
        for title, length, cell in cells(gaps)
    ]


def page(
    rows: Sequence[Mapping[str, Any]], name: str, absent: Mapping[str, str], command: str
) -> str:
    """The page of results, Markdown.

    Args:
        rows: of ``summary``.
        name: the network's.
        absent: why sets are missing, by their titles.
        command: what writes this page.
    """
    lines = [
        f"# `{name}` on recordings that it has never seen",
        "",
        f"Errors of the network over those of the best of {', '.join(CURVES[:-1])} and "
        f"{CURVES[-1]}, "
        "over all hidden frames;",
        "below 1 the network is better. In brackets: 95 % bootstrap intervals over gaps.",
        f"Each gap has {CONTEXT} known frames on either side, on joint roles at 30 frames a "
        f"second.",
        "Rotation is the mean angle of local rotations, position the mean distance of joints;",
        "L2P, L2Q and NPSS are the metrics of the LAFAN1 benchmark, L2P standardised by each set.",
        f"*Worse* is the share of gaps more than {WORSE - 1:.0%} worse than the inertial curve "
        "(rotation / position);",
        f"*expected* the share whose expected error is within a factor {WITHIN} of the real one.",
        "",
        f"Written by `{command}`.",
    ]
    lines += [f"\n**{title} is not in this table**: {reason}" for title, reason in absent.items()]
    for title in dict.fromkeys(row["set"] for row in rows):
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_table(rows, title)]
    lines += ["", "## The worst places", "", *_worst_table(rows)]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> Iterator[str]:
    yield f"| gap | gaps | {' | '.join(NAMES[m] for m in METRICS)} | worse | expected |"
    yield "|---:|---:|" + "---|" * (len(METRICS) + 2)
    for row in rows:
        if row["set"] == title:
            ratios = [row["ratios"][metric] for metric in METRICS]
            cells_ = " | ".join(
                f"{r['value']:.2f} ({r['low']:.2f} to {r['high']:.2f})" for r in ratios
            )
            share = row["worse_than_inertial"]
            expected = row["expected_within_1.5"]
            yield (
                f"| {row['gap']} | {row['gaps']} | {cells_} | "
                f"{share['rotation']:.0%} / {share['position']:.0%} | "
                f"{'-' if expected is None else f'{expected:.0%}'} |"
            )


def _worst_table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        f"Contents of fewer than {FEW} gaps (marked *) are named only where a set has no "
        "larger one."
    )
    yield ""
    yield "| set | gap | content, rotation | content, position | clip, rotation | clip, position |"
    yield "|---|---:|---|---|---|---|"
    for row in rows:
        # The worst place of all sets together is the worst of one of them.
        if row["set"] == ALL:
            continue
        places = [
            row["worst"][by][m] for by in ("content", "clip") for m in ("rotation", "position")
        ]
        names = " | ".join(
            f"{w['name'].rsplit('/', 1)[-1]} {w['ratio']:.2f}"
            # The first two name contents, for which the number of gaps matters. The others name one
            # clip.
            + ("*" if k < 2 and w["gaps"] < FEW else "")
            for k, w in enumerate(places)
        )
        yield f"| {row['set']} | {row['gap']} | {names} |"


def lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a terminal, followed by the worst places."""
    yield (
        f"{'':16}{'gap':>4}{'gaps':>6}"
        + "".join(f"{NAMES[m]:>19}" for m in METRICS)
        + "  worse rot/pos  expected"
    )
    for row in rows:
        share, expected = row["worse_than_inertial"], row["expected_within_1.5"]
        ratios = (row["ratios"][metric] for metric in METRICS)
        yield (
            f"{row['set']:16}{row['gap']:>4}{row['gaps']:>6}"
            + "".join(f"{r['value']:>6.2f} ({r['low']:.2f}-{r['high']:.2f})" for r in ratios)
            + f"{share['rotation']:>8.0%} / {share['position']:.0%}"
            + f"{'-' if expected is None else f'{expected:.0%}':>10}"
        )
    for row in rows:
        if row["set"] != ALL:
            places = (
                f"{metric} {row['worst'][by][metric]['name']} "
                f"{row['worst'][by][metric]['ratio']:.2f}"
                for by in ("content", "clip")
                for metric in ("rotation", "position")
            )
            yield f"{row['set']} {row['gap']}, worst: {', '.join(places)}"
