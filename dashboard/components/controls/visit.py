"""Keeps the token of a visit in the browser; see ``dashboard.files.visits``."""

import streamlit as st

from dashboard.components.assets import script
from mmm.viewer.payload import pack

_component = st.components.v2.component("mmm_visit", js=script("common.js", "controls/visit.js"))


def remember_visit(cookie: str, token: str, seconds: float, *, key: str) -> None:
    """Set the cookie; shows nothing.

    Args:
        cookie: its name.
        token: letters, digits, ``-`` and ``_``.
        seconds: how long the browser keeps it.
    """
    # Python cannot set one: Streamlit's pages come over a websocket.
    _component(
        key=key, data=pack({"cookie": cookie, "token": token, "seconds": round(seconds)}, {})
    )
