"""Buttons whose press is never lost.

Streamlit tells a press to one run of the page alone. Where that run is interrupted before it comes to the button (the
stage, the maps or an upload have something to say at the same moment), ``st.button`` returns False in the next run and
the user's click has done nothing. Callbacks are called before the run begins: a press noted there stays until the page
says that it has acted.
"""

from typing import Any

import streamlit as st


def _waiting() -> set[str]:
    found: set[str] = st.session_state.setdefault("presses", set())
    return found


def button(label: str, *, key: str, **looks: Any) -> bool:
    """As ``st.button``; True until :func:`heard` is called."""
    st.button(label, key=key, on_click=_note, args=(key,), **looks)
    return is_pressed(key)


def _note(key: str) -> None:
    _waiting().add(key)


def is_pressed(key: str) -> bool:
    """Whether the button of this key waits for the page to act."""
    return key in _waiting()


def heard(key: str) -> None:
    """The page has acted: until the next press the button is not pressed."""
    _waiting().discard(key)
