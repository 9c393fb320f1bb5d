"""Tables as the command line prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmm.metrics.errors import ERROR_KINDS

ERROR_COLUMNS = {name: kind.column for name, kind in ERROR_KINDS.items()}
"""The three errors as columns of a table."""
EVALUATION_COLUMNS = {
    "hide": "hidden",
    "method": "method",
    **ERROR_COLUMNS,
    "clips": "clips",
}
"""Keys of the rows of ``mmm.evaluation.evaluate.evaluate``, and their titles."""

# These columns are left-aligned. Numbers are right-aligned, so that their decimal points line up.
_TEXT_COLUMNS = ("hide", "method", "change", "name", "kind", "problem", "pattern")


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[str]:
    """Lines of a table: words to the left, numbers to the right, a dash for a mean over nothing.

    Args:
        rows: values by key.
        columns: the keys that are shown, in order, with their titles.
    """
    cells = [list(columns.values()), *([_cell(row.get(key)) for key in columns] for row in rows)]
    # Columns are as wide as their widest cell, so that tables stay narrow in a terminal.
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_text = [key in _TEXT_COLUMNS for key in columns]
    return [
        "  ".join(
            text.ljust(width) if left else text.rjust(width)
            for text, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in cells
    ]


def _cell(value: object) -> str:
    # A mean over nothing is None.
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
