"""Plotly figures; they return figures and never call Streamlit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from dashboard.palette import method_colour

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch when asked for

LIMBS = ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")


def limb_bars(results: "Sequence[RecoveryResult]", kind: str, unit: str, dark: bool = False) -> go.Figure:
    """Mean error over hidden entries of each limb, one bar a method; limbs of which nothing was hidden are left out."""
    figure, shown = go.Figure(), 0
    for result in results:
        groups = result.errors.per_group()
        limbs = [limb for limb in LIMBS if groups.get(limb, {}).get(kind) is not None]
        shown = max(shown, len(limbs))
        figure.add_bar(name=result.model_name, x=[limb.replace("_", " ") for limb in limbs],
                       y=[groups[limb][kind] for limb in limbs],
                       marker={"color": method_colour(result.model_name, dark), "cornerradius": 3},
                       hovertemplate="%{x}: %{y:.2f} " + unit + "<extra>" + result.model_name + "</extra>")
    figure.update_layout(
        barmode="group", bargap=0.25 if shown > 2 else 0.65, bargroupgap=0.08, height=280,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        yaxis={"title": unit, "rangemode": "tozero"}, showlegend=False,  # the table beside it names the colours
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure
