"""A table of numbers that its reader puts in order by a click on a column's head; no server is asked."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack


@dataclass(frozen=True)
class Cell:
    """One number."""

    value: float | None
    """What is sorted by; None where there is none."""
    text: str
    note: str = ""
    """Shown when pointed at."""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A method."""

    name: str
    colour: str
    cells: tuple[Cell, ...]


def pack_table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> bytes:
    """A table as a payload.

    Args:
        title: its spoken name.
        columns: head and what stands small under it.
        rows: each with a cell a column.

    Raises:
        ValueError: a row has another number of cells.
    """
    if any(len(row.cells) != len(columns) for row in rows):
        raise ValueError(
            f"rows of {sorted({len(row.cells) for row in rows})} cells for {len(columns)} columns"
        )
    return pack(
        {
            "title": title,
            "columns": [{"title": head, "note": note} for head, note in columns],
            "rows": [asdict(row) for row in rows],
        },
        {},
    )


_component = st.components.v2.component(
    "mmm_table", js=script("common.js", "table.js"), css=styles("common.css", "table.css")
)


def sorted_table(payload: bytes, *, key: str) -> None:
    """Show a payload of ``pack_table``."""
    _component(key=key, data=payload)
