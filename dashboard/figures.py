"""Plotly figures; they return figures and never call Streamlit."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mmm import RecoveryResult

LIMBS = ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")


def limb_bars(results: Sequence[RecoveryResult], colours: Sequence[str], kind: str, unit: str) -> go.Figure:
    """Mean error over hidden entries of each limb, one bar a method."""
    figure = go.Figure()
    for result, colour in zip(results, colours, strict=True):
        groups = result.errors.per_group()
        limbs = [limb for limb in LIMBS if limb in groups]
        figure.add_bar(name=result.model_name, x=[limb.replace("_", " ") for limb in limbs],
                       y=[groups[limb][kind] for limb in limbs], marker={"color": colour, "cornerradius": 3},
                       hovertemplate="%{x}: %{y:.2f} " + unit + "<extra>" + result.model_name + "</extra>")
    figure.update_layout(
        barmode="group", bargap=0.25, bargroupgap=0.08, height=300, margin={"l": 8, "r": 8, "t": 8, "b": 8},
        yaxis={"title": unit, "rangemode": "tozero"}, legend={"orientation": "h", "y": 1.12, "x": 0},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure
