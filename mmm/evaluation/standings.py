"""The leaderboard's tables: means over the clips that methods have in common.

``standings`` returns them as sections of cells, which can be written as rows, CSV or Markdown.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm.evaluation.leaderboard import Benchmark
from mmm.evaluation.measurements import (
    Measurement,
    ResultsFile,
    code_version,
    digest_of,
    version_of,
)
from mmm.interpolation.baselines import BASELINES
from mmm.io.files import csv_cell
from mmm.metrics.errors import ERROR_KINDS, KINDS

METRICS: Mapping[str, tuple[str, str]] = {
    **{name: (kind.label, kind.unit) for name, kind in ERROR_KINDS.items()},
    "elapsed_s": ("Time a clip", "s"),
}
"""Label and unit of each metric. All but the time are means over hidden entries."""
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)
"""Percentiles of the bootstrap over clips."""

# By method and pattern, then by the digest of a clip.
_ByMethod = Mapping[tuple[str, str], Mapping[str, Measurement]]


@dataclass(frozen=True)
class Cell:
    """One method and pattern, over the clips that all methods of its section have in common."""

    method: str
    pattern: str
    clips: int
    hidden: int
    means: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    """95 % bootstrap intervals over clips; None for a single clip."""
    outdated: bool = False
    """Whether some of its measurements are by an earlier version of the code."""


@dataclass(frozen=True)
class Section:
    """Networks that fit the same clips, and the interpolations on the same clips."""

    clips: tuple[str, ...]
    methods: tuple[str, ...]
    """Networks, then interpolations."""
    cells: Mapping[tuple[str, str], Cell]
    """By method and pattern, as far as measured."""

    def best(self, pattern: str, metric: str) -> float | None:
        """The smallest mean of a column; None if nothing was measured."""
        means = [cell.means[metric] for (_, p), cell in self.cells.items() if p == pattern]
        return min((mean for mean in means if mean is not None), default=None)

    def ties(self, method: str, pattern: str, metric: str) -> bool:
        """Whether a method's interval reaches the column's best mean, so that the order may be
        chance."""
        cell, best = self.cells.get((method, pattern)), self.best(pattern, metric)
        interval = cell.intervals[metric] if cell else None
        return best is not None and interval is not None and interval[0] <= best


def standings(benchmark: Benchmark, results: ResultsFile) -> list[Section]:
    """The tables of a benchmark, from measurements of its clips' and checkpoints' present bytes.

    Returns:
        Sections in descending order of their number of clips.
    """
    # A clip that is not there is named by whoever measures.
    clip_names = {digest_of(path): path.stem for path in benchmark.clips if path.is_file()}
    versions = {checkpoint.name: version_of(checkpoint) for checkpoint in benchmark.checkpoints}
    versions |= dict.fromkeys(BASELINES, "")
    measured: dict[tuple[str, str], dict[str, Measurement]] = {}
    for m in results.read().values():
        # Measurements of former weights or files stay on disk, but do not count.
        current = m.digest in clip_names and versions.get(m.method) == m.version
        if current and m.seed == benchmark.seed and m.pattern in benchmark.patterns:
            measured.setdefault((m.method, m.pattern), {})[m.digest] = m
    covered = {
        name: frozenset(d for (method, _), by in measured.items() if method == name for d in by)
        for name in versions
    }
    networks = [c.name for c in benchmark.checkpoints if covered[c.name]]
    # Networks measured on different clips cannot be compared, so each set of clips is a section.
    groups = sorted(
        {covered[name] for name in networks}, key=lambda group: (-len(group), sorted(group))
    )
    if not groups and covered["hold"]:
        groups = [covered["hold"]]
    sections = []
    for group in groups:
        methods = (*(name for name in networks if covered[name] == group), *BASELINES)
        clips = tuple(sorted(clip_names[digest] for digest in group))
        cells = _cells(group, methods, benchmark.patterns, measured)
        sections.append(Section(clips, methods, cells))
    return sections


def _cells(
    group: frozenset[str], methods: Sequence[str], patterns: Sequence[str], measured: _ByMethod
) -> dict[tuple[str, str], Cell]:
    """The cells of a section: each pattern over the clips that all of its methods have."""
    cells = {}
    for pattern in patterns:
        by_method = {n: measured[n, pattern] for n in methods if (n, pattern) in measured}
        # A run in progress may have measured some methods on fewer clips than others.
        common = sorted(group.intersection(*by_method.values())) if by_method else []
        if not common:
            continue
        for name, by_clip in by_method.items():
            cells[name, pattern] = _cell(name, pattern, [by_clip[digest] for digest in common])
    return cells


def _cell(method: str, pattern: str, measurements: Sequence[Measurement]) -> Cell:
    count = len(measurements)
    # The median, because the first clip's time includes loading the network.
    means: dict[str, float | None] = {
        "elapsed_s": float(np.median([m.elapsed_s for m in measurements]))
    }
    intervals: dict[str, tuple[float, float] | None] = {"elapsed_s": None}
    # The same bootstrap samples for all methods and errors, so that intervals can be compared.
    draws = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    for kind in KINDS:
        sums, counts = np.array([[m.sums[kind], m.counts[kind]] for m in measurements], float).T
        # Means over entries, not of clips' means, as in ``evaluate``.
        means[kind] = float(sums.sum() / counts.sum()) if counts.sum() else None
        intervals[kind] = None
        if count > 1 and counts.min() > 0:
            low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), INTERVAL)
            intervals[kind] = float(low), float(high)
    outdated = any(m.code != code_version() for m in measurements)
    hidden = sum(m.hidden for m in measurements)
    return Cell(method, pattern, count, hidden, means, intervals, outdated)


def rows(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """One row for each section, method and pattern, as in the CSV."""
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
                if name in KINDS:
                    line[f"{name}_low"], line[f"{name}_high"] = (
                        (None, None)
                        if interval is None
                        else (round(interval[0], 4), round(interval[1], 4))
                    )
            yield line


def markdown(sections: Sequence[Section], patterns: Sequence[str], metric: str) -> str:
    """A table in Markdown for each section: methods by patterns, the best of a column in bold."""
    title, unit = METRICS[metric]
    parts = []
    for section in sections:
        # Patterns for which all clips of the section are too short have no column.
        shown = [pattern for pattern in patterns if any(p == pattern for _, p in section.cells)]
        heads = [
            f"`{pattern}` ({over.clips} clips, {over.hidden:,})"
            for pattern in shown
            if (over := next(cell for (_, p), cell in section.cells.items() if p == pattern))
        ]
        lines = [
            f"{title}, {unit}, over hidden entries of {len(section.clips)} clips "
            "(clips and entries of each column in brackets)",
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
                # Compared before rounding: two means with equal digits may differ.
                cells.append(
                    f"**{text}**"
                    if mean is not None and mean == section.best(pattern, metric)
                    else text
                )
            lines.append(f"| {method} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_csv(sections: Sequence[Section]) -> str:
    """The rows as CSV; cells that were not measured are empty."""
    # All rows have the same keys, so the first one gives the columns.
    lines, text = list(rows(sections)), io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]) if lines else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in line.items()} for line in lines)
    return text.getvalue()
