"""Buttons whose press is never lost, and a picker that the page may set as well as the user.

Streamlit tells a press to one run of the page alone. Where that run is interrupted before it comes to the button (the
stage, the maps or an upload have something to say at the same moment), ``st.button`` returns False in the next run and
the user's click has done nothing. Callbacks are called before the run begins: a press noted there stays until the page
says that it has acted.

The browser sends the values of all widgets with every message. Where the page has just set a picker (an upload is
to be shown), the browser may send a message before it has heard of that, and Streamlit would take the old value for
the user's choice. :func:`pick` opens a new widget for each value that the page sets: the browser knows no old value
of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def _waiting() -> set[str]:
    # In the session: a module variable would be shared by all visitors.
    presses: set[str] = st.session_state.setdefault("presses", set())
    return presses


def button(label: str, *, key: str, **looks: Any) -> bool:
    """As ``st.button``; True until :func:`release` is called."""
    st.button(label, key=key, on_click=_note, args=(key,), **looks)
    return is_pressed(key)


def _note(key: str) -> None:
    _waiting().add(key)


def is_pressed(key: str) -> bool:
    """Whether the button of this key waits for the page to act."""
    return key in _waiting()


def release(key: str) -> None:
    """The page has acted: until the next press the button is not pressed."""
    _waiting().discard(key)


def pick(
    label: str, options: Sequence[str], name: str, show: Callable[[str], str], help_: str
) -> str:
    """As ``st.selectbox``; the value is ``st.session_state[name]``.

    Args:
        name: what stands there when this is called is one of the options.
        show: an option in words.
    """
    state = st.session_state
    pickers: dict[str, tuple[Any, int]] = state.setdefault("pickers", {})
    drawn, turn = pickers.get(name, (None, 0))
    # A new number makes a new key, for which the browser holds no old value.
    turn += state[name] != drawn
    chosen = str(
        st.selectbox(
            label,
            options,
            options.index(state[name]),
            key=f"pick-{name}~{turn}",
            format_func=show,
            help=help_,
        )
    )
    pickers[name], state[name] = (chosen, turn), chosen
    return chosen
