"""What the leaderboard says, as rows, CSV and Markdown."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from mmm.evaluation.leaderboard import ERRORS, METRICS, Section


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
