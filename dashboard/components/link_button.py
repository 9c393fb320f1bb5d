"""A button that copies the page's address, which holds its whole state."""

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack

HELP = (
    "The page as it stands, to be sent to a colleague: sequence, part, pattern, edits, model, what stands beside. "
    "Files of your own are not in a link; it asks for them by name."
)

_component = st.components.v2.component(
    "mmm_link_button",
    js=script("common.js", "icons.js", "link_button.js"),
    css=styles("common.css", "link_button.css"),
)


def link_button(*, key: str) -> None:
    """Show *Copy link*. Where a browser lets no page write to the clipboard the address stands there, to be copied."""
    _component(key=key, data=pack({"label": "Copy link", "help": HELP}, {}))
