"""The leaderboard's figure: error by length of the gap."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from mmm.evaluation.standings import METRICS, Section
from mmm.interpolation.baselines import BASELINES


def gaps_section(
    section: Section, patterns: Sequence[str], metric: str, colours: dict[str, str]
) -> None:
    """Errors by length of the gap, with intervals.

    Only this page uses plotly, whose script is 4.7 MB.
    """
    lengths = sorted(int(p.removeprefix("gap:")) for p in patterns if p.startswith("gap:"))
    # A line needs two lengths, and computing time is no error.
    if len(lengths) < 2 or metric == "elapsed_s":
        return
    # Imported here, so that the other pages do not wait for it.
    import plotly.graph_objects as go

    figure = go.Figure()
    for method in section.methods:
        figure.add_scatter(
            name=method,
            mode="lines+markers",
            line={
                "color": colours.get(method, "#888"),
                # Interpolations are dotted, so that networks stand out without their colours too.
                "dash": "dot" if method in BASELINES else "solid",
            },
            **_line(section, method, lengths, metric),
        )
    title, unit = METRICS[metric]
    figure.update_layout(
        height=360,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        hovermode="x unified",
        xaxis={"title": "Length of the gap, frames", "tickvals": lengths},
        # The axis begins at zero, or small differences would look large.
        yaxis={"title": f"{title}, {unit}", "rangemode": "tozero"},
    )
    st.markdown(
        f"**By length of the gap**, over {len(section.clips)} clips; "
        "bars: 95 % intervals over clips"
    )
    st.plotly_chart(figure, key="board-gaps", config={"displayModeBar": False})


def _line(section: Section, method: str, lengths: Sequence[int], metric: str) -> dict[str, Any]:
    """The points of one method and their intervals, as plotly takes them."""
    cells = [
        (n, cell)
        for n in lengths
        if (cell := section.cells.get((method, f"gap:{n}"))) and cell.means[metric] is not None
    ]
    # A cell without an interval gets a bar of length zero.
    spans = [
        cell.intervals[metric] or (cell.means[metric], cell.means[metric]) for _, cell in cells
    ]
    means = [cell.means[metric] or 0.0 for _, cell in cells]
    return {
        "x": [n for n, _ in cells],
        "y": means,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "thickness": 1,
            # plotly takes distances from the mean, not the ends of the interval.
            "array": [(high or 0.0) - mean for (_, high), mean in zip(spans, means, strict=True)],
            "arrayminus": [
                mean - (low or 0.0) for (low, _), mean in zip(spans, means, strict=True)
            ],
        },
    }
