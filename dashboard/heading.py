"""The line above the stage: what is shown, its facts, and the link to it."""

import html
from collections.abc import Sequence

import streamlit as st

from dashboard.components.link_button import link_button


def heading(name: str, facts: Sequence[str], notes: Sequence[str] = ()) -> None:
    """Name and facts, and what the user should know about the clip."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", key="heading"):
        st.html(f'<div class="wb-title"><h1>{html.escape(name.replace("_", " "))}</h1>'
                f'<span class="wb-facts">{html.escape("  ·  ".join(facts))}</span></div>')
        with st.container(width=170):
            link_button(key="link")
    for note in notes:
        st.caption(note)
