"""A tour of the page's controls for new users: a ring and a short text on one after another."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack


@dataclass(frozen=True)
class Stop:
    """One control."""

    selector: str
    """CSS selector; a control that is not on the page is skipped."""
    title: str
    words: str


_component = st.components.v2.component(
    "mmm_tour",
    js=script("common.js", "icons.js", "controls/tour.js"),
    css=styles("common.css", "controls/tour.css"),
)


def tour(stops: Sequence[Stop], *, key: str) -> None:
    """Show *Tour*, highlighted until it has been taken once. Arrow keys step, Escape ends it."""
    # Whether the tour was taken is kept in the browser's local storage, not on the server.
    _component(key=key, data=pack({"steps": [asdict(stop) for stop in stops]}, {}))
