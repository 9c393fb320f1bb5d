"""The attention map beside the viewer, or below it.

The page's main part is one column, the desk. Where the visitor docks the map, the desk keeps its
column and the map stands in a second one, in sight while the column scrolls. Styles alone decide
whether there is room (``page.css``): on a narrow page the docked map follows the viewer.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

DOCKED = "maps_docked"
"""Session key of the visitor's choice; not a control's, so Streamlit keeps it on every page."""


def desk_container() -> DeltaGenerator:
    """The container of all that stands in the column of the viewer."""
    return st.container(key="desk")


def is_docked() -> bool:
    """Whether the map stands beside the viewer; it does until the visitor undocks it."""
    return bool(st.session_state.get(DOCKED, True))


def place_button() -> None:
    """The button that docks the map or takes it back."""
    docked = is_docked()
    st.button(
        "Below the viewer" if docked else "Beside the viewer",
        key="maps-place",
        icon=":material/bottom_panel_open:" if docked else ":material/right_panel_open:",
        type="tertiary",
        on_click=lambda: st.session_state.update({DOCKED: not docked}),
        help="Where the map stands. Beside the viewer, both are in sight.",
    )
