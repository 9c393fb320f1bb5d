"""Keyboard shortcuts of the page: run the main action, drive the viewer without a click."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components.assets import script
from mmm.viewer.payload import pack

_component = st.components.v2.component(
    "mmm_shortcuts", js=script("common.js", "controls/shortcuts.js")
)


def shortcuts(run: str, viewers: Sequence[str], *, key: str) -> None:
    """Add the shortcuts; shows nothing.

    R and Ctrl+Enter press a button. All other keys go to the viewer, except while the user types
    or the focused control uses the key itself.

    Args:
        run: key of the button.
        viewers: keys of the viewers; the visible one gets the keys.
    """
    # Streamlit puts a widget's key into the page as the class `st-key-KEY`, which the script finds.
    _component(key=key, data=pack({"run": run, "viewers": list(viewers)}, {}))
