"""The leaderboard's tables: means over the clips that methods have in common, as rows, CSV and Markdown."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm.evaluation.leaderboard import Benchmark
from mmm.evaluation.measurements import Measurement, ResultsFile, digest_of, version_of
from mmm.interpolation.baselines import BASELINES

METRICS: Mapping[str, tuple[str, str]] = {
    "rotation_deg": ("Joint rotation", "°"),
    "position_cm": ("Joint position", "cm"),
    "root_cm": ("Root", "cm"),
    "elapsed_s": ("Time a clip", "s"),
}
"""What is measured, and its unit; all but the time over hidden entries only."""
ERRORS = ("rotation_deg", "position_cm", "root_cm")
RESAMPLES, INTERVAL = 1000, (2.5, 97.5)


@dataclass(frozen=True)
class Cell:
    """One method and pattern, over the clips that all methods of its section have in common."""

    method: str
    pattern: str
    clips: int
    hidden: int
    means: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    """95 % of what other draws of clips would give (bootstrap over clips); None of a single clip."""


@dataclass(frozen=True)
class Section:
    """Networks that fit the same clips, and the interpolations on just these clips."""

    clips: tuple[str, ...]
    methods: tuple[str, ...]
    """Networks, then interpolations."""
    cells: Mapping[tuple[str, str], Cell]
    """By method and pattern; what was not measured is not there."""

    def best(self, pattern: str, metric: str) -> float | None:
        """The least mean of a column."""
        means = [cell.means[metric] for (_, p), cell in self.cells.items() if p == pattern]
        return min((mean for mean in means if mean is not None), default=None)


def standings(contest: Benchmark, book: ResultsFile) -> list[Section]:
    """What the book says of these clips, patterns and checkpoints, as they are now; the section of most clips first."""
    digests = {digest_of(path): path.stem for path in contest.clips}
    versions = {card.name: version_of(card) for card in contest.checkpoints} | dict.fromkeys(
        BASELINES, ""
    )
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for one in book.read().values():
        if (
            one.digest in digests
            and versions.get(one.method) == one.version
            and one.seed == contest.seed
            and one.pattern in contest.patterns
        ):
            found.setdefault((one.method, one.pattern), {})[one.digest] = one
    covered = {
        name: frozenset(d for (method, _), by in found.items() if method == name for d in by)
        for name in versions
    }
    networks = [card.name for card in contest.checkpoints if covered[card.name]]
    groups = sorted(
        {covered[name] for name in networks}, key=lambda group: (-len(group), sorted(group))
    )
    if not groups and covered["hold"]:
        groups = [covered["hold"]]
    return [
        _section(group, [n for n in networks if covered[n] == group], contest, found, digests)
        for group in groups
    ]


def _section(
    group: frozenset[str],
    networks: list[str],
    contest: Benchmark,
    found: Mapping[tuple[str, str], Mapping[str, Measurement]],
    digests: Mapping[str, str],
) -> Section:
    methods, cells = (*networks, *BASELINES), {}
    for pattern in contest.patterns:
        here = {name: found[name, pattern] for name in methods if (name, pattern) in found}
        common = sorted(group.intersection(*here.values())) if here else []
        for name, by in here.items():
            if common:
                cells[name, pattern] = _cell(name, pattern, [by[digest] for digest in common])
    return Section(tuple(sorted(digests[d] for d in group)), methods, cells)


def _cell(method: str, pattern: str, ones: Sequence[Measurement]) -> Cell:
    means: dict[str, float | None] = {
        "elapsed_s": float(np.median([one.elapsed_s for one in ones]))
    }
    intervals: dict[str, tuple[float, float] | None] = {"elapsed_s": None}
    draws = np.random.default_rng(0).integers(0, len(ones), (RESAMPLES, len(ones)))
    for name in ERRORS:
        sums, counts = np.array([[one.sums[name], one.counts[name]] for one in ones], dtype=float).T
        means[name] = float(sums.sum() / counts.sum()) if counts.sum() else None
        intervals[name] = None
        if len(ones) > 1 and counts.min() > 0:
            low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), INTERVAL)
            intervals[name] = float(low), float(high)
    return Cell(method, pattern, len(ones), sum(one.hidden for one in ones), means, intervals)


def rows(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """A line a section, method and pattern, as the CSV has them."""
    for number, section in enumerate(sections, start=1):
        for (method, pattern), cell in section.cells.items():
            line: dict[str, Any] = {
                "section": number,
                "method": method,
                "pattern": pattern,
                "clips": cell.clips,
                "hidden": cell.hidden,
            }
            for name in METRICS:
                mean, interval = cell.means[name], cell.intervals[name]
                line[name] = None if mean is None else round(mean, 4)
                if name in ERRORS:
                    line[f"{name}_low"], line[f"{name}_high"] = (
                        (None, None)
                        if interval is None
                        else (round(interval[0], 4), round(interval[1], 4))
                    )
            yield line


def markdown(sections: Sequence[Section], patterns: Sequence[str], metric: str) -> str:
    """Tables for a document: a row a method, a column a pattern, the best of a column bold."""
    title, unit = METRICS[metric]
    parts = []
    for section in sections:
        shown = [pattern for pattern in patterns if any(p == pattern for _, p in section.cells)]
        heads = [
            f"`{pattern}` ({over.clips} clips, {over.hidden:,})"
            for pattern in shown
            if (over := next(cell for (_, p), cell in section.cells.items() if p == pattern))
        ]
        lines = [
            f"{title}, {unit}, over hidden entries of {len(section.clips)} clips (clips and entries of each "
            "column in brackets)",
            "",
            f"| method | {' | '.join(heads)} |",
            f"|---|{'---|' * len(shown)}",
        ]
        for method in section.methods:
            cells = []
            for pattern in shown:
                cell = section.cells.get((method, pattern))
                mean = cell.means[metric] if cell else None
                text = "–" if mean is None else f"{mean:.2f}"
                cells.append(
                    f"**{text}**"
                    if mean is not None and mean == section.best(pattern, metric)
                    else text
                )
            lines.append(f"| {method} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_csv(sections: Sequence[Section]) -> str:
    """The rows, a line each; what was not measured is left empty."""
    lines, text = list(rows(sections)), io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]) if lines else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
