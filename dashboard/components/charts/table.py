"""A table of numbers that is sorted in the browser by a click on a column's head."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack


@dataclass(frozen=True)
class Cell:
    """One number."""

    value: float | None
    """The value to sort by; None where nothing was measured."""
    # Apart from the value: sorting goes by the exact number, not by the rounded one.
    text: str
    note: str = ""
    """Tooltip."""
    best: bool = False
    tie: bool = False
    """Whether its order behind the best may be chance."""
    under: str = ""
    """A small line under the number."""


@dataclass(frozen=True)
class Row:
    """A method."""

    name: str
    colour: str
    cells: tuple[Cell, ...]


def pack_table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> bytes:
    """A table as a payload.

    Args:
        title: name for assistive technology.
        columns: head, and a note under it.
        rows: each with one cell for each column.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """
    # The browser would draw a short row without complaint, with numbers under the wrong heads.
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
    "mmm_table",
    js=script("common.js", "charts/table.js"),
    css=styles("common.css", "charts/table.css"),
)


def sorted_table(payload: bytes, *, key: str) -> None:
    """Show a payload of ``pack_table``."""
    _component(key=key, data=payload)
