"""A button that copies the page's address, which holds its whole state."""

import streamlit as st

from dashboard.components.assets import script, styles
from mmm.viewer.payload import pack

HELP = (
    "Copies a link to the page as it is: sequence, part, pattern, edits, model and comparisons. "
    "Your own files are not part of a link; it asks for them by name."
)

_component = st.components.v2.component(
    "mmm_link_button",
    js=script("common.js", "icons.js", "controls/link_button.js"),
    css=styles("common.css", "controls/link_button.css"),
)


def link_button(*, key: str) -> None:
    """Show *Copy link*.

    Where the browser denies access to the clipboard, the address is shown for copying by hand.
    """
    # The payload holds no address. The browser reads its own, which differs behind a proxy.
    _component(key=key, data=pack({"label": "Copy link", "help": HELP}, {}))
